"""How findings look: lines for people, records for programs, SARIF for code hosts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict

from toolkit.documents.schema import DIALECT, json_schema
from toolkit.output import Look, Record, View
from toolkit.terminal import Line
from toolkit.text import clean
from toolkit_https.scan.model import Finding, Level
from toolkit_https.scan.sarif import sarif

SCHEMA = "toolkit.https.scan/1"
_STYLES = {
    Level.ERROR: "bad",
    Level.WARNING: "warn",
    Level.NOTE: "dim",
    Level.UNREAD: "warn",
}
LONGEST = 160


def lines(findings: Iterable[Finding], look: Look) -> Iterator[Line]:
    """Yield each finding with its line of source and the remedy; accepted ones with -v only."""
    for found in findings:
        if found.suppressed and not look.verbose:
            continue
        yield _head(found)
        if look.quiet:
            continue
        if found.source:
            yield (("    ", ""), (clean(found.source, limit=LONGEST), "dim"))
        if found.suppressed:
            reason = clean(found.suppressed, limit=LONGEST)
            yield (("    accepted: ", "dim"), (reason, ""))
        else:
            yield (("    instead: ", "dim"), (clean(found.remedy), ""))


def _head(found: Finding) -> Line:
    place = f"{found.path}:{found.line}:{found.column}" if found.line else found.path
    level = (str(found.level), _STYLES[found.level])
    rule = (f" [{found.rule}]", "dim") if found.line else ("", "")
    return ((f"{clean(place)}: ", "title"), level, (f": {clean(found.message)}", ""), rule)


def record(found: Finding) -> Record:
    """Return a finding as JSON-ready values; `path` is made text where it is none."""
    path = found.path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    source = found.source.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return {**asdict(found), "path": path, "source": source, "counts": found.counts}


def schema() -> dict[str, object]:
    """Return the JSON Schema of one record, docs/reference/toolkit.https.scan.1.json."""
    made = json_schema(Finding)
    properties, required = made["properties"], made["required"]
    if not isinstance(properties, dict) or not isinstance(required, list):
        raise TypeError(made)
    properties["schema"] = {"const": SCHEMA, "description": "In JSON lines only."}
    properties["counts"] = {"type": "boolean", "description": "An error or warning not accepted."}
    return {"$schema": DIALECT, "title": SCHEMA, **made, "required": [*required, "counts"]}


VIEW: View[Finding] = View(
    schema=SCHEMA,
    record=record,
    lines=lines,
    columns=("path", "line", "column", "level", "rule", "message", "remedy", "suppressed"),
    formats={"sarif": sarif},
)
