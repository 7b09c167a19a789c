"""Probes: what this machine has that a proof needs, and what to install where it lacks it."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolkit import terminal
from toolkit.errors import ToolkitError
from toolkit.text import clean

if TYPE_CHECKING:
    from toolkit.session import Session


@dataclass(frozen=True, slots=True)
class Probe:
    """One thing looked for.

    `detail` is what was found (a version, a path), `remedy` what to install where it wasn't,
    `needed_for` what can't be proven without it; a `required` one that is missing is a failure.
    """

    name: str
    found: bool
    detail: str
    remedy: str = ""
    needed_for: str = ""
    required: bool = False


def program(
    name: str,
    *,
    package: str,
    needed_for: str,
    version: tuple[str, ...] = ("--version",),
    path: str | None = None,
) -> Probe:
    """Look for the program `name` on `path` and ask it for its version.

    By default that is PATH, and the folders of servers after it, which only root's PATH has.
    """
    usual = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
    where = shutil.which(name, path=usual if path is None else path)
    remedy = f"apt-get install {package}"
    if where is None:
        return Probe(name, found=False, detail="not found", remedy=remedy, needed_for=needed_for)
    try:
        answer = subprocess.run(
            [where, *version], capture_output=True, text=True, timeout=10, check=False,
            stdin=subprocess.DEVNULL, errors="replace",
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        detail = f"{where} cannot be run: {clean(str(error), limit=80)}"
        return Probe(name, found=False, detail=detail, remedy=remedy, needed_for=needed_for)
    said = (answer.stdout or answer.stderr).strip().splitlines()
    return Probe(
        name, found=True, detail=clean(said[0] if said else where, limit=70), needed_for=needed_for
    )


def core_probes(session: Session) -> Iterator[Probe]:
    """The core's own: the interpreter, the terminal, the configuration."""
    yield Probe(
        "Python",
        found=True,
        detail=f"{platform.python_version()} ({sys.executable})",
        required=True,
    )
    stream = session.output.stdout
    kind = "a terminal" if terminal.is_terminal(stream) else "no terminal"
    columns = terminal.width(session.environ, stream)
    encoding = getattr(stream, "encoding", "") or "unknown"
    yield Probe("terminal", found=True, detail=f"{kind}, {columns} columns, {encoding}")
    yield _configuration(session)


def _configuration(session: Session) -> Probe:
    from toolkit.commands.config import problems_of

    found = problems_of(session)
    if found:
        detail = clean(str(found[0]), limit=120)
        return Probe("configuration", found=False, detail=detail, remedy="toolkit config check",
                     required=True)  # fmt: skip
    files = ", ".join(str(path) for path in session.config.files) or "no file; defaults"
    return Probe("configuration", found=True, detail=clean(files), required=True)


def run_probes(
    name: str, probes: Callable[[Session], Iterable[Probe]], session: Session
) -> list[Probe]:
    """Run one plugin's probes; an exception in them is a missing probe, not the end of the rest."""
    try:
        return list(probes(session))
    except ToolkitError as error:
        detail, remedy = clean(error.message), error.hint
    except Exception as error:  # noqa: BLE001  a third party's code: the rest must go on
        detail = clean(f"its probes failed: {type(error).__name__}: {error}", limit=200)
        remedy = "report it to the plugin's author"
    return [Probe(name, found=False, detail=detail, remedy=remedy, required=True)]
