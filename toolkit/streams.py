"""Standard streams as they may be: closed before the start, or without Unicode.

Where one is closed (`>&-` in a shell) Python has None, and the operating system gives its number to
the next file opened: what is meant for the user would end up in that. And a terminal or locale
that isn't UTF-8 has no arrows and branches, which must not end a command.
"""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Mapping

PLAIN = "toolkit.plain"
"""The name of the error handler, for `str.encode` and streams."""
ASCII: Mapping[str, str] = {
    "→": "->", "←": "<-", "└": "`", "─": "-", "…": "...", "×": "x", "–": "-", "’": "'", "‘": "'",
}  # fmt: skip
"""What our own text has beyond ASCII, and how it is written without."""

STREAMS = (("stdin", os.O_RDONLY, "r"), ("stdout", os.O_RDONLY, "w"), ("stderr", os.O_WRONLY, "w"))
"""By number: how /dev/null is opened. Standard output can't be written to, as its closer meant:
results that nobody gets are a failure (EBADF), unlike talk that nobody hears."""


def soften() -> None:
    """Make streams that aren't UTF-8 show what they can: ours in ASCII, all else escaped."""
    register()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and not is_unicode(stream.encoding):
            stream.reconfigure(errors=PLAIN)


def is_unicode(encoding: str) -> bool:
    """Tell whether an encoding has every character."""
    return encoding.lower().replace("_", "-") in {"utf-8", "utf8"}


def register() -> None:
    """Make the error handler known by its name."""
    codecs.register_error(PLAIN, _plain)


def _plain(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    shown = "".join(
        ASCII.get(mark) or mark.encode("ascii", "backslashreplace").decode() for mark in lost
    )
    return shown, error.end


def stand_in() -> None:
    """Give each closed stream its stand-in."""
    for number, (name, flags, mode) in enumerate(STREAMS):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, flags)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            stream = open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115  for good
            setattr(sys, name, stream)
