"""Certificates as OpenSSL hands them out → `model.Certificate`; no content raises an exception."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import AuthorityInformationAccessOID, ObjectIdentifier
from OpenSSL.crypto import FILETYPE_ASN1, X509, dump_certificate

from toolkit_https.model import Certificate
from toolkit_https.names import PresentedNames

MAX_NAMES = 10_000
# What is odd about a stranger's certificate is a finding, or nothing; never a line of a library's.
warnings.simplefilter("ignore", CryptographyDeprecationWarning)


def der(certificate: X509) -> bytes:
    """Return the DER of `certificate`."""
    return dump_certificate(FILETYPE_ASN1, certificate)


def describe_chain(presented: Sequence[X509], path: Sequence[X509]) -> tuple[Certificate, ...]:
    """Return the path in use from leaf to anchor, then what was presented and isn't in it."""
    return describe_ders([der(item) for item in presented], [der(item) for item in path])


def describe_ders(sent: Sequence[bytes], path: Sequence[bytes]) -> tuple[Certificate, ...]:
    """As `describe_chain`, of DER."""
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
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        dns = found.get_values_for_type(x509.DNSName)
        addresses = found.get_values_for_type(x509.IPAddress)
    except (ValueError, TypeError, x509.ExtensionNotFound, x509.DuplicateExtension):
        return PresentedNames((), ())
    return PresentedNames(
        tuple(dns[:MAX_NAMES]), tuple(str(address) for address in addresses[:MAX_NAMES])
    )


def issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    """Tell whether `issuer` signed `certificate`, by name and by signature."""
    if certificate.issuer != issuer.subject:
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


@lru_cache(maxsize=1024)
def _describe(raw: bytes, at: int, *, in_path: bool, presented: bool) -> Certificate:
    try:
        parsed = x509.load_der_x509_certificate(raw)
        return _of(parsed, raw, at, in_path=in_path, presented=presented)
    except (ValueError, TypeError, x509.InvalidVersion) as error:
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
    return Certificate(
        role=_role(parsed, at, in_path=in_path),
        subject=_name(parsed.subject),
        issuer=_name(parsed.issuer),
        names=_all_names(parsed),
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
    """Return the common name and organisation, or all of it as RFC 4514 where there is neither."""
    try:
        return name.rfc4514_string() or "(no name)"
    except (ValueError, TypeError):
        return "(unreadable name)"


def _all_names(parsed: x509.Certificate) -> tuple[str, ...]:
    try:
        found = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        dns = found.get_values_for_type(x509.DNSName)
        addresses = found.get_values_for_type(x509.IPAddress)
    except (ValueError, TypeError, x509.ExtensionNotFound):
        return ()
    return tuple([*dns, *map(str, addresses)][:MAX_NAMES])


def issuer_urls(parsed: x509.Certificate) -> tuple[str, ...]:
    """Return the caIssuers URLs of authorityInfoAccess, as they stand there."""
    return _access_urls(parsed, AuthorityInformationAccessOID.CA_ISSUERS)


def ocsp_urls(parsed: x509.Certificate) -> tuple[str, ...]:
    """Return the OCSP responders' URLs of authorityInfoAccess, as they stand there."""
    return _access_urls(parsed, AuthorityInformationAccessOID.OCSP)


def crl_urls(parsed: x509.Certificate) -> tuple[str, ...]:
    """Return the URLs of cRLDistributionPoints, of lists that the issuer itself signs."""
    try:
        found = parsed.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
        points = [point for point in found if not point.crl_issuer and not point.reasons]
        names = [name for point in points for name in point.full_name or ()]
    except (ValueError, TypeError, x509.ExtensionNotFound):
        return ()
    return tuple(name.value for name in names if isinstance(name, x509.UniformResourceIdentifier))


def must_staple(parsed: x509.Certificate) -> bool:
    """Tell whether the certificate demands a stapled OCSP response (RFC 7633)."""
    try:
        found = parsed.extensions.get_extension_for_class(x509.TLSFeature).value
    except (ValueError, TypeError, x509.ExtensionNotFound):
        return False
    return x509.TLSFeatureType.status_request in found


def _access_urls(parsed: x509.Certificate, method: ObjectIdentifier) -> tuple[str, ...]:
    try:
        found = parsed.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except (ValueError, TypeError, x509.ExtensionNotFound):
        return ()
    return tuple(
        item.access_location.value
        for item in found
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
