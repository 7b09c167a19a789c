"""The missing intermediates of a chain, from where its certificates say they are.

That is caIssuers of authorityInfoAccess (RFC 5280, 4.2.2.1). What is fetched only ever fills a gap
below a trust anchor; it is never an anchor itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs7

from toolkit_https.certificates import issued, issuer_urls, readable
from toolkit_https.fetch import FetchError, Get
from toolkit_https.files import in_order

MAX_BYTES = 256 * 1024
MAX_FETCHED, MAX_URLS, MAX_IN_ONE = 6, 3, 32


@dataclass(frozen=True, slots=True)
class Fetched:
    """An intermediate that the server doesn't send, and where it was found."""

    certificate: x509.Certificate
    url: str


@dataclass(frozen=True, slots=True)
class Repair:
    """What was fetched, from the leaf upwards, and why no more."""

    fetched: tuple[Fetched, ...] = ()
    failures: tuple[str, ...] = ()


def missing_issuers(
    presented: Sequence[x509.Certificate],
    anchored: Callable[[x509.Certificate], bool],
    get: Get,
) -> Repair:
    """Fetch the issuers that `presented` (leaf first) lacks, until one is by a trust anchor.

    `anchored` tells whether a certificate is one or was issued by one. Loops end: nothing is taken
    twice (AIA loops exist, check_ssl_cert#496).
    """
    fetched: list[Fetched] = []
    failures: list[str] = []
    top = in_order(presented[0], presented[1:])[-1]
    seen = set(presented)
    while len(fetched) < MAX_FETCHED and top.subject != top.issuer and not anchored(top):
        found = next(_issuers(top, get, failures), None)
        if found is None or found.certificate in seen:
            break
        seen.add(found.certificate)
        if found.certificate.subject == found.certificate.issuer:
            break  # a root: clients have it, or it is of no use
        fetched.append(found)
        top = in_order(found.certificate, [*presented, *(item.certificate for item in fetched)])[-1]
    return Repair(tuple(fetched), tuple(failures))


def _issuers(certificate: x509.Certificate, get: Get, failures: list[str]) -> Iterator[Fetched]:
    """Yield those of the certificates at its caIssuers URLs that really issued it."""
    urls = issuer_urls(certificate)
    if not urls:
        failures.append("the certificate doesn't say where its issuer's is")
    for url in urls[:MAX_URLS]:
        try:
            found = certificates_in(get(url, MAX_BYTES))
        except FetchError as error:
            failures.append(str(error))
            continue
        fitting = [item for item in found if issued(item, certificate)]
        if not fitting:
            failures.append(f"what is at {url[:120]} isn't its issuer's certificate")
        for item in fitting:
            yield Fetched(item, url)


def certificates_in(raw: bytes) -> Sequence[x509.Certificate]:
    """Return the certificates in DER, PEM or PKCS #7; what is none of these holds none."""
    readers: tuple[Callable[[], list[x509.Certificate]], ...] = (
        lambda: [x509.load_der_x509_certificate(raw)],
        lambda: x509.load_pem_x509_certificates(raw),
        lambda: pkcs7.load_der_pkcs7_certificates(raw),
        lambda: pkcs7.load_pem_pkcs7_certificates(raw),
    )
    for read in readers:
        try:
            return [readable(item) for item in read()[:MAX_IN_ONE]]
        except Exception:  # noqa: BLE001, S112  bytes of a stranger: what one reader refuses, the next may take
            continue
    return []
