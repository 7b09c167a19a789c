"""The one layout of help pages: usage, description, columns of commands and options, examples."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO

from toolkit import terminal
from toolkit.terminal import Line

MAX_NAMES = 30
"""Columns for names; a longer name stands on a line of its own."""
MIN_MEANING, NARROW_INDENT = 24, 8
"""Where less is left for the meanings, they stand below the names, indented."""


@dataclass(frozen=True, slots=True)
class Section:
    """A titled list: (name, what it is) rows."""

    title: str
    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class HelpPage:
    """What one command's help says; `examples` are (what it does, command line) pairs."""

    usage: str
    description: str
    sections: tuple[Section, ...] = ()
    examples: tuple[tuple[str, str], ...] = ()
    epilog: str = ""


def text(page: HelpPage, *, color: str, environ: Mapping[str, str], stream: IO[str]) -> str:
    """Return `page` laid out for `stream`; `color` is auto, always or never."""
    columns = min(terminal.width(environ, stream), terminal.MAX_HELP_WIDTH)
    styled = terminal.takes_color(color, environ, stream)
    return terminal.render(lay_out(page, columns), color=styled)


def lay_out(page: HelpPage, columns: int) -> Iterator[Line]:
    """Yield the lines of `page` within `columns`."""
    yield (("Usage: ", "title"), (page.usage, ""))
    yield from _paragraphs(page.description, columns)
    for section in page.sections:
        if section.rows:
            yield ()
            yield ((f"{section.title}:", "title"),)
            yield from _rows(section.rows, columns)
    if page.examples:
        yield ()
        yield (("Examples:", "title"),)
        yield from _examples(page.examples, columns)
    yield from _paragraphs(page.epilog, columns)


def _paragraphs(text: str, columns: int) -> Iterator[Line]:
    for paragraph in filter(None, text.strip().split("\n\n")):
        yield ()
        yield from (((line, ""),) for line in textwrap.wrap(" ".join(paragraph.split()), columns))


def _rows(rows: tuple[tuple[str, str], ...], columns: int) -> Iterator[Line]:
    names = max((len(name) for name, _ in rows if len(name) <= MAX_NAMES), default=0)
    if columns - names - 4 < MIN_MEANING:
        names = NARROW_INDENT - 4  # so each but the shortest name has a line of its own
    for name, meaning in rows:
        wrapped = textwrap.wrap(meaning, columns - names - 4) or [""]
        if len(name) > names:
            yield (("  ", ""), (name, "name"))
        else:
            first = wrapped.pop(0)
            yield (("  ", ""), (name.ljust(names), "name"), (f"  {first}", ""))
        yield from (((" " * (names + 4) + line, ""),) for line in wrapped)


def _examples(examples: tuple[tuple[str, str], ...], columns: int) -> Iterator[Line]:
    """What it does is wrapped, a command never: it is there to be copied."""
    for meaning, command in examples:
        yield from (((f"  # {line}", "dim"),) for line in textwrap.wrap(meaning, columns - 4))
        yield (("  $ ", "dim"), (command, "name"))
