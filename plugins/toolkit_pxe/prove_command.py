"""`toolkit pxe prove`: real servers' offers beside the predictions, as a matrix."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from toolkit.errors import ExitStatus, UsageError
from toolkit.output import Look, Record, View
from toolkit.session import Session
from toolkit.terminal import Line, pad
from toolkit.text import clean, did_you_mean
from toolkit_pxe.lab import Lab
from toolkit_pxe.lab.matrix import (
    DIFFERS,
    NOT_APPLICABLE,
    PROVEN,
    REFUSED,
    TARGETS,
    UNPROVEN,
    Result,
    matrix,
)
from toolkit_pxe.requests import chosen_targets
from toolkit_pxe.serving import Servable

_STYLES = {PROVEN: "good", DIFFERS: "bad", REFUSED: "note", NOT_APPLICABLE: "dim", UNPROVEN: "warn"}


def run(session: Session, names: tuple[str, ...], rows: tuple[str, ...]) -> ExitStatus:
    """Prove the matrix (or some `rows`) on the named servers, or on all that can be run."""
    for row in rows:
        if row not in TARGETS:
            hint = did_you_mean(row, TARGETS) or f"known are: {', '.join(TARGETS)}"
            raise UsageError(f'--target: the matrix has no "{clean(row, limit=40)}"', hint=hint)
    session.output.check_format(VIEW)
    chosen = chosen_targets(names, session.output.warn)
    servers = [item for item in chosen if isinstance(item, Servable)]
    if not servers:
        known = [item.name for item in chosen_targets((), session.output.warn)
                 if isinstance(item, Servable)]  # fmt: skip
        hint = f"these can: {', '.join(known)}"
        raise UsageError("none of these is a DHCP server that can be run here", hint=hint)
    seen: Counter[str] = Counter()

    def each(lab: Lab) -> Iterator[Result]:
        for result in matrix(lab, servers, rows or (*TARGETS,)):
            seen[result.state] += 1
            yield result

    with Lab() as lab:
        session.output.emit(each(lab), VIEW)
    if seen[DIFFERS]:
        return ExitStatus.NOT_OK
    return ExitStatus.UNCHECKED if seen[UNPROVEN] else ExitStatus.OK


def _record(result: Result) -> Record:
    return {
        "server": result.server,
        "family": result.family,
        "target": result.target,
        "architecture": result.arch,
        "ipxe": [*result.ipxe],
        "asks": result.asks,
        "state": result.state,
        "reason": result.reason,
        "offered": result.offered,
    }


def _lines(results: Iterable[Result], look: Look) -> Iterator[Line]:
    """One line for each server, family and target as soon as it is done; reasons below."""
    group: list[Result] = []
    total: Counter[str] = Counter()
    for result in results:
        total[result.state] += 1
        if group and _key(group[0]) != _key(result):
            yield from _group(group, look)
            group = []
        group.append(result)
    if group:
        yield from _group(group, look)
    yield ()
    parts = [f"{count} {state}" for state, count in total.items()]
    yield ((f"{sum(total.values())} cells: ", "title"), (", ".join(parts), ""))


def _key(result: Result) -> tuple[str, int, str]:
    return result.server, result.family, result.target


def _group(group: list[Result], look: Look) -> Iterator[Line]:
    first = group[0]
    counts = Counter(item.state for item in group)
    spans: list[tuple[str, str]] = [
        (pad(f"{first.server} IPv{first.family}", 16), "name"),
        (pad(first.target, max(map(len, TARGETS)) + 2), ""),
    ]
    for state, count in counts.items():
        spans.append((f"{count:>4} {state}  ", _STYLES[state]))
    yield tuple(spans)
    shown = max(group, key=lambda item: len(item.offered))
    if shown.offered and not look.verbose:
        yield ((f"    {shown.arch}: {clean(shown.offered, limit=300)}", "dim"),)
    if look.verbose:
        for item in group:
            by = ", ".join(map(str, item.ipxe))
            who = f"iPXE ({by})" if by else "firmware"
            how = f"{who}, {'asks' if item.asks else 'asks not'}"
            yield (
                (f"    {pad(item.arch, 24)}{pad(how, 26)}", ""),
                (pad(item.state, 10), _STYLES[item.state]),
                (clean(item.offered, limit=300), "dim"),
            )
    for state, reason in dict.fromkeys((item.state, item.reason) for item in group if item.reason):
        yield ((f"    {state}: {clean(reason, limit=400)}", _STYLES[state]),)


VIEW: View[Result] = View(
    schema="toolkit.pxe.prove/1",
    record=_record,
    lines=_lines,
    columns=("server", "family", "target", "architecture", "ipxe", "asks", "state", "reason"),
)
