"""What is wrong in a document, and where: all at once, as file:line:column: key: message."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from toolkit.errors import UsageError
from toolkit.text import clean

Path = tuple[str | int, ...]
"""Keys and list indices (from 0) from a document's root to a value."""

_SHOWN = 50
"""So many problems are listed in an error's message; `DocumentError.problems` has all."""


class Spot(NamedTuple):
    """Where an entry is: lines and columns from 1, in characters; line 0 where there are none.

    `raw` is the text of a plain (unquoted) scalar as written, or None.
    """

    source: str
    line: int = 0
    column: int = 0
    value_line: int = 0
    value_column: int = 0
    raw: str | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """One error of one document. `key` is dotted ("hosts[3].mac"), `hint` what to do about it."""

    source: str
    line: int
    column: int
    key: str
    message: str
    hint: str = ""

    @property
    def sentence(self) -> str:
        """The problem on one line, without its hint."""
        where = f"{self.source}:{self.line}:{self.column}" if self.line else self.source
        return clean(": ".join(part for part in (where, self.key, self.message) if part))

    def __str__(self) -> str:
        """Return `file:line:column: key: message; hint`, safe to show."""
        return f"{self.sentence}; {clean(self.hint)}" if self.hint else self.sentence


class DocumentError(UsageError):
    """A document is not what it must be; `problems` are all that was found, in the file's order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Make the message of one problem its sentence, that of several a list of them."""
        self.problems = tuple(problems)
        first = self.problems[0]
        if len(self.problems) == 1:
            super().__init__(first.sentence, hint=clean(first.hint))
            return
        listed = [f"  {problem}" for problem in self.problems[:_SHOWN]]
        if len(self.problems) > _SHOWN:
            listed.append(f"  … and {len(self.problems) - _SHOWN} more")
        super().__init__("\n".join([f"{len(self.problems)} problems:", *listed]))


def dotted(path: Sequence[str | int]) -> str:
    """Return a path as users write it: `hosts[3].mac`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return clean(text, limit=200)
