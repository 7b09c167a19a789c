"""All paths from a server's certificate to a trust anchor, and what each certificate is for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise
from typing import TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from toolkit_https.certificates import issued
from toolkit_https.model import Certificate, TrustPath

MAX_PATHS, MAX_LENGTH, MAX_CHECKS = 16, 10, 200
"""A stranger's certificates may make a maze: what is looked for in it is bounded."""

Chain: TypeAlias = tuple[x509.Certificate, ...]


@dataclass(slots=True)
class _Search:
    """What is known: the certificates by subject, the anchors, and which links are proven."""

    by_subject: Mapping[bytes, Sequence[x509.Certificate]]
    anchors: Callable[[bytes], Sequence[x509.Certificate]]
    proven: frozenset[tuple[x509.Certificate, x509.Certificate]]
    checks: int = MAX_CHECKS
    found: list[Chain] = field(default_factory=list)

    def go(self, chain: Chain) -> None:
        """Add every path that begins with `chain`."""
        if len(self.found) >= MAX_PATHS or len(chain) > MAX_LENGTH:
            return
        top = chain[-1]
        if top in self.anchors(_subject(top)):
            self.found.append(chain)
            return
        for issuer in self._issuers(top):
            if issuer not in chain:
                self.go((*chain, issuer))

    def _issuers(self, certificate: x509.Certificate) -> Iterator[x509.Certificate]:
        name = _issuer(certificate)
        for candidate in dict.fromkeys([*self.anchors(name), *self.by_subject.get(name, ())]):
            if (candidate, certificate) in self.proven:
                yield candidate
            elif self.checks > 0:
                self.checks -= 1
                if _issued(candidate, certificate):
                    yield candidate


@lru_cache(maxsize=1024)
def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    return issued(issuer, certificate)


def find_paths(
    presented: Sequence[x509.Certificate],
    used: Sequence[x509.Certificate],
    anchors: Callable[[bytes], Sequence[x509.Certificate]],
) -> list[Chain]:
    """Return the paths from the leaf (first of `presented`) to an anchor, that in use first.

    `used` is the path that OpenSSL built, `anchors` gives those of a subject (DER). Only names and
    signatures are looked at: whether a path is valid today is another matter.
    """
    by_subject: dict[bytes, list[x509.Certificate]] = {}
    for certificate in [*presented[1:], *used[1:]]:
        by_subject.setdefault(_subject(certificate), []).append(certificate)
    proven = frozenset((issuer, below) for below, issuer in pairwise(used))
    search = _Search(by_subject, anchors, proven)
    search.go((presented[0],))
    return sorted(search.found, key=lambda chain: chain != tuple(used))


def described(paths: Sequence[Chain], used: Sequence[x509.Certificate]) -> tuple[TrustPath, ...]:
    """Return the paths for a result."""
    return tuple(
        TrustPath(
            subjects=tuple(map(_text, chain)),
            sha256=tuple(map(_digest, chain)),
            expires=min(item.not_valid_after_utc for item in chain),
            in_use=chain == tuple(used),
        )
        for chain in paths
    )


def with_roles(
    chain: Sequence[Certificate],
    known: Sequence[x509.Certificate],
    paths: Sequence[Chain],
    anchors: Callable[[bytes], Sequence[x509.Certificate]],
) -> tuple[Certificate, ...]:
    """Return `chain` with the roles that only all paths together show.

    A certificate is cross-signed if another one has its name and key, but another issuer.
    `known` are the certificates of `chain`, parsed.
    """
    used = {_digest(item) for path in paths for item in path}
    parsed = {_digest(item): item for item in known}

    def role(item: Certificate) -> str:
        found = parsed.get(item.sha256)
        if found is None or item.role in {"leaf", "root"}:
            return item.role
        others = [*known, *anchors(_subject(found))]
        if any(_crosses(found, other) for other in others):
            return "cross-signed"
        return "intermediate" if item.sha256 in used else item.role

    roles = [(item, role(item)) for item in chain]
    return tuple(item if item.role == new else replace(item, role=new) for item, new in roles)


def _crosses(one: x509.Certificate, other: x509.Certificate) -> bool:
    same = one.subject == other.subject and one.issuer not in {other.issuer, one.subject}
    return same and _key(one) == _key(other)


def _key(certificate: x509.Certificate) -> bytes:
    # Asked of cross-signed certificates alone, and it costs 5 ms of start-up.
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    try:
        public = certificate.public_key()
    except Exception:  # noqa: BLE001  a kind of key that the library doesn't know: equal to none
        return certificate.tbs_certificate_bytes
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


# Names are encoded anew at each call, and one issuer is asked about for all its servers.
@lru_cache(maxsize=4096)
def _subject(certificate: x509.Certificate) -> bytes:
    return certificate.subject.public_bytes()


@lru_cache(maxsize=4096)
def _issuer(certificate: x509.Certificate) -> bytes:
    return certificate.issuer.public_bytes()


@lru_cache(maxsize=4096)
def _text(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string() or "(no name)"


@lru_cache(maxsize=4096)
def _digest(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(hashes.SHA256()).hex()
