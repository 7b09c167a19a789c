"""Tables: CSV (RFC 4180) and JSON lines, row by row, so that size costs no memory."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path as FilePath
from typing import Any, Generic, TypeVar

from toolkit.documents.binding import Fault, binder
from toolkit.documents.document import parse
from toolkit.documents.problems import DocumentError, Path, Problem, Spot
from toolkit.documents.report import problem, problems_of
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


def read_rows(path: FilePath, kind: type[M]) -> Iterator[Row[M]]:
    """Yield the rows of a `.csv` (with a header) or `.jsonl` file as the dataclass `kind`.

    Good rows come first come first; at the end DocumentError is raised with all bad ones (after
    100 it is raised at once), so whoever must have all rows or none takes a list.
    """
    text = decode(read_bytes(path, MAX_SIZE), str(path))
    rows = _json_lines if path.suffix.lower() in {".jsonl", ".ndjson"} else _csv
    problems: list[Problem] = []
    for found in rows(text, str(path), kind):
        if isinstance(found, Row):
            yield found
        else:
            problems += found
        if len(problems) >= MAX_PROBLEMS:
            break
    if problems:
        raise DocumentError(problems)


def _csv(text: str, source: str, kind: type[M]) -> Iterator[Row[M] | list[Problem]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    convert = binder(kind, text=True)
    header: list[str] | None = None
    line = 1
    try:
        for cells in reader:
            if header is None:
                header = [cell.strip() for cell in cells]
                wrong = list(_header(header, source, kind))
                if wrong:
                    raise DocumentError(wrong)
            elif cells:
                yield _row(header, cells, source, line, convert)
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
    header: list[str], cells: list[str], source: str, line: int, convert: Any
) -> Row[Any] | list[Problem]:
    if len(cells) != len(header):
        message = f"the row has {len(cells)} cells, and the header {len(header)}"
        return [Problem(source, line, 1, "", message, "quote cells that hold commas")]
    long = [name for name, cell in zip(header, cells, strict=True) if len(cell) > MAX_CELL]
    if long:
        return [Problem(source, line, 1, long[0], f"a cell has more than {MAX_CELL} characters")]
    faults: list[Fault] = []
    # An empty cell is a key that isn't there: the default holds.
    values = {name: cell for name, cell in zip(header, cells, strict=True) if cell.strip()}
    model = convert(values, (), faults)
    if faults:
        return [problem(fault, _cell(header, fault.path, source, line)) for fault in faults]
    return Row(line, model)


def _cell(header: list[str], path: Path, source: str, line: int) -> Spot:
    """The column of a cell is its number, as spreadsheets count."""
    column = header.index(str(path[0])) + 1 if path and path[0] in header else 1
    return Spot(source, line, column, line, column)


def _json_lines(text: str, source: str, kind: type[M]) -> Iterator[Row[M] | list[Problem]]:
    convert = binder(kind)
    for number, line in enumerate(_lines(text), 1):
        if not line.strip():
            continue
        document = parse(line, source, json=True)
        faults: list[Fault] = []
        model: Any = None if document.problems else convert(document.value, (), faults)
        wrong = [*document.problems, *problems_of(document, faults)]
        if wrong:
            yield [_moved(item, number) for item in wrong]
        else:
            yield Row(number, model)


def _lines(text: str) -> Iterable[str]:
    return io.StringIO(text, newline="\n")


def _moved(item: Problem, line: int) -> Problem:
    return Problem(item.source, line, item.column, item.key, item.message, item.hint)
