"""The second opinion: the verifier of `cryptography` (WebPKI profile), independent of OpenSSL.

It is stricter, so it tells which clients of tomorrow will refuse what OpenSSL accepts today; and
where it accepts what OpenSSL refuses, one of the two is wrong. It doesn't know revocation.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.x509 import verification

from toolkit.text import clean
from toolkit_https.certificates import read_der

MAX_DEPTH = 16
MAX_INTERMEDIATES = 128
SECONDS = 2.0
SMALL_COUNT, SMALL_BYTES = 8, 64 * 1024
"""Up to this a verdict takes milliseconds: for more certificates the paths may be many."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a verifier is asked: certificates, the name wanted, the time, the longest path.

    `depth` is the number of intermediates allowed (None: the verifier's own limit).
    """

    leaf: x509.Certificate
    intermediates: tuple[x509.Certificate, ...]
    anchors: tuple[x509.Certificate, ...]
    name: str
    at: datetime
    depth: int | None = None


@dataclass(frozen=True, slots=True)
class Opinion:
    """Why the verifier refuses ("" if it accepts), and the path that it accepted."""

    refusal: str
    path: tuple[x509.Certificate, ...] = ()


def opinion(question: Question, seconds: float = SECONDS) -> Opinion:
    """Return what this verifier says of `question`.

    It holds the interpreter's lock and can't be interrupted. So what is small enough to be quick
    is asked in this process, and all else in one of its own, which has `seconds`. Raises Abstained
    where it can't judge: no anchor, a name it has no type for, too much to do, out of time.
    """
    if not question.anchors:
        raise Abstained("there is no trust anchor")
    if len(question.intermediates) > MAX_INTERMEDIATES:
        raise Abstained(f"more than {MAX_INTERMEDIATES} certificates were presented")
    if is_small(question):
        return verdict(question)
    from toolkit_https.second_process import ask

    return ask(question, seconds)


def is_small(question: Question) -> bool:
    """Tell whether a verdict is a matter of milliseconds, and given in this process."""
    given = (question.leaf, *question.intermediates)
    size = sum(len(item.tbs_certificate_bytes) for item in given)
    return len(given) <= SMALL_COUNT and size <= SMALL_BYTES


class Abstained(Exception):  # noqa: N818  no verdict, and no error of the program
    """The verifier gave no verdict."""


def verdict(question: Question) -> Opinion:
    """Return the verifier's opinion, however long it takes. Raises Abstained."""
    try:
        builder = verification.PolicyBuilder().store(verification.Store(list(question.anchors)))
        depth = MAX_DEPTH if question.depth is None else question.depth
        builder = builder.time(question.at.replace(tzinfo=None)).max_chain_depth(depth)
        verifier = builder.build_server_verifier(_subject(question.name))
    except ValueError as error:
        raise Abstained(clean(str(error), limit=120)) from error
    try:
        path = verifier.verify(question.leaf, list(question.intermediates))
    except (verification.VerificationError, ValueError, TypeError) as error:
        return Opinion(clean(str(error), limit=200) or type(error).__name__)
    return Opinion("", tuple(path))


def _subject(name: str) -> verification.Subject:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name.removesuffix("."))


def parsed(ders: Sequence[bytes]) -> tuple[x509.Certificate, ...]:
    """Return the certificates that can be parsed, in order."""
    return tuple(found for found in map(_parsed, ders) if found is not None)


_parsed = lru_cache(maxsize=1024)(read_der)
"""What many servers send is parsed once."""
