"""A proof shown: a table of situations and sinks, and what was held back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from typing import TypeAlias

from toolkit.output import Look, Record, View, table
from toolkit.terminal import Line
from toolkit.text import clean
from toolkit_flask.proving.model import Cell, Proof, Verdict

STYLES: Mapping[Verdict, str] = {
    Verdict.REPORTED: "good",
    Verdict.MISSED: "bad",
    Verdict.DOUBLED: "bad",
    Verdict.INCOMPLETE: "bad",
    Verdict.UNREACHED: "note",
}


Row: TypeAlias = tuple[Proof, Cell]
"""One situation of one application."""


def rows(proofs: Iterable[Proof]) -> Iterator[Row]:
    """Yield the rows of all proofs as they come."""
    for proof in proofs:
        yield from ((proof, cell) for cell in proof.cells)


def record(row: Row) -> Record:
    """Return one cell as JSON-ready values."""
    proof, cell = row
    return {
        "application": proof.application, "situation": cell.situation,
        "description": cell.description, "verdict": str(cell.verdict), "raised": cell.raised,
        "file": cell.file, "spool": cell.spool, "mail": cell.mail, "answer": cell.status,
        "missing": list(cell.missing), "why": cell.why, "note": cell.note,
        "flask": proof.flask, "python": proof.python,
        "held_back": list(proof.held_back), "recipients": list(proof.recipients),
    }  # fmt: skip


def _lines(found: Iterable[Row], look: Look) -> Iterator[Line]:
    for proof, group in groupby(found, key=itemgetter(0)):
        every = [cell for _, cell in group]
        shown = [cell for cell in every if not look.quiet or cell.verdict is not Verdict.REPORTED]
        headers = ("situation", "file", "spool", "mail", "verdict", "answer")
        if shown:
            yield from table(headers, [_row(cell) for cell in shown])
        yield from _notes(shown, verbose=look.verbose)
        if not look.quiet:
            yield from _summary(proof, every)


def _row(cell: Cell) -> tuple[Line, ...]:
    counts = [str(count) if cell.raised else "-" for count in (cell.file, cell.spool, cell.mail)]
    words = cell.why if cell.verdict is Verdict.UNREACHED else cell.status
    verdict = str(cell.verdict) + (" *" if cell.note or cell.missing else "")
    return (
        ((cell.situation, "name"),),
        *(((count, "" if count in "1-" else "bad"),) for count in counts),
        ((verdict, STYLES[cell.verdict]),),
        ((clean(words, limit=300), "dim"),),
    )


def _notes(cells: Iterable[Cell], *, verbose: bool) -> Iterator[Line]:
    told: dict[str, list[str]] = {}
    for cell in cells:
        if cell.note:
            told.setdefault(clean(cell.note, limit=300), []).append(cell.situation)
        if cell.missing:
            told.setdefault(f"without {', '.join(cell.missing)}", []).append(cell.situation)
    for note, situations in told.items():
        yield ((f"* {', '.join(situations)}: ", "note"), (note, ""))
    if verbose:
        for cell in cells:
            yield ((f"  {cell.situation}: ", "dim"), (cell.description, "dim"))


def _summary(proof: Proof, cells: list[Cell]) -> Iterator[Line]:
    counts = {verdict: sum(cell.verdict is verdict for cell in cells) for verdict in Verdict}
    said = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
    yield ((clean(proof.application, limit=80), "name"),
           (f": {said} (Flask {proof.flask}, Python {proof.python})", ""))  # fmt: skip
    for text in proof.held_back:
        yield (("held back: ", "note"), (clean(text, limit=200), ""))


VIEW: View[Row] = View(
    schema="toolkit.flask.proof/1",
    record=record,
    lines=_lines,
    columns=("application", "situation", "verdict", "file", "spool", "mail", "answer", "missing",
             "why"),
)  # fmt: skip
