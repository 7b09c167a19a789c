"""Certificate revocation lists judged (RFC 5280, 5): signature, issuer, times and scope."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from cryptography import x509

from toolkit_https.certificates import MALFORMED, crl_urls
from toolkit_https.ocsp import SOUND, Statement, Unusable, check_times

MAX_BYTES = 32 * 1024 * 1024
"""The largest lists of public authorities have about 10 MB."""


def judge(
    raw: bytes, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime
) -> Statement:
    """Return what the list `raw` (DER or PEM) states of `certificate`. Raises Unusable."""
    try:
        crl = _load(raw)
        _check_issuer(crl, issuer)
        until = crl.next_update_utc
        if until is None:
            raise Unusable("the list doesn't say until when it counts")
        check_times(crl.last_update_utc, until, now)
        complete = _in_scope(crl, certificate)
        entry = crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
        if entry is None and not complete:
            raise Unusable("the list doesn't cover all reasons")
        revoked = entry.revocation_date_utc if entry else None
        return Statement(revoked, _reason(entry), crl.last_update_utc, until)
    except MALFORMED as error:
        raise Unusable("the answer is no list that can be read") from error


@lru_cache(maxsize=16)
def _load(raw: bytes) -> x509.CertificateRevocationList:
    """Parse once what many servers' certificates name."""
    is_pem = raw.lstrip().startswith(b"-----BEGIN")
    return x509.load_pem_x509_crl(raw) if is_pem else x509.load_der_x509_crl(raw)


def _check_issuer(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> None:
    if crl.issuer != issuer.subject:
        raise Unusable("the list is by another issuer")
    digest = crl.signature_hash_algorithm
    if digest is not None and not isinstance(digest, SOUND):
        raise Unusable(f"the list is signed with {digest.name}, which is broken")
    if not crl.is_signature_valid(issuer.public_key()):  # type: ignore[arg-type]  # raises TypeError for the rest
        raise Unusable("the list isn't signed by the issuer")
    try:
        usage = issuer.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return
    if not usage.crl_sign:
        raise Unusable("the issuer may not sign lists (keyUsage)")


def _in_scope(crl: x509.CertificateRevocationList, certificate: x509.Certificate) -> bool:
    """Tell whether the list covers every reason; raise Unusable if it isn't for `certificate`."""
    complete = True
    for extension in crl.extensions:
        value = extension.value
        if isinstance(value, x509.IssuingDistributionPoint):
            _check_point(value, certificate)
            complete = not value.only_some_reasons
        elif isinstance(value, x509.DeltaCRLIndicator) or extension.critical:
            raise Unusable("the list has a critical extension that isn't understood")
    return complete


def _check_point(point: x509.IssuingDistributionPoint, certificate: x509.Certificate) -> None:
    """RFC 5280, 6.3.3 (b): the list's own scope must include the certificate."""
    authority = _is_authority(certificate)
    if point.indirect_crl or point.only_contains_attribute_certs:
        raise Unusable("the list isn't for certificates of its issuer")
    if point.only_contains_user_certs if authority else point.only_contains_ca_certs:
        raise Unusable("the list is for another kind of certificate")
    names = {name.value for name in point.full_name or ()}
    if point.relative_name is not None or (names and not names & set(crl_urls(certificate))):
        raise Unusable("the list is for another distribution point")


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _reason(entry: x509.RevokedCertificate | None) -> str:
    if entry is None:
        return ""
    try:
        return entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.value
    except x509.ExtensionNotFound:
        return ""
