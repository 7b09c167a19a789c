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
ANY_CIPHER = b"ALL:@SECLEVEL=0"
"""Level 0: a trap must be able to offer what clients refuse (TLS 1.0, RSA 1024, SHA-1)."""


@dataclass(frozen=True, slots=True)
class Presented:
    """What a server sends (leaf first) and the leaf's key."""

    chain: tuple[Authority, ...]

    @property
    def key(self) -> Key:
        """The key of the server's certificate."""
        return self.chain[0].key


class Pki:
    """The trial authority of one laboratory: a root that clients trust and what is below it.

    `name` is the host that the servers are for (instead of shop.example), `days` the time that
    sound certificates last; authorities last twice as long.
    """

    def __init__(self, name: str = NAME, days: float = pki.LIFETIME_DAYS) -> None:
        """Make nothing yet: keys are made when a server needs them."""
        self.name = name
        self.days = days

    @cached_property
    def root(self) -> Authority:
        """The trusted root."""
        permitted = dict.fromkeys(("example", "localhost", "0.0.1", self.name))
        return issue(self.authority("Trial Root", permitted=tuple(permitted)), None)

    @cached_property
    def intermediate(self) -> Authority:
        """The intermediate that issues most leaves."""
        return issue(self.authority("Trial Intermediate"), self.root)

    @cached_property
    def rsa_intermediate(self) -> Authority:
        """The intermediate of those that need an RSA signature."""
        return issue(self.authority("RSA Intermediate"), self.root, pki.rsa_key())

    @cached_property
    def stranger(self) -> Authority:
        """A root that nobody trusts."""
        return issue(self.authority("Unknown Root"), None)

    def named(self, name: str) -> Pki:
        """Return an authority for servers of another name, below the same root.

        `name` must be within what the root is bound to: this one's name, or a name below it.
        """
        other = Pki(name, self.days)
        other.root = self.root
        return other

    def leaf(self, subject: Subject | None = None, key: Key | None = None) -> Presented:
        """A leaf of the intermediate, presented with it."""
        return self.under(self.intermediate, subject, key)

    def under(
        self, issuer: Authority, subject: Subject | None = None, key: Key | None = None
    ) -> Presented:
        """A leaf of `issuer`, presented with it."""
        return Presented((issue(subject or self.subject(), issuer, key), issuer))

    def subject(self, **changes: object) -> Subject:
        """Return the subject of a sound leaf, but for `changes` (fields of `Subject`)."""
        sound = {"name": self.name, "dns": [self.name], "days": (-1.0, self.days)}
        return Subject(**{**sound, **changes})  # type: ignore[arg-type]  # fields, by name

    def authority(self, name: str, **changes: object) -> Subject:
        """Return the subject of a sound authority, but for `changes`."""
        return self.subject(**{"name": name, "dns": [], "authority": True, **changes})


@dataclass(frozen=True, slots=True)
class Trap:
    """One server: `protocol` bounds its TLS versions as (lowest, highest); 0 is no bound.

    `ciphers` is in OpenSSL's notation (openssl-ciphers(1)), for TLS 1.2 and older.
    """

    meaning: str
    build: Callable[[Pki], Presented]
    accept: bool = False
    finding: str = ""
    name: str = NAME
    host: str = "127.0.0.1"
    protocol: tuple[int, int] = (SSL.TLS1_2_VERSION, 0)
    client_certificate: str = ""
    ciphers: bytes = ANY_CIPHER


def _subject(**changes: object) -> Callable[[Pki], Presented]:
    return lambda lab: lab.leaf(lab.subject(**changes))


def _wildcard(lab: Pki) -> Presented:
    return lab.leaf(lab.subject(dns=[f"*.{lab.name}"]))


def _with_key(make: Callable[[], Key]) -> Callable[[Pki], Presented]:
    return lambda lab: lab.leaf(key=make())


def _self_signed(lab: Pki) -> Presented:
    return Presented((issue(lab.subject(), None),))


def _untrusted_root(lab: Pki) -> Presented:
    return lab.under(lab.stranger)


def _incomplete(lab: Pki) -> Presented:
    return Presented(lab.leaf().chain[:1])


def _name_constraint(lab: Pki) -> Presented:
    return lab.under(
        issue(lab.authority("Narrow Intermediate", permitted=["other.example"]), lab.root)
    )


def _not_an_authority(lab: Pki) -> Presented:
    return lab.under(issue(lab.subject(name="No Authority", dns=[]), lab.root))


def _sha1(lab: Pki) -> Presented:
    return lab.under(lab.rsa_intermediate, lab.subject(digest=hashes.SHA1()))  # noqa: S303  the trap


def _deep(lab: Pki) -> Presented:
    line = [lab.intermediate]
    for depth in range(4):
        line.insert(0, issue(lab.authority(f"Trial Intermediate {depth}"), line[0]))
    return Presented((issue(lab.subject(), line[0]), *line))


def _cross_signed(lab: Pki) -> Presented:
    """The root's name and key, signed by a root nobody has: clients must use the trusted one."""
    cross = issue(lab.authority("Trial Root"), lab.stranger, lab.root.key)
    return Presented((*lab.leaf().chain, cross))


HOSTILE = "\x1b[31mred\x1b[0m [bold]rich[/] \u202etxt.exe <script>alert(1)</script>"
HOSTILE_LABEL = "\x1b]0;title\x07[bold]rich[/]\r."
"""As a dNSName can hold it: an IA5String is ASCII, so no bidi characters."""
TLS12 = (SSL.TLS1_2_VERSION, SSL.TLS1_2_VERSION)
TLS13 = (SSL.TLS1_3_VERSION, SSL.TLS1_3_VERSION)

TRAPS: Mapping[str, Trap] = {
    "good": Trap("a sound certificate", _subject(), accept=True),
    "wildcard": Trap("a wildcard certificate", _wildcard, accept=True, name=f"www.{NAME}"),
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
