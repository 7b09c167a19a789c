"""What becomes of a test whose real server is missing: named at the end, a failure in CI."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
SCENES = """
import pytest

@pytest.mark.server("no-such-program")
def test_needs_a_server(): ...

@pytest.mark.server("sh")
def test_skips_itself(): pytest.skip("not today")

@pytest.mark.interpreter("9.9")
def test_needs_another_python(): ...
"""
OURS = "test_scenes.py::test_"
MISSING = "no-such-program is not installed (apt-get install ghost)"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A suite of three tests under our conftest, with a server that no machine has."""
    shutil.copy(TESTS / "conftest.py", tmp_path)
    lines = "ghost | no-such-program | to be missed\ndash | sh | is there\n"
    (tmp_path / "servers.txt").write_text(lines)
    (tmp_path / "test_scenes.py").write_text(SCENES)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n  server: s\n  interpreter: i\n")
    return tmp_path


def run(folder: Path, ci: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "pytest", "-p", "no:cacheprovider"],
        cwd=folder,
        env={**os.environ, "CI": ci},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_skipped_test_is_named_with_its_reason_in_the_closing_lines(folder: Path) -> None:
    done = run(folder, ci="")
    assert done.returncode == 0
    *_, server, itself, other, hint, summary = done.stdout.splitlines()
    assert server == f"{OURS}needs_a_server: {MISSING}"
    assert itself == f"{OURS}skips_itself: not today"
    assert other == f"{OURS}needs_another_python: python9.9 is not installed"
    assert "tests/run --servers" in hint
    assert "3 skipped" in summary


def test_in_ci_a_skipped_server_test_fails_and_a_missing_interpreter_does_not(
    folder: Path,
) -> None:
    done = run(folder, ci="true")
    assert done.returncode == 1
    assert f"in CI a real-server test must run: {MISSING}" in done.stdout
    assert "in CI a real-server test must run: not today" in done.stdout
    assert "1 failed, 1 skipped, 1 error" in done.stdout.splitlines()[-1]
