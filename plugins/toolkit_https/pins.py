"""Pins: the issuer or the certificate that a user expects."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from toolkit.errors import UsageError
from toolkit.text import clean
from toolkit_https.model import Certificate, Finding
from toolkit_https.registry import finding

SHA256_DIGITS = 64


@dataclass(frozen=True, slots=True)
class Pins:
    """`issuer`: part of an issuer's name, any of the path; `fingerprint`: 64 hex digits; or ""."""

    issuer: str = ""
    fingerprint: str = ""


def make_pins(issuer: str, fingerprint: str) -> Pins:
    """Return the pins as typed, a fingerprint without colons and blanks. Raises UsageError."""
    digits = re.sub(r"[:\s]", "", fingerprint).lower().removeprefix("sha256")
    if digits and not re.fullmatch(f"[0-9a-f]{{{SHA256_DIGITS}}}", digits):
        shown = clean(fingerprint, limit=80)
        hint = "64 hex digits: openssl x509 -in FILE -noout -fingerprint -sha256"
        raise UsageError(f'"{shown}" is no SHA-256 fingerprint', hint=hint)
    return Pins(issuer.strip(), digits)


def unexpected(chain: Sequence[Certificate], pins: Pins) -> Iterator[Finding]:
    """Yield what isn't as expected in a chain (leaf first); nothing for an empty chain."""
    if not chain:
        return
    path = [certificate for certificate in chain if certificate.in_path]
    issuers = [certificate.issuer for certificate in path]
    if pins.issuer and not any(pins.issuer.lower() in issuer.lower() for issuer in issuers):
        shown = clean(chain[0].issuer, limit=120)
        wanted = clean(pins.issuer, limit=80)
        yield finding("unexpected-issuer", f"The issuer is {shown}; expected was {wanted}.")
    if pins.fingerprint and chain[0].sha256 != pins.fingerprint:
        message = f"The certificate's SHA-256 is {chain[0].sha256}, not the expected one."
        yield finding("unexpected-fingerprint", message)
