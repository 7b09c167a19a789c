"""Results shown: a few lines for people, records for programs. Text from the network is cleaned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from toolkit.output import Look, Record, View
from toolkit.terminal import Line, Span, wrapped
from toolkit.text import clean
from toolkit_https.model import (
    Certificate,
    ClientSaid,
    Finding,
    Http,
    Result,
    Revocation,
    Severity,
    TrustPath,
    Verdict,
)
from toolkit_https.monitors import nagios, prometheus

SCHEMA = "toolkit.https.check/1"

VERDICT_STYLES: Mapping[Verdict, str] = {
    Verdict.TRUSTED: "good",
    Verdict.UNTRUSTED: "bad",
    Verdict.UNVERIFIABLE: "warn",
    Verdict.UNREACHABLE: "warn",
}
SEVERITY_STYLES: Mapping[Severity, str] = {
    Severity.CRITICAL: "bad",
    Severity.WARNING: "warn",
    Severity.INFO: "note",
}
MAX_SHOWN = 12
"""Names shown of one certificate; JSON has all."""


def lines(results: Iterable[Result], look: Look) -> Iterator[Line]:
    """Yield each result as it comes: the verdict, then each finding with its remedy."""
    stores: set[tuple[str, str]] = set()
    for result in results:
        if look.quiet and result.verdict is Verdict.TRUSTED and not _matters(result):
            continue
        yield from _of_result(result, look)
        stores.add((result.trust.path, result.trust.origin))
    for path, origin in sorted(stores):
        yield (("Trust store: ", "dim"), (f"{clean(path)} ({clean(origin)})", "dim"))


def _matters(result: Result) -> bool:
    return any(found.severity is not Severity.INFO for found in result.findings)


def _of_result(result: Result, look: Look) -> Iterator[Line]:
    verdict = (str(result.verdict), VERDICT_STYLES[result.verdict])
    yield ((clean(result.target, limit=200), "name"), (": ", ""), verdict, *_facts(result))
    for found in result.findings:
        if found.severity is not Severity.INFO or look.verbose:
            yield from _of_finding(found, look)
    yield from map(_of_client, result.clients)
    if look.verbose:
        yield from _details(result)
    elif result.verdict is Verdict.UNTRUSTED:
        yield from tree(result.chain)


def _facts(result: Result) -> tuple[Span, ...]:
    if result.verdict is not Verdict.TRUSTED:
        return ()
    day = f"{result.expires:%Y-%m-%d}" if result.expires else "?"
    text = f", {result.days_left} days left (until {day}), {result.protocol}"
    if result.http:
        text += f", HTTP {result.http.steps[-1].status}"
    return ((text, ""),)


def _of_finding(found: Finding, look: Look) -> Iterator[Line]:
    style = SEVERITY_STYLES[found.severity]
    head = (("  ", ""), (str(found.severity), style), (f" {found.id}: ", style))
    yield from wrapped(head, found.message, "    ", look.wrap)
    yield from wrapped((("    → ", "dim"),), found.remedy, "      ", look.wrap)


OUTCOMES = {
    "accepted": ("accepts", "good"), "refused": ("refuses", "warn"),
    "failed": ("can't tell", "dim"), "absent": ("absent", "dim"),
}  # fmt: skip


def _of_client(said: ClientSaid) -> Line:
    word, style = OUTCOMES[said.outcome]
    version = f" ({clean(said.version, limit=60)})" if said.version else ""
    detail = f": {clean(said.detail, limit=160)}" if said.detail else ""
    style = "bad" if said.agrees is False else style
    return (("  client ", "dim"), (clean(said.client, limit=80), "name"), (f"{version} ", "dim"),
            (word, style), (detail, "dim"))  # fmt: skip


def _details(result: Result) -> Iterator[Line]:
    yield from tree(result.chain, full=True)
    shown = tuple(certificate.sha256 for certificate in result.chain if certificate.in_path)
    for path in result.paths:
        if path.sha256 != shown:  # also a path that is refused is on the tree
            yield from _of_path(path)
    for status in result.revocation:
        yield from _of_revocation(status)
    if result.protocol:
        yield (
            ("  handshake: ", "dim"),
            (f"{result.protocol}, {result.cipher}, {result.group or 'no group'}", ""),
        )
    if result.address or result.proxy:
        place = f"{result.address} port {result.port}" if result.address else result.proxy
        first = f", after {result.starttls.upper()}'s STARTTLS" if result.starttls else ""
        label = "  address: " if result.address else "  through: "
        yield ((label, "dim"), (f"{place}{first}", ""))
    if result.protocols:
        yield (("  accepts: ", "dim"), (_protocols(result), ""))
    if result.http:
        yield from _of_http(result.http)
    software = result.verifier
    strict = "strict" if software.strict else "not strict"
    text = f"{software.openssl} with the flags of Python {software.python} ({strict})"
    yield (("  verified by: ", "dim"), (text, ""))


def tree(chain: Sequence[Certificate], *, full: bool = False) -> Iterator[Line]:
    """Yield the path as a tree, the root first, each certificate under its issuer; then the rest.

    `full` adds the period, the key and the names.
    """
    path = [certificate for certificate in chain if certificate.in_path]
    for depth, certificate in enumerate(reversed(path)):
        branch = f"{'   ' * (depth - 1)}└─ " if depth else ""
        yield from _of_certificate(certificate, f"  {branch}", full=full)
    for certificate in chain:
        if not certificate.in_path:
            yield from _of_certificate(certificate, "  + ", full=full)


def _of_certificate(certificate: Certificate, branch: str, *, full: bool) -> Iterator[Line]:
    source = "" if certificate.presented else ", from the trust store"
    who = clean(certificate.subject, limit=160)
    until = f", until {certificate.not_after:%Y-%m-%d}"
    label = f"{certificate.role}: "
    yield ((branch, "dim"), (label, "dim"), (f"{who}{source}{'' if full else until}", ""))
    if not full:
        return
    indent = " " * (len(branch) + len(label))
    period = f"{certificate.not_before:%Y-%m-%d} to {certificate.not_after:%Y-%m-%d}"
    yield ((indent, ""), (f"{period}, {certificate.key}, {certificate.signature}", "dim"))
    if certificate.names:
        shown = ", ".join(clean(name, limit=100) for name in certificate.names[:MAX_SHOWN])
        more = len(certificate.names) - MAX_SHOWN
        yield ((indent, ""), (f"names: {shown}{f' and {more} more' if more > 0 else ''}", "dim"))


def _of_path(path: TrustPath) -> Iterator[Line]:
    shown = " ← ".join(clean(subject, limit=80) for subject in path.subjects[1:])
    yield (("  another path: ", "dim"), (f"{shown}, until {path.expires:%Y-%m-%d}", ""))


def _of_revocation(known: Revocation) -> Iterator[Line]:
    who, source = clean(known.subject, limit=100), clean(known.source, limit=160)
    until = f", until {known.until:%Y-%m-%d %H:%M} UTC" if known.until else ""
    why = f" ({source}{until})" if source else f" ({clean(known.detail, limit=300)})"
    yield (("  revocation: ", "dim"), (f"{who}: {known.status}{why}", ""))


def _protocols(result: Result) -> str:
    words = {True: "yes", False: "no", None: "unknown"}
    parts = [f"{item.version} {words[item.accepted]}" for item in result.protocols]
    return f"{', '.join(parts)}; ALPN {clean(result.alpn) or 'none'}"


def _of_http(http: Http) -> Iterator[Line]:
    """The request, and that it was made over a connection of its own."""
    for step in http.steps:
        yield (("  HTTP: ", "dim"), (f"{step.status} from {clean(step.url, limit=160)}", ""))
    hsts = "no HSTS" if http.hsts is None else f"HSTS for {http.hsts} s"
    subdomains = " with subdomains" if http.hsts is not None and http.hsts_subdomains else ""
    yield (("    ", ""), (f"{hsts}{subdomains}; by requests, over a second connection", "dim"))


def record(result: Result) -> Record:
    """Return `result` as JSON-ready values; times are ISO 8601 in UTC."""
    values = _plain(asdict(result))
    if not isinstance(values, dict):
        raise TypeError(result)
    if values["http"] is not None:
        values["http"]["connection"] = "second"
    values["ids"] = [found.id for found in result.findings]
    return values


def schema() -> dict[str, object]:
    """Return the JSON Schema of one record, docs/reference/toolkit.https.check.1.json."""
    from toolkit.documents.schema import DIALECT, json_schema  # no check needs it

    made = json_schema(Result)
    properties = made["properties"]
    required = made["required"]
    if not isinstance(properties, dict) or not isinstance(required, list):
        raise TypeError(made)
    properties["schema"] = {"const": SCHEMA, "description": "In JSON lines only."}
    properties["ids"] = {"type": "array", "items": {"type": "string"}}
    for option in properties["http"]["anyOf"]:
        option.get("properties", {})["connection"] = {"const": "second"}
    return {"$schema": DIALECT, "title": SCHEMA, **made, "required": [*required, "ids"]}


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return value


VIEW: View[Result] = View(
    schema=SCHEMA,
    record=record,
    lines=lines,
    columns=("target", "verdict", "ids", "days_left", "expires", "protocol", "cipher", "address",
             "port", "seconds"),
    formats={"nagios": nagios, "prometheus": prometheus},
)  # fmt: skip
