"""When an end is near: by lifetime, because certificates last 6, 47, 90 or 398 days."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from toolkit.errors import UsageError
from toolkit.text import clean
from toolkit_https.model import Certificate, Finding, Severity
from toolkit_https.registry import finding

ISSUER_DAYS = 30.0
"""An intermediate or root is worth a finding within this, or where it ends before the leaf."""
DAY = 86400.0
FORMS = 'a threshold is like "30d", "25%" or "30d,25%" (the lesser of both)'
_PART = re.compile(r"(?P<number>\d{1,5}(\.\d{1,3})?)(?P<unit>d|%)")


@dataclass(frozen=True, slots=True)
class Threshold:
    """The lesser of `days` and `share` (0 to 1) of the lifetime; either may be absent."""

    days: float | None = None
    share: float | None = None

    def limit(self, lifetime: float) -> float:
        """Return the days before the end at which it is reached, for a lifetime in days."""
        limits = [self.days, None if self.share is None else self.share * lifetime]
        return min((limit for limit in limits if limit is not None), default=0.0)


WARN, CRITICAL = Threshold(30, 0.25), Threshold(7, 0.10)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When the end of the server's certificate is a warning, and when it is critical."""

    warn: Threshold = WARN
    critical: Threshold = CRITICAL


def parse_threshold(text: str, default: Threshold) -> Threshold:
    """Return the threshold that `text` describes, `default` for "". Raises UsageError."""
    if not text.strip():
        return default
    days: float | None = None
    share: float | None = None
    for part in text.split(","):
        match = _PART.fullmatch(part.strip())
        if not match:
            raise UsageError(f'"{clean(text, limit=40)}" is no threshold', hint=FORMS)
        if match["unit"] == "d":
            days = float(match["number"])
        else:
            share = float(match["number"]) / 100
    if share is not None and share > 1:
        raise UsageError(f'"{clean(text, limit=40)}" is more than a lifetime', hint=FORMS)
    return Threshold(days, share)


def findings(
    path: Sequence[Certificate], at: datetime, thresholds: Thresholds
) -> Iterator[Finding]:
    """Yield what is to be said of the ends in a path that is valid at `at` (leaf first)."""
    if path:
        yield from _leaf(path[0], at, thresholds)
    for issuer in path[1:]:
        yield from _issuer(issuer, path[0], at, thresholds)


def days_left(certificate: Certificate, at: datetime) -> float:
    """Return the days (with fraction) until `certificate` ends."""
    return (certificate.not_after - at).total_seconds() / DAY


def lifetime(certificate: Certificate) -> float:
    """Return its period of validity in days."""
    return (certificate.not_after - certificate.not_before).total_seconds() / DAY


def _leaf(leaf: Certificate, at: datetime, thresholds: Thresholds) -> Iterator[Finding]:
    left, whole = days_left(leaf, at), lifetime(leaf)
    for severity, threshold in (
        (Severity.CRITICAL, thresholds.critical),
        (Severity.WARNING, thresholds.warn),
    ):
        if left < threshold.limit(whole):
            message = (
                f"The server's certificate ends in {left:.1f} days ({leaf.not_after:%Y-%m-%d}), "
                f"{100 * left / whole:.0f} % of its {whole:.0f} days."
            )
            yield finding("expires-soon", message, severity=severity)
            return


def _issuer(
    issuer: Certificate, leaf: Certificate, at: datetime, thresholds: Thresholds
) -> Iterator[Finding]:
    left = days_left(issuer, at)
    first = issuer.not_after < leaf.not_after
    if not first and left >= ISSUER_DAYS:
        return
    critical = left < thresholds.critical.limit(lifetime(leaf))
    who = f"The {issuer.role} {clean(issuer.subject, limit=100)}"
    before = ", before the server's certificate" if first else ""
    message = f"{who} ends in {left:.1f} days ({issuer.not_after:%Y-%m-%d}){before}."
    severity = Severity.CRITICAL if critical else Severity.WARNING
    yield finding("issuer-expires-first", message, severity=severity)
