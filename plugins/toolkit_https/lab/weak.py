"""A certificate signed with SHA-1 or MD5: what libraries rightly refuse to make, and a trial needs.

The certificate is made with SHA-256 first; then the two algorithm identifiers in its DER
(X.690; RFC 5280, 4.1) are replaced and the new tbsCertificate is signed with the weak digest.
"""

from __future__ import annotations

from collections.abc import Mapping

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from toolkit.errors import ToolkitError

_LONG_FORM = 0x80
SHA256_RSA = bytes.fromhex("300d06092a864886f70d01010b0500")
WEAK_RSA: Mapping[str, bytes] = {
    "sha1": bytes.fromhex("300d06092a864886f70d0101050500"),
    "md5": bytes.fromhex("300d06092a864886f70d0101040500"),
}
"""Digest → AlgorithmIdentifier of its signatures with RSA (RFC 8017, appendix C)."""


def signed_weakly(
    builder: x509.CertificateBuilder, key: object, digest: hashes.HashAlgorithm
) -> x509.Certificate:
    """Return the certificate of `builder` signed by the RSA `key` with SHA-1 or MD5."""
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ToolkitError(f"a trial certificate signed with {digest.name} needs an RSA issuer")
    algorithm = WEAK_RSA[digest.name]
    modern = builder.sign(key, hashes.SHA256())
    tbs = modern.tbs_certificate_bytes.replace(SHA256_RSA, algorithm, 1)
    bits = tlv(0x03, b"\0" + key.sign(tbs, padding.PKCS1v15(), digest))
    return x509.load_der_x509_certificate(tlv(0x30, tbs + algorithm + bits))


def tlv(tag: int, content: bytes) -> bytes:
    """Return DER: tag, definite length, content."""
    size = len(content)
    if size < _LONG_FORM:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, _LONG_FORM | len(length)]) + length + content
