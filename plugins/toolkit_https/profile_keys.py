"""Profile rules on keys, signatures and the period of validity."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa

from toolkit_https.profile_base import Breach, Placed

CABF = "CA/Browser Forum BR"
MIN_RSA_BITS = 2048
CURVES = {"secp256r1", "secp384r1", "secp521r1"}
BROKEN = {"md2", "md5", "sha1"}

MAXIMA = (
    (datetime(2029, 3, 15, tzinfo=UTC), 47),
    (datetime(2027, 3, 15, tzinfo=UTC), 100),
    (datetime(2026, 3, 15, tzinfo=UTC), 200),
    (datetime(2020, 9, 1, tzinfo=UTC), 398),
)
"""Days of validity by date of issue, for publicly trusted issuers (ballots SC-081, SC-031)."""


def maximum_days(issued: datetime) -> int | None:
    """Return the longest validity in days for a certificate issued then; None before 2020-09."""
    return next((days for start, days in MAXIMA if issued >= start), None)


def validity_days(certificate: x509.Certificate) -> float:
    """Return the period in days, both ends included (BR 6.3.2)."""
    period = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    return (period + timedelta(seconds=1)).total_seconds() / 86400


def _key(placed: Placed) -> Iterator[Breach]:
    source = f"{CABF} 6.1.5"
    try:
        key = placed.certificate.public_key()
    except (ValueError, UnsupportedAlgorithm, TypeError):
        yield placed.breach("key", "has a key of an unknown kind or curve", source)
        return
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < MIN_RSA_BITS:
            yield placed.breach("key", f"has an RSA key of {key.key_size} bits", source)
        elif key.key_size % 8:
            yield placed.breach("key", f"has an RSA key of {key.key_size} bits, no octets", source)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        if key.curve.name not in CURVES:
            yield placed.breach("key", f"has a key on the curve {key.curve.name}", source)
    elif isinstance(key, dsa.DSAPublicKey):
        yield placed.breach("key", "has a DSA key", source)
    elif not isinstance(key, (ed25519.Ed25519PublicKey, ed448.Ed448PublicKey)):
        yield placed.breach("key", "has a key of an unknown kind", source)


def _signature(placed: Placed) -> Iterator[Breach]:
    if placed.is_root:
        return  # nobody relies on an anchor's own signature
    try:
        digest = placed.certificate.signature_hash_algorithm
    except (UnsupportedAlgorithm, ValueError):
        yield placed.breach("signature", "has a signature of an unknown kind", f"{CABF} 7.1.3.2")
        return
    if digest is not None and digest.name in BROKEN:
        yield placed.breach("signature", f"is signed with {digest.name}", f"{CABF} 7.1.3.2")


RULES = (_key, _signature)


def overlong(path: Sequence[x509.Certificate], public: Callable[[bytes], bool]) -> Breach | None:
    """Return the breach of a leaf valid for longer than its date of issue allows, or None.

    The maxima bind publicly trusted issuers only; `public` tells whether a SHA-256 is that of a
    root of theirs, and is asked only about a period that is too long.
    """
    if len(path) < 2:  # noqa: PLR2004  a leaf that is its own anchor has no public issuer
        return None
    leaf, anchor = path[0], path[-1]
    most, days = maximum_days(leaf.not_valid_before_utc), validity_days(leaf)
    if most is None or days <= most or not public(anchor.fingerprint(hashes.SHA256())):
        return None
    message = f"is valid for {days:.0f} days, and {most} were allowed when it was issued"
    return Breach("validity", message, f"{CABF} 6.3.2", 0)
