"""`toolkit doctor`: what this machine can prove with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from toolkit.command import application, command
from toolkit.discovery import Found
from toolkit.doctor import Probe, core_probes, run_probes
from toolkit.errors import ExitStatus, ToolkitError
from toolkit.output import Look, Record, View, table
from toolkit.plugins import load
from toolkit.session import Session
from toolkit.terminal import Line
from toolkit.text import clean

app = application("Show what this machine can prove with.")


@dataclass(frozen=True, slots=True)
class Examined:
    """A probe's answer and whose it is: "toolkit" or a plugin's name."""

    part: str
    probe: Probe


@command(
    app,
    "doctor",
    lenient=True,
    examples=(
        ("What is there, what is missing, what to install", "toolkit doctor"),
        ("For a script", "toolkit doctor --format jsonl"),
    ),
)
def doctor(session: Session) -> ExitStatus:
    """Show what this machine has that proofs need: each found, or with the package to install.

    Ends with 1 if something is missing that the toolkit can't work without; what is merely
    missing for some proof is listed and is no failure.
    """
    seen: list[Examined] = []

    def examine() -> Iterator[Examined]:
        for examined in _examine(session):
            seen.append(examined)
            yield examined

    session.output.emit(examine(), VIEW)
    bad = any(item.probe.required and not item.probe.found for item in seen)
    return ExitStatus.NOT_OK if bad else ExitStatus.OK


def _examine(session: Session) -> Iterator[Examined]:
    for probe in run_probes("toolkit", core_probes, session):
        yield Examined("toolkit", probe)
    for entry in session.plugins:
        for probe in _of_plugin(entry, session):
            yield Examined(entry.name, probe)


def _of_plugin(entry: Found, session: Session) -> list[Probe]:
    if entry.state == "failed":
        return [_failed(entry.reason, entry.remedy)]
    if entry.plugin is None or not entry.plugin.doctor:
        return []
    try:
        probes = load(entry.plugin.doctor)
    except ToolkitError as error:
        return [_failed(error.message, entry.update)]
    if not callable(probes):
        return [_failed(f"{entry.plugin.doctor} is no function", entry.update)]
    return run_probes(entry.name, probes, session)


def _failed(detail: str, remedy: str) -> Probe:
    return Probe("plugin", found=False, detail=detail, remedy=remedy, required=True)


def _record(item: Examined) -> Record:
    probe = item.probe
    return {
        "part": item.part,
        "name": probe.name,
        "found": probe.found,
        "detail": probe.detail,
        "remedy": "" if probe.found else probe.remedy,
        "needed_for": probe.needed_for,
        "required": probe.required,
    }


def _lines(items: Iterable[Examined], look: Look) -> Iterator[Line]:
    """Found things in a table, by part; then what is missing, why it matters and what to do."""
    rows, missing = [], []
    for item in items:
        if not (look.quiet and item.probe.found):
            rows.append(_row(item))
        if not item.probe.found:
            missing.append(item)
    yield from table(("Part", "Probe", "State", "What"), rows)
    if missing:
        yield ()
        yield (("Missing:", "title"),)
    for item in missing:
        need = f" (needed for {item.probe.needed_for})" if item.probe.needed_for else ""
        yield (("  ", ""), (item.probe.name, "name"), (f"{need}: {item.probe.remedy}", ""))


def _row(item: Examined) -> tuple[Line, ...]:
    probe = item.probe
    state = ("found", "good") if probe.found else ("missing", "bad" if probe.required else "warn")
    name, detail = clean(probe.name), clean(probe.detail)
    return (((item.part, "dim"),), ((name, "name"),), (state,), ((detail, ""),))


VIEW: View[Examined] = View(
    schema="toolkit.doctor/1",
    record=_record,
    lines=_lines,
    columns=("part", "name", "found", "detail", "remedy", "needed_for", "required"),
)
