"""Standard streams that are closed, and what is printed there all the same."""

from __future__ import annotations

import shlex
import subprocess
import sys

import pytest

from toolkit.testing import Home

TOOLKIT = f"{shlex.quote(sys.executable)} -P -m toolkit"


def ended(home: Home, line: str) -> subprocess.CompletedProcess[str]:
    """Run a line of shell in which `toolkit` is the command under test."""
    return subprocess.run(
        ["/bin/sh", "-c", f"{TOOLKIT} {line}"], cwd=home.folder, env=home.environ,
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("line", ["--version", "--help", "plugins", "plugins --format json"])
def test_a_closed_standard_output_is_a_sentence(line: str, toolkit_home: Home) -> None:
    done = ended(toolkit_home, f"{line} >&-")
    assert done.returncode == 3
    assert done.stderr.startswith("toolkit: error: standard output: Bad file descriptor")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("line", "status"), [("--version", 0), ("plugins", 0), ("nonsense", 2), ("", 2)]
)
def test_a_closed_standard_error_changes_no_status(
    line: str, status: int, toolkit_home: Home
) -> None:
    done = ended(toolkit_home, f"{line} 2>&-")
    assert done.returncode == status
    assert done.stderr == ""


def test_a_closed_standard_input_is_an_empty_one(toolkit_home: Home) -> None:
    done = ended(toolkit_home, "https check --file - <&-")
    assert done.returncode == 2
    assert "there is no target to check" in done.stderr


def test_nothing_opened_later_takes_the_place_of_a_closed_stream(toolkit_home: Home) -> None:
    """The lowest free descriptor is given to the next file: text for users must not go there."""
    target = toolkit_home.write("chain.txt", "kept\n")
    done = ended(toolkit_home, f"https explain expired --format json >&- 2>&- <{target}")
    assert done.returncode == 3
    assert target.read_text() == "kept\n"
