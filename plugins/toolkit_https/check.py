"""One target, one verdict: connect, shake hands, judge the chain and the name, ask over HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cryptography import x509

from toolkit.text import clean
from toolkit_https import certificates, expiry, inquiries, names, paths, pins, second, verify
from toolkit_https.connect import Unreachable, resolve
from toolkit_https.deadline import Deadline
from toolkit_https.expiry import Thresholds
from toolkit_https.fetching import Fetching
from toolkit_https.handshake import Shaken, shake
from toolkit_https.model import (
    Certificate,
    Finding,
    Result,
    Severity,
    TrustPath,
    Verdict,
)
from toolkit_https.names import PresentedNames
from toolkit_https.opinions import second_opinions
from toolkit_https.pins import Pins
from toolkit_https.policy import Policy
from toolkit_https.reach import Way, reach
from toolkit_https.registry import by_severity, finding
from toolkit_https.targets import Target

if TYPE_CHECKING:
    from toolkit_https.cache import Cache

HTTP = (b"http/1.1",)
POST_QUANTUM = ("MLKEM", "Kyber")
UNVERIFIABLE = {"client-certificate-required", "protocol-too-old", "handshake-refused"}


@dataclass(frozen=True, slots=True)
class Request:
    """How to check: seconds for a target, when an end is near, and whether the policy is strict.

    `fetching` None fetches nothing that certificates name; `revocation` is off, soft or hard;
    `protocols` probes further versions of TLS, each over a connection of its own.
    """

    policy: Policy
    timeout: float = 10.0
    thresholds: Thresholds = field(default_factory=Thresholds)
    strict: bool = False
    pins: Pins = field(default_factory=Pins)
    way: Way = field(default_factory=lambda: Way(resolve))
    fetching: Fetching | None = None
    revocation: str = "off"
    cache: Cache | None = None
    save_chain: bool = False
    protocols: bool = False
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


def check(target: Target, request: Request) -> Result:
    """Return the result for `target`; every failure of it is a result, none an exception."""
    started = time.monotonic()
    deadline = Deadline.after(request.timeout)
    checked = request.now()
    result = _empty(target, request, checked)
    try:
        sock, address = reach(target, request.way, deadline)
        with sock:
            name = target.sni or ("" if target.is_ip else target.name)
            alpn = HTTP if target.scheme == "https" else ()
            shaken = shake(request.policy, sock, name, deadline, alpn)
        result = _judge(replace(result, address=address), target, shaken, request)
        if request.protocols and result.verdict is not Verdict.UNREACHABLE:
            result = _probed(result, target, request)
    except Unreachable as error:
        result = replace(result, findings=(error.finding,))
    except TimeoutError:
        late = finding("timeout", f"{clean(target.text)}: no answer within {request.timeout:g} s.")
        result = replace(result, findings=(late,))
    return replace(result, seconds=round(time.monotonic() - started, 3))


def _empty(target: Target, request: Request, checked: datetime) -> Result:
    proxy = request.way.proxy(target)
    return Result(
        target=target.text, name=target.name, port=target.port, address="",
        verdict=Verdict.UNREACHABLE, findings=(), chain=(), trust=request.policy.trust.used,
        verifier=request.policy.verifier, checked=checked, seconds=0.0,
        starttls=target.starttls, proxy=proxy.shown if proxy else "",
    )  # fmt: skip


def _judge(result: Result, target: Target, shaken: Shaken, request: Request) -> Result:
    with request.policy.turn:
        chain = certificates.describe_ders(shaken.sent, shaken.built)
        chain, found_paths = _in_paths(chain, shaken, request.policy)
        faults = _chain_faults(target, shaken, chain)
    result, faults = inquiries.complete(result, faults, shaken, target, request)
    # The second verifier knows no revocation: it is asked about the rest.
    opinions = list(second_opinions(shaken, target, request, refused=bool(faults)))
    result, revocations = inquiries.revoked(result, shaken, target, request)
    faults += [item for item in revocations if item.severity is Severity.CRITICAL]
    verdict = _verdict(shaken, faults)
    found = [*faults, *_handshake_findings(shaken, request)]
    found += [item for item in revocations if item.severity is not Severity.CRITICAL]
    if request.strict and any(item.severity is Severity.CRITICAL for item in opinions):
        verdict = Verdict.UNTRUSTED
    found += [*opinions, *pins.unexpected(chain, request.pins)]
    with request.policy.turn:
        found += verify.differences(shaken, request.policy, chain)
    result = replace(
        result, verdict=verdict, chain=chain, paths=found_paths, protocol=shaken.protocol,
        cipher=shaken.cipher, group=shaken.group,
    )  # fmt: skip
    if chain:
        result = _expiry(result)
    if not faults and chain:
        found += _while_trusted(result, shaken, request)
    if verdict is Verdict.TRUSTED and target.url:
        result, more = _over_http(result, target, request)
        found += more
    return replace(result, findings=by_severity(found))


def _in_paths(
    chain: tuple[Certificate, ...], shaken: Shaken, policy: Policy
) -> tuple[tuple[Certificate, ...], tuple[TrustPath, ...]]:
    presented = second.parsed(shaken.sent)
    used = second.parsed(shaken.built)
    if len(presented) != len(shaken.sent) or not presented:
        return chain, ()
    found = paths.find_paths(presented, used, policy.anchors_of)
    known = list(dict.fromkeys([*presented, *used]))
    roles = paths.with_roles(chain, known, found, policy.anchors_of)
    return roles, paths.described(found, used if not shaken.errors else ())


def _over_http(result: Result, target: Target, request: Request) -> tuple[Result, list[Finding]]:
    from toolkit_https.http import Visit, follow  # only for URLs

    policy = request.policy
    visit = Visit(policy.trust, request.way, request.timeout, policy.identity)
    http, found = follow(target, result.address, visit, result.chain[0].sha256)
    refused = any(item.id == "http-untrusted" for item in found)
    verdict = Verdict.UNTRUSTED if refused else result.verdict
    return replace(result, http=http, verdict=verdict), found


def _probed(result: Result, target: Target, request: Request) -> Result:
    from toolkit_https.probe import findings, probe  # only where it was asked for

    probes, alpn = probe(target, request)
    found = by_severity([*result.findings, *findings(probes)])
    return replace(result, protocols=probes, alpn=alpn, findings=found)


def _chain_faults(target: Target, shaken: Shaken, chain: Sequence[Certificate]) -> list[Finding]:
    """Return why clients refuse what was presented; nothing was presented: nothing to refuse."""
    if not shaken.presented:
        return []
    path = [certificate for certificate in chain if certificate.in_path]
    faults = list(verify.findings(shaken.errors, path))
    leaf = next(iter(second.parsed(shaken.sent[:1])), None)
    mismatch = name_fault(target.name, leaf)
    return [*faults, mismatch] if mismatch else faults


def name_fault(name: str, leaf: x509.Certificate | None) -> Finding | None:
    """Return why the certificate isn't for `name`, or None; an unreadable one has no names."""
    presented = certificates.names_of(leaf) if leaf is not None else PresentedNames((), ())
    if names.matches(name, presented):
        return None
    wanted = clean(name)
    if not presented:
        message = (
            f"The certificate has no subjectAltName, so it is for no name; {wanted} is wanted."
        )
        return finding("no-subject-alt-name", message)
    shown = clean(names.described([*presented.dns, *presented.addresses]), limit=300)
    several = len(presented.dns) + len(presented.addresses) > 1
    near = names.nearest_name(name, presented) if several else None
    hint = f" The nearest is {clean(near, limit=100)}." if near else ""
    return finding("name-mismatch", f"The certificate is for {shown}, not for {wanted}.{hint}")


def _verdict(shaken: Shaken, faults: Sequence[Finding]) -> Verdict:
    if faults:
        return Verdict.UNTRUSTED
    if shaken.refused_client or (shaken.failure and shaken.failure.id in UNVERIFIABLE):
        return Verdict.UNVERIFIABLE
    return Verdict.UNREACHABLE if shaken.failure else Verdict.TRUSTED


def _handshake_findings(shaken: Shaken, request: Request) -> Iterator[Finding]:
    given = request.policy.identity is not None
    if shaken.refused_client:
        yield finding("client-certificate-refused" if given else "client-certificate-required")
    elif shaken.failure:
        yield shaken.failure
    elif shaken.observed.certificate_requested:
        message = "The server asks for a client certificate, and took the one given."
        yield finding("client-certificate-requested", message if given else "")


def _expiry(result: Result) -> Result:
    """Add the earliest end in the path in use."""
    path = [certificate for certificate in result.chain if certificate.in_path]
    first = min(path, key=lambda certificate: certificate.not_after)
    days = int((first.not_after - result.checked).total_seconds() / 86400)
    return replace(result, expires=first.not_after, expires_subject=first.subject, days_left=days)


def _while_trusted(result: Result, shaken: Shaken, request: Request) -> Iterator[Finding]:
    """Yield what is worth knowing of a path that clients accept."""
    path = [certificate for certificate in result.chain if certificate.in_path]
    yield from expiry.findings(path, result.checked, request.thresholds)
    if shaken.group and not any(word in shaken.group for word in POST_QUANTUM):
        message = f"The key exchange ({clean(shaken.group)}) isn't post-quantum."
        yield finding("no-post-quantum", message)
    if not request.policy.trust.hashed:
        folder = clean(result.trust.path)
        yield finding("ca-directory-not-hashed", remedy=f"Run: openssl rehash {folder}")
