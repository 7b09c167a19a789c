"""Ready-made clients: programs and libraries that people make HTTPS requests with.

A client is one small module whose object satisfies `Client`, named by an entry point in the group
`toolkit_https.clients`; a third party's is found like the bundled ones.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

GROUP = "toolkit_https.clients"
PLACEHOLDERS = ("{url}", "{ca}", "{host}", "{port}")
SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Way:
    """One way of using a client.

    label     what people would call it: "curl -k"
    argv      the command; in each argument the PLACEHOLDERS are replaced. It makes one request,
              trusts {ca} alone, and ends with status 0 only if the server was accepted
    weakened  verification is switched off, wholly or in part
    scheme    what it speaks: "https", or before STARTTLS "smtp", "imap", "pop3", "ftp"
    limits    ids of lax traps that nothing in this client can be told to refuse
    """

    label: str
    argv: tuple[str, ...]
    weakened: bool = False
    scheme: str = "https"
    limits: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Installed:
    """A client that is on this machine: its version, and the ways of using it, the usual first."""

    version: str
    ways: tuple[Way, ...]


@dataclass(frozen=True, slots=True)
class Absent:
    """A client that isn't: why, and what would install it."""

    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Machine:
    """Where clients are looked for: the environment (its PATH), and the Python of libraries."""

    environ: Mapping[str, str] = field(default_factory=dict)
    python: str = sys.executable

    def which(self, program: str) -> str | None:
        """Return the path of a program, or None."""
        return shutil.which(program, path=self.environ.get("PATH"))

    def ask(self, argv: Sequence[str]) -> str | None:
        """Run a command that tells a version; return its output, None if it fails."""
        try:
            done = subprocess.run(
                argv,
                env=dict(self.environ) or None,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout if done.returncode == 0 else None


@runtime_checkable
class Client(Protocol):
    """A ready-made client."""

    @property
    def name(self) -> str:
        """What `--client` calls it: lower case letters, digits, hyphens."""

    def find(self, machine: Machine) -> Installed | Absent:
        """Look for it on `machine`. Starts nothing but what tells the version."""
