"""Profile rules: what RFC 5280 and the CA/Browser Forum demand beyond verification.

Each rule is a function of one certificate and its place in the path, and yields breaches: a stable
id, a sentence, and the source. Verifiers overlook many of these; `--policy strict` refuses all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from toolkit_https import profile_keys, profile_names
from toolkit_https.certificates import MALFORMED
from toolkit_https.profile_base import Breach, Placed, extension

RFC, CABF = "RFC 5280", "CA/Browser Forum BR"


def examine(path: Sequence[x509.Certificate]) -> tuple[Breach, ...]:
    """Return every breach in `path` (leaf first, anchor last)."""
    return tuple(
        breach
        for at, certificate in enumerate(path)
        for breach in _breaches(Placed(certificate, at, len(path)))
    )


@lru_cache(maxsize=1024)
def _breaches(placed: Placed) -> tuple[Breach, ...]:
    """Return the breaches of one certificate; an issuer is examined once for all its servers."""
    try:
        return tuple(breach for rule in RULES for breach in rule(placed))
    except MALFORMED as error:
        return (placed.breach("malformed", f"can't be parsed: {error}", RFC),)


def _version(placed: Placed) -> Iterator[Breach]:
    if placed.certificate.version is not x509.Version.v3:
        yield placed.breach("version", "isn't version 3", f"{RFC} 4.1.2.1")


def _serial(placed: Placed) -> Iterator[Breach]:
    if placed.is_root:
        return  # a serial tells certificates of one issuer apart; an anchor is trusted as it is
    serial = placed.certificate.serial_number
    if serial <= 0:
        yield placed.breach("serial", "has a serial number that isn't positive", f"{RFC} 4.1.2.2")
    elif serial.bit_length() > 20 * 8 - 1:
        yield placed.breach("serial", "has a serial number over 20 octets", f"{RFC} 4.1.2.2")


def _subjects(placed: Placed) -> Iterator[Breach]:
    if not placed.certificate.issuer.rdns:
        yield placed.breach("empty-issuer", "names no issuer", f"{RFC} 4.1.2.4")
    if placed.is_authority and not placed.certificate.subject.rdns:
        yield placed.breach("empty-subject", "is an authority without a name", f"{RFC} 4.1.2.6")


def _authority_key(placed: Placed) -> Iterator[Breach]:
    source = f"{RFC} 4.2.1.1"
    found = extension(placed.certificate, x509.AuthorityKeyIdentifier)
    if found is None:
        if not placed.self_issued:
            yield placed.breach("authority-key-id", "has no authority key identifier", source)
        return
    if found.critical:
        yield placed.breach("authority-key-id", "marks the authority key identifier", source)
    value = found.value
    if value.key_identifier is None and not placed.self_issued:
        yield placed.breach("authority-key-id", "has no key identifier of its issuer", source)
    if placed.self_issued and placed.is_root:
        yield from _root_authority_key(placed, value)


def _root_authority_key(placed: Placed, value: x509.AuthorityKeyIdentifier) -> Iterator[Breach]:
    source = f"{CABF} 7.1.2.1.3"
    if value.authority_cert_issuer or value.authority_cert_serial_number is not None:
        yield placed.breach("authority-key-id", "identifies its issuer by name and serial", source)
    own = extension(placed.certificate, x509.SubjectKeyIdentifier)
    if value.key_identifier is None or (own and value.key_identifier != own.value.digest):
        yield placed.breach("authority-key-id", "is a root identified with another key", source)


def _subject_key(placed: Placed) -> Iterator[Breach]:
    source = f"{RFC} 4.2.1.2"
    found = extension(placed.certificate, x509.SubjectKeyIdentifier)
    if found is None and placed.is_authority:
        yield placed.breach("subject-key-id", "is an authority without key identifier", source)
    if found is not None and found.critical:
        yield placed.breach("subject-key-id", "marks its key identifier critical", source)


def _basic_constraints(placed: Placed) -> Iterator[Breach]:
    source = f"{RFC} 4.2.1.9"
    found = extension(placed.certificate, x509.BasicConstraints)
    if not placed.is_authority:
        if found is not None and found.value.ca:
            message = "is a server's and says it is an authority"
            yield placed.breach("authority-as-server", message, f"{CABF} 7.1.2.7.8")
        return
    if found is None or not found.value.ca:
        yield placed.breach("not-an-authority", "doesn't say that it is an authority", source)
    elif not found.critical:
        yield placed.breach("basic-constraints", "doesn't mark basicConstraints critical", source)


def _key_usage(placed: Placed) -> Iterator[Breach]:
    source = f"{RFC} 4.2.1.3"
    found = extension(placed.certificate, x509.KeyUsage)
    if found is None:
        return
    if placed.is_authority and not found.value.key_cert_sign:
        yield placed.breach("key-usage", "is an authority that may not sign certificates", source)
    if not placed.is_authority and found.value.key_cert_sign:
        yield placed.breach("key-usage", "is a server's and may sign certificates", source)


def _extended_key_usage(placed: Placed) -> Iterator[Breach]:
    found = extension(placed.certificate, x509.ExtendedKeyUsage)
    source = f"{CABF} 7.1.2.7.10"
    if found is None:
        return
    usages = set(found.value)
    if placed.is_root:
        yield placed.breach("root-purpose", "is a root limited to purposes", f"{CABF} 7.1.2.1.2")
        return
    if found.critical and not placed.is_authority:
        yield placed.breach("purpose", "marks its purposes critical", source)
    if ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in usages and not placed.is_authority:
        yield placed.breach("purpose", "is for any purpose", source)
    elif ExtendedKeyUsageOID.SERVER_AUTH not in usages:
        yield placed.breach("purpose", "isn't for TLS servers", f"{RFC} 4.2.1.12")


def _critical_flags(placed: Placed) -> Iterator[Breach]:
    access = extension(placed.certificate, x509.AuthorityInformationAccess)
    if access is not None and access.critical:
        yield placed.breach("authority-access", "marks authorityInfoAccess", f"{RFC} 4.2.2.1")
    policies = extension(placed.certificate, x509.PolicyConstraints)
    if policies is not None and not policies.critical:
        message = "doesn't mark policyConstraints critical"
        yield placed.breach("policy-constraints", message, f"{RFC} 4.2.1.11")


RULES = (
    _version,
    _serial,
    _subjects,
    _authority_key,
    _subject_key,
    _basic_constraints,
    _key_usage,
    _extended_key_usage,
    _critical_flags,
    *profile_names.RULES,
    *profile_keys.RULES,
)
