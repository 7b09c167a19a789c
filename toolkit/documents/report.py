"""Faults (paths) → problems (file, line, column)."""

from __future__ import annotations

from collections.abc import Iterable

from toolkit.documents.binding import Fault
from toolkit.documents.document import Document
from toolkit.documents.problems import Problem, Spot, dotted
from toolkit.documents.secrets import is_secret
from toolkit.text import clean


def problems_of(document: Document, faults: Iterable[Fault]) -> list[Problem]:
    """Return each fault as a problem of `document`, in the order of the file."""
    found = list(faults)
    spots = document.locate([fault.path for fault in found])
    problems = [problem(fault, spots[fault.path]) for fault in found]
    return sorted(problems, key=lambda item: (item.line, item.column))


def problem(fault: Fault, spot: Spot) -> Problem:
    """Return one fault at its place."""
    line, column = spot.line, spot.column
    if not fault.of_key and spot.value_line:
        line, column = spot.value_line, spot.value_column
    hint = fault.hint
    if fault.unquoted:
        quoted = f'quote it: "{clean(spot.raw, limit=60)}"' if spot.raw else ""
        hint = "quote it" if is_secret(fault.path) or not quoted else quoted
    return Problem(spot.source, line, column, dotted(fault.path), fault.message, hint)
