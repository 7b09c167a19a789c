"""The kit for a plugin author's tests: in your conftest, `pytest_plugins = ["toolkit.testing"]`.

It is no `pytest11` entry point, so it never enters anybody else's test runs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pytest

from toolkit.plugins import load


@dataclass(frozen=True, slots=True)
class Ended:
    """What one real run of `toolkit` did."""

    argv: tuple[str, ...]
    status: int
    stdout: str
    stderr: str

    def json(self) -> dict[str, object]:
        """Return standard output read as one JSON object."""
        record = json.loads(self.stdout)
        if not isinstance(record, dict):
            raise TypeError(self.stdout)
        return record


class Run(Protocol):
    """The type of the `toolkit_run` fixture."""

    def __call__(
        self, *argv: str, environ: Mapping[str, str] | None = None, timeout: float = 30
    ) -> Ended:
        """Run `toolkit argv…` as a process in the isolated home and return how it ended."""


@dataclass(frozen=True, slots=True)
class Home:
    """An isolated user: `folder` is home and working directory, `environ` what commands get."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    def write(self, name: str, text: str) -> Path:
        """Write a file below the folder and return its path."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        path.chmod(0o644)
        return path


KEPT = ("PATH", "LANG", "LC_ALL", "VIRTUAL_ENV", "SYSTEMROOT", "PYTHONWARNINGS", "TMPDIR")


@pytest.fixture
def toolkit_home(tmp_path: Path) -> Home:
    """A home folder of its own, and an environment that knows no other."""
    folder = tmp_path / "home"
    folder.mkdir(mode=0o755)
    environ = {name: os.environ[name] for name in KEPT if name in os.environ}
    environ |= {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder / ".config")}
    environ |= {"TOOLKIT_CONFIG_SYSTEM": str(folder / "etc.yaml"), "PYTHONIOENCODING": "utf-8"}
    return Home(folder, environ)


@pytest.fixture
def toolkit_run(toolkit_home: Home) -> Run:
    """A function that runs `toolkit` as a real process in the isolated home."""

    def run(*argv: str, environ: Mapping[str, str] | None = None, timeout: float = 30) -> Ended:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "toolkit", *argv],
            cwd=toolkit_home.folder,
            env={**toolkit_home.environ, **(environ or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=timeout,
            check=False,
        )
        return Ended(argv, done.returncode, done.stdout, done.stderr)

    return run


def command_paths(app_reference: str, name: str) -> Iterator[tuple[str, ...]]:
    """Yield the path of each command of a plugin's application: ("https",), ("https", "check") ….

    For a test that invokes each with `--help`.
    """
    import typer
    from typer.main import get_group

    app = load(app_reference)
    if not isinstance(app, typer.Typer):
        raise TypeError(app_reference)
    yield from _walk(get_group(app), (name,))


def _walk(command: object, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    yield path
    commands: Mapping[str, object] = getattr(command, "commands", {})
    for name, child in commands.items():
        yield from _walk(child, (*path, name))


def examples_of(app_reference: str) -> list[str]:
    """Return the command lines of all examples on the help pages of an application."""
    import typer
    from typer.main import get_group

    app = load(app_reference)
    if not isinstance(app, typer.Typer):
        raise TypeError(app_reference)
    found: list[str] = []
    waiting: list[object] = [get_group(app)]
    while waiting:
        command = waiting.pop()
        waiting += getattr(command, "commands", {}).values()
        pairs: tuple[tuple[str, str], ...] = getattr(command, "examples", ())
        found += [line for _, line in pairs]
    return found
