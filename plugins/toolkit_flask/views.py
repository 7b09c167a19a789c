"""Results shown: changes of files, and the state of an application."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from toolkit.output import Look, Record, View
from toolkit.terminal import Line
from toolkit.text import clean
from toolkit_flask.changes import Action, Change
from toolkit_flask.hazards import Hazard
from toolkit_flask.manifest import FOLDER
from toolkit_flask.status import State

STYLES: Mapping[Action, str] = {
    Action.CREATE: "good",
    Action.UPDATE: "good",
    Action.MERGE: "good",
    Action.REMOVE: "warn",
    Action.CONFLICT: "bad",
    Action.COLLISION: "bad",
    Action.KEEP: "note",
    Action.DELETED: "note",
    Action.UNCHANGED: "dim",
}
LOOK_AT = {Action.CONFLICT, Action.COLLISION, Action.MERGE}
_WIDTH = max(len(action) for action in Action)


def changes_view(*, diff: bool) -> View[Change | Hazard]:
    """Return the view of changes and warnings; with `diff` each change is shown line by line."""
    return View(
        schema="toolkit.flask.changes/1",
        record=_change_record,
        lines=_change_lines(diff=diff),
        columns=("path", "action", "line", "note"),
    )


def _change_record(item: Change | Hazard) -> Record:
    if isinstance(item, Hazard):
        return {"path": item.path, "action": "warning", "line": item.line or None,
                "column": item.column or None, "note": item.message, "diff": []}  # fmt: skip
    return {"path": item.path, "action": str(item.action), "line": None, "column": None,
            "note": item.note, "diff": item.diff()}  # fmt: skip


def _change_lines(*, diff: bool) -> Callable[[Iterable[Change | Hazard], Look], Iterator[Line]]:
    def lines(items: Iterable[Change | Hazard], look: Look) -> Iterator[Line]:
        for item in items:
            if isinstance(item, Hazard):
                where = (_place(item.path, item.line, item.column), "name")
                yield (("warning".ljust(_WIDTH), "warn"), ("  ", ""), where,
                       (f": {item.message}", ""))  # fmt: skip
            elif look.verbose or _is_telling(item, quiet=look.quiet):
                note = f" ({clean(item.note)})" if item.note else ""
                yield ((str(item.action).ljust(_WIDTH), STYLES[item.action]), ("  ", ""),
                       (clean(item.path), "name"), (note, "dim"))  # fmt: skip
                yield from map(_diff_line, item.diff() if diff else ())

    return lines


def _place(path: str, line: int, column: int) -> str:
    """Return `path:line:column`, without what isn't known."""
    return ":".join([clean(path), *(str(number) for number in (line, column) if number)])


def _is_telling(item: Change, *, quiet: bool) -> bool:
    """Tell whether it is shown: not our own records, and quietly only what needs a look."""
    if quiet:
        return item.action in LOOK_AT
    return item.action is not Action.UNCHANGED and not item.path.startswith(f"{FOLDER}/")


def _diff_line(text: str) -> Line:
    styles = {"+": "good", "-": "bad", "@": "note"}
    return ((f"  {text}", styles.get(text[:1], "dim")),)


def _state_lines(items: Iterable[State], look: Look) -> Iterator[Line]:
    for item in items:
        if look.quiet and not item.wrong:
            continue
        style = "bad" if item.wrong else "good" if item.state == "ok" else "note"
        where = (_place(item.path, item.line, item.column), "name")
        yield ((item.state.ljust(8), style), ("  ", ""), where, (f": {item.message}", ""))


STATUS: View[State] = View(
    schema="toolkit.flask.status/1",
    record=lambda item: {"path": item.path, "state": item.state, "wrong": item.wrong,
                         "message": item.message, "line": item.line or None,
                         "column": item.column or None},
    lines=_state_lines,
    columns=("path", "state", "wrong", "message"),
)  # fmt: skip
