"""The two kinds of ready-made clients: programs with arguments, scripts for an interpreter."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass

from toolkit.text import clean
from toolkit_https.clients import Absent, Installed, Machine, Way

LONGEST_VERSION = 60
PROGRAM = "{program}"
SAFE_PATH = "import sys; sys.path[:] = [item for item in sys.path if item]\n"
"""Before each script: `-c` puts the current folder first, and a file ssl.py there would run in the
place of the real one. (`-P` says the same, but from Python 3.11 on only.)"""


@dataclass(frozen=True, slots=True)
class Program:
    """A client that is a program.

    ways      (label, arguments, weakened); the program itself goes before the arguments, unless
              {program} is one of them
    version   arguments that make it tell its version, in the first line of its output
    package   the Debian package that it is in
    """

    name: str
    program: str
    ways: tuple[tuple[str, tuple[str, ...], bool], ...]
    package: str
    version: tuple[str, ...] = ("--version",)

    def find(self, machine: Machine) -> Installed | Absent:
        """Look for the program on the machine's PATH, and ask it what it needs."""
        remedy = f"apt-get install {self.package}"
        path = machine.which(self.program)
        if path is None:
            return Absent(f"{self.program} is not installed", remedy)
        told = machine.ask((path, *self.version))
        if told is None:
            return Absent(f"{self.program} {' '.join(self.version)} fails", remedy)
        ways = tuple(Way(label, _command(path, rest), weak) for label, rest, weak in self.ways)
        return Installed(_version(told), ways)


@dataclass(frozen=True, slots=True)
class Script:
    """A client that is a Python library, used as its documentation says.

    module    what must be importable
    probe     an expression for its version, after `import module, sys`; more lines tell `sources`
              what else there is
    sources   what `probe` told → (label, source, weakened); a source finds URL and CA in
              sys.argv[1:3]
    remedy    how to install it, where {python} is the interpreter that lacks it
    scheme    what it speaks, as in `Way`
    """

    name: str
    module: str
    probe: str
    sources: Callable[[str], tuple[tuple[str, str, bool], ...]]
    remedy: str
    scheme: str = "https"

    def find(self, machine: Machine) -> Installed | Absent:
        """Ask the machine's Python for the library."""
        python = machine.which(machine.python)
        if python is None:
            return Absent(f"{clean(machine.python)} is not an interpreter", "--python PATH")
        question = f"sys.stdout.write(sys.executable + '\\n' + {self.probe})"
        answer = machine.ask((python, "-c", f"{SAFE_PATH}import {self.module}; {question}"))
        if answer is None:
            remedy = self.remedy.replace("{python}", clean(shlex.quote(python)))
            return Absent(f"{clean(python)} cannot import {self.module}", remedy)
        real, _, told = answer.partition("\n")
        python = real or python  # not a version manager's shim, which costs more than the client
        ways = tuple(
            Way(label, (python, "-c", SAFE_PATH + source, "{url}", "{ca}"), weak, self.scheme)
            for label, source, weak in self.sources(told)
        )
        return Installed(_version(told), ways)


def _command(path: str, arguments: tuple[str, ...]) -> tuple[str, ...]:
    if PROGRAM in arguments:
        return tuple(path if text == PROGRAM else text for text in arguments)
    return (path, *arguments)


def _version(text: str) -> str:
    """Return the version in what a program says of itself, without the platform in brackets."""
    line = next(iter(text.strip().splitlines()), "")
    return clean(line.partition(" (")[0], limit=LONGEST_VERSION)
