"""The scripts around the code: what they refuse, they refuse before they change anything."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*argv: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environ},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def old_python(tmp_path: Path) -> str:
    """An interpreter that says it is too old, as Python 3.9 would: by its exit status."""
    script = tmp_path / "python3.9"
    script.write_text("#!/bin/sh\nexit 1\n")
    script.chmod(0o755)
    return str(script)


def test_install_leaves_a_command_of_somebody_else_alone(tmp_path: Path) -> None:
    command = tmp_path / ".local/bin/toolkit"
    command.parent.mkdir(parents=True)
    command.write_text("theirs")
    done = run("./install", HOME=str(tmp_path))
    assert done.returncode == 2
    assert str(command) in done.stderr
    assert command.read_text() == "theirs"
    assert not (tmp_path / ".local/share").exists()


def test_install_never_clears_a_folder_that_is_no_environment(tmp_path: Path) -> None:
    kept = tmp_path / "sysadmin-toolkit/venv/notes"
    kept.parent.mkdir(parents=True)
    kept.write_text("mine")
    done = run("./install", HOME=str(tmp_path), XDG_DATA_HOME=str(tmp_path))
    assert done.returncode == 2
    assert kept.read_text() == "mine"


def test_an_upgrade_that_fails_leaves_the_old_installation(tmp_path: Path) -> None:
    """Without a network the packages can't be had: known before anything is cleared."""
    old = tmp_path / "sysadmin-toolkit" / "venv"
    (old / "bin").mkdir(parents=True)
    (old / "pyvenv.cfg").touch()
    (old / "bin" / "toolkit").write_text("the old one\n")
    done = run("./install", HOME=str(tmp_path), XDG_DATA_HOME=str(tmp_path), PIP_NO_INDEX="1")
    assert done.returncode == 2
    assert "install: the packages could not be fetched; nothing was changed" in done.stderr
    assert (old / "bin" / "toolkit").read_text() == "the old one\n"


@pytest.mark.parametrize("script", ["./install", "tests/run"])
def test_an_interpreter_that_is_too_old_is_named(
    script: str, old_python: str, tmp_path: Path
) -> None:
    done = run(script, HOME=str(tmp_path), PYTHON=old_python)
    assert done.returncode == 2
    assert f"{old_python} is not Python 3.11 or newer" in done.stderr


def test_an_unknown_argument_of_the_test_command_is_named() -> None:
    done = run("tests/run", "--sever")
    assert done.returncode == 2
    assert "--sever" in done.stderr


def test_help_of_the_test_command_shows_its_options() -> None:
    assert "--servers" in run("tests/run", "--help").stdout


@pytest.mark.parametrize("script", ["install", "tests/run", ".ci/run"])
def test_a_script_is_executable_and_parses(script: str) -> None:
    shell = "bash" if "bash" in (ROOT / script).read_text().splitlines()[0] else "sh"
    assert os.access(ROOT / script, os.X_OK)
    assert run(shell, "-n", script).returncode == 0


def test_the_readme_names_the_commands_that_exist() -> None:
    readme = (ROOT / "README.md").read_text()
    assert "./install && ~/.local/bin/toolkit demo\n" in readme
    assert "tests/run --servers\n" in readme


@pytest.mark.parametrize(
    "page",
    [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_every_relative_link_of_a_page_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#\s]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []
