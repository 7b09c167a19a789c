"""The section `https:` of toolkit.yaml."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Settings:
    """Keys of the section `https:`; options of the command win over them."""

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
        default=32,
        metadata={"doc": "Targets checked at once, to begin with.", "minimum": 1, "maximum": 512},
    )
    warn_days: int = field(
        default=30, metadata={"doc": "A path that ends in fewer days is a warning.", "minimum": 0}
    )
    critical_days: int = field(
        default=7,
        metadata={"doc": "A path that ends in fewer days is a critical finding.", "minimum": 0},
    )
    targets: tuple[str, ...] = field(
        default=(), metadata={"doc": "What `toolkit https check` checks when none is named."}
    )
