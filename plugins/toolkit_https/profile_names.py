"""Profile rules on names: subjectAltName, the common name, nameConstraints."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TypeAlias

from cryptography import x509
from cryptography.x509.oid import NameOID

from toolkit_https.profile_base import Breach, Placed, extension

RFC, CABF = "RFC 5280", "CA/Browser Forum BR"
_Address: TypeAlias = (
    ipaddress.IPv4Address | ipaddress.IPv6Address | ipaddress.IPv4Network | ipaddress.IPv6Network
)
INTERNAL = {"alt", "internal", "invalid", "local", "localhost", "test"}
"""Top-level names that the public DNS will never have: RFC 6761, 6762, 9476, and ICANN's resolution
2024.07.29.06 on `internal`. (`example` stands for public names in documents, and here.)"""
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)


def _alternative_names(placed: Placed) -> Iterator[Breach]:
    if placed.is_authority:
        return
    found = extension(placed.certificate, x509.SubjectAlternativeName)
    if found is None:
        yield placed.breach("no-names", "has no subjectAltName", f"{CABF} 7.1.2.7.12")
        return
    empty = not placed.certificate.subject.rdns
    if empty and not found.critical:
        message = "has no subject and doesn't mark subjectAltName critical"
        yield placed.breach("names-critical", message, f"{RFC} 4.2.1.6")
    if found.critical and not empty:
        message = "has a subject and marks subjectAltName critical"
        yield placed.breach("names-critical", message, f"{CABF} 7.1.2.7.12")
    for name in found.value.get_values_for_type(x509.DNSName):
        if not is_dns_name(name):
            yield placed.breach("malformed-name", "has a dNSName that is none", f"{RFC} 4.2.1.6")
            return
    for mail in found.value.get_values_for_type(x509.RFC822Name):
        if mail.count("@") != 1:
            yield placed.breach("malformed-name", "has a malformed mail name", f"{RFC} 4.2.1.6")


def is_dns_name(name: str) -> bool:
    """Tell whether a dNSName is well formed: letter-digit-hyphen labels, a wildcard as first one.

    A wildcard stands for one whole label and needs two labels after it (CA/Browser Forum BR, 1.6.1
    and 3.2.2.6; a public suffix list would refuse more).
    """
    labels = name.split(".")
    if labels[0] == "*":
        labels = labels[1:]
        if len(labels) < 2:  # noqa: PLR2004  *.com
            return False
    well_formed = all(map(_LABEL.fullmatch, labels)) and len(name) <= 253  # noqa: PLR2004  RFC 1035
    return well_formed and not labels[-1].isdigit()


def _common_name(placed: Placed) -> Iterator[Breach]:
    """A common name that looks like one of the names must be one, spelt the same (BR 7.1.4.3).

    One that can't be taken for a name (`My server`), is of another kind than the names (a host name
    beside addresses), or is the domain that the names are in, is a label: clients ignore it. So is
    any host beside names that no public issuer may certify: the requirement doesn't bind there.
    """
    found = extension(placed.certificate, x509.SubjectAlternativeName)
    if placed.is_authority or found is None:
        return
    dns = found.value.get_values_for_type(x509.DNSName)
    addresses = found.value.get_values_for_type(x509.IPAddress)
    for attribute in placed.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME):
        name = str(attribute.value)
        stray = _stray_host(name, dns) and not _has_internal(dns, addresses)
        if stray or _misspelt_address(name, addresses):
            message = "has a common name that isn't one of its subjectAltNames"
            yield placed.breach("common-name", message, f"{CABF} 7.1.4.3")


def _misspelt_address(name: str, addresses: Iterable[object]) -> bool:
    """Tell whether `name` spells an address otherwise than RFC 5952 or RFC 1123 do."""
    if name in map(str, addresses):
        return False
    return any(spelt in addresses for spelt in _spelt(name))


def _spelt(name: str) -> Iterator[object]:
    """Yield the addresses that inet_aton(3) and inet_pton(3) take `name` for."""
    parts = name.split(".")
    with suppress(ValueError):
        yield ipaddress.ip_address(name)
    with suppress(ValueError):
        yield ipaddress.IPv4Address(int(name, 0))
    with suppress(ValueError):
        yield ipaddress.IPv4Address(".".join(str(int(part)) for part in parts))


def _stray_host(name: str, dns: Sequence[str]) -> bool:
    if not dns or name in dns or "." not in name or not is_host_like(name):
        return False
    return not any(other.endswith(f".{name}") for other in dns)


def _has_internal(dns: Iterable[str], addresses: Iterable[_Address]) -> bool:
    """Tell whether a name is internal or an address reserved, as BR 1.6.1 defines them."""
    return any(map(_is_internal, dns)) or not all(item.is_global for item in addresses)


def _is_internal(name: str) -> bool:
    *_, last = labels = name.lower().rstrip(".").split(".")
    return len(labels) == 1 or last in INTERNAL or labels[-2:] == ["home", "arpa"]


def is_host_like(name: str) -> bool:
    """Tell whether people may take `name` for a host name, internationalised ones included."""
    labels = name.removeprefix("*.").split(".")
    worded = all(label and label.replace("-", "a").isalnum() for label in labels)
    return worded and not labels[-1].isdigit()


def _name_constraints(placed: Placed) -> Iterator[Breach]:
    found = extension(placed.certificate, x509.NameConstraints)
    if found is None:
        return
    source = f"{RFC} 4.2.1.10"
    if not placed.is_authority:
        yield placed.breach("name-constraints", "is a server's with nameConstraints", source)
        return
    if not found.critical:
        yield placed.breach("name-constraints", "doesn't mark nameConstraints critical", source)
    subtrees = [*(found.value.permitted_subtrees or ()), *(found.value.excluded_subtrees or ())]
    if not subtrees:
        yield placed.breach("name-constraints", "has empty nameConstraints", source)
    if any(not _is_subtree(item) for item in subtrees):
        yield placed.breach("name-constraints", "has malformed nameConstraints", source)


def _is_subtree(name: x509.GeneralName) -> bool:
    """A constraint is a domain without wildcard or leading dot, a network, or another kind."""
    if isinstance(name, x509.DNSName):
        return not name.value or all(map(_LABEL.fullmatch, name.value.split(".")))
    if isinstance(name, x509.IPAddress):
        return isinstance(name.value, (ipaddress.IPv4Network, ipaddress.IPv6Network))
    if isinstance(name, x509.RFC822Name):
        return name.value.count("@") <= 1
    return True


RULES = (_alternative_names, _common_name, _name_constraints)
