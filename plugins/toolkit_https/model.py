"""What a check is asked and what it finds: frozen, complete, and independent of how it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Verdict(StrEnum):
    """What clients do with this server."""

    TRUSTED = "trusted"
    """They accept its certificate."""
    UNTRUSTED = "untrusted"
    """They refuse its certificate."""
    UNVERIFIABLE = "unverifiable"
    """It speaks TLS, but no handshake completes under the policy, so nobody can tell."""
    UNREACHABLE = "unreachable"
    """There is no TLS server to judge."""


class Severity(StrEnum):
    """How much a finding matters; the gravest first."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found: a stable `id`, a sentence, and a sentence on what to change."""

    id: str
    severity: Severity
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate of the chain. Names are as the certificate has them: clean before showing.

    `role` is leaf, intermediate, cross-signed, root or surplus; `presented` tells whether the
    server sent it (a trust anchor usually comes from the trust store), `in_path` whether the path
    in use has it.
    """

    role: str
    subject: str
    issuer: str
    names: tuple[str, ...]
    serial: str
    not_before: datetime
    not_after: datetime
    sha256: str
    key: str
    signature: str
    presented: bool
    in_path: bool
    issuer_urls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrustUsed:
    """The trust store of a verdict, and where that choice came from."""

    path: str
    origin: str
    certificates: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Verifier:
    """The software whose judgement this is: verdicts differ with it."""

    openssl: str
    python: str
    python_openssl: str
    cryptography: str
    strict: bool


@dataclass(frozen=True, slots=True)
class HttpStep:
    """One request: its URL, and the response's status."""

    url: str
    status: int


@dataclass(frozen=True, slots=True)
class Http:
    """What the HTTP request over a second connection showed.

    `hsts` is the header's max-age in seconds of the first response, None without one.
    """

    steps: tuple[HttpStep, ...]
    hsts: int | None
    hsts_subdomains: bool


@dataclass(frozen=True, slots=True)
class TrustPath:
    """A path from the server's certificate to a trust anchor, and the earliest end in it."""

    subjects: tuple[str, ...]
    sha256: tuple[str, ...]
    expires: datetime
    in_use: bool


@dataclass(frozen=True, slots=True)
class Missing:
    """An intermediate that the server doesn't send, and where it was fetched from."""

    subject: str
    sha256: str
    url: str


@dataclass(frozen=True, slots=True)
class Revocation:
    """Whether a certificate of the path is revoked, who says so (`source`), and until when.

    `status` is good, revoked, unknown or not-needed; `detail` says why it isn't known.
    """

    subject: str
    status: str
    source: str = ""
    detail: str = ""
    reason: str = ""
    revoked: datetime | None = None
    updated: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ProtocolProbe:
    """Whether a version of TLS is accepted (None: nobody can tell), and with which cipher."""

    version: str
    accepted: bool | None
    cipher: str = ""


@dataclass(frozen=True, slots=True)
class ClientSaid:
    """What a real client did with the server: accepted, refused, failed or absent.

    `agrees` tells whether that is what the verdict says (None: nothing follows from what it did),
    `detail` is the client's last words or why it couldn't be tried, `why` explains a difference.
    """

    client: str
    version: str
    outcome: str
    agrees: bool | None = None
    detail: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """The result for one target.

    `target` is as typed; `expires` is the earliest end in the path in use and `expires_subject`
    whose; `days_left` whole days until then at `checked` (negative: since then). `seconds` is how
    long the check took. `group` is the key exchange group, `starttls` the protocol whose dialogue
    came first, `proxy` the proxy that was gone through. `paths` are all that lead to an anchor,
    `missing` the issuers that the server should send, `chain_pem` the chain that it should send
    (only where it was asked for). `protocols` and `alpn` are what a probe found,
    `clients` what real clients did.
    """

    target: str
    name: str
    port: int
    address: str
    verdict: Verdict
    findings: tuple[Finding, ...]
    chain: tuple[Certificate, ...]
    trust: TrustUsed
    verifier: Verifier
    checked: datetime
    seconds: float
    protocol: str = ""
    cipher: str = ""
    group: str = ""
    expires: datetime | None = None
    expires_subject: str = ""
    days_left: int | None = None
    http: Http | None = None
    starttls: str = ""
    proxy: str = ""
    paths: tuple[TrustPath, ...] = ()
    missing: tuple[Missing, ...] = ()
    chain_pem: str = ""
    revocation: tuple[Revocation, ...] = ()
    protocols: tuple[ProtocolProbe, ...] = ()
    alpn: str = ""
    clients: tuple[ClientSaid, ...] = ()
