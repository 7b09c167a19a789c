"""`toolkit plugins`: what is installed, from where, and why something is not at work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from toolkit.command import application, command
from toolkit.discovery import Found
from toolkit.errors import ExitStatus
from toolkit.output import Look, Record, View, table
from toolkit.session import Session
from toolkit.terminal import Line

app = application("List the plugins.")

STYLES = {"active": "good", "failed": "bad", "disabled": "warn"}


@command(
    app,
    "plugins",
    examples=(
        ("What is installed, and does it work?", "toolkit plugins"),
        ("For a script", "toolkit plugins --format json"),
    ),
)
def plugins(session: Session) -> ExitStatus:
    """List the plugins with version, distribution and state, and why one failed.

    Ends with 1 if one failed. TOOLKIT_DISABLE_PLUGINS (names, comma separated, or all) switches
    plugins off without uninstalling them.
    """
    session.output.emit(session.plugins, VIEW)
    failed = any(entry.state == "failed" for entry in session.plugins)
    return ExitStatus.NOT_OK if failed else ExitStatus.OK


def _record(entry: Found) -> Record:
    return {
        "name": entry.name,
        "version": entry.version,
        "distribution": entry.distribution,
        "state": entry.state,
        "summary": entry.summary,
        "reason": entry.reason,
        "remedy": entry.remedy,
    }


def _lines(entries: Iterable[Found], _look: Look) -> Iterator[Line]:
    found = list(entries)
    if not found:
        yield (("No plugin is installed.", ""),)
        return
    yield from table(("Plugin", "Version", "Distribution", "State", "Summary or reason"),
                     [_row(entry) for entry in found])  # fmt: skip
    for entry in found:
        if entry.remedy:
            yield ((f"{entry.name}: ", "name"), (entry.remedy, ""))


def _row(entry: Found) -> tuple[Line, ...]:
    return (
        ((entry.name, "name"),),
        ((entry.version, ""),),
        ((entry.distribution, ""),),
        ((entry.state, STYLES[entry.state]),),
        ((entry.reason or entry.summary, ""),),
    )


VIEW: View[Found] = View(
    schema="toolkit.plugins/1",
    record=_record,
    lines=_lines,
    columns=("name", "version", "distribution", "state", "summary", "reason", "remedy"),
)
