"""The rules of a scan: what each finds, why it matters and what to write instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from toolkit_https.scan.model import Level


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of finding; `source` is where the fact is documented."""

    id: str
    level: Level
    title: str
    meaning: str
    remedy: str
    source: str


SSL = "https://docs.python.org/3/library/ssl.html"
_TRUST_CA = "leave it out; for an authority of your own, name its certificate file"

_RULES = (
    Rule("verification-off", Level.ERROR, "A request without verification",
         "Neither the certificate nor the name is verified: whoever is between can answer.",
         _TRUST_CA, "https://requests.readthedocs.io/en/latest/user/advanced/"),
    Rule("verification-off-by-default", Level.WARNING, "Verification is off unless asked for",
         "A parameter whose default is off decides: who calls without it verifies nothing.",
         "make the default True", "https://requests.readthedocs.io/en/latest/user/advanced/"),
    Rule("unverified-context", Level.ERROR, "An SSL context that verifies nothing",
         "It is made for the standard library's own compatibility, and verifies nothing.",
         "ssl.create_default_context(cafile=…)", f"{SSL}#ssl.create_default_context"),
    Rule("bare-context", Level.WARNING, "An SSL context whose verification nobody switched on",
         "Of ssl.SSLContext only PROTOCOL_TLS_CLIENT verifies; other protocols begin with "
         "CERT_NONE and no host name check.",
         "ssl.create_default_context(), or PROTOCOL_TLS_CLIENT", f"{SSL}#ssl.SSLContext"),
    Rule("verify-mode-none", Level.ERROR, "Certificates are not verified",
         "CERT_NONE accepts any certificate: anybody's will do.",
         "leave verify_mode as create_default_context() sets it, and name the authority's file",
         f"{SSL}#ssl.CERT_NONE"),
    Rule("hostname-check-off", Level.ERROR, "The host name is not verified",
         "A certificate for any other name is accepted, and anybody can have one of those.",
         "leave it on; connect to a name that is in the certificate", f"{SSL}#ssl.SSLContext"
         ".check_hostname"),
    Rule("wrap-socket", Level.ERROR, "ssl.wrap_socket verifies no name, and by default nothing",
         "It has no server_hostname, its default is CERT_NONE, and Python 3.12 removed it.",
         "ssl.create_default_context().wrap_socket(sock, server_hostname=host)",
         "https://docs.python.org/3/whatsnew/3.12.html"),
    Rule("starttls-without-context", Level.ERROR, "TLS without a context verifies nothing",
         "smtplib, imaplib, poplib, ftplib and nntplib verify nothing unless they are given a "
         "context.", "context=ssl.create_default_context() (imaplib: ssl_context=)",
         "https://docs.python.org/3/library/ssl.html#ssl-security"),
    Rule("warnings-silenced", Level.NOTE, "Warnings of unverified requests are silenced",
         "It hides that a request, perhaps in another place, verifies nothing.",
         "mend the request that warns, and delete this line",
         "https://urllib3.readthedocs.io/en/stable/advanced-usage.html#tls-warnings"),
    Rule("environment-off", Level.ERROR, "A variable switches verification off",
         "It goes to every program that is started from there.",
         "remove it; name the authority's file instead (SSL_CERT_FILE, REQUESTS_CA_BUNDLE, "
         "NODE_EXTRA_CA_CERTS, GIT_SSL_CAINFO)", ""),
    Rule("command-insecure", Level.ERROR, "A command without verification",
         "It takes anybody's answer, and often runs what it gets.",
         "leave the option out, and name the authority's certificate file", ""),
    Rule("command-unverified", Level.NOTE, "A command that reports, but does not refuse",
         "openssl s_client goes on after a failed verification, and verifies no name unless told.",
         "-verify_return_error -verify_hostname NAME", "https://docs.openssl.org/3.0/man1/"
         "openssl-s_client/"),
    Rule("unused-suppression", Level.NOTE, "A comment that accepts nothing",
         "What it accepted is gone, or its rule is misspelt.", "delete it, or mend the rule's id",
         ""),
    Rule("not-read", Level.UNREAD, "A file that could not be read",
         "Nothing is known of what is in it.", "look at it yourself", ""),
)  # fmt: skip
RULES: Mapping[str, Rule] = {rule.id: rule for rule in _RULES}
