"""`toolkit https verify`: the verdict on files, before they are installed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from toolkit.text import clean
from toolkit_https import expiry, names, offline, verify
from toolkit_https.certificates import describe_ders
from toolkit_https.check import Request, name_fault
from toolkit_https.files import Loaded, belongs, find_leaf, in_order
from toolkit_https.model import Certificate, Finding, Result, Severity, Verdict
from toolkit_https.opinions import breach_finding, disagreement, public_breaches
from toolkit_https.registry import by_severity, finding
from toolkit_https.second import Question

NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME (openssl/x509_vfy.h)."""
TIME_CODES = {9, 10}


@dataclass(frozen=True, slots=True)
class Files:
    """What is to be verified: the certificates of all files in order, a key, revocation lists.

    `name` is the host it is for, `at` when.
    """

    label: str
    loaded: Loaded
    key: bytes | None
    crls: tuple[bytes, ...]
    name: str
    at: datetime


def verify_files(files: Files, request: Request) -> Result:
    """Return the same result that a server with these files would get."""
    started = time.monotonic()
    given = files.loaded.certificates
    leaf = find_leaf(given, files.key)
    chain = in_order(leaf, given)
    question = Question(
        leaf,
        tuple(item for item in given if item != leaf),
        request.policy.anchors(),
        names.to_ascii(files.name),
        files.at,
    )
    judged = offline.judge(question, flags=request.policy.flags, crls=files.crls)
    path = judged.path or chain
    described = describe_ders(_ders(given), _ders(path))
    refused = list(_faults(question, judged, described, request, files))
    faults = [*refused, *_key_fault(files, leaf)]
    more = [*_order(given, chain), *_opinions(judged, request, refused=bool(refused))]
    if not faults:
        used = [item for item in described if item.in_path]
        more += expiry.findings(used, files.at, request.thresholds)
    critical = any(item.severity is Severity.CRITICAL for item in more if request.strict)
    verdict = Verdict.UNTRUSTED if faults or critical else Verdict.TRUSTED
    result = _result(files, request, described, verdict, [*faults, *more])
    return replace(result, seconds=round(time.monotonic() - started, 3))


def _ders(certificates: Sequence[x509.Certificate]) -> list[bytes]:
    return [item.public_bytes(Encoding.DER) for item in certificates]


def _faults(
    question: Question,
    judged: offline.Judged,
    chain: Sequence[Certificate],
    request: Request,
    files: Files,
) -> Iterator[Finding]:
    """OpenSSL tells the first fault of a path; a wrong time hides others, so it is asked again."""
    errors = [judged.error] if judged.error else []
    if judged.error and judged.error[1] in TIME_CODES:
        flags = request.policy.flags | NO_CHECK_TIME
        again = offline.judge(question, flags=flags, crls=files.crls)
        errors += [again.error] if again.error else []
    used = [item for item in chain if item.in_path]
    yield from verify.findings(errors, used)
    if judged.openssl.startswith("can't be read"):
        yield finding("malformed-certificate", f"The files {judged.openssl}.")
    mismatch = name_fault(question.name, question.leaf)
    if mismatch:
        yield mismatch


def _key_fault(files: Files, leaf: x509.Certificate) -> Iterator[Finding]:
    if files.key is not None and not belongs(leaf, files.key):
        yield finding("key-mismatch")


def _order(
    given: Sequence[x509.Certificate], chain: Sequence[x509.Certificate]
) -> Iterator[Finding]:
    in_chain = [item for item in given if item in chain]
    if in_chain != list(chain):
        wanted = ", ".join(clean(item.subject.rfc4514_string(), limit=60) for item in chain)
        yield finding(
            "wrong-order", f"The certificates are in the wrong order; right is: {wanted}."
        )


def _opinions(judged: offline.Judged, request: Request, *, refused: bool) -> Iterator[Finding]:
    severity = Severity.CRITICAL if request.strict else None
    if judged.other is not None and bool(judged.other) != refused:
        yield finding("verifiers-disagree", disagreement(judged.other), severity=severity)
    if not refused:
        for breach in (*judged.breaches, *public_breaches(judged.path)):
            yield breach_finding(breach, len(judged.path), severity)


def _result(
    files: Files,
    request: Request,
    chain: tuple[Certificate, ...],
    verdict: Verdict,
    found: list[Finding],
) -> Result:
    used = [item for item in chain if item.in_path] or list(chain)
    first = min(used, key=lambda item: item.not_after)
    return Result(
        target=files.label, name=files.name, port=0, address="", verdict=verdict,
        findings=by_severity(found), chain=chain,
        trust=request.policy.trust.used, verifier=request.policy.verifier, checked=files.at,
        seconds=0.0, protocol="files", expires=first.not_after, expires_subject=first.subject,
        days_left=int(expiry.days_left(first, files.at)),
    )  # fmt: skip
