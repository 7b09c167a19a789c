"""An incomplete chain made whole: the missing issuers fetched, judged, and told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from toolkit.text import clean
from toolkit_https import offline, second
from toolkit_https.aia import Fetched, Repair, missing_issuers
from toolkit_https.certificates import issued
from toolkit_https.fetch import Get
from toolkit_https.handshake import Shaken
from toolkit_https.inquiries import GAPS
from toolkit_https.model import Finding, Missing
from toolkit_https.policy import Policy
from toolkit_https.registry import REGISTRY, finding
from toolkit_https.second import Question

if TYPE_CHECKING:
    from toolkit_https.check import Request

SAVE = "Install the full chain: run this check with --save-chain FILE, and configure that file."


@dataclass(frozen=True, slots=True)
class Mended:
    """What was fetched and the chain to install, leaf first, without the anchor; () if none is."""

    repair: Repair = field(default_factory=Repair)
    chain: tuple[x509.Certificate, ...] = ()

    @property
    def missing(self) -> tuple[Missing, ...]:
        """What was fetched, for a result."""
        return tuple(map(_missing, self.repair.fetched))

    @property
    def pem(self) -> str:
        """The chain to install; "" if there is none."""
        return pem_of(self.chain)


def pem_of(chain: Sequence[x509.Certificate]) -> str:
    """Return the chain as a server takes it: PEM, the leaf first."""
    return b"".join(item.public_bytes(Encoding.PEM) for item in chain).decode()


def mend(shaken: Shaken, name: str, request: Request, get: Get) -> Mended:
    """Fetch what the presented chain lacks, and judge it again with that."""
    presented = second.parsed(shaken.sent)
    if not presented:
        return Mended()
    anchors = request.policy.anchors()
    repair = missing_issuers(presented, _anchored(request.policy), get)
    others = [*presented[1:], *(item.certificate for item in repair.fetched)]
    question = Question(presented[0], tuple(others), anchors, name, request.now())
    path = offline.judge(question, flags=request.policy.flags).path
    return Mended(repair, installable(path))


def installable(path: Sequence[x509.Certificate]) -> tuple[x509.Certificate, ...]:
    """Return what a server has to send of `path`: all but the trust anchor."""
    return tuple(path[:-1]) or tuple(path)


def _anchored(policy: Policy) -> Callable[[x509.Certificate], bool]:
    def anchored(certificate: x509.Certificate) -> bool:
        if certificate in policy.anchors_of(certificate.subject.public_bytes()):
            return True
        near = policy.anchors_of(certificate.issuer.public_bytes())
        return any(issued(anchor, certificate) for anchor in near)

    return anchored


def told(faults: Sequence[Finding], mended: Mended) -> list[Finding]:
    """Return `faults` with the gap told as what it is, now that its other side has been seen."""
    first = next((item for item in faults if item.id in GAPS), None)
    fetched, failures = mended.repair.fetched, mended.repair.failures
    if first is None or not (fetched or failures or mended.chain):
        return list(faults)
    if mended.chain:
        kept = [item for item in faults if item.id not in GAPS]
        return [finding("incomplete-chain", _complete(fetched), remedy=SAVE), *kept]
    more = (
        f" With what was fetched from {clean(fetched[0].url, limit=120)} no trusted root is "
        "reached, either."
        if fetched
        else f" It couldn't be fetched: {clean(failures[0], limit=240).rstrip('.')}."
    )
    changed = replace(first, message=first.message + more)
    return [changed if item is first else item for item in faults]


def _complete(fetched: Sequence[Fetched]) -> str:
    if not fetched:
        return REGISTRY["incomplete-chain"].title
    names = " and ".join(clean(item.certificate.subject.rfc4514_string()) for item in fetched)
    it = "They were" if len(fetched) > 1 else "It was"
    return (
        f"The server doesn't send {names[:300]}. {it} fetched from "
        f"{clean(fetched[0].url, limit=120)}, and so the path to a trusted root is complete. "
        "Browsers may do the same; curl, requests, Java and Go refuse."
    )


def _missing(found: Fetched) -> Missing:
    certificate = found.certificate
    digest = certificate.fingerprint(hashes.SHA256()).hex()
    return Missing(certificate.subject.rfc4514_string(), digest, found.url)
