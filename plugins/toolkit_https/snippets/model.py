"""What a snippet is: lines of a program, each with what it is for, and what it can't refuse."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from string import Template
from typing import TypeAlias


class Trust(StrEnum):
    """With which trust a line belongs into a snippet."""

    ALWAYS = "always"
    CA = "ca"
    """Where a CA file was named."""
    SYSTEM = "system"
    """Where none was."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of code with placeholders ($url, $host, $port, $ca), and what it is for.

    `why` is "" for a line that goes on with the one before it.
    """

    code: str
    why: str = ""
    trust: Trust = Trust.ALWAYS


@dataclass(frozen=True, slots=True)
class Snippet:
    """The shortest verified code for one client.

    language   "python", "perl" or "sh"
    scheme     of the URL that it is for: "https", "smtp", "imap", "pop3", "ftp"
    leaves     id of a trap → why this client accepts it all the same, and can't be told otherwise
    note       what else its reader should know; may be empty
    """

    client: str
    language: str
    lines: tuple[Line, ...]
    scheme: str = "https"
    leaves: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the code connects to, and the CA file that it trusts ("": what the client does)."""

    url: str
    host: str
    port: str
    ca: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """A line of the finished code, and what it is for."""

    code: str
    why: str


@dataclass(frozen=True, slots=True)
class Written:
    """A snippet for one place: what is shown, and what is run."""

    client: str
    language: str
    steps: tuple[Step, ...]
    leaves: Mapping[str, str]
    note: str

    @property
    def code(self) -> str:
        """The code alone."""
        return "".join(f"{step.code}\n" for step in self.steps)


@dataclass(frozen=True, slots=True)
class Shown:
    """A snippet as programs get it; `leaves` are "trap: why it is accepted all the same"."""

    client: str
    language: str
    code: str
    steps: tuple[Step, ...]
    leaves: tuple[str, ...]
    note: str


def perl_quoted(text: str) -> str:
    """Return `text` as a literal of Perl: perlop(1), q()."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def python_quoted(text: str) -> str:
    """Return `text` as a literal of Python, in double quotes where that is as good."""
    quoted = repr(text)
    plain = quoted[1:-1]
    return f'"{plain}"' if quoted.startswith("'") and not {'"', "\\"} & set(plain) else quoted


Quote: TypeAlias = Callable[[str], str]
QUOTES: Mapping[str, Quote] = {
    "python": python_quoted,
    "perl": perl_quoted,
    "sh": shlex.quote,
}


def written(snippet: Snippet, place: Place) -> Written:
    """Return the snippet for `place`: its lines with quoted values, no other text of theirs."""
    quote = QUOTES[snippet.language]
    values = {"url": quote(place.url), "host": quote(place.host), "ca": quote(place.ca)}
    values["port"] = place.port
    unwanted = Trust.SYSTEM if place.ca else Trust.CA
    steps = tuple(
        Step(Template(line.code).substitute(values), line.why)
        for line in snippet.lines
        if line.trust is not unwanted
    )
    return Written(snippet.client, snippet.language, steps, snippet.leaves, snippet.note)
