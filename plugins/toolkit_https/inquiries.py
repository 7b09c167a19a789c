"""What a check asks others than the server: for missing issuers, and whether one is revoked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from toolkit_https import second
from toolkit_https.certificates import must_staple
from toolkit_https.handshake import Shaken
from toolkit_https.model import Finding, Result
from toolkit_https.registry import finding
from toolkit_https.targets import Target

if TYPE_CHECKING:
    from toolkit_https.check import Request
    from toolkit_https.fetch import Fetcher

GAPS = {"incomplete-chain", "untrusted-root"}
"""Findings that a certificate which isn't there may be the cause of."""


def complete(
    result: Result, faults: Sequence[Finding], shaken: Shaken, target: Target, request: Request
) -> tuple[Result, list[Finding]]:
    """Return the result with what its chain lacks, and the faults as they then read."""
    if not any(item.id in GAPS for item in faults) and not request.save_chain:
        return result, list(faults)
    from toolkit_https import repair  # what few checks need, they pay for

    if not any(item.id in GAPS for item in faults):
        return _with_chain(result, shaken), list(faults)
    fetcher = _fetcher(result.address, target, request)
    if fetcher is None:
        return result, list(faults)
    mended = repair.mend(shaken, target.name, request, fetcher.get)
    kept = mended.pem if request.save_chain else ""
    return replace(result, missing=mended.missing, chain_pem=kept), repair.told(faults, mended)


def _with_chain(result: Result, shaken: Shaken) -> Result:
    from toolkit_https import repair

    if shaken.errors:
        return result
    path = second.parsed(shaken.built)
    return replace(result, chain_pem=repair.pem_of(repair.installable(path)))


def revoked(
    result: Result, shaken: Shaken, target: Target, request: Request
) -> tuple[Result, list[Finding]]:
    """Return the result with what is known of revocation, and the findings of it."""
    path = second.parsed(shaken.built or shaken.sent[:1])
    if not path or shaken.failure is not None:
        return result, []
    staple, now, mode = shaken.observed.staple, request.now(), request.revocation
    if mode == "off" and not staple:
        return result, [finding("staple-missing")] if must_staple(path[0]) else []
    from toolkit_https import revocation

    issuer = path[1] if len(path) > 1 else None
    found = list(revocation.staple_findings(path[0], issuer, staple, now, mode))
    if mode == "off" or len(path) == 1:
        return result, found
    sources = revocation.Sources(staple, _fetcher(result.address, target, request), request.cache)
    known = tuple(revocation.check_path(path, sources, now))
    return replace(result, revocation=known), [*found, *revocation.findings(known, mode)]


def _fetcher(address: str, target: Target, request: Request) -> Fetcher | None:
    """Return what fetches for this target; behind a proxy its address may be unknown."""
    if request.fetching is None:
        return None
    return request.fetching.fetcher(address or target.address, request.timeout)
