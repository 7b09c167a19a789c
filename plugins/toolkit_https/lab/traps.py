"""The trap servers and the accept controls: what each presents, and what a verifying client does.

A trap is wrong in exactly one way. `accept` is what a correct client must do; `finding` the id that
`toolkit https check` gives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial

from cryptography.hazmat.primitives import hashes
from OpenSSL import SSL

from toolkit_https.lab import pki
from toolkit_https.lab.pki import Authority, Key, Subject, issue

NAME = "shop.example"


@dataclass(frozen=True, slots=True)
class Presented:
    """What a server sends (leaf first) and the leaf's key."""

    chain: tuple[Authority, ...]

    @property
    def key(self) -> Key:
        """The key of the server's certificate."""
        return self.chain[0].key


class Pki:
    """The trial authority of one laboratory: a root that clients trust and what is below it."""

    @cached_property
    def root(self) -> Authority:
        """The trusted root."""
        permitted = ("example", "localhost")
        return issue(Subject("Trial Root", authority=True, permitted=permitted), None)

    @cached_property
    def intermediate(self) -> Authority:
        """The intermediate that issues most leaves."""
        return issue(Subject("Trial Intermediate", authority=True), self.root)

    @cached_property
    def stranger(self) -> Authority:
        """A root that nobody trusts."""
        return issue(Subject("Unknown Root", authority=True), None)

    def leaf(self, subject: Subject | None = None, key: Key | None = None) -> Presented:
        """A leaf of the intermediate, presented with it."""
        own = issue(subject or Subject(NAME, dns=[NAME]), self.intermediate, key)
        return Presented((own, self.intermediate))


@dataclass(frozen=True, slots=True)
class Trap:
    """One server: `protocol` bounds its TLS versions as (lowest, highest); 0 is no bound."""

    meaning: str
    build: Callable[[Pki], Presented]
    accept: bool = False
    finding: str = ""
    name: str = NAME
    host: str = "127.0.0.1"
    protocol: tuple[int, int] = (SSL.TLS1_2_VERSION, 0)
    client_certificate: str = ""


def _subject(**changes: object) -> Callable[[Pki], Presented]:
    wanted = {"name": NAME, "dns": [NAME], **changes}
    return lambda lab: lab.leaf(Subject(**wanted))  # type: ignore[arg-type]  # fields, by name


def _with_key(make: Callable[[], Key]) -> Callable[[Pki], Presented]:
    return lambda lab: lab.leaf(key=make())


def _self_signed(_lab: Pki) -> Presented:
    return Presented((issue(Subject(NAME, dns=[NAME]), None),))


def _untrusted_root(lab: Pki) -> Presented:
    return Presented((issue(Subject(NAME, dns=[NAME]), lab.stranger), lab.stranger))


def _incomplete(lab: Pki) -> Presented:
    return Presented(lab.leaf().chain[:1])


def _name_constraint(lab: Pki) -> Presented:
    narrow = Subject("Narrow Intermediate", authority=True, permitted=["other.example"])
    middle = issue(narrow, lab.root)
    return Presented((issue(Subject(NAME, dns=[NAME]), middle), middle))


def _not_an_authority(lab: Pki) -> Presented:
    middle = issue(Subject("No Authority"), lab.root)
    return Presented((issue(Subject(NAME, dns=[NAME]), middle), middle))


def _sha1(lab: Pki) -> Presented:
    middle = issue(Subject("RSA Intermediate", authority=True), lab.root, pki.rsa_key())
    return Presented((issue(Subject(NAME, dns=[NAME], digest=hashes.SHA1()), middle), middle))  # noqa: S303  the trap


def _deep(lab: Pki) -> Presented:
    line = [lab.intermediate]
    for depth in range(4):
        line.insert(0, issue(Subject(f"Trial Intermediate {depth}", authority=True), line[0]))
    return Presented((issue(Subject(NAME, dns=[NAME]), line[0]), *line))


def _cross_signed(lab: Pki) -> Presented:
    """The root's name and key, signed by a root nobody has: clients must use the trusted one."""
    common = Subject("Trial Root", authority=True)
    cross = issue(common, lab.stranger, lab.root.key)
    return Presented((*lab.leaf().chain, cross))


HOSTILE = "\x1b[31mred\x1b[0m [bold]rich[/] \u202etxt.exe <script>alert(1)</script>"
HOSTILE_LABEL = "\x1b]0;title\x07[bold]rich[/]\r."
"""As a dNSName can hold it: an IA5String is ASCII, so no bidi characters."""
TLS12 = (SSL.TLS1_2_VERSION, SSL.TLS1_2_VERSION)
TLS13 = (SSL.TLS1_3_VERSION, SSL.TLS1_3_VERSION)

TRAPS: Mapping[str, Trap] = {
    "good": Trap("a sound certificate", _subject(), accept=True),
    "wildcard": Trap("a wildcard certificate", _subject(dns=["*.shop.example"]), accept=True,
                     name="www.shop.example"),
    "ip": Trap("an IPv4 address as name", _subject(dns=[], addresses=["127.0.0.1"]), accept=True,
               name="127.0.0.1"),
    "ip6": Trap("an IPv6 address as name", _subject(dns=[], addresses=["::1"]), accept=True,
                name="::1", host="::1"),
    "deep": Trap("five intermediates", _deep, accept=True),
    "cross-signed": Trap("a cross-signed root", _cross_signed, accept=True),
    "rsa": Trap("an RSA key", _with_key(pki.rsa_key), accept=True),
    "ecdsa": Trap("an ECDSA key", _with_key(pki.ecdsa_key), accept=True),
    "ed25519": Trap("an Ed25519 key", _with_key(pki.ed25519_key), accept=True),
    "tls1.2": Trap("TLS 1.2 at most", _subject(), accept=True, protocol=TLS12),
    "hostile-names": Trap("names with control characters and markup",
                          _subject(name=HOSTILE), accept=True),
    "hostile-alt-names": Trap("an alternative name that is no host name, with control characters",
                              _subject(dns=[NAME, HOSTILE_LABEL + NAME]), accept=True,
                              finding="verifiers-disagree"),
    "expires-soon": Trap("a fifth of its lifetime left", _subject(days=(-40, 10)), accept=True,
                         finding="expires-soon"),
    "stray-common-name": Trap("a common name that is no name of it",
                              _subject(name="www.other.example"), accept=True),
    "expired": Trap("expired yesterday", _subject(days=(-3, -1)), finding="expired"),
    "not-yet-valid": Trap("valid from tomorrow", _subject(days=(1, 2)), finding="not-yet-valid"),
    "wrong-host": Trap("another name", _subject(dns=["other.example"]), finding="name-mismatch"),
    "self-signed": Trap("self-signed", _self_signed, finding="self-signed"),
    "untrusted-root": Trap("an unknown root", _untrusted_root, finding="untrusted-root"),
    "incomplete-chain": Trap("no intermediate", _incomplete, finding="incomplete-chain"),
    "cn-only": Trap("a common name alone", _subject(dns=[]), finding="no-subject-alt-name"),
    "client-auth-eku": Trap("for clients only", _subject(usage=[pki.CLIENT]),
                            finding="wrong-purpose"),
    "name-constraint-broken": Trap("outside its issuer's names", _name_constraint,
                                   finding="name-constraint"),
    "issuer-not-a-ca": Trap("issued by a leaf", _not_an_authority, finding="not-an-authority"),
    "rsa-1024": Trap("a short key", _with_key(partial(pki.rsa_key, 1024)), finding="weak-key"),
    "sha1": Trap("a SHA-1 signature", _sha1, finding="weak-signature"),
    "tls1.0": Trap("TLS 1.0 at most", _subject(), finding="protocol-too-old",
                   protocol=(SSL.TLS1_VERSION, SSL.TLS1_VERSION)),
    "tls1.1": Trap("TLS 1.1 at most", _subject(), finding="protocol-too-old",
                   protocol=(SSL.TLS1_1_VERSION, SSL.TLS1_1_VERSION)),
    "client-certificate-1.2": Trap("asks for a client certificate, TLS 1.2", _subject(),
                                   finding="client-certificate-required", protocol=TLS12,
                                   client_certificate="required"),
    "client-certificate-1.3": Trap("asks for a client certificate, TLS 1.3", _subject(),
                                   finding="client-certificate-required", protocol=TLS13,
                                   client_certificate="required"),
    "client-certificate-optional": Trap("would like a client certificate", _subject(),
                                        accept=True, client_certificate="optional"),
}  # fmt: skip
"""Id → server. The ids are also arguments of `Lab.start`."""

INTERPRETER_DEPENDENT: Mapping[str, Trap] = {
    "no-authority-key-id": Trap("a leaf without authority key identifier",
                                _subject(key_identifier=False),
                                finding="refused-by-newer-clients"),
}  # fmt: skip
"""Servers on which interpreters differ: Python 3.13 refuses them, older ones don't."""
