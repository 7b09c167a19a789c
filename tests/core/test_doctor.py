"""Probes: what is looked for, and where."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from toolkit.doctor import program
from toolkit.testing import Home, Run


def made(folder: Path, script: str) -> Path:
    path = folder / "lampctl"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_a_program_is_found_with_the_first_line_of_its_version(tmp_path: Path) -> None:
    made(tmp_path, "printf 'lampctl 1.2\\033[31m\\nmore\\n'")
    probe = program("lampctl", package="lamp", needed_for="light", path=str(tmp_path))
    assert probe.found
    assert probe.detail == r"lampctl 1.2\x1b[31m"


def test_a_program_that_is_not_there_has_its_package_as_remedy(tmp_path: Path) -> None:
    probe = program("lampctl", package="lamp", needed_for="light", path=str(tmp_path))
    assert (probe.found, probe.remedy) == (False, "apt-get install lamp")


def test_a_program_that_cannot_be_run_says_why(tmp_path: Path) -> None:
    path = made(tmp_path, "")
    path.write_bytes(b"\x7fELF, and then nothing")
    probe = program("lampctl", package="lamp", needed_for="light", path=str(tmp_path))
    assert not probe.found
    assert "cannot be run: " in probe.detail


def test_servers_are_found_though_they_are_on_no_users_path(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Debian has them in /usr/sbin, which is on root's path alone; `useradd` is always there."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert program("useradd", package="passwd", needed_for="users", version=("--help",)).found


def test_every_probe_that_misses_something_names_a_remedy(
    toolkit_home: Home, toolkit_run: Run
) -> None:
    environ = {"PATH": str(toolkit_home.folder)}  # nothing is there
    lines = toolkit_run("doctor", "--format", "jsonl", environ=environ).stdout.splitlines()
    missing = [probe for probe in map(json.loads, lines) if not probe["found"]]
    assert missing
    assert [probe["name"] for probe in missing if not probe["remedy"]] == []
