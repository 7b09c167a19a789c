"""Certificates and keys in files: PEM, DER and PKCS#12, in whatever order they are written."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
    pkcs12,
)

from toolkit.errors import UsageError
from toolkit.text import clean
from toolkit_https.certificates import MALFORMED, issued, readable

MAX_BYTES = 16 * 1024 * 1024
_KEY = re.compile(
    rb"-----BEGIN [A-Z ]*PRIVATE KEY-----.+?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL
)
Ask = Callable[[Path], bytes]
"""Return the passphrase of a file. Raises UsageError where nobody can be asked."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a file holds: certificates in its order, and the public half (DER) of a private key."""

    certificates: tuple[x509.Certificate, ...] = ()
    public_key: bytes | None = None


def load_file(path: Path, ask: Ask) -> Loaded:
    """Read `path`. Raises UsageError for a file that can't be read or holds nothing of use."""
    raw = _read(path)
    try:
        loaded = _pem(path, raw, ask) if b"-----BEGIN" in raw else _binary(path, raw, ask)
        for certificate in loaded.certificates:
            readable(certificate)
    except MALFORMED as error:
        reason = clean(str(error), limit=120)
        hint = "PEM, DER and PKCS#12 are understood; a wrong passphrase looks like this, too"
        raise UsageError(f"{clean(str(path))}: can't be read: {reason}", hint=hint) from error
    if not loaded.certificates and loaded.public_key is None:
        raise UsageError(f"{clean(str(path))}: holds neither a certificate nor a private key")
    return loaded


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{clean(str(path))}: cannot be read: {error.strerror}") from error
    if len(raw) > MAX_BYTES:
        raise UsageError(f"{clean(str(path))}: larger than 16 MiB")
    return raw


def _pem(path: Path, raw: bytes, ask: Ask) -> Loaded:
    found = x509.load_pem_x509_certificates(raw) if b"BEGIN CERTIFICATE" in raw else []
    match = _KEY.search(raw)
    if match is None:
        return Loaded(tuple(found))
    block = match.group()
    locked = b"ENCRYPTED" in block
    key = load_pem_private_key(block, ask(path) if locked else None)
    return Loaded(tuple(found), _public(key.public_key()))


def _binary(path: Path, raw: bytes, ask: Ask) -> Loaded:
    """DER says nothing of what it holds: a certificate, a key and PKCS#12 are tried in turn."""
    try:
        return Loaded((x509.load_der_x509_certificate(raw),))
    except ValueError:
        pass
    try:
        return Loaded((), _public(load_der_private_key(raw, None).public_key()))
    except (ValueError, TypeError):
        pass
    return _pkcs12(raw, path, ask)


def _pkcs12(raw: bytes, path: Path, ask: Ask) -> Loaded:
    try:
        bag = pkcs12.load_pkcs12(raw, None)
    except ValueError:
        bag = pkcs12.load_pkcs12(raw, ask(path))
    found = [bag.cert] if bag.cert else []
    certificates = tuple(item.certificate for item in [*found, *bag.additional_certs])
    public = _public(bag.key.public_key()) if bag.key else None
    return Loaded(certificates, public)


def _public(key: object) -> bytes:
    encode = getattr(key, "public_bytes", None)
    if encode is None:
        raise TypeError("a key without a public half")
    encoded: bytes = encode(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return encoded


def belongs(certificate: x509.Certificate, public_key: bytes) -> bool:
    """Tell whether the private key of `public_key` is the certificate's."""
    return _public(certificate.public_key()) == public_key


def find_leaf(
    certificates: Sequence[x509.Certificate], public_key: bytes | None
) -> x509.Certificate:
    """Return the server's certificate: the one of the key, else the one that issued no other."""
    for certificate in certificates:
        if public_key is not None and belongs(certificate, public_key):
            return certificate
    issuers = {item.issuer for item in certificates if item.issuer != item.subject}
    ends = [item for item in certificates if item.subject not in issuers]
    return (ends or list(certificates))[0]


def in_order(
    leaf: x509.Certificate, others: Sequence[x509.Certificate]
) -> tuple[x509.Certificate, ...]:
    """Return `leaf` and each issuer of the one before, as far as `others` have them."""
    chain, left = [leaf], [item for item in others if item != leaf]
    while issuer := next((item for item in left if issued(item, chain[-1])), None):
        chain.append(issuer)
        left.remove(issuer)
    return tuple(chain)
