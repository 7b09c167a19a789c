"""Tables: CSV (RFC 4180) and JSON lines, row by row, so that size costs no memory."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path as FilePath
from typing import Any, Generic, TypeVar

from toolkit.documents.binding import Bind, Fault, binder
from toolkit.documents.document import parse
from toolkit.documents.problems import DocumentError, Path, Problem, Spot
from toolkit.documents.report import problem, problems_of
from toolkit.documents.salvage import Salvage
from toolkit.documents.source import MEBIBYTE, decode, read_bytes
from toolkit.text import clean, did_you_mean

M = TypeVar("M")
MAX_SIZE = 128 * MEBIBYTE
MAX_CELL = 65536
MAX_PROBLEMS = 100


@dataclass(frozen=True, slots=True)
class Row(Generic[M]):
    """One row's model and the line where it begins."""

    line: int
    model: M
    lacking: frozenset[str] = frozenset()
    """Keys whose values are wrong and left out."""


@dataclass(frozen=True, slots=True)
class _Bad(Generic[M]):
    """A row that is wrong: its problems, and what can be read of it."""

    problems: list[Problem]
    rest: Row[M] | None = None


@dataclass(frozen=True, slots=True)
class _Kind(Generic[M]):
    """What rows become, and what fills required keys of bad ones."""

    model: type[M]
    fill: Mapping[str, object] | None

    def rest(self, values: object, line: int, *, text: bool) -> Row[M] | None:
        """Return what is right of a row that is wrong in places."""
        if self.fill is None:
            return None
        salvage = Salvage()
        model, _ = salvage.bind(self.model, values, text=text, fill=self.fill)
        if model is None:
            return None
        names = (item.name for item in fields(self.model))  # type: ignore[arg-type]  # a dataclass
        return Row(line, model, salvage.lacking((), names))


def read_rows(
    path: FilePath,
    kind: type[M],
    *,
    fill: Mapping[str, object] | None = None,
    raw: bytes | None = None,
) -> Iterator[Row[M]]:
    """Yield the rows of a `.csv` (with a header) or `.jsonl` file as the dataclass `kind`.

    Good rows come first come first; at the end DocumentError is raised with all bad ones (after
    100 it is raised at once), so whoever must have all rows or none takes a list. With `fill`
    (values for required keys) bad rows come, too, as far as they can be read: see `Row.lacking`.
    `raw` is the file's content where it was read already: a pipe can't be read twice.
    """
    text = decode(read_bytes(path, MAX_SIZE) if raw is None else raw, str(path))
    rows = _json_lines if path.suffix.lower() in {".jsonl", ".ndjson"} else _csv
    problems: list[Problem] = []
    try:
        for found in rows(text, str(path), _Kind(kind, fill)):
            row = found if isinstance(found, Row) else found.rest
            if row is not None:
                yield row
            if isinstance(found, _Bad):
                problems += found.problems
            if len(problems) >= MAX_PROBLEMS:
                break
    except DocumentError as error:  # the rest can't be read: what came before is told, too
        raise DocumentError([*problems, *error.problems]) from error
    if problems:
        raise DocumentError(problems)


def _csv(text: str, source: str, kind: _Kind[M]) -> Iterator[Row[M] | _Bad[M]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    convert = binder(kind.model, text=True)
    header: list[str] | None = None
    line = 1
    try:
        for cells in reader:
            if header is None:
                header = [cell.strip() for cell in cells]
                wrong = list(_header(header, source, kind.model))
                if wrong:
                    raise DocumentError(wrong)
            elif cells:
                yield _row(header, cells, Problem(source, line, 1, "", ""), kind, convert)
            line = reader.line_num + 1
    except csv.Error as error:
        message = f"is not CSV: {clean(str(error))}"
        raise DocumentError([Problem(source, line, 1, "", message)]) from error


def _header(header: list[str], source: str, kind: Any) -> Iterator[Problem]:
    names = [item.name for item in fields(kind)]
    for at, name in enumerate(header):
        column = at + 1
        if name not in names:
            hint = did_you_mean(name, names) or f"known are: {', '.join(names)}"
            yield Problem(source, 1, column, clean(name, limit=60), "is no known column", hint)
        elif name in header[:at]:
            yield Problem(source, 1, column, name, "the column is there twice", "keep one of them")


def _row(
    header: list[str], cells: list[str], here: Problem, kind: _Kind[M], convert: Bind
) -> Row[M] | _Bad[M]:
    """Return a row; `here` is a problem of it that is still without words."""
    if len(cells) != len(header):
        message = f"the row has {len(cells)} cells, and the header {len(header)}"
        return _Bad([replace(here, message=message, hint="quote cells that hold commas")])
    long = [name for name, cell in zip(header, cells, strict=True) if len(cell) > MAX_CELL]
    if long:
        message = f"a cell has more than {MAX_CELL} characters"
        return _Bad([replace(here, key=long[0], message=message)])
    faults: list[Fault] = []
    # An empty cell is a key that isn't there: the default holds.
    values = {name: cell for name, cell in zip(header, cells, strict=True) if cell.strip()}
    model: Any = convert(values, (), faults)
    if not faults:
        return Row(here.line, model)
    told = [problem(item, _cell(header, item.path, here)) for item in faults]
    return _Bad(told, kind.rest(values, here.line, text=True))


def _cell(header: list[str], path: Path, here: Problem) -> Spot:
    """The column of a cell is its number, as spreadsheets count."""
    column = header.index(str(path[0])) + 1 if path and path[0] in header else 1
    return Spot(here.source, here.line, column, here.line, column)


def _json_lines(text: str, source: str, kind: _Kind[M]) -> Iterator[Row[M] | _Bad[M]]:
    convert = binder(kind.model)
    for number, line in enumerate(_lines(text), 1):
        if not line.strip():
            continue
        document = parse(line, source, json=True)
        faults: list[Fault] = []
        model: Any = None if document.problems else convert(document.value, (), faults)
        wrong = [*document.problems, *problems_of(document, faults)]
        if wrong:
            rest = None if document.problems else kind.rest(document.value, number, text=False)
            yield _Bad([replace(item, line=number) for item in wrong], rest)
        else:
            yield Row(number, model)


def _lines(text: str) -> Iterable[str]:
    return io.StringIO(text, newline="\n")
