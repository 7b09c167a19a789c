"""The section `https:` of toolkit.yaml."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal


@dataclass(frozen=True, slots=True)
class Settings:
    """Keys of the section `https:`; options of the command win over them."""

    variables: ClassVar[tuple[str, ...]] = ("passphrase",)
    """Set by a variable (TOOLKIT_HTTPS_PASSPHRASE) and never by a file."""

    ca: str = field(
        default="",
        metadata={
            "doc": "Trust store: a file or folder of certificates, or `system`. Empty: as requests "
            "chooses (REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE, certifi)."
        },
    )
    timeout: float = field(
        default=10.0,
        metadata={
            "doc": "Seconds for one target's name lookup, connection and TLS.",
            "minimum": 0.1,
            "maximum": 3600,
        },
    )
    workers: int = field(
        default=4,
        metadata={
            "doc": "Targets checked at once, to begin with; more while the processor is idle.",
            "minimum": 1,
            "maximum": 512,
        },
    )
    warn: str = field(
        default="",
        metadata={
            "doc": "End of the server's certificate: a warning at the lesser of days and share of "
            "its lifetime, such as `30d,25%` (the default)."
        },
    )
    critical: str = field(
        default="", metadata={"doc": "The same for a critical finding; by default `7d,10%`."}
    )
    policy: Literal["requests", "strict"] = field(
        default="requests",
        metadata={"doc": "`strict` refuses what either verifier or a profile rule refuses."},
    )
    fail_on: Literal["critical", "warning", "never"] = field(
        default="critical", metadata={"doc": "The least severity of findings that is status 1."}
    )
    fetch: bool = field(
        default=True,
        metadata={"doc": "Fetch missing issuers, OCSP responses and CRLs that certificates name."},
    )
    revocation: Literal["off", "soft", "hard"] = field(
        default="off",
        metadata={"doc": "Ask whether certificates are revoked; `hard` refuses what isn't known."},
    )
    targets: tuple[str, ...] = field(
        default=(), metadata={"doc": "What `toolkit https check` checks when none is named."}
    )
