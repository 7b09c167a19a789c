"""Where text goes: whether a stream takes colour, how wide it is, and styled lines made text.

A line is a tuple of (text, style) spans; styles are the few words of `STYLES`. Rich turns them
into a terminal's codes and is imported only for a stream that takes colour: a pipe gets plain text.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import IO, TypeAlias

Span: TypeAlias = tuple[str, str]
Line: TypeAlias = tuple[Span, ...]

STYLES: Mapping[str, str] = {
    "": "",
    "title": "bold",
    "name": "cyan",
    "good": "green",
    "bad": "bold red",
    "warn": "yellow",
    "dim": "dim",
    "note": "blue",
}
"""Our style names and what rich calls them."""

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
    from rich.console import Console  # only for a terminal: it costs as much as typer
    from rich.text import Text

    console = Console(
        force_terminal=True, color_system="standard", no_color=False, highlight=False, markup=False
    )
    with console.capture() as captured:
        for line in lines:
            spans = [(text, STYLES[style]) for text, style in line]
            console.print(Text.assemble(*spans), soft_wrap=True)
    return captured.get()


def cells(text: str) -> int:
    """Return the columns that `text` takes on a terminal (East Asian wide characters take two)."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # its tables are needed for such text alone

    return cell_len(text)


def pad(text: str, columns: int) -> str:
    """Return `text` filled with spaces to `columns`."""
    return text + " " * max(0, columns - cells(text))
