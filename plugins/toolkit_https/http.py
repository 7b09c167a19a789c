"""The HTTP request for an https URL: by `requests`, under the same trust, redirects verified.

It is a second connection. Certificates of load balanced servers differ; what it saw is compared.
"""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from toolkit.text import clean
from toolkit_https.connect import Unreachable
from toolkit_https.deadline import Deadline, within
from toolkit_https.identity import Identity
from toolkit_https.model import Finding, Http, HttpStep
from toolkit_https.reach import Way, reach
from toolkit_https.registry import finding
from toolkit_https.targets import Target, parse_target
from toolkit_https.trust import TrustStore

if TYPE_CHECKING:
    import requests

MAX_REDIRECTS = 10
MAX_DIGITS = 18
REDIRECTS = {301, 302, 303, 307, 308}


@dataclass(frozen=True, slots=True)
class Asked:
    """One answered request, and the SHA-256 of the server certificate of its connection."""

    status: int
    location: str
    hsts: str | None
    sha256: str


@dataclass(frozen=True, slots=True)
class Visit:
    """How requests are made: each has `seconds`; redirects take the `way` as well."""

    trust: TrustStore
    way: Way
    seconds: float
    identity: Identity | None = None


@dataclass(slots=True)
class Journey:
    """The requests of one target and what was found on the way.

    Each trusts what is in the file `bundle`.
    """

    visit: Visit
    bundle: str = ""
    steps: list[HttpStep] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    hsts: str | None = None


def follow(
    target: Target, address: str, visit: Visit, leaf: str
) -> tuple[Http | None, list[Finding]]:
    """Request the target's URL at `address` and each redirect; return what was seen.

    `leaf` is the SHA-256 of the certificate of the first connection. Bodies aren't read.
    """
    journey = Journey(visit)
    with visit.trust.file() as path:
        journey.bundle = path
        _walk(journey, target, address or target.address, leaf)
    if not journey.steps:
        return None, journey.findings
    age, subdomains = parse_hsts(journey.hsts)
    if age is None:
        journey.findings.append(finding("no-hsts"))
    return Http(tuple(journey.steps), age, subdomains), journey.findings


def parse_hsts(header: str | None) -> tuple[int | None, bool]:
    """Return max-age in seconds (None without a valid one), includeSubDomains (RFC 6797, 6.1)."""
    directives: dict[str, str] = {}
    for part in (header or "").split(";"):
        name, _, value = part.strip().partition("=")
        directives.setdefault(name.strip().lower(), value.strip().strip('"'))
    age = directives.get("max-age", "")
    valid = age.isascii() and age.isdigit() and len(age) <= MAX_DIGITS
    return (int(age) if valid else None), "includesubdomains" in directives


def _walk(journey: Journey, target: Target, address: str, leaf: str) -> None:
    url, place, first = target.url, address, True
    for _ in range(MAX_REDIRECTS + 1):
        asked = _ask(journey, url, place, first=first)
        if asked is None:
            return
        journey.steps.append(HttpStep(url, asked.status))
        if first:
            journey.hsts = asked.hsts
            if asked.sha256 and asked.sha256 != leaf:
                journey.findings.append(_different(asked.sha256, leaf))
        if asked.status not in REDIRECTS or not asked.location:
            return
        following = _next(journey, url, asked.location)
        if following is None:
            return
        same = (following.name, following.port) == (target.name, target.port)
        url, place, first = following.url, address if same else following.address, False
    shown = f"After {MAX_REDIRECTS} redirects it still redirects, now to {clean(url, limit=120)}."
    journey.findings.append(finding("too-many-redirects", shown))


def _next(journey: Journey, url: str, location: str) -> Target | None:
    """Return the redirect's target, or None with a finding where it leads away from https."""
    following = urljoin(url, location)
    shown = clean(following, limit=120)
    if urlsplit(following).scheme != "https":
        journey.findings.append(finding("redirect-to-http", f"It redirects to {shown}."))
        return None
    try:
        return parse_target(following)
    except Exception as error:  # noqa: BLE001  a server's header: whatever is in it
        reason = f"It redirects to something that is no URL: {clean(str(error), limit=120)}"
        journey.findings.append(finding("http-failed", reason))
        return None


def _ask(journey: Journey, url: str, address: str, *, first: bool) -> Asked | None:
    import requests  # only for URLs: it costs more than the rest of a check

    shown, seconds = clean(url, limit=120), journey.visit.seconds
    try:
        return within(Deadline.after(seconds), lambda: _request(journey, url, address))
    except Unreachable as error:
        message = f"The request for {shown} failed: {error.finding.message}"
        journey.findings.append(finding("http-failed", message))
    except requests.exceptions.SSLError as error:
        kind = "http-untrusted" if first else "redirect-untrusted"
        message = f"requests refuses {shown}: {_innermost(error)}"
        journey.findings.append(finding(kind, message))
    except TimeoutError:
        message = f"{shown} gave no response within {seconds:g} s."
        journey.findings.append(finding("http-failed", message))
    except (requests.exceptions.RequestException, OSError, ValueError) as error:
        message = f"The request for {shown} failed: {_innermost(error)}"
        journey.findings.append(finding("http-failed", message))
    return None


def _request(journey: Journey, url: str, address: str) -> Asked:
    import requests

    target, seconds = parse_target(url), journey.visit.seconds
    parts = urlsplit(url)
    place = f"[{address}]" if ":" in address else address
    there = parts._replace(netloc=f"{place}:{target.port}").geturl()
    with requests.Session() as session:
        session.trust_env = False
        own = journey.visit.identity
        if own is not None:
            session.cert = (str(own.certificate), str(own.key))
        certificates: list[bytes] = []
        session.mount("https://", _adapter(target, journey.visit, certificates))
        with session.get(
            there, verify=journey.bundle, timeout=seconds, stream=True, allow_redirects=False,
            headers={"Host": parts.netloc, "User-Agent": "sysadmin-toolkit", "Connection": "close"},
        ) as response:  # fmt: skip
            headers = response.headers
            return Asked(
                response.status_code,
                headers.get("Location", ""),
                headers.get("Strict-Transport-Security"),
                _sha256(certificates),
            )


def _adapter(
    target: Target, visit: Visit, certificates: list[bytes]
) -> requests.adapters.HTTPAdapter:
    """Return an adapter that verifies as the target's name, whatever address it connects to.

    It goes through our own tunnel where there is a proxy, and notes the connection's certificate.
    """
    from requests.adapters import HTTPAdapter
    from urllib3.connection import HTTPSConnection
    from urllib3.connectionpool import HTTPSConnectionPool

    class Noting(HTTPSConnection):
        def _new_conn(self) -> socket.socket:  # what urllib3's own SOCKS support overrides
            if visit.way.proxy(target) is None:
                return super()._new_conn()
            place = replace(target, address=self.host.strip("[]"))
            return reach(place, visit.way, Deadline.after(visit.seconds))[0]

        def connect(self) -> None:
            super().connect()
            found = getattr(self.sock, "getpeercert", lambda **_: None)(binary_form=True)
            certificates.append(found or b"")

    class Pool(HTTPSConnectionPool):
        ConnectionCls = Noting  # type: ignore[mutable-override]  # as urllib3 documents it

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  requests' own signature
            if not target.is_ip:
                name = target.name.removesuffix(".")
                kwargs |= {"server_hostname": name, "assert_hostname": name}
            if visit.identity is not None and visit.identity.passphrase is not None:
                kwargs["key_password"] = visit.identity.passphrase
            super().init_poolmanager(*args, **kwargs)
            self.poolmanager.pool_classes_by_scheme = {"https": Pool}

    return Adapter(max_retries=0)


def _sha256(certificates: list[bytes]) -> str:
    import hashlib

    return hashlib.sha256(certificates[-1]).hexdigest() if certificates else ""


def _innermost(error: BaseException) -> str:
    """Return the words of the error at the root: libraries wrap it three times over."""
    while error.args and isinstance(getattr(error.args[0], "reason", None), BaseException):
        error = error.args[0].reason
    cause = error.args[-1] if error.args else error
    text = cause.verify_message if isinstance(cause, ssl.SSLCertVerificationError) else str(cause)
    return clean(str(text), limit=160).rstrip(".") + "."


def _different(seen: str, expected: str) -> Finding:
    message = (
        f"The second connection got another certificate (SHA-256 {seen[:16]}…) than the first "
        f"({expected[:16]}…)."
    )
    return finding("different-certificate", message)
