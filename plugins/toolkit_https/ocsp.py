"""OCSP responses judged (RFC 6960): signature, issuer, times, and whom they are about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from toolkit_https.certificates import MALFORMED, issued

MEDIA_TYPE = "application/ocsp-request"
MAX_BYTES = 256 * 1024
SKEW = timedelta(minutes=5)
"""How far clocks may be apart."""
WITHOUT_END = timedelta(days=1)
"""How long a statement without nextUpdate counts: newer ones exist at any time (2.4)."""
SOUND = (hashes.SHA256, hashes.SHA384, hashes.SHA512)


class Unusable(Exception):  # noqa: N818  no statement, and no error of the program
    """The answer states nothing that counts; the message says why, as part of a sentence."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What an authority states of a certificate: when it was revoked (None: it isn't), and why.

    It is as of `updated`, and counts until `until`.
    """

    revoked: datetime | None
    reason: str
    updated: datetime
    until: datetime


def request_for(certificate: x509.Certificate, issuer: x509.Certificate) -> bytes:
    """Return the request in DER; SHA-1 names the issuer, which responders understand (RFC 5019)."""
    made = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA1())  # noqa: S303  a name, no proof
    return made.build().public_bytes(Encoding.DER)


def judge(
    raw: bytes, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime
) -> Statement:
    """Return what the response `raw` (DER) states of `certificate`. Raises Unusable."""
    try:
        response = ocsp.load_der_ocsp_response(raw)
        if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            status = response.response_status.name.lower().replace("_", " ")
            raise Unusable(f'the responder answers "{status}"')
        _check_signature(response, issuer, now)
        return _statement(_about(response, certificate, issuer), now)
    except MALFORMED as error:
        raise Unusable("the answer is no OCSP response that can be read") from error


def _about(
    response: ocsp.OCSPResponse, certificate: x509.Certificate, issuer: x509.Certificate
) -> ocsp.OCSPSingleResponse:
    for single in response.responses:
        made = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, single.hash_algorithm)
        wanted = made.build()
        if (single.serial_number, single.issuer_name_hash, single.issuer_key_hash) == (
            wanted.serial_number, wanted.issuer_name_hash, wanted.issuer_key_hash,
        ):  # fmt: skip
            return single
    raise Unusable("the response is about another certificate")


def _statement(single: ocsp.OCSPSingleResponse, now: datetime) -> Statement:
    updated, until = single.this_update_utc, single.next_update_utc
    if until is None:
        until = updated + WITHOUT_END
    check_times(updated, until, now)
    if single.certificate_status is ocsp.OCSPCertStatus.UNKNOWN:
        raise Unusable("the responder doesn't know the certificate")
    reason = single.revocation_reason
    return Statement(single.revocation_time_utc, reason.value if reason else "", updated, until)


def check_times(updated: datetime, until: datetime, now: datetime) -> None:
    """Raise Unusable for a statement that isn't valid `now`."""
    if updated > now + SKEW:
        raise Unusable(f"it is of the future ({updated:%Y-%m-%d %H:%M} UTC)")
    if until < now - SKEW:
        raise Unusable(f"it ended on {until:%Y-%m-%d %H:%M} UTC")


def _check_signature(response: ocsp.OCSPResponse, issuer: x509.Certificate, now: datetime) -> None:
    digest = response.signature_hash_algorithm
    for signer in _signers(response, issuer, now):
        if _signed(response, signer, digest):
            return
    raise Unusable("the response isn't signed by the issuer or a responder of its")


def _signers(
    response: ocsp.OCSPResponse, issuer: x509.Certificate, now: datetime
) -> Iterator[x509.Certificate]:
    """Yield who may sign: the issuer, and whom it has made a responder (RFC 6960, 4.2.2.2)."""
    yield issuer
    for certificate in response.certificates:
        if _is_responder(certificate) and issued(issuer, certificate):
            if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
                raise Unusable("the responder's certificate has expired or isn't valid yet")
            yield certificate


def _is_responder(certificate: x509.Certificate) -> bool:
    try:
        found = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return False
    return ExtendedKeyUsageOID.OCSP_SIGNING in found


def _signed(
    response: ocsp.OCSPResponse, signer: x509.Certificate, digest: hashes.HashAlgorithm | None
) -> bool:
    key, signature, content = signer.public_key(), response.signature, response.tbs_response_bytes
    if digest is not None and not isinstance(digest, SOUND):
        raise Unusable(f"the response is signed with {digest.name}, which is broken")
    try:
        if isinstance(key, (ed25519.Ed25519PublicKey, ed448.Ed448PublicKey)):
            key.verify(signature, content)
        elif digest is None:
            return False
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, content, padding.PKCS1v15(), digest)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, content, ec.ECDSA(digest))
        else:
            return False
    except InvalidSignature:
        return False
    return True
