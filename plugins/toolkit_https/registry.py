"""Every finding that a check can make: its id, how much it matters, and what to do about it.

Ids are stable: scripts and alert rules depend on them. Messages are built where the facts are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from toolkit_https.model import Finding, Severity

CRITICAL, WARNING, INFO = Severity.CRITICAL, Severity.WARNING, Severity.INFO


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of finding: its severity, its title and its remedy (one sentence each)."""

    severity: Severity
    title: str
    remedy: str


REGISTRY: Mapping[str, Kind] = {
    "expired": Kind(
        CRITICAL, "A certificate of the path has expired.",
        "Renew it and reload the server; if it was renewed, the server still serves the old file.",
    ),
    "not-yet-valid": Kind(
        CRITICAL, "A certificate of the path isn't valid yet.",
        "Check the clocks of this machine and of the issuer, or wait; don't set a clock back.",
    ),
    "name-mismatch": Kind(
        CRITICAL, "The certificate isn't for this name.",
        "Have it issued for this name (subjectAltName), or correct the server name in the "
        "virtual host so that the right certificate is sent.",
    ),
    "no-subject-alt-name": Kind(
        CRITICAL, "The certificate has no subjectAltName; its common name doesn't count.",
        "Have it issued again with a subjectAltName (RFC 9525); clients ignore the common name.",
    ),
    "self-signed": Kind(
        CRITICAL, "The certificate is self-signed and not in the trust store.",
        "Use one of a certification authority, or give clients this certificate: --ca FILE.",
    ),
    "untrusted-root": Kind(
        CRITICAL, "The chain ends in a certification authority that the trust store doesn't have.",
        "If it is your own authority, give clients its root certificate: --ca FILE; else use "
        "one that they know.",
    ),
    "incomplete-chain": Kind(
        CRITICAL, "The server doesn't send the certificates between its own and a trusted root.",
        "Configure the full chain: the server's certificate followed by each intermediate "
        "(fullchain.pem, not cert.pem).",
    ),
    "wrong-purpose": Kind(
        CRITICAL, "A certificate of the path isn't meant for TLS servers.",
        "Have it issued with extendedKeyUsage serverAuth.",
    ),
    "not-an-authority": Kind(
        CRITICAL, "A certificate of the path was issued by one that is no authority.",
        "Have it issued by a certificate with basicConstraints CA:TRUE and keyUsage keyCertSign.",
    ),
    "name-constraint": Kind(
        CRITICAL, "An authority of the path may not issue for this certificate's names.",
        "Use an authority whose nameConstraints permit these names, or widen them.",
    ),
    "weak-key": Kind(
        CRITICAL, "A key of the path is too short.",
        "Make a new key (ECDSA P-256, or RSA of 2048 bits or more) and a certificate for it.",
    ),
    "weak-signature": Kind(
        CRITICAL, "A certificate of the path is signed with a broken digest.",
        "Have it issued again with a SHA-256 signature.",
    ),
    "bad-signature": Kind(
        CRITICAL, "A signature of the path doesn't verify.",
        "The chain file mixes certificates of different issuers: assemble it again.",
    ),
    "unhandled-extension": Kind(
        CRITICAL, "A certificate has a critical extension that clients don't know.",
        "Have it issued again without that extension, or with it not critical.",
    ),
    "path-too-long": Kind(
        CRITICAL, "The path is longer than an authority of it allows.",
        "Issue from an authority whose pathLenConstraint allows it.",
    ),
    "not-rfc5280": Kind(
        CRITICAL, "A certificate of the path isn't as RFC 5280 demands; strict clients refuse it.",
        "Have it issued again with the missing extension.",
    ),
    "revoked": Kind(
        CRITICAL, "A certificate of the path has been revoked.",
        "Have a new certificate issued, for a new key.",
    ),
    "verification-failed": Kind(
        CRITICAL, "OpenSSL refuses the path.",
        "Look at the chain shown with -v, and have the certificate it names issued again.",
    ),
    "malformed-certificate": Kind(
        CRITICAL, "A certificate can't be read.",
        "Replace it: it isn't valid DER as RFC 5280 demands.",
    ),
    "refused-by-newer-clients": Kind(
        WARNING, "Stricter clients (Python 3.13 and later) refuse this path.",
        "Have it issued again as RFC 5280 demands, before the clients are updated.",
    ),
    "expires-soon": Kind(
        WARNING, "The path in use ends soon.",
        "Renew it now, and see why automatic renewal hasn't.",
    ),
    "issuer-expires-first": Kind(
        WARNING,
        "An intermediate or root of the path ends soon, or before the server's certificate.",
        "Get the present chain from the authority and install it; renewing the leaf doesn't help.",
    ),
    "client-differs": Kind(
        WARNING, "A real client decides otherwise than this verdict.",
        "If it refuses, mend what it says; if it accepts, don't rely on it: toolkit https audit "
        "--client NAME shows what else it accepts.",
    ),
    "verifiers-disagree": Kind(
        WARNING,
        "OpenSSL and the verifier of cryptography disagree about this path.",
        "Have it issued again so that both accept it; the message says what one of them refuses.",
    ),
    "second-opinion-missing": Kind(
        INFO,
        "The second verifier gave no verdict.",
        "Go by OpenSSL's; a chain with fewer certificates, or another kind of name, may help.",
    ),
    "profile-breach": Kind(
        INFO,
        "A certificate breaks a rule of RFC 5280 or of the CA/Browser Forum.",
        "Have it issued again as the source says; --policy strict refuses it.",
    ),
    "key-mismatch": Kind(
        CRITICAL,
        "The private key doesn't belong to the certificate.",
        "Find the key that the request was made with, or have a certificate issued for this one.",
    ),
    "wrong-order": Kind(
        WARNING,
        "The certificates are in the wrong order.",
        "Write the server's certificate first, then each issuer of the one before: TLS 1.2 "
        "demands it (RFC 5246, 7.4.2).",
    ),
    "crl-missing": Kind(
        CRITICAL,
        "There is no valid revocation list of the issuer among the files of --crl.",
        "Fetch the issuer's present list; the certificate names its address.",
    ),
    "ca-directory-not-hashed": Kind(
        WARNING, "The trust folder isn't hashed: OpenSSL's own lookup finds nothing in it.",
        "Run: openssl rehash FOLDER",
    ),
    "client-certificate-required": Kind(
        WARNING, "The server ends the handshake without a client certificate.",
        "A check without one can't go further; the server's own is judged as far as it was seen.",
    ),
    "client-certificate-refused": Kind(
        CRITICAL, "The server refuses the client certificate that it was given.",
        "See the server's log: it may trust another authority, or want another subject; renew a "
        "certificate that has expired.",
    ),
    "client-certificate-requested": Kind(
        INFO, "The server asks for a client certificate, and goes on without one.",
        "Nothing, if that is meant.",
    ),
    "protocol-too-old": Kind(
        WARNING, "The server speaks no TLS 1.2 or later.",
        "Enable TLS 1.2 and 1.3 on the server; clients of today speak nothing older.",
    ),
    "handshake-refused": Kind(
        WARNING, "The server refuses the handshake.",
        "See the server's log; common causes are no cipher in common and an unknown server name.",
    ),
    "different-certificate": Kind(
        WARNING, "The second connection got another certificate.",
        "Servers behind this address differ: deploy the same certificate to all of them.",
    ),
    "http-failed": Kind(
        WARNING, "The HTTP request failed.",
        "See the server's log; the TLS part is judged on its own.",
    ),
    "http-untrusted": Kind(
        CRITICAL, "requests refuses on the second connection what the first one showed.",
        "Servers behind this address differ: check each one as name@address:port.",
    ),
    "redirect-untrusted": Kind(
        CRITICAL, "It redirects to a server that clients refuse.",
        "Check that server by itself, or correct the redirect.",
    ),
    "redirect-to-http": Kind(
        CRITICAL, "It redirects to unencrypted HTTP.",
        "Redirect to an https URL.",
    ),
    "too-many-redirects": Kind(
        WARNING, "It redirects again and again.",
        "Break the loop: each URL should lead to its destination in one or two steps.",
    ),
    "no-hsts": Kind(
        INFO, "The response has no Strict-Transport-Security header.",
        "Add one (RFC 6797) once everything under this name is https.",
    ),
    "no-post-quantum": Kind(
        INFO,
        "The key exchange isn't post-quantum: what is recorded today may be read one day.",
        "Enable X25519MLKEM768 (OpenSSL 3.5 or later does by default).",
    ),
    "unexpected-issuer": Kind(
        CRITICAL,
        "The certificate isn't by the issuer that was expected.",
        "Find out who had it issued and why; correct --expect-issuer if the change was meant.",
    ),
    "unexpected-fingerprint": Kind(
        CRITICAL,
        "The certificate isn't the one that was expected.",
        "If it was renewed, expect the new one; otherwise find out who answers in its place.",
    ),
    "addresses-differ": Kind(
        WARNING,
        "The addresses of a name present different certificates.",
        "Deploy the same certificate to all of them, or check that the difference is meant.",
    ),
    "revocation-unknown": Kind(
        WARNING, "Whether a certificate is revoked couldn't be found out.",
        "See the reason; clients that insist on knowing refuse. --revocation off doesn't ask.",
    ),
    "staple-missing": Kind(
        WARNING, "The certificate demands a stapled OCSP response and the server sends none.",
        "Enable stapling (nginx: ssl_stapling on), or have it issued without TLS Feature: Firefox "
        "refuses it so.",
    ),
    "staple-unusable": Kind(
        WARNING, "The server staples an OCSP response that doesn't count.",
        "See that the server renews it: its responder must be reachable from there.",
    ),
    "old-protocol-accepted": Kind(
        WARNING, "The server accepts versions of TLS that nobody should use any more.",
        "Switch off TLS 1.0 and 1.1 on the server (RFC 8996).",
    ),
    "no-tls1.3": Kind(
        INFO, "The server doesn't accept TLS 1.3.", "Enable it: it is faster, and hides more.",
    ),
    "refused-by-older-clients": Kind(
        WARNING, "Clients before Python 3.13 refuse this path, which this one accepts.",
        "Give clients the root certificate in place of an intermediate: --ca ROOT.",
    ),
    "accepted-by-other-clients": Kind(
        INFO, "Another version of Python accepts this path: some clients will say it works.",
        "Mend what is refused here all the same; don't go by the client that accepts it.",
    ),
    "starttls-failed": Kind(
        CRITICAL, "The server doesn't go over from plaintext to TLS.",
        "Enable STARTTLS on the server, or check its port for TLS from the start (smtps://, "
        "imaps://, pop3s://, ftps://, ldaps://).",
    ),
    "proxy-failed": Kind(
        CRITICAL, "The proxy gives no connection to the server.",
        "Correct --proxy, HTTPS_PROXY or ALL_PROXY, or go round it: NO_PROXY, or --proxy ''.",
    ),
    "unknown-host": Kind(
        CRITICAL, "The name doesn't resolve.", "Check the spelling and the DNS.",
    ),
    "connection-refused": Kind(
        CRITICAL, "Nothing listens on the port.",
        "Start the server, or correct the port; a firewall may refuse as well.",
    ),
    "network-unreachable": Kind(
        CRITICAL, "There is no way to the address.", "Check routes, firewall and address family.",
    ),
    "timeout": Kind(
        CRITICAL, "There was no answer in time.",
        "Check firewall and server, or allow more: --timeout SECONDS.",
    ),
    "connection-closed": Kind(
        CRITICAL, "The server hung up before the handshake was complete.",
        "See the server's log; a load balancer without a live backend does this.",
    ),
    "plain-http": Kind(
        CRITICAL, "The port speaks plain HTTP.",
        "Use the port that speaks TLS, or enable TLS on this one (nginx: listen 443 ssl).",
    ),
    "not-tls": Kind(
        CRITICAL, "The port doesn't speak TLS.", "Correct the port.",
    ),
    "tls-error": Kind(
        CRITICAL, "The TLS conversation broke down.",
        "See the server's log; something between may interfere.",
    ),
}  # fmt: skip


def finding(
    identifier: str, message: str = "", *, severity: Severity | None = None, remedy: str = ""
) -> Finding:
    """Return a finding of the registered kind; its message defaults to the kind's title."""
    kind = REGISTRY[identifier]
    return Finding(
        identifier, severity or kind.severity, message or kind.title, remedy or kind.remedy
    )


def by_severity(found: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return `found`, the gravest first; among equals the order stays."""
    order = list(Severity)
    return tuple(sorted(found, key=lambda item: order.index(item.severity)))
