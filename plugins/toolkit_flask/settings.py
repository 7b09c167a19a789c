"""The section `flask:` of toolkit.yaml: what a site answers the same in every application."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Settings:
    """Keys of the section `flask:`; the first four are defaults of the questions of `scaffold`."""

    mail_to: tuple[str, ...] = field(
        default=(), metadata={"doc": "Who gets the error reports of new applications."}
    )
    mail_from: str = field(default="", metadata={"doc": "Their sender; by default errors@HOST."})
    mail_server: str = field(
        default="localhost:25", metadata={"doc": "The mail server of new applications, host:port."}
    )
    mail_security: Literal["", "starttls", "tls", "none"] = field(
        default="",
        metadata={"doc": "Empty: `none` on loopback, where nobody listens, else `starttls`."},
    )
    timeout: float = field(
        default=120.0,
        metadata={
            "doc": "Seconds that `toolkit flask prove` gives the application.",
            "minimum": 1,
            "maximum": 3600,
        },
    )
