"""Results made output: lines for people, JSON, JSON lines and CSV for programs, all streamed.

Standard output is for results, standard error for talk. A `View` says how one kind of result
looks; every command's results go through `Output.emit`, so each has every format.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path
from typing import IO, Generic, TypeAlias, TypeVar

from toolkit import __version__, interrupts, terminal
from toolkit.errors import UsageError
from toolkit.exits import complain
from toolkit.terminal import Line
from toolkit.text import clean, did_you_mean

R = TypeVar("R")
Record: TypeAlias = Mapping[str, object]
FORMATS = ("table", "json", "jsonl", "csv")


@dataclass(frozen=True, slots=True)
class Look:
    """What a view may know about who reads: how much to tell, and the width in columns.

    `wrap` is where long lines are to be broken: the width of a terminal, or 0 for a pipe or file,
    which gets them whole.
    """

    verbose: bool = False
    quiet: bool = False
    width: int = terminal.PLAIN_WIDTH
    wrap: int = 0


@dataclass(frozen=True, slots=True)
class View(Generic[R]):
    """How results of one kind look.

    schema   name and version of the JSON records, "toolkit.https.check/1"
    record   a result as JSON-ready values
    lines    the results as lines for people; takes them one by one and may yield early
    columns  of CSV; each the key of a record whose values are scalars or lists of them
    formats  the plugin's own: name → results as pieces of text
    """

    schema: str
    record: Callable[[R], Record]
    lines: Callable[[Iterable[R], Look], Iterable[Line]]
    columns: tuple[str, ...]
    formats: Mapping[str, Callable[[Iterable[R]], Iterable[str]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Output:
    """Where a command's results and messages go, and in which format."""

    format: str = "table"
    look: Look = field(default_factory=Look)
    color: str = "auto"
    environ: Mapping[str, str] = field(default_factory=dict)
    stdout: IO[str] = field(default_factory=lambda: sys.stdout)
    stderr: IO[str] = field(default_factory=lambda: sys.stderr)

    @property
    def quiet(self) -> bool:
        """Only results and errors."""
        return self.look.quiet

    @property
    def verbose(self) -> bool:
        """Everything that is known."""
        return self.look.verbose

    def emit(self, results: Iterable[R], view: View[R]) -> None:
        """Write `results` as they come; each is flushed, so that a reader sees it at once.

        Raises UsageError for a format that the view lacks, before the first result is asked for.
        """
        for piece in self._pieces(results, view):
            self.stdout.write(piece)
            self.stdout.flush()
            interrupts.check()

    def emit_to(self, path: Path | None, results: Iterable[R], view: View[R]) -> None:
        """Write `results` to the file at `path`, whole or not at all, without colour.

        None and "-" are standard output, as `emit` writes it. Raises UsageError for a place that
        takes no file before the first result is asked for, ToolkitError where writing fails.
        """
        if path is None or str(path) == "-":
            self.emit(results, view)
            return
        from toolkit.files import check_place, write_atomic  # where a file is wanted

        check_place(path)
        buffer = StringIO()
        look = replace(self.look, wrap=0)
        replace(self, stdout=buffer, color="never", look=look).emit(results, view)
        write_atomic(path, buffer.getvalue())

    def say(self, message: str) -> None:
        """Tell the user something that is no result: on standard error, unless quiet."""
        if not self.quiet:
            self.stderr.write(message + "\n")
            self.stderr.flush()

    def warn(self, message: str, hint: str = "") -> None:
        """Warn the user on standard error; quiet doesn't silence it."""
        complain(message, hint, kind="warning")

    def check_format(self, view: View[R]) -> None:
        """Raise UsageError if the chosen format is none of `view`'s."""
        known = (*FORMATS, *view.formats)
        if self.format not in known:
            near = did_you_mean(self.format, known)
            message = f'there is no output format "{clean(self.format)}" here'
            raise UsageError(message, hint=near or f"choose one of: {', '.join(known)}")

    def _pieces(self, results: Iterable[R], view: View[R]) -> Iterator[str]:
        self.check_format(view)
        if self.format in view.formats:
            return iter(view.formats[self.format](results))
        if self.format == "table":
            return self._table(results, view)
        return _WRITERS[self.format](results, view)

    def _table(self, results: Iterable[R], view: View[R]) -> Iterator[str]:
        color = terminal.takes_color(self.color, self.environ, self.stdout)
        for line in view.lines(results, self.look):
            yield terminal.render([line], color=color)


def _json(results: Iterable[R], view: View[R]) -> Iterator[str]:
    """One object, one record a line; closed and marked incomplete if the results break off."""
    import json

    head = json.dumps({"schema": view.schema, "toolkit": __version__})[:-1]
    yield f'{head}, "results": ['
    separator = "\n"
    try:
        for result in results:
            yield separator + _dump(view.record(result))
            separator = ",\n"
    except GeneratorExit:
        raise  # nobody reads any more
    except BaseException:
        yield '\n], "complete": false}\n'
        raise
    yield '\n], "complete": true}\n'


def _jsonl(results: Iterable[R], view: View[R]) -> Iterator[str]:
    for result in results:
        yield _dump({"schema": view.schema, **view.record(result)}) + "\n"


def _csv(results: Iterable[R], view: View[R]) -> Iterator[str]:
    yield _row(view.columns)
    for result in results:
        record = view.record(result)
        yield _row([_cell(record.get(name)) for name in view.columns])


def _dump(record: Record) -> str:
    import json

    # ASCII only: bidirectional and other control characters stay escaped in every reader.
    return json.dumps(record, ensure_ascii=True, default=str)


def _row(values: Iterable[str]) -> str:
    import csv
    import io

    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(values)
    return buffer.getvalue()


def _cell(value: object) -> str:
    """A CSV cell: lists joined by blanks, text made safe, and no cell that a spreadsheet computes.

    A cell starting with = + - @ is a formula to spreadsheets (OWASP: CSV injection); an
    apostrophe before it keeps it text.
    """
    if isinstance(value, (list, tuple)):
        value = " ".join(str(item) for item in value)
    text = "" if value is None else clean(str(value))
    return f"'{text}" if text[:1] in {"=", "+", "-", "@"} and not _is_number(text) else text


def _is_number(text: str) -> bool:
    return text.lstrip("+-").replace(".", "", 1).isdigit()


_WRITERS: Mapping[str, Callable[..., Iterator[str]]] = {"json": _json, "jsonl": _jsonl, "csv": _csv}


def table(headers: tuple[str, ...], rows: Iterable[tuple[Line, ...]]) -> Iterator[Line]:
    """Yield aligned lines of `rows`, whose cells are lines (styled text), under `headers`.

    The last column is as long as it is; nothing is cut, so that a pipe loses nothing.
    """
    grid = [tuple(((title, "title"),) for title in headers), *rows]
    widths = [max(sum(terminal.cells(text) for text, _ in row[at]) for row in grid)
              for at in range(len(headers) - 1)]  # fmt: skip
    for row in grid:
        spans: list[terminal.Span] = []
        for cell, columns in zip(row, [*widths, 0], strict=True):
            used = sum(terminal.cells(text) for text, _ in cell)
            spans += [*cell, (" " * (columns - used + 2) if columns else "", "")]
        yield tuple(spans)
