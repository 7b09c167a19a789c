"""`toolkit https explain`: a finding at length, from the source of the documentation's page."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from toolkit.errors import UsageError
from toolkit.output import Look, Record, View
from toolkit.terminal import Line
from toolkit.text import clean, did_you_mean
from toolkit_https.explanations import Explanation, explain
from toolkit_https.registry import REGISTRY
from toolkit_https.views import SEVERITY_STYLES


def chosen(identifiers: Sequence[str]) -> list[Explanation]:
    """Return the explanations of `identifiers`, or of all. Raises UsageError for an unknown one."""
    for identifier in identifiers:
        if identifier not in REGISTRY:
            message = f'there is no finding "{clean(identifier, limit=60)}"'
            hint = did_you_mean(identifier, REGISTRY) or "toolkit https explain lists all of them"
            raise UsageError(message, hint=hint)
    return [explain(identifier) for identifier in identifiers or sorted(REGISTRY)]


def _lines(explanations: Iterable[Explanation], look: Look) -> Iterator[Line]:
    for at, item in enumerate(explanations):
        if at:
            yield ()
        severity = item.kind.severity
        yield ((item.id, "title"), (f" ({severity})", SEVERITY_STYLES[severity]))
        yield from _paragraph("", item.kind.title, look)
        yield from _paragraph("Why: ", item.cause, look)
        yield from _paragraph("Who refuses: ", item.clients, look)
        yield from _paragraph("What to do: ", item.kind.remedy, look)
        for server, command in item.fixes.items():
            yield ((f"  {server}: ", "name"), (command, ""))


def _paragraph(head: str, text: str, look: Look) -> Iterator[Line]:
    if text:
        wrapped = textwrap.wrap(head + text, max(look.width - 2, 40))
        yield from ((("  " + line, ""),) for line in wrapped)


def _record(item: Explanation) -> Record:
    return {
        "id": item.id,
        "severity": str(item.kind.severity),
        "title": item.kind.title,
        "cause": item.cause,
        "clients": item.clients,
        "remedy": item.kind.remedy,
        "fixes": dict(item.fixes),
    }


VIEW: View[Explanation] = View(
    schema="toolkit.https.explain/1",
    record=_record,
    lines=_lines,
    columns=("id", "severity", "title", "cause", "clients", "remedy"),
)
