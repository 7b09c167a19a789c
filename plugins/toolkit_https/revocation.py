"""Has a certificate been revoked? The stapled response, then OCSP, then the CRL, each proven."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from cryptography import x509

from toolkit.text import clean
from toolkit_https import crl, ocsp
from toolkit_https.cache import Cache
from toolkit_https.certificates import crl_urls, must_staple, ocsp_urls
from toolkit_https.fetch import Fetcher, FetchError
from toolkit_https.model import Finding, Revocation, Severity
from toolkit_https.ocsp import Statement, Unusable
from toolkit_https.registry import finding

SHORT_LIVED = timedelta(days=10)
"""Certificates of at most this need no revocation (CA/Browser Forum BR 4.9.7, until 2026-03-15)."""
SHORTER, FROM = timedelta(days=7), datetime.fromisoformat("2026-03-15T00:00:00+00:00")
MAX_URLS = 2
UNKNOWN, GOOD, REVOKED, NOT_NEEDED = "unknown", "good", "revoked", "not-needed"
Judge = Callable[[bytes, x509.Certificate, x509.Certificate, datetime], Statement]


@dataclass(frozen=True, slots=True)
class Sources:
    """Where statements come from: the stapled response (DER, b"" is none), the network, the cache.

    Without a fetcher only what is stapled or cached counts.
    """

    staple: bytes = b""
    fetcher: Fetcher | None = None
    cache: Cache | None = None


def check_path(
    path: Sequence[x509.Certificate], sources: Sources, now: datetime
) -> Iterator[Revocation]:
    """Yield what is known of each certificate of `path` (leaf first) but the anchor."""
    for depth, (certificate, issuer) in enumerate(pairwise(path)):
        staple = sources.staple if depth == 0 else b""
        yield _Inquiry(certificate, issuer, sources, now).run(staple)


@dataclass(frozen=True, slots=True)
class _Inquiry:
    certificate: x509.Certificate
    issuer: x509.Certificate
    sources: Sources
    now: datetime

    def run(self, staple: bytes) -> Revocation:
        failures: list[str] = []
        for source, ask in self._ways(staple):
            try:
                return self._known(source, ask())
            except Unusable as error:
                failures.append(f"{source}: {error}")
            except FetchError as error:
                failures.append(str(error))
        subject = self.certificate.subject.rfc4514_string()
        if not failures and _short_lived(self.certificate):
            return Revocation(subject, NOT_NEEDED, detail="it lives too short to be revoked")
        detail = "; ".join(failures) or "it names no OCSP responder and no list"
        return Revocation(subject, UNKNOWN, detail=clean(detail, limit=400))

    def _ways(self, staple: bytes) -> Iterator[tuple[str, Callable[[], Statement]]]:
        certificate, issuer = self.certificate, self.issuer
        if staple:
            yield "stapled", lambda: ocsp.judge(staple, certificate, issuer, self.now)
        for url in ocsp_urls(certificate)[:MAX_URLS]:
            body = ocsp.request_for(certificate, issuer)
            yield f"OCSP {url}", _later(self._fetched, url, body, ocsp.MAX_BYTES, ocsp.judge)
        for url in crl_urls(certificate)[:MAX_URLS]:
            yield f"CRL {url}", _later(self._fetched, url, b"", crl.MAX_BYTES, crl.judge)

    def _fetched(self, url: str, body: bytes, limit: int, judge: Judge) -> Statement:
        """Return what the cached answer states, or a new one. What is no use isn't kept."""
        cache, fetcher = self.sources.cache, self.sources.fetcher
        kept = cache.read(url, body, limit) if cache else None
        if kept is not None:
            try:
                return judge(kept, self.certificate, self.issuer, self.now)
            except Unusable:
                pass  # it has ended, or somebody wrote there: ask
        if fetcher is None:
            raise FetchError(f"{clean(url, limit=120)} isn't asked (--no-fetch)")
        raw = fetcher.get(url, limit, body or None, ocsp.MEDIA_TYPE if body else "")
        statement = judge(raw, self.certificate, self.issuer, self.now)
        if cache:
            cache.write(url, body, raw)
        return statement

    def _known(self, source: str, found: Statement) -> Revocation:
        return Revocation(
            subject=self.certificate.subject.rfc4514_string(),
            status=REVOKED if found.revoked else GOOD,
            source=source,
            revoked=found.revoked,
            reason=found.reason,
            updated=found.updated,
            until=found.until,
        )


def _later(
    ask: Callable[[str, bytes, int, Judge], Statement],
    url: str,
    body: bytes,
    limit: int,
    judge: Judge,
) -> Callable[[], Statement]:
    return lambda: ask(url, body, limit, judge)


def _short_lived(certificate: x509.Certificate) -> bool:
    lifetime = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    return lifetime <= (SHORTER if certificate.not_valid_before_utc >= FROM else SHORT_LIVED)


def findings(known: Sequence[Revocation], mode: str) -> Iterator[Finding]:
    """Yield what clients should know; under `hard` what isn't known is as bad as a revocation."""
    severity = Severity.CRITICAL if mode == "hard" else None
    for depth, item in enumerate(known):
        who = "The server's certificate"
        if depth:
            who = f"The intermediate {clean(item.subject, limit=100)}"
        if item.status == REVOKED:
            day = f"{item.revoked:%Y-%m-%d}" if item.revoked else "an unknown day"
            why = f" ({item.reason})" if item.reason else ""
            source = clean(item.source, limit=120)
            yield finding("revoked", f"{who} was revoked on {day}{why}; source: {source}.")
        elif item.status == UNKNOWN:
            message = f"Whether {who[0].lower()}{who[1:]} is revoked isn't known: {item.detail}."
            yield finding("revocation-unknown", message, severity=severity)


def staple_findings(
    leaf: x509.Certificate, issuer: x509.Certificate | None, staple: bytes, now: datetime, mode: str
) -> Iterator[Finding]:
    """Yield what is wrong with stapling: a must-staple certificate without, or a useless response.

    Firefox refuses both.
    """
    severity = Severity.CRITICAL if mode == "hard" else None
    if not staple:
        if must_staple(leaf):
            yield finding("staple-missing", severity=severity)
        return
    if issuer is None:
        return
    try:
        ocsp.judge(staple, leaf, issuer, now)
    except Unusable as error:
        message = f"The server staples an OCSP response that doesn't count: {error}."
        yield finding("staple-unusable", message, severity=severity)
