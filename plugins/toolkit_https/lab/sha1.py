"""A certificate signed with SHA-1: what libraries rightly refuse to make, and a trial needs.

The certificate is made with SHA-256 first; then the two algorithm identifiers in its DER
(X.690; RFC 5280, 4.1) are replaced and the new tbsCertificate is signed with SHA-1.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from toolkit.errors import ToolkitError

_LONG_FORM = 0x80
SHA256_RSA = bytes.fromhex("300d06092a864886f70d01010b0500")
SHA1_RSA = bytes.fromhex("300d06092a864886f70d0101050500")


def signed_with_sha1(builder: x509.CertificateBuilder, key: object) -> x509.Certificate:
    """Return the certificate of `builder` signed by the RSA `key` with sha1WithRSAEncryption."""
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ToolkitError("a SHA-1 trial certificate needs an RSA issuer")
    modern = builder.sign(key, hashes.SHA256())
    tbs = modern.tbs_certificate_bytes.replace(SHA256_RSA, SHA1_RSA, 1)
    signature = key.sign(tbs, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303  the point of it
    bits = tlv(0x03, b"\0" + signature)
    return x509.load_der_x509_certificate(tlv(0x30, tbs + SHA1_RSA + bits))


def tlv(tag: int, content: bytes) -> bytes:
    """Return DER: tag, definite length, content."""
    size = len(content)
    if size < _LONG_FORM:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, _LONG_FORM | len(length)]) + length + content
