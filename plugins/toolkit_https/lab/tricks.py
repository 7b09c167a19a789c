"""More servers for auditing clients: tricks with names, chains, purposes and ciphers.

They are apart from TRAPS because `toolkit https check` need not tell each from its like; for a
client every one is a way in of its own. Each is wrong in one way, and within the name constraints
of the trial root unless that is what is wrong.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID

from toolkit_https.lab import pki
from toolkit_https.lab.pki import Authority, Instead, issue
from toolkit_https.lab.traps import NAME, TLS12, TLS13, Pki, Presented, Trap

Build = Callable[[Pki], Presented]
LOOPBACK = "127.0.0.1"
OUTSIDE = "bank.test"
"""A name that the trial root may not issue for."""
UNKNOWN = x509.ObjectIdentifier("2.25.329800735698586629295641978511506172918")
"""An extension that nobody knows: an OID made of a UUID (ITU-T X.667)."""


def _names(*patterns: str, common: str = "Somebody", addresses: Sequence[str] = ()) -> Build:
    """A leaf for dNSNames in which NAME stands for the laboratory's name."""

    def build(lab: Pki) -> Presented:
        dns = [pattern.replace(NAME, lab.name) for pattern in patterns]
        shown = common.replace(NAME, lab.name)
        return lab.leaf(lab.subject(name=shown, dns=dns, addresses=addresses))

    return build


def _leaf_with(instead: Instead) -> Build:
    return lambda lab: lab.leaf(lab.subject(instead=instead))


def _below(instead: Instead) -> Build:
    """A sound leaf of an intermediate whose extensions are `instead` of the sound ones."""
    return lambda lab: lab.under(
        issue(lab.authority("Odd Intermediate", instead=instead), lab.root)
    )


def _upper_case(lab: Pki) -> Presented:
    return lab.leaf(lab.subject(dns=[lab.name.upper()]))


def _wildcard_middle(lab: Pki) -> Presented:
    return lab.leaf(lab.subject(name="Somebody", dns=[f"www.*.{lab.name.partition('.')[2]}"]))


def _wildcard_top(lab: Pki) -> Presented:
    return lab.leaf(lab.subject(name="Somebody", dns=[f"*.{lab.name.partition('.')[2]}"]))


def _constrained(lab: Pki) -> Presented:
    return lab.under(issue(lab.authority("Narrow Intermediate", permitted=[lab.name]), lab.root))


def _excluded(lab: Pki) -> Presented:
    constraints = x509.NameConstraints(None, [x509.DNSName(lab.name)])
    return _below({x509.NameConstraints: (constraints, True)})(lab)


def _other_network(lab: Pki) -> Presented:
    """An authority for 10.0.0.0/8 that issues for a loopback address."""
    network = x509.IPAddress(ipaddress.ip_network("10.0.0.0/8"))
    constraints = x509.NameConstraints([network, x509.DNSName(lab.name)], None)
    odd = lab.authority("Odd Intermediate", instead={x509.NameConstraints: (constraints, True)})
    return lab.under(issue(odd, lab.root), lab.subject(dns=[], addresses=[LOOPBACK]))


def _other_types(lab: Pki) -> Presented:
    names: list[x509.GeneralName] = [
        x509.RFC822Name(f"root@{lab.name}"), x509.UniformResourceIdentifier(f"https://{lab.name}/"),
    ]  # fmt: skip
    instead: Instead = {x509.SubjectAlternativeName: (x509.SubjectAlternativeName(names), False)}
    return lab.leaf(lab.subject(name="Somebody", instead=instead))


def _expired_intermediate(lab: Pki) -> Presented:
    return lab.under(issue(lab.authority("Old Intermediate", days=(-9.0, -2.0)), lab.root))


def _impersonated_root(lab: Pki) -> Presented:
    """A root with the trusted one's name, and a key of its own."""
    return lab.under(issue(lab.authority("Trial Root"), None))


def _forged(lab: Pki) -> Presented:
    """A leaf that names the sound intermediate and was signed by somebody else."""
    forger = Authority(lab.intermediate.certificate, pki.ecdsa_key())
    return Presented((issue(lab.subject(), forger), lab.intermediate))


def _forged_intermediate(lab: Pki) -> Presented:
    forger = Authority(lab.root.certificate, pki.ecdsa_key())
    return lab.under(issue(lab.authority("Forged Intermediate"), forger))


def _path_length(lab: Pki) -> Presented:
    """An authority that may issue no authority does."""
    last: Instead = {x509.BasicConstraints: (x509.BasicConstraints(ca=True, path_length=0), True)}
    upper = issue(lab.authority("Last Intermediate", instead=last), lab.root)
    lower = issue(lab.authority("One Too Many"), upper)
    return Presented((*lab.under(lower).chain, upper))


def _root_constraint(lab: Pki) -> Presented:
    return lab.leaf(lab.subject(name=OUTSIDE, dns=[OUTSIDE]))


def _md5(lab: Pki) -> Presented:
    return lab.under(lab.rsa_intermediate, lab.subject(digest=hashes.MD5()))  # noqa: S303  the trap


def _sha1_intermediate(lab: Pki) -> Presented:
    """The leaf is signed with SHA-256, its issuer's certificate with SHA-1."""
    weak = lab.authority("Weak Intermediate", digest=hashes.SHA1())  # noqa: S303  the trap
    middle = issue(weak, lab.rsa_intermediate)
    return Presented((*lab.under(middle).chain, lab.rsa_intermediate))


def _usage(*, digital_signature: bool, key_cert_sign: bool, encipherment: bool = False) -> Instead:
    usage = x509.KeyUsage(
        digital_signature=digital_signature, content_commitment=False,
        key_encipherment=encipherment, data_encipherment=False, key_agreement=False,
        key_cert_sign=key_cert_sign, crl_sign=key_cert_sign, encipher_only=False,
        decipher_only=False,
    )  # fmt: skip
    return {x509.KeyUsage: (usage, True)}


_CODE_SIGNING = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING])
_CLIENT = x509.ExtendedKeyUsage([pki.CLIENT])
_CA = x509.BasicConstraints(ca=True, path_length=None)
_CRITICAL = x509.UnrecognizedExtension(UNKNOWN, b"\x05\0")

TRICKS: Mapping[str, Trap] = {
    "upper-case": Trap("the name in capitals", _upper_case, accept=True),
    "constrained": Trap("an issuer for this name only", _constrained, accept=True),
    "tls1.3": Trap("TLS 1.3 only", lambda lab: lab.leaf(), accept=True, protocol=TLS13),
    "redirect": Trap("a sound server", lambda lab: lab.leaf(), accept=True),
    "expired-intermediate": Trap("an issuer that expired two days ago", _expired_intermediate),
    "parent-name": Trap("the parent domain's name", _names(NAME), name=f"www.{NAME}"),
    "suffix-name": Trap("a name that ends like this one", _names(f"evil{NAME}")),
    "prefix-name": Trap("a name that begins like this one", _names(f"{NAME}.other.example")),
    "other-name-types": Trap("the name in an e-mail address and a URI", _other_types),
    "cn-beside-san": Trap("the name in the common name, other alternative names",
                          _names("other.example", common=NAME)),
    "null-in-san": Trap("a zero byte after the name", _names(f"{NAME}\0.other.example")),
    "null-in-cn": Trap("a zero byte after the common name",
                       _names(common=f"{NAME}\0.other.example")),
    "wildcard-parent": Trap("a wildcard, for the domain itself", _names(f"*.{NAME}")),
    "wildcard-deep": Trap("a wildcard, two labels below", _names(f"*.{NAME}"), name=f"a.b.{NAME}"),
    "wildcard-middle": Trap("a wildcard in the middle", _wildcard_middle, name=f"www.{NAME}"),
    "wildcard-partial": Trap("a wildcard within a label", _names(f"w*.{NAME}"),
                             name=f"www.{NAME}"),
    "wildcard-top": Trap("a wildcard for a top-level domain", _wildcard_top),
    "wildcard-ip": Trap("a wildcard for addresses", _names("*.0.0.1"), name=LOOPBACK),
    "wrong-ip": Trap("another address", _names(addresses=["127.0.0.2"]), name=LOOPBACK),
    "ip-as-dns-name": Trap("the address as a DNS name", _names(LOOPBACK), name=LOOPBACK),
    "ip-in-cn": Trap("the address in the common name alone", _names(common=LOOPBACK),
                     name=LOOPBACK),
    "impersonated-root": Trap("a root with the trusted one's name", _impersonated_root),
    "forged-signature": Trap("signed by another key than its issuer's", _forged),
    "forged-intermediate": Trap("an issuer signed by another key than the root's",
                                _forged_intermediate),
    "no-basic-constraints": Trap("an issuer that doesn't say that it is an authority",
                                 _below({x509.BasicConstraints: None})),
    "path-length": Trap("an authority below the last that may be", _path_length),
    "no-cert-sign": Trap("an issuer whose key may not sign certificates",
                         _below(_usage(digital_signature=True, key_cert_sign=False))),
    "excluded-name": Trap("a name that its issuer is forbidden", _excluded),
    "other-network": Trap("an address outside its issuer's network", _other_network,
                          name=LOOPBACK),
    "root-constraint": Trap("a name outside the root's own constraints", _root_constraint,
                            name=OUTSIDE),
    "unknown-critical": Trap("a critical extension that nobody knows",
                             _leaf_with({x509.UnrecognizedExtension: (_CRITICAL, True)})),
    "leaf-is-a-ca": Trap("an authority as a server",
                         _leaf_with({x509.BasicConstraints: (_CA, True)})),
    "code-signing-eku": Trap("for signing programs only",
                             _leaf_with({x509.ExtendedKeyUsage: (_CODE_SIGNING, False)})),
    "issuer-eku": Trap("an issuer for clients only",
                       _below({x509.ExtendedKeyUsage: (_CLIENT, False)})),
    "no-digital-signature": Trap(
        "a key that may not sign handshakes",
        _leaf_with(_usage(digital_signature=False, key_cert_sign=False, encipherment=True)),
        protocol=TLS13),
    "md5": Trap("an MD5 signature", _md5),
    "sha1-intermediate": Trap("an issuer with a SHA-1 signature", _sha1_intermediate),
    "anonymous": Trap("no certificate at all", lambda lab: lab.leaf(), protocol=TLS12,
                      ciphers=b"aNULL:@SECLEVEL=0"),
    "no-encryption": Trap("a cipher that doesn't encrypt", lambda lab: lab.leaf(), protocol=TLS12,
                          ciphers=b"eNULL:@SECLEVEL=0"),
}  # fmt: skip
"""Id → server. The ids are also arguments of `Lab.start`."""
