"""Certificates as OpenSSL hands them out → `model.Certificate`; no content raises an exception."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import AuthorityInformationAccessOID, ObjectIdentifier
from OpenSSL.crypto import FILETYPE_ASN1, X509, dump_certificate

from toolkit_https.model import Certificate
from toolkit_https.names import PresentedNames

MALFORMED = (
    ValueError, TypeError, KeyError, UnsupportedAlgorithm, x509.InvalidVersion,
    x509.DuplicateExtension, x509.UnsupportedGeneralNameType,
)  # fmt: skip
"""What the library raises where a certificate isn't what it should be (found by mutation)."""
E = TypeVar("E", bound=x509.ExtensionType)
# What is odd about a stranger's certificate is a finding, or nothing; never a line of a library's.
warnings.simplefilter("ignore", CryptographyDeprecationWarning)


def der(certificate: X509) -> bytes:
    """Return the DER of `certificate`."""
    return dump_certificate(FILETYPE_ASN1, certificate)


def readable(certificate: x509.Certificate) -> x509.Certificate:
    """Return `certificate` if its fixed fields can be read; the library parses them when asked.

    Raises one of MALFORMED. Extensions are another matter: `value_of` reads one.
    """
    fields = (certificate.subject, certificate.issuer, certificate.serial_number,
              certificate.version, certificate.not_valid_before_utc,
              certificate.not_valid_after_utc, certificate.signature_algorithm_oid)  # fmt: skip
    if None in fields:
        raise ValueError("a field is missing")
    return certificate


def read_der(raw: bytes) -> x509.Certificate | None:
    """Return the certificate in `raw` (DER), or None where it can't be read."""
    try:
        return readable(x509.load_der_x509_certificate(raw))
    except MALFORMED:
        return None


def value_of(certificate: x509.Certificate, kind: type[E]) -> E | None:
    """Return an extension's value; None where there is none, or the extensions can't be read."""
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except (*MALFORMED, x509.ExtensionNotFound):
        return None


def describe_ders(sent: Sequence[bytes], path: Sequence[bytes]) -> tuple[Certificate, ...]:
    """Return the path in use from leaf to anchor, then what was sent and isn't in it (all DER)."""
    used = list(path) or list(sent[:1])
    # The role, not the depth, so that one issuer is described once for all servers.
    chain = [
        _describe(raw, min(at, 1), in_path=True, presented=raw in sent)
        for at, raw in enumerate(used)
    ]
    extra = [raw for raw in dict.fromkeys(sent) if raw not in used]
    return (*chain, *(_describe(raw, -1, in_path=False, presented=True) for raw in extra))


def names_of(certificate: x509.Certificate) -> PresentedNames:
    """Return the names that count: dNSName and iPAddress of subjectAltName (RFC 9525, 6.3)."""
    found = value_of(certificate, x509.SubjectAlternativeName)
    if found is None:
        return PresentedNames((), ())
    addresses = found.get_values_for_type(x509.IPAddress)
    return PresentedNames(
        tuple(found.get_values_for_type(x509.DNSName)), tuple(map(str, addresses))
    )


def issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    """Tell whether `issuer` signed `certificate`, by name and by signature."""
    if certificate.issuer != issuer.subject:
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (*MALFORMED, InvalidSignature):
        return False
    return True


@lru_cache(maxsize=1024)
def _describe(raw: bytes, at: int, *, in_path: bool, presented: bool) -> Certificate:
    try:
        parsed = x509.load_der_x509_certificate(raw)
        return _of(parsed, raw, at, in_path=in_path, presented=presented)
    except MALFORMED as error:
        never = datetime(1970, 1, 1, tzinfo=UTC)
        reason = f"(unreadable certificate: {error})"
        return Certificate(
            role="leaf" if at == 0 else "surplus", subject=reason, issuer="", names=(), serial="",
            not_before=never, not_after=never, sha256=_digest(raw), key="", signature="",
            presented=presented, in_path=in_path,
        )  # fmt: skip


def _of(
    parsed: x509.Certificate, raw: bytes, at: int, *, in_path: bool, presented: bool
) -> Certificate:
    presented_names = names_of(parsed)
    return Certificate(
        role=_role(parsed, at, in_path=in_path),
        subject=_name(parsed.subject),
        issuer=_name(parsed.issuer),
        names=(*presented_names.dns, *presented_names.addresses),
        serial=f"{parsed.serial_number:x}",
        not_before=parsed.not_valid_before_utc,
        not_after=parsed.not_valid_after_utc,
        sha256=_digest(raw),
        key=_key(parsed),
        signature=_signature(parsed),
        presented=presented,
        in_path=in_path,
        issuer_urls=issuer_urls(parsed),
    )


def _role(parsed: x509.Certificate, at: int, *, in_path: bool) -> str:
    if not in_path:
        return "surplus"
    if at == 0:
        return "leaf"
    return "root" if parsed.subject == parsed.issuer else "intermediate"


def _name(name: x509.Name) -> str:
    """Return the whole name as RFC 4514 writes it."""
    try:
        return name.rfc4514_string() or "(no name)"
    except (ValueError, TypeError):
        return "(unreadable name)"


def issuer_urls(parsed: x509.Certificate) -> tuple[str, ...]:
    """Return the caIssuers URLs of authorityInfoAccess, as they stand there."""
    return _access_urls(parsed, AuthorityInformationAccessOID.CA_ISSUERS)


def ocsp_urls(parsed: x509.Certificate) -> tuple[str, ...]:
    """Return the OCSP responders' URLs of authorityInfoAccess, as they stand there."""
    return _access_urls(parsed, AuthorityInformationAccessOID.OCSP)


def crl_urls(parsed: x509.Certificate) -> tuple[str, ...]:
    """Return the URLs of cRLDistributionPoints, of lists that the issuer itself signs."""
    found = value_of(parsed, x509.CRLDistributionPoints) or ()
    points = [point for point in found if not point.crl_issuer and not point.reasons]
    names = [name for point in points for name in point.full_name or ()]
    return tuple(name.value for name in names if isinstance(name, x509.UniformResourceIdentifier))


def must_staple(parsed: x509.Certificate) -> bool:
    """Tell whether the certificate demands a stapled OCSP response (RFC 7633)."""
    return x509.TLSFeatureType.status_request in (value_of(parsed, x509.TLSFeature) or ())


def _access_urls(parsed: x509.Certificate, method: ObjectIdentifier) -> tuple[str, ...]:
    return tuple(
        item.access_location.value
        for item in value_of(parsed, x509.AuthorityInformationAccess) or ()
        if item.access_method == method
        and isinstance(item.access_location, x509.UniformResourceIdentifier)
    )


def _key(parsed: x509.Certificate) -> str:
    try:
        key = parsed.public_key()
    except Exception:  # noqa: BLE001  a key of an unknown kind or curve: described, not judged, here
        return "unknown"
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"ECDSA {key.curve.name}"
    if isinstance(key, dsa.DSAPublicKey):
        return f"DSA {key.key_size}"
    return type(key).__name__.removesuffix("PublicKey").lstrip("_")


def _signature(parsed: x509.Certificate) -> str:
    oid = parsed.signature_algorithm_oid
    return str(getattr(oid, "_name", "")) or oid.dotted_string


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
