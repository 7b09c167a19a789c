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

NO_NAME = "Whoever has a certificate for another name can answer in the server's place"
CASES: tuple[Case, ...] = (
    Case("good", "control"),
    Case("wildcard", "control"),
    Case("ip", "control"),
    Case("ip6", "control"),
    Case("upper-case", "control"),
    Case("deep", "control"),
    Case("cross-signed", "control"),
    Case("constrained", "control"),
    Case("rsa", "control"),
    Case("ecdsa", "control"),
    Case("ed25519", "control"),
    Case("tls1.2", "control"),
    Case("tls1.3", "control"),
    Case("expired", "validity", BAD,
         "A key that was stolen or lost stays good for an attacker for ever."),
    Case("not-yet-valid", "validity", BAD, "The period of validity is not looked at."),
    Case("expired-intermediate", "validity", BAD,
         "An authority that has ended, whose key may be anybody's, can still issue."),
    Case("wrong-host", "name", BAD, f"{NO_NAME}: any name at all will do."),
    Case("parent-name", "name", BAD, f"{NO_NAME}: the parent domain's.", "wildcard"),
    Case("suffix-name", "name", BAD, f"{NO_NAME}: the end alone is compared."),
    Case("prefix-name", "name", BAD, f"{NO_NAME}: the beginning alone is compared."),
    Case("other-name-types", "name", BAD,
         f"{NO_NAME}: one for an e-mail address."),
    Case("cn-beside-san", "name", BAD,
         "The common name is free text; it must not be looked at (RFC 9525, 2)."),
    Case("cn-only", "name", LAX,
         "The common name is free text and no longer to be used (RFC 9525, 2)."),
    Case("null-in-san", "name", BAD,
         "A name cut at a zero byte is the attacker's choice (CVE-2013-4238)."),
    Case("null-in-cn", "name", BAD,
         "A name cut at a zero byte is the attacker's choice (CVE-2009-2408)."),
    Case("wildcard-parent", "name", BAD,
         "The asterisk stands for one label, not for none (RFC 9525, 6.3).", "wildcard"),
    Case("wildcard-deep", "name", BAD,
         "The asterisk stands for one label, not for two (RFC 9525, 6.3).", "wildcard"),
    Case("wildcard-middle", "name", BAD,
         "An asterisk is good in the left-most label alone (RFC 9525, 6.3).", "wildcard"),
    Case("wildcard-partial", "name", LAX,
         "An asterisk must be the whole label (RFC 9525, 6.3).", "wildcard"),
    Case("wildcard-top", "name", LAX,
         "Such a wildcard is for everybody's names; some clients refuse it by rule.", "wildcard"),
    Case("wildcard-ip", "name", LAX,
         "An address is no domain, and has no wildcards (RFC 9525, 6.4).", "ip"),
    Case("wrong-ip", "name", BAD, f"{NO_NAME}: any address will do.", "ip"),
    Case("ip-as-dns-name", "name", LAX,
         "An address belongs in an iPAddress (RFC 9525, 6.4).", "ip"),
    Case("ip-in-cn", "name", LAX,
         "The common name is free text and no longer to be used (RFC 9525, 2).", "ip"),
    Case("self-signed", "trust", BAD,
         "Anybody can make such a certificate and answer in the server's place."),
    Case("untrusted-root", "trust", BAD,
         "Anybody can make such an authority and answer in the server's place."),
    Case("impersonated-root", "trust", BAD,
         "Trust goes by the authority's name, which anybody can write into a certificate."),
    Case("incomplete-chain", "trust", BAD,
         "Nothing links the certificate to a trusted root, and it is accepted all the same."),
    Case("forged-signature", "trust", BAD,
         "The signature is not verified: anybody can make such a certificate."),
    Case("forged-intermediate", "trust", BAD,
         "The signature of the issuer's certificate is not verified: anybody can make one."),
    Case("issuer-not-a-ca", "chain", BAD,
         "Whoever has a certificate can sign others for any name (RFC 5280, 4.2.1.9)."),
    Case("no-basic-constraints", "chain", LAX,
         "An issuer has to say that it is an authority (RFC 5280, 4.2.1.9); its key usage does."),
    Case("path-length", "chain", BAD,
         "An authority that may make no authorities can (RFC 5280, 4.2.1.9)."),
    Case("no-cert-sign", "chain", BAD,
         "A key that may not sign certificates does (RFC 5280, 4.2.1.3)."),
    Case("name-constraint-broken", "chain", BAD,
         "An authority can issue for names that it was not given (RFC 5280, 4.2.1.10)."),
    Case("excluded-name", "chain", BAD,
         "An authority can issue for names that it is forbidden (RFC 5280, 4.2.1.10)."),
    Case("other-network", "chain", BAD,
         "An authority can issue for addresses that it was not given (RFC 5280, 4.2.1.10).", "ip"),
    Case("root-constraint", "chain", LAX,
         "Constraints of the root itself are not kept; RFC 5280, 6.1.1 leaves it open."),
    Case("unknown-critical", "chain", LAX,
         "A restriction that the client doesn't understand is passed over (RFC 5280, 4.2)."),
    Case("no-authority-key-id", "chain", LAX,
         "RFC 5280, 4.2.1.1 demands one, and Python 3.13 refuses its absence."),
    Case("leaf-is-a-ca", "chain", LAX,
         "An authority's own certificate is used for a server; strict verifiers refuse that."),
    Case("client-auth-eku", "purpose", LAX,
         "A certificate for clients is good for a server (RFC 5280, 4.2.1.12)."),
    Case("code-signing-eku", "purpose", LAX,
         "A certificate for signing programs is good for a server (RFC 5280, 4.2.1.12)."),
    Case("issuer-eku", "purpose", LAX,
         "An authority for clients can issue for servers; RFC 5280 leaves it open."),
    Case("no-digital-signature", "purpose", LAX,
         "A key that may not sign handshakes does (RFC 5280, 4.2.1.3; RFC 8446, 4.4.2.2).",
         "tls1.3"),
    Case("rsa-1024", "strength", LAX,
         "Such keys can be broken by those with the means (NIST SP 800-131A).", "rsa"),
    Case("md5", "strength", BAD,
         "Such signatures are forged on a few machines (RFC 6151): anybody can be an authority.",
         "rsa"),
    Case("sha1", "strength", LAX, "Such signatures can be forged at a price (RFC 6194).", "rsa"),
    Case("sha1-intermediate", "strength", LAX,
         "Such signatures can be forged at a price (RFC 6194).", "rsa"),
    Case("tls1.0", "protocol", LAX, "The protocol is deprecated (RFC 8996).", "tls1.2"),
    Case("tls1.1", "protocol", LAX, "The protocol is deprecated (RFC 8996).", "tls1.2"),
    Case("anonymous", "protocol", BAD,
         "Nobody shows a certificate, so anybody can answer (RFC 5246, F.1.1.1).", "tls1.2"),
    Case("no-encryption", "protocol", BAD, "Whoever is between reads along (RFC 9325, 4.1).",
         "tls1.2"),
    Case("redirect", "control", play=Play.REDIRECT),
    Case("redirect-self-signed", "http", BAD,
         "After a redirect nothing is verified any more.", "redirect", Play.REDIRECT,
         "self-signed"),
    Case("redirect-wrong-host", "http", BAD,
         "After a redirect the name is not verified any more.", "redirect", Play.REDIRECT,
         "wrong-host"),
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
