"""The same real clients against a real server, beside our verdict; a difference is explained.

They trust what the verdict trusted and go to the address that it is about: in a namespace with a
hosts file of their own (see `audit.sandbox`), where one can be had.
"""

from __future__ import annotations

import os
import re
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from toolkit import interrupts
from toolkit.files import write_atomic
from toolkit.text import clean
from toolkit_https.audit.cases import CASES
from toolkit_https.audit.ground import handed_over
from toolkit_https.audit.process import Ended, run
from toolkit_https.audit.sandbox import Sandbox, pinned_sandbox
from toolkit_https.audit.views import telling
from toolkit_https.clients import Absent, Installed, Machine, Way
from toolkit_https.clients.registry import ALL, chosen, clients
from toolkit_https.model import ClientSaid, Finding, Result, Severity, Verdict
from toolkit_https.registry import by_severity, finding
from toolkit_https.targets import Target
from toolkit_https.trust import TrustStore

MORE_SECONDS = 10.0
"""An interpreter and its libraries start, before the client's own time begins."""
MAX_SAID = 200
_ANSWERED = re.compile(
    r"HTTP Error [45]\d\d|[45]\d\d (?:Client|Server) Error|ERROR [45]\d\d|"
    r"ResponseError: [45]\d\d|^[45]\d\d (?!Can't connect)",
    re.MULTILINE,
)
"""HTTP's error statuses, as requests, urllib, wget, aiohttp and LWP say them: it was accepted."""
_REFUSED = re.compile(
    r"certificate|host ?name|self.signed|issuer|verif|handshake|alert|SSL|TLS", re.IGNORECASE
)
_BEFORE = re.compile(
    r"Connection refused|timed out|timeout|resolve|Name or service|getaddrinfo|unreachable",
    re.IGNORECASE,
)
"""The connection failed, which says nothing of certificates."""
EXPLAINING = ("refused-by-newer-clients", "refused-by-older-clients", "verifiers-disagree",
              "client-certificate-requested", "profile-breach")  # fmt: skip
"""Findings of a trusted server that may be why a client refuses it."""

_Item: TypeAlias = tuple[Way, str] | ClientSaid
"""A client with its version; or, for one that can't be run, what there is to say."""


@dataclass(frozen=True, slots=True)
class Beside:
    """Clients found once, for all targets; the environment and the trust store that they get.

    everything  `all` was named: who speaks something else than a target does is left out, and not
                shown with that reason
    """

    found: tuple[_Item, ...]
    everything: bool
    environ: Mapping[str, str]
    trust: TrustStore
    seconds: float

    def add(self, result: Result, target: Target) -> Result:
        """Return `result` with what each client does with the same server."""
        items = list(self._speaking(target.scheme))
        reason = _not_applicable(result, target)
        if reason:
            said: list[ClientSaid] = [_failed(item, reason) for item in items]
        else:
            with tempfile.TemporaryDirectory(prefix="toolkit-clients-") as name:
                said = self._tried(items, result, target, Path(name))
        judged = tuple(_judged(item, result) for item in said)
        found = by_severity([*result.findings, *_differences(judged)])
        return replace(result, clients=judged, findings=found)

    def _speaking(self, scheme: str) -> Iterator[_Item]:
        for item in self.found:
            if isinstance(item, ClientSaid) or item[0].scheme == scheme:
                yield item
            elif not self.everything:
                yield _failed(item, f"the server speaks {scheme}, and this client {item[0].scheme}")

    def _tried(
        self, items: Sequence[_Item], result: Result, target: Target, folder: Path
    ) -> list[ClientSaid]:
        ca = folder / "ca.pem"
        with self.trust.file() as path:
            write_atomic(ca, Path(path).read_bytes())
        sandbox = Sandbox((), "", frozenset())
        if not target.is_ip:
            sandbox = pinned_sandbox(folder, target.name, result.address, ca, self.environ)
            if not sandbox.works and target.name != target.address:
                reason = f"{target.name} can't be made to resolve: {sandbox.detail}"
                return [_failed(item, reason) for item in items]
        environ = handed_over(self.environ, str(ca))
        stop = threading.Event()

        def one(item: _Item) -> ClientSaid:
            if isinstance(item, ClientSaid):
                return item
            argv = (*sandbox.prefix, *_filled(item[0], target, ca))
            try:
                ended = run(argv, environ, self.seconds + MORE_SECONDS, stop)
            except OSError as error:
                return _failed(item, error.strerror or type(error).__name__)
            return _said(item, ended)

        with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
            try:
                return list(interrupts.results([pool.submit(one, item) for item in items]))
            finally:
                stop.set()


def make_beside(
    names: Sequence[str], environ: Mapping[str, str], trust: TrustStore, seconds: float
) -> Beside:
    """Look for the clients of `names` on this machine. Raises UsageError for an unknown one."""
    machine = Machine(environ)
    found: list[_Item] = []
    for client in chosen(names, clients()):
        answer = client.find(machine)
        if isinstance(answer, Absent):
            detail = f"{answer.reason} ({answer.remedy})"
            found.append(ClientSaid(client.name, "", "absent", detail=clean(detail)))
        else:
            found += _ways(answer)
    everything = any(ALL in text.split(",") for text in names)
    return Beside(tuple(found), everything, environ, trust, seconds)


def _ways(installed: Installed) -> Iterator[tuple[Way, str]]:
    for way in installed.ways:
        if not way.weakened:
            yield way, installed.version


def _filled(way: Way, target: Target, ca: Path) -> tuple[str, ...]:
    host = f"[{target.name}]" if ":" in target.name else target.name
    values = {
        "{url}": f"{way.scheme}://{host}:{target.port}/",
        "{ca}": str(ca),
        "{host}": target.name,
        "{port}": str(target.port),
    }
    argv = list(way.argv)
    for placeholder, value in values.items():
        argv = [text.replace(placeholder, value) for text in argv]
    return tuple(argv)


def _not_applicable(result: Result, target: Target) -> str:
    """Return why no client can be tried on this target, or ""."""
    if result.proxy:
        return "it is behind a proxy, and these clients are run without one"
    if not result.address:
        return "the server wasn't reached"
    if target.sni:
        return "these clients send the name that they verify, and another one was asked for"
    return ""


def _failed(item: _Item, reason: str) -> ClientSaid:
    if isinstance(item, ClientSaid):
        return item
    way, version = item
    return ClientSaid(way.label, version, "failed", detail=clean(reason, limit=MAX_SAID))


def _said(item: tuple[Way, str], ended: Ended) -> ClientSaid:
    """Return what one run came to: its exit status first, then what it says of the failure."""
    way, version = item
    told = telling(ended.said).rpartition("Caused by ")[2]  # requests begins with where it was
    words = clean(told, limit=MAX_SAID)
    if ended.status is None:
        return _failed(item, "it did not end in time")
    if ended.status == 0:
        return ClientSaid(way.label, version, "accepted")
    if _ANSWERED.search(told):
        return ClientSaid(way.label, version, "accepted", detail=words)
    if _REFUSED.search(told) and not _BEFORE.search(told):
        return ClientSaid(way.label, version, "refused", detail=words)
    return _failed(item, words or f"it ended with status {ended.status}, and said nothing")


def _judged(said: ClientSaid, result: Result) -> ClientSaid:
    if said.outcome not in {"accepted", "refused"}:
        return said
    accepts, trusted = said.outcome == "accepted", result.verdict is Verdict.TRUSTED
    if accepts == trusted:
        return replace(said, agrees=True)
    why = _laxity(result) if accepts else _strictness(said, result)
    return replace(said, agrees=False, why=why)


def _laxity(result: Result) -> str:
    """Why it matters that a client accepts what the verdict refuses."""
    wrong = [item.id for item in result.findings if item.severity is Severity.CRITICAL]
    wrong = wrong or [item.id for item in result.findings[:1]]
    for identifier in wrong:
        for case in CASES:
            if case.grade is not None and case.trap.finding == identifier:
                return f"it overlooks {identifier}. {case.danger}"
    return f"it overlooks {' and '.join(wrong)}." if wrong else "it overlooks what was found."


def _strictness(said: ClientSaid, result: Result) -> str:
    """Why a client may refuse what the verdict accepts: a finding that says so, or its words."""
    for item in result.findings:
        if item.id in EXPLAINING:
            return item.message
    return f"its library is stricter, or trusts something else. In its words: {said.detail}"


def _differences(said: Sequence[ClientSaid]) -> Iterator[Finding]:
    for item in said:
        if item.agrees is False:
            does = "accepts" if item.outcome == "accepted" else "refuses"
            yield finding("client-differs", f"{clean(item.client)} {does} this server: {item.why}")
