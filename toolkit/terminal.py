"""Where text goes: whether a stream takes colour, how wide it is, and styled lines made text.

A line is a tuple of (text, style) spans; styles are the few words of `STYLES`. Eight pairs of codes
need no library: rich's console took 40 ms of every command on a terminal.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, TypeAlias

Span: TypeAlias = tuple[str, str]
Line: TypeAlias = tuple[Span, ...]

STYLES: Mapping[str, str] = {
    "": "",
    "title": "1",  # bold
    "name": "36",  # cyan
    "good": "32",  # green
    "bad": "1;31",  # bold red
    "warn": "33",  # yellow
    "dim": "2",
    "note": "34",  # blue
}
"""Our style names, and the parameters of SGR (ECMA-48, 8.3.117) for them."""

MIN_WIDTH, MAX_HELP_WIDTH, PLAIN_WIDTH = 40, 100, 80


def is_terminal(stream: IO[str]) -> bool:
    """Tell whether a person looks at `stream`."""
    try:
        return stream.isatty()
    except ValueError:
        return False


def takes_color(choice: str, environ: Mapping[str, str], stream: IO[str]) -> bool:
    """Decide on colour: `choice` (auto, always, never), then NO_COLOR, FORCE_COLOR, the terminal.

    NO_COLOR as no-color.org says (set and not empty); FORCE_COLOR as in force-color.org.
    """
    if choice != "auto":
        return choice == "always"
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return is_terminal(stream) and environ.get("TERM") != "dumb"


def width(environ: Mapping[str, str], stream: IO[str]) -> int:
    """Return the columns of `stream`: COLUMNS, else the terminal's, else 80."""
    asked = environ.get("COLUMNS", "")
    if asked.isdigit() and int(asked):
        return max(int(asked), MIN_WIDTH)
    try:
        return max(os.get_terminal_size(stream.fileno()).columns, MIN_WIDTH)
    except (OSError, ValueError):
        return PLAIN_WIDTH


def render(lines: Iterable[Line], *, color: bool) -> str:
    """Return `lines` as text, with a terminal's codes where `color` says so."""
    if not color:
        return "".join("".join(text for text, _ in line).rstrip() + "\n" for line in lines)
    return "".join("".join(_styled(text, style) for text, style in line) + "\n" for line in lines)


def _styled(text: str, style: str) -> str:
    codes = STYLES[style]
    return f"\x1b[{codes}m{text}\x1b[0m" if codes and text else text


def wrapped(head: Line, text: str, indent: str, columns: int) -> Iterator[Line]:
    """Yield `head` and `text` in lines of at most `columns` (0: one line), all but one indented.

    No word is broken: addresses and commands are there to be copied.
    """
    used = sum(cells(part) for part, _ in head)
    if not columns or used + cells(text) <= columns:
        yield (*head, (text, ""))
        return
    import textwrap  # for a narrow terminal

    first, *more = textwrap.wrap(
        text, columns, initial_indent=" " * used, subsequent_indent=indent,
        break_long_words=False, break_on_hyphens=False,
    ) or [" " * used]  # fmt: skip
    yield (*head, (first[used:], ""))
    yield from (((line, ""),) for line in more)


def cells(text: str) -> int:
    """Return the columns that `text` takes on a terminal (East Asian wide characters take two)."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # its tables are needed for such text alone

    return cell_len(text)


def pad(text: str, columns: int) -> str:
    """Return `text` filled with spaces to `columns`."""
    return text + " " * max(0, columns - cells(text))
