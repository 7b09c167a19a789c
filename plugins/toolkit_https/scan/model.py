"""What a scan finds: frozen values, whose text is the file's own and is cleaned in views."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


def words_of(text: str) -> frozenset[str]:
    """Return the words of a text: tables of names are easier to read without their quotes."""
    return frozenset(text.split())


class Level(StrEnum):
    """How grave a finding is. The first three are SARIF's (3.27.10)."""

    ERROR = "error"
    """Verification is off."""
    WARNING = "warning"
    """Verification is off unless something else switches it on."""
    NOTE = "note"
    """Worth knowing; by itself it switches nothing off."""
    UNREAD = "unread"
    """The file could not be read, so that nothing is known of it."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One place in a text, as the readers of the languages tell it.

    line, column  both from 1, in characters; `end_line` and `end_column` are past the last one
    remedy        what to write instead; "" is the rule's own
    """

    rule: str
    line: int
    column: int
    message: str
    remedy: str = ""
    end_line: int = 0
    end_column: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """One place in one file.

    path        as the user named the folder, with "/" between its parts
    line        from 1; 0 where it is the file as a whole (level "unread")
    source      the line of the file, without its indent
    suppressed  the reason of the comment that accepts it; "" where it counts
    """

    path: str
    line: int
    column: int
    rule: str
    level: Level
    message: str
    remedy: str
    source: str = ""
    suppressed: str = ""
    end_line: int = 0
    end_column: int = 0

    @property
    def counts(self) -> bool:
        """Whether it is to be mended: an error or a warning that nobody accepted."""
        return self.level in {Level.ERROR, Level.WARNING} and not self.suppressed
