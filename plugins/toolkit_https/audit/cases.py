"""The cases of an audit: each a server, what a verifying client does, and what accepting means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from toolkit_https.audit.model import Grade
from toolkit_https.lab.traps import INTERPRETER_DEPENDENT, TRAPS, Trap
from toolkit_https.lab.tricks import TRICKS

SERVERS: Mapping[str, Trap] = {**TRAPS, **INTERPRETER_DEPENDENT, **TRICKS}


class Play(StrEnum):
    """What happens around the server."""

    DIRECT = "direct"
    """The client is sent to it."""
    REDIRECT = "redirect"
    """The client is sent to a sound server that redirects to it."""
    DOWNGRADE = "downgrade"
    """A sound server redirects to plain HTTP."""
    PLAIN = "plain"
    """It speaks no TLS at all."""


@dataclass(frozen=True, slots=True)
class Case:
    """One server for a client to accept (`grade` is None) or to refuse.

    server   its id in the laboratory
    control  the sound server that it differs from in one thing: who refuses that one too, proves
             nothing by refusing this
    danger   what accepting lets happen, or the rule that is not kept, with its source
    """

    id: str
    group: str
    grade: Grade | None = None
    danger: str = ""
    control: str = "good"
    play: Play = Play.DIRECT
    serves: str = ""

    @property
    def server(self) -> str:
        """The id of the server in the laboratory."""
        return self.serves or self.id

    @property
    def trap(self) -> Trap:
        """The server."""
        return SERVERS[self.server]

    @property
    def accept(self) -> bool:
        """Whether a verifying client accepts it."""
        return self.grade is None

    @property
    def meaning(self) -> str:
        """What is served, in a few words."""
        return _AROUND.get(self.play, "{}").format(self.trap.meaning)


_AROUND = {
    Play.REDIRECT: "a redirect to: {}",
    Play.DOWNGRADE: "a redirect to plain HTTP",
    Play.PLAIN: "no TLS at all",
}
BAD, LAX = Grade.DANGEROUS, Grade.LAX

CASES: tuple[Case, ...] = (
    Case("good", "control"),
    Case("wildcard", "control"),
    Case("ip", "control"),
    Case("ip6", "control"),
    Case("deep", "control"),
    Case("cross-signed", "control"),
    Case("rsa", "control"),
    Case("ecdsa", "control"),
    Case("ed25519", "control"),
    Case("tls1.2", "control"),
    Case("expired", "validity", BAD,
         "A key that was stolen or lost stays good for an attacker for ever."),
    Case("not-yet-valid", "validity", BAD, "The period of validity is not looked at."),
    Case("wrong-host", "name", BAD,
         "Whoever has a certificate for any name at all can answer in the server's place."),
    Case("cn-only", "name", LAX,
         "A name in the common name alone is not to be used (RFC 9525, 2)."),
    Case("self-signed", "trust", BAD,
         "Anybody can make such a certificate and answer in the server's place."),
    Case("untrusted-root", "trust", BAD,
         "Anybody can make such an authority and answer in the server's place."),
    Case("incomplete-chain", "trust", BAD,
         "Nothing links the certificate to a trusted root, and it is accepted all the same."),
    Case("client-auth-eku", "purpose", LAX,
         "A certificate for clients is good for a server (RFC 5280, 4.2.1.12)."),
    Case("name-constraint-broken", "chain", BAD,
         "An authority may sign for names that it was not given (RFC 5280, 4.2.1.10)."),
    Case("issuer-not-a-ca", "chain", BAD,
         "Whoever has a certificate can sign others for any name (RFC 5280, 4.2.1.9)."),
    Case("rsa-1024", "strength", LAX, "Such keys are no longer safe (NIST SP 800-57)."),
    Case("sha1", "strength", LAX, "Such signatures can be forged at a price (RFC 9155)."),
    Case("tls1.0", "protocol", LAX, "The protocol is deprecated (RFC 8996)."),
    Case("tls1.1", "protocol", LAX, "The protocol is deprecated (RFC 8996)."),
    Case("no-authority-key-id", "chain", LAX,
         "RFC 5280, 4.2.1.1 demands it, and Python 3.13 refuses its absence."),
    Case("redirect-self-signed", "http", BAD,
         "Only the first connection is verified.", play=Play.REDIRECT, serves="self-signed"),
    Case("redirect-to-http", "http", LAX,
         "What the redirected request says goes over the network in plain text.",
         play=Play.DOWNGRADE, serves="good"),
    Case("no-tls", "http", BAD,
         "Whoever is between takes TLS away and reads along.", play=Play.PLAIN, serves="good"),
)  # fmt: skip

BY_ID: Mapping[str, Case] = {case.id: case for case in CASES}


def with_controls(cases: Iterable[Case]) -> list[Case]:
    """Return `cases`, and the controls that they differ from, in the order of CASES."""
    wanted = list(cases)
    needed = {case.control for case in wanted if not case.accept} - {case.id for case in wanted}
    return [BY_ID[name] for name in BY_ID if name in needed] + wanted
