"""A certification authority for trials: made in memory, its keys never on disk.

The keys end with the process, so its certificates may look sound and last two months.
Its root may issue for `example`, `localhost` and loopback only (nameConstraints, RFC 5280,
4.2.1.10), so that a root somebody trusted by mistake harms nobody.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import (
    AuthorityInformationAccessOID,
    ExtendedKeyUsageOID,
    NameOID,
    ObjectIdentifier,
)

Key: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

Instead: TypeAlias = Mapping[type[x509.ExtensionType], tuple[x509.ExtensionType, bool] | None]
"""Kind of extension → the extension and whether it is critical, or None."""
LIFETIME_DAYS = 60.0
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate and the key that goes with it."""

    certificate: x509.Certificate
    key: Key


@dataclass(frozen=True, slots=True)
class Subject:
    """What a certificate says; the defaults are those of a sound one.

    `dns` and `addresses` fill subjectAltName (none: no such extension), `days` is the period as
    (from, to) relative to now (an authority lasts twice as long), `permitted` the
    dNSNames of nameConstraints. The URLs say where the issuer's certificate, its OCSP responder
    and its CRL are. `instead` replaces, adds or (None) takes away single extensions.
    """

    name: str
    dns: Sequence[str] = ()
    addresses: Sequence[str] = ()
    days: tuple[float, float] = (-1.0, LIFETIME_DAYS)
    authority: bool = False
    usage: Sequence[ObjectIdentifier] = (SERVER,)
    permitted: Sequence[str] = ()
    digest: hashes.HashAlgorithm = field(default_factory=hashes.SHA256)
    key_identifier: bool = True
    issuer_url: str = ""
    ocsp_url: str = ""
    crl_url: str = ""
    must_staple: bool = False
    instead: Instead = field(default_factory=dict)


def ecdsa_key() -> Key:
    """Return a new P-256 key."""
    return ec.generate_private_key(ec.SECP256R1())


def rsa_key(bits: int = 2048) -> Key:
    """Return a new RSA key of `bits`."""
    return rsa.generate_private_key(65537, bits)


def ed25519_key() -> Key:
    """Return a new Ed25519 key."""
    return ed25519.Ed25519PrivateKey.generate()


def issue(subject: Subject, issuer: Authority | None, key: Key | None = None) -> Authority:
    """Return a certificate for `subject` signed by `issuer` (None: by itself), and its key."""
    own = key or ecdsa_key()
    now = datetime.now(UTC)
    more = max(0.0, subject.days[1]) if subject.authority else 0.0
    name = _name(subject.name)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.certificate.subject if issuer else name)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=subject.days[0]))
        .not_valid_after(now + timedelta(days=subject.days[1] + more))
    )
    for extension, critical in _extensions(subject, own, issuer):
        builder = builder.add_extension(extension, critical)
    signing = issuer.key if issuer else own
    digest = None if isinstance(signing, ed25519.Ed25519PrivateKey) else subject.digest
    return Authority(_signed(builder, signing, digest), own)


def _signed(
    builder: x509.CertificateBuilder, key: Key, digest: hashes.HashAlgorithm | None
) -> x509.Certificate:
    if isinstance(digest, (hashes.SHA1, hashes.MD5)):
        from toolkit_https.lab.weak import signed_weakly  # a trial needs what libraries refuse

        return signed_weakly(builder, key, digest)
    return builder.sign(key, digest)  # type: ignore[arg-type]  # the stub lists digests by class


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "sysadmin-toolkit trial"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _extensions(
    subject: Subject, key: Key, issuer: Authority | None
) -> list[tuple[x509.ExtensionType, bool]]:
    found: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=subject.authority, path_length=None), True),
        (_key_usage(authority=subject.authority), True),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
    ]
    if issuer and subject.key_identifier:
        public = issuer.certificate.public_key()
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(
            public  # type: ignore[arg-type]  # the stub's kinds of keys are those that sign
        )
        found.append((identifier, False))
    if subject.usage and not subject.authority:
        found.append((x509.ExtendedKeyUsage(subject.usage), False))
    names = [x509.DNSName(name) for name in subject.dns]
    addresses = [x509.IPAddress(ipaddress.ip_address(text)) for text in subject.addresses]
    if names or addresses:
        found.append((x509.SubjectAlternativeName([*names, *addresses]), False))
    found += [(extension, False) for extension in _pointers(subject)]
    if subject.permitted:
        found.append((_constraints(subject.permitted), True))
    kept = [pair for pair in found if type(pair[0]) not in subject.instead]
    return kept + [pair for pair in subject.instead.values() if pair is not None]


def _pointers(subject: Subject) -> Iterator[x509.ExtensionType]:
    places = (
        (AuthorityInformationAccessOID.CA_ISSUERS, subject.issuer_url),
        (AuthorityInformationAccessOID.OCSP, subject.ocsp_url),
    )
    access = [
        x509.AccessDescription(method, x509.UniformResourceIdentifier(url))
        for method, url in places
        if url
    ]
    if access:
        yield x509.AuthorityInformationAccess(access)
    if subject.crl_url:
        name = x509.UniformResourceIdentifier(subject.crl_url)
        yield x509.CRLDistributionPoints([x509.DistributionPoint([name], None, None, None)])
    if subject.must_staple:
        yield x509.TLSFeature([x509.TLSFeatureType.status_request])


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=authority,
        crl_sign=authority, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _constraints(permitted: Sequence[str]) -> x509.NameConstraints:
    names = [x509.DNSName(name) for name in permitted]
    loopback = [
        x509.IPAddress(ipaddress.ip_network("127.0.0.0/8")),
        x509.IPAddress(ipaddress.ip_network("::1/128")),
    ]
    return x509.NameConstraints([*names, *loopback], None)
