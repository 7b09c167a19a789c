"""The second verifier and the profile rules, asked about what a handshake showed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

from cryptography import x509

from toolkit.text import clean
from toolkit_https import second
from toolkit_https.handshake import Shaken
from toolkit_https.model import Finding, Severity
from toolkit_https.profile import examine
from toolkit_https.profile_base import Breach
from toolkit_https.profile_keys import overlong
from toolkit_https.registry import finding
from toolkit_https.second import Abstained, Question
from toolkit_https.targets import Target
from toolkit_https.trust import public_roots

if TYPE_CHECKING:
    from toolkit_https.check import Request


def second_opinions(
    shaken: Shaken, target: Target, request: Request, *, refused: bool
) -> Iterator[Finding]:
    """Yield where the second verifier differs from OpenSSL, and the breaches of the profile.

    `refused` tells that OpenSSL or the name already refused. Under the strict policy what would be
    a warning is critical: it decides the verdict.
    """
    presented = second.parsed(shaken.sent)
    path = second.parsed(shaken.built)
    if not presented:
        return
    question = _question(presented, path, target.name, request, refused=refused)
    turn = request.policy.turn
    try:
        with turn if second.is_small(question) else nullcontext():
            opinion = second.opinion(question)
    except Abstained as error:
        opinion = None
        yield finding("second-opinion-missing", f"The verifier of cryptography abstains: {error}.")
    severity = Severity.CRITICAL if request.strict else None
    if opinion is not None and bool(opinion.refusal) != refused:
        yield finding("verifiers-disagree", disagreement(opinion.refusal), severity=severity)
    if not refused:
        with turn:
            broken = breaches(path)
        for breach in broken:
            yield breach_finding(breach, len(path), severity)


def _question(
    presented: Sequence[x509.Certificate],
    path: Sequence[x509.Certificate],
    name: str,
    request: Request,
    *,
    refused: bool,
) -> Question:
    """A path that was accepted is asked about with its own anchor: no store is parsed for it."""
    anchors = request.policy.anchors() if refused or not path else (path[-1],)
    others = tuple(dict.fromkeys([*presented[1:], *path[1:-1]]))
    return Question(presented[0], others, anchors, name, request.now())


def disagreement(refusal: str) -> str:
    """Return who refuses: the second verifier for the reason `refusal`, or OpenSSL alone ("")."""
    if refusal:
        return (
            "OpenSSL accepts the path, the verifier of cryptography (WebPKI) refuses it: "
            f"{refusal}. Strict clients may refuse it too."
        )
    return (
        "OpenSSL refuses what the verifier of cryptography (WebPKI) accepts: clients without "
        "OpenSSL may accept it."
    )


def breaches(path: Sequence[x509.Certificate]) -> tuple[Breach, ...]:
    """Return what `path` breaks of the profile, the maximum validity of public issuers included."""
    return (*examine(path), *public_breaches(path))


def public_breaches(path: Sequence[x509.Certificate]) -> tuple[Breach, ...]:
    """Return what `path` breaks of the rules for publicly trusted issuers alone."""
    found = overlong(path, lambda digest: digest in public_roots())
    return (found,) if found else ()


def breach_finding(breach: Breach, length: int, severity: Severity | None) -> Finding:
    """Return a breach in a path of `length` certificates as a finding."""
    who = "The server's certificate" if breach.depth == 0 else "An intermediate"
    if breach.depth and breach.depth == length - 1:
        who = "The root"
    message = f"{who} {clean(breach.message)} ({breach.source})."
    return finding("profile-breach", message, severity=severity)
