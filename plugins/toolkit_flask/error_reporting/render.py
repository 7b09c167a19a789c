"""A report as a line of JSON, as a block of text, as a page of HTML, and as a mail's subject.

A report's texts are clean already, but a message keeps its line feeds: every line of it is shown
behind an indent, so that none can pass for a line of ours.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Mapping
from typing import Any

RELATIONS = {
    "cause": "which was raised directly because of",
    "context": "which was raised while handling",
}
MOST_BYTES = 65_536
"""No report is longer: of one that is, requests' data, locals and frames go first."""
_SHOWN = (
    ("Request", "method", "path"),
    ("Endpoint", "endpoint"),
    ("Status", "status"),
    ("Duration", "duration"),
    ("User", "user_name"),
    ("Client", "client_address"),
    ("Browser", "browser", "browser_version"),
    ("Platform", "platform"),
    ("User agent", "user_agent"),
    ("Request id", "request_id"),
    ("Trace id", "trace_id"),
    ("Host", "host"),
    ("Process", "process"),
    ("Thread", "thread"),
    ("Command", "command"),
    ("Application", "application"),
    ("Release", "release"),
    ("Time", "time"),
    ("Logged", "logged"),
    ("Report", "id"),
    ("Fingerprint", "fingerprint"),
)


def to_json(report: Mapping[str, Any]) -> bytes:
    """Return one line of ASCII JSON, without its end; at most `MOST_BYTES`."""
    encoded = _dumped(report)
    for lessen in (_without_locals, _without_data, _with_few_frames, _with_ends_only):
        if len(encoded) <= MOST_BYTES:
            break
        report = lessen(report)
        encoded = _dumped(report)
    return encoded


def _dumped(report: Mapping[str, Any]) -> bytes:
    return json.dumps(report, separators=(",", ":"), default=str).encode("ascii")


def _without_locals(report: Mapping[str, Any]) -> dict[str, Any]:
    return {**report, "cut": True, "chain": _chain(report, lambda frame: {**frame, "locals": {}})}


def _without_data(report: Mapping[str, Any]) -> dict[str, Any]:
    return {**report, "request": {}}


def _with_few_frames(report: Mapping[str, Any]) -> dict[str, Any]:
    short = [{**link, "frames": link["frames"][-10:], "group": []} for link in report["chain"]]
    return {**report, "chain": short}


def _with_ends_only(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is certainly small: the first exception, its message cut, its last frames."""
    first = report["chain"][0]
    link = {
        **first,
        "message": first["message"][:1000],
        "frames": first["frames"][-3:],
        "notes": [],
    }
    small = {key: value for key, value in report.items() if not isinstance(value, (list, dict))}
    return {
        **small,
        "message": link["message"],
        "chain": [link],
        "request": {},
        "raised": {},
        "own": {},
    }


def _chain(report: Mapping[str, Any], change: Any) -> list[dict[str, Any]]:
    return [{**link, "frames": [change(f) for f in link["frames"]]} for link in report["chain"]]


def place(found: Mapping[str, Any]) -> str:
    """Return a place as `module.function (file:line)`."""
    if not found:
        return "-"
    return f"{found['module']}.{found['function']} ({found['file']}:{found['line']})"


def title(report: Mapping[str, Any]) -> str:
    """Return the exception and its message on one line, at most 200 characters."""
    lines = str(report["message"]).splitlines()
    text = f"{report['type']}: {lines[0]}" if lines else str(report["type"])
    return text if len(text) <= 200 else text[:199] + "…"  # noqa: PLR2004  # as said


def subject(report: Mapping[str, Any]) -> str:
    """Return a subject that no exception can break: one line, at most 120 characters."""
    found = report["own"] or report["raised"]
    where = f" in {found['function']}" if found else ""
    mark = "[test] " if report.get("test") else ""
    text = f"{mark}[{report['application']}] {title(report)}"
    room = max(120 - len(where), 40)
    return " ".join(((text if len(text) <= room else text[: room - 1] + "…") + where).split())


def rows(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the fields to show with their names, in order; what is not known is left out."""
    found = [("Raised in", place(report["raised"])), ("Own code", place(report["own"]))]
    for name, *keys in _SHOWN:
        values = [str(report[key]) for key in keys if report.get(key) not in {None, "-", ""}]
        if values:
            found.append((name, " ".join(values)))
    more = report.get("suppressed_before")
    if more:
        found.append(("Before", f"{more} more of this kind since the last report, not sent"))
    return found


def to_text(report: Mapping[str, Any]) -> str:
    """Return the report as a block of text, for people."""
    mark = "TEST REPORT: not a fault\n" if report.get("test") else ""
    lines = [f"{mark}{title(report)}", ""]
    lines += [f"{name + ':':<13}{value}" for name, value in rows(report)]
    lines += ["", *traceback_lines(report)]
    if report["request"]:
        lines += ["", "What the client sent, without secrets:"]
        lines += [f"  {line}" for line in json.dumps(report["request"], indent=2).splitlines()]
    return "\n".join(lines) + "\n"


def traceback_lines(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield the traceback, the exception raised last at first; each line of a message indented."""
    for link in report["chain"]:
        if link["relation"] in RELATIONS:
            yield f"{RELATIONS[link['relation']]}:"
        yield from _link_lines(link, "")


def _link_lines(link: Mapping[str, Any], indent: str) -> Iterator[str]:
    if link["frames"]:
        yield f"{indent}Traceback (most recent call last):"
    for frame in link["frames"]:
        if "left_out" in frame:
            yield f"{indent}  [{frame['left_out']} frames left out]"
        yield f'{indent}  File "{frame["file"]}", line {frame["line"]}, in {frame["function"]}'
        if "source" in frame:
            yield f"{indent}    {frame['source']}"
        for name, value in frame.get("locals", {}).items():
            yield f"{indent}      {name} = {value}"
    first, *others = str(link["message"]).split("\n")
    yield f"{indent}{link['type']}: {first}" if first else f"{indent}{link['type']}"
    yield from (f"{indent}  | {line}" for line in others)
    for note in link.get("notes", ()):
        yield from (f"{indent}  | {line}" for line in note.split("\n"))
    for number, member in enumerate(link.get("group", ()), 1):
        yield f"{indent}  +-- {number} of {link['members']}"
        yield from _link_lines(member, indent + "  | ")


def to_html(report: Mapping[str, Any]) -> str:
    """Return the report as a page for mail: no script, no style sheet, nothing to fetch."""
    cells = "".join(
        f'<tr><th align="left" valign="top">{html.escape(name)}</th>'
        f"<td>{html.escape(value)}</td></tr>"
        for name, value in rows(report)
    )
    trace = html.escape("\n".join(traceback_lines(report)))
    sent = html.escape(json.dumps(report["request"], indent=2)) if report["request"] else ""
    data = f"<h3>What the client sent, without secrets</h3><pre>{sent}</pre>" if sent else ""
    mark = "<p><strong>TEST REPORT: not a fault</strong></p>" if report.get("test") else ""
    return (
        f'<!DOCTYPE html><html><head><meta charset="utf-8"></head><body>{mark}'
        f"<h2>{html.escape(title(report))}</h2><table>{cells}</table><pre>{trace}</pre>{data}"
        "</body></html>"
    )
