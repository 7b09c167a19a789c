"""Documents (YAML 1.2, JSON, JSON lines, CSV) into frozen dataclasses, with located errors.

hosts = load(Path("site.yaml"), Site)       # or DocumentError
for row in read_rows(Path("hosts.csv"), Host): ...
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from toolkit.documents.binding import Fault, Parser, bind
from toolkit.documents.document import Document, parse, read
from toolkit.documents.problems import DocumentError, Problem
from toolkit.documents.report import problems_of
from toolkit.documents.rows import Row, read_rows
from toolkit.documents.salvage import Salvage
from toolkit.documents.schema import json_schema
from toolkit.documents.source import DEFAULT, Limits

__all__ = [
    "Document", "DocumentError", "Fault", "Limits", "Parser", "Problem", "Row", "Salvage", "bind",
    "json_schema", "load", "parse", "problems_of", "read", "read_rows",
]  # fmt: skip

M = TypeVar("M")


def load(path: Path, kind: type[M], *, limits: Limits = DEFAULT) -> M:
    """Read the YAML or JSON file at `path` into the dataclass `kind`.

    Raises DocumentError with all that is wrong in it, UsageError where it can't be read.
    """
    return build(read(path, limits=limits), kind)


def build(document: Document, kind: type[M]) -> M:
    """Return `document` as `kind`. Raises DocumentError with all that is wrong in it."""
    model, faults = bind(kind, document.usable().value)
    if model is None or faults:
        raise DocumentError(problems_of(document, faults))
    return model
