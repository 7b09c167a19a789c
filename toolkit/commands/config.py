"""`toolkit config show | check | schema`: what is configured, from where, and is it right."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from toolkit.command import application, command
from toolkit.config import report
from toolkit.config.report import Row
from toolkit.documents import Problem
from toolkit.errors import ExitStatus
from toolkit.output import Look, Record, View, table
from toolkit.session import Session
from toolkit.terminal import Line
from toolkit.text import clean

app = application("Show, check and describe the configuration.")


@command(
    app,
    "show",
    lenient=True,
    examples=(("Every value, and where it comes from", "toolkit config show"),),
)
def show(session: Session) -> ExitStatus:
    """Print the values in effect, each with its origin, and keys that nothing uses.

    The origin is file:line, a variable or "default". Secrets are masked.
    """
    session.output.emit(report.show(session.config, session.settings_types()), ROWS)
    return ExitStatus.OK


@command(
    app,
    "check",
    lenient=True,
    examples=(
        ("Is the configuration right?", "toolkit config check"),
        ("For an editor or a script", "toolkit config check --format jsonl"),
    ),
)
def check(session: Session) -> ExitStatus:
    """Check every configuration file and variable, and report all errors of all of them.

    Each as file:line:column: key: message. Ends with 2 if there is one.
    """
    problems = problems_of(session)
    session.output.emit(problems, PROBLEMS)
    if not problems:
        count = len(session.config.files)
        read = "1 file" if count == 1 else f"{count} files"
        session.output.say(f"The configuration is right: {read} read.")
    return ExitStatus.USAGE if problems else ExitStatus.OK


@command(
    app,
    "schema",
    lenient=True,
    formats=None,
    examples=(("For an editor that completes and checks toolkit.yaml", "toolkit config schema"),),
)
def schema(session: Session) -> ExitStatus:
    """Print the JSON Schema (draft 2020-12) of toolkit.yaml with every installed plugin's keys."""
    types = session.settings_types()
    session.output.stdout.write(json.dumps(report.schema(types), indent=2) + "\n")
    return ExitStatus.OK


def problems_of(session: Session) -> list[Problem]:
    """Return all that is wrong with the configuration of `session`."""
    return list(report.check(session.config, session.settings_types()))


def _row_lines(rows: Iterable[Row], look: Look) -> Iterator[Line]:
    shown = [row for row in rows if not (look.quiet and row.origin == "default")]
    yield from table(("Key", "Value", "Origin"), [_cells(row) for row in shown])


def _cells(row: Row) -> tuple[Line, ...]:
    style = "dim" if row.origin == "default" else "note"
    unused = () if row.used else ((" (unused)", "warn"),)
    value = ((clean(_text(row.value)), ""),)
    return (((clean(row.key), "name"),), value, ((clean(row.origin), style), *unused))


def _text(value: object) -> str:
    return value if isinstance(value, str) and value else json.dumps(value, default=str)


def _row_record(row: Row) -> Record:
    return {"key": row.key, "value": row.value, "origin": row.origin, "used": row.used}


def _problem_lines(problems: Iterable[Problem], _look: Look) -> Iterator[Line]:
    for problem in problems:
        yield ((clean(str(problem)), ""),)


def _problem_record(problem: Problem) -> Record:
    return {
        "file": problem.source,
        "line": problem.line,
        "column": problem.column,
        "key": problem.key,
        "message": problem.message,
        "hint": problem.hint,
    }


ROWS: View[Row] = View(
    schema="toolkit.config.show/1",
    record=_row_record,
    lines=_row_lines,
    columns=("key", "value", "origin", "used"),
)
PROBLEMS: View[Problem] = View(
    schema="toolkit.config.check/1",
    record=_problem_record,
    lines=_problem_lines,
    columns=("file", "line", "column", "key", "message", "hint"),
)
