"""What a proof is asked and what it finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import ClassVar

from toolkit.errors import ExitStatus, ToolkitError


class Unprovable(ToolkitError):  # noqa: N818  it is no fault of anybody
    """The application could not be started or ended early: nothing is known about its reports."""

    status: ClassVar[ExitStatus] = ExitStatus.UNCHECKED


class Verdict(StrEnum):
    """What is known of one situation."""

    REPORTED = "reported"
    """Exactly once in the log, once in the spool, once by mail."""
    MISSED = "missed"
    DOUBLED = "doubled"
    INCOMPLETE = "incomplete"
    """Once, but without fields that it should have."""
    UNREACHED = "unreached"
    """The application has no such situation; `why` says the reason."""


WRONG = {Verdict.MISSED, Verdict.DOUBLED, Verdict.INCOMPLETE}


@dataclass(frozen=True, slots=True)
class Loadable:
    """What to load in Flask's own words, "shop:create_app", and the folder to import it from."""

    expression: str
    base: Path


@dataclass(frozen=True, slots=True)
class Request:
    """What to prove: the application's folder, its Python, what to load, the limit in seconds."""

    root: Path
    python: str
    what: Loadable
    seconds: float


@dataclass(frozen=True, slots=True)
class Cell:
    """One situation: how often it was raised, and how often its report was found in each sink.

    status   what the client got; "" outside of a request
    missing  fields that its report in the log should have and has not
    """

    situation: str
    description: str
    verdict: Verdict
    raised: int
    file: int
    spool: int
    mail: int
    status: str
    missing: tuple[str, ...] = ()
    why: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """The whole: the cells, what ran, what was held back, and to whom mail went."""

    application: str
    flask: str
    python: str
    cells: tuple[Cell, ...]
    held_back: tuple[str, ...]
    recipients: tuple[str, ...]


def status_of(cells: Sequence[Cell]) -> ExitStatus:
    """Return 0 where all that could be reached is reported, 1 where one isn't, 4 where none was."""
    if any(cell.verdict in WRONG for cell in cells):
        return ExitStatus.NOT_OK
    reached = any(cell.verdict is Verdict.REPORTED for cell in cells)
    return ExitStatus.OK if reached else ExitStatus.UNCHECKED
