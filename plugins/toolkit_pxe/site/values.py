"""Single values of a site file: addresses, networks, MAC addresses, identifiers, times, names.

Each function takes text and returns the value, or raises ValueError with what is wrong. They run
once per reservation, so addresses are integers or canonical text, never `ipaddress` objects.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Mapping
from typing import NamedTuple

_V4, _V6 = socket.AF_INET, socket.AF_INET6
_MAC = re.compile(r"([0-9A-Fa-f]{2})[:-]?" * 5 + r"([0-9A-Fa-f]{2})")
_CANONICAL_MAC = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}")
_CISCO_MAC = re.compile(r"[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}")
_HEX = re.compile(r"[0-9A-Fa-f]{2}(?:[:-]?[0-9A-Fa-f]{2})*")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_WORD = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
_TIME = re.compile(r"([0-9]{1,10})([smhdw]?)")
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_LONGEST_LEASE = 0xFFFFFFFF
_LONGEST_NAME = 253
_LONGEST_PREFIX = 6
LONGEST: Mapping[str, int] = {"client_id": 253, "circuit_id": 253, "duid": 130}
"""Octets of identifiers: an option of 255, less a sub-option's head; RFC 8415, 11.1."""
SMALLEST_LINK = 30
"""Longer prefixes have no network or broadcast address (RFC 3021)."""
BITS = {4: 32, 6: 128}


class Network(NamedTuple):
    """An IPv4 or IPv6 network: `first` and `last` address as numbers, `text` as users write it."""

    family: int
    first: int
    last: int
    prefix: int
    text: str

    @property
    def mask(self) -> str:
        """The IPv4 netmask as text."""
        return ipv4_text((0xFFFFFFFF << (32 - self.prefix)) & 0xFFFFFFFF)


def ipv4(text: str) -> int:
    """Return an IPv4 address (dotted quad without leading zeros, RFC 6943) as a number."""
    try:
        return int.from_bytes(socket.inet_pton(_V4, text), "big")
    except (OSError, ValueError) as error:
        raise ValueError(f'"{text}" is no IPv4 address') from error


def ipv6(text: str) -> int:
    """Return an IPv6 address without a zone as a number."""
    try:
        return int.from_bytes(socket.inet_pton(_V6, text), "big")
    except (OSError, ValueError) as error:
        raise ValueError(f'"{text}" is no IPv6 address') from error


def ipv4_text(number: int) -> str:
    """Return a number as a dotted quad."""
    return socket.inet_ntop(_V4, number.to_bytes(4, "big"))


def ipv6_text(number: int) -> str:
    """Return a number as IPv6 text in its canonical form (RFC 5952)."""
    return socket.inet_ntop(_V6, number.to_bytes(16, "big"))


def address_text(family: int, number: int) -> str:
    """Return an address of either family as text."""
    return ipv4_text(number) if family == 4 else ipv6_text(number)


def address(text: str) -> tuple[int, int]:
    """Return (family, number) of an address of either family."""
    family = 6 if ":" in text else 4
    try:
        return family, ipv6(text) if ":" in text else ipv4(text)
    except ValueError as error:
        raise ValueError(f'"{text}" is no IP address') from error


def network(text: str) -> Network:
    """Return "10.0.0.0/24" or "2001:db8::/64"; bits behind the prefix must be zero."""
    found = enclosing(text)
    if address(text.partition("/")[0])[1] != found.first:
        raise ValueError(f'"{text}" is an address inside the network {found.text}')
    return found


def enclosing(text: str) -> Network:
    """Return the network of an address with a prefix length, "10.0.0.7/24"."""
    head, slash, tail = text.partition("/")
    family, number = address(head)
    bits = BITS[family]
    if not slash or not tail.isascii() or not tail.isdigit() or int(tail) > bits:
        raise ValueError(f'"{text}" is no network: an address, a slash and 0 to {bits} are wanted')
    prefix = int(tail)
    span = (1 << (bits - prefix)) - 1
    first = number & ~span
    return Network(family, first, first | span, prefix, f"{address_text(family, first)}/{prefix}")


def pool(text: str) -> tuple[int, int, int]:
    """Return (family, first, last) of "10.0.0.100-10.0.0.199" or of a network in CIDR notation."""
    if "/" in text:
        found = network(text)
        return found.family, found.first, found.last
    low, dash, high = (part.strip() for part in text.partition("-"))
    if not dash:
        raise ValueError(f'"{text}" is no pool: write first-last, or a network as 10.0.0.64/26')
    (family, first), (other, last) = address(low), address(high)
    if family != other or first > last:
        raise ValueError(f'"{text}" is no pool: the last address lies before the first')
    return family, first, last


def mac(text: str) -> str:
    """Return six octets (with :, -, Cisco's dots or nothing) as 52:54:00:12:34:56."""
    if _CANONICAL_MAC.fullmatch(text):
        return text
    if _CISCO_MAC.fullmatch(text):
        text = text.replace(".", "")
    match = _MAC.fullmatch(text)
    if match is None:
        raise ValueError(f'"{text}" is no MAC address of six octets')
    return ":".join(match.groups()).lower()


def mac_prefix(text: str) -> bytes:
    """Return the first one to six octets of MAC addresses, "52:54:00", as bytes."""
    raw = octets(text)
    if len(raw) > _LONGEST_PREFIX:
        raise ValueError(f'"{text}" is longer than a MAC address')
    return raw


def octets(text: str) -> bytes:
    """Return hexadecimal text ("01:52:54:00", "01525400") as bytes."""
    if not _HEX.fullmatch(text):
        raise ValueError(f'"{text}" is not hexadecimal: pairs of 0-9 and a-f are wanted')
    return bytes.fromhex(text.replace(":", "").replace("-", ""))


def identifier(text: str) -> bytes:
    """Return a client or circuit id: hexadecimal with colons ("01:52:54"), or else text as UTF-8.

    "text:…" says text where it would be read as hexadecimal.
    """
    if text.startswith("text:"):
        return text[5:].encode()
    return octets(text) if ":" in text and _HEX.fullmatch(text) else text.encode()


def host_name(text: str) -> str:
    """Return a host name: labels of letters, digits and hyphens (RFC 1123, 2.1)."""
    if _LABEL.fullmatch(text):
        return text
    if "/" in text or "\\" in text or ".." in text:
        raise ValueError(f'"{text}" would leave its folder where files are named after hosts')
    if len(text) > _LONGEST_NAME or not all(map(_LABEL.fullmatch, text.split("."))):
        raise ValueError(f'"{text}" is no host name: letters, digits and hyphens are wanted')
    return text


def mail_address(text: str) -> str:
    """Return a mail address that a zone can hold: a domain, and ASCII without spaces before it."""
    local, at, domain = text.partition("@")
    if not at or not local or not all("!" <= item <= "~" for item in local):
        raise ValueError(f'"{text}" is no mail address that a zone can hold')
    host_name(domain)
    return text


def word(text: str) -> str:
    """Return the name of a thing in the site file; servers' configurations use it, too."""
    if not _WORD.fullmatch(text):
        message = f'"{text}" cannot be a name here: up to 32 of a-z, 0-9 and hyphens are wanted'
        raise ValueError(message)
    return text


def seconds(value: object) -> int:
    """Return a time in seconds: a number of them, or text as "90s", "15m", "8h", "1d", "2w"."""
    match = _TIME.fullmatch(str(value)) if not isinstance(value, bool) else None
    number = int(match[1]) * _UNITS[match[2]] if match else 0
    if not 0 < number <= _LONGEST_LEASE:
        raise ValueError("a time is seconds above 0, or like 90s, 15m, 8h, 1d, 2w")
    return number


_REMEDIES: Mapping[Callable[[str], object], str] = {
    address: "write it like 10.0.0.9 or 2001:db8::9",
    ipv4: "write it like 10.0.0.9, without leading zeros",
    ipv6: "write it like 2001:db8::9",
    network: "write it like 10.0.0.0/24 or 2001:db8::/64",
    pool: "write it like 10.0.0.100-10.0.0.199",
    mac: "write it like '52:54:00:12:34:56', in quotes",
    mac_prefix: "write one to six pairs, like '52:54:00', in quotes",
    octets: "write it like '00:03:00:01:52:54', in quotes",
    host_name: "write it like pc1 or pc1.example.org",
    mail_address: "write it like hostmaster@example.org",
    word: "write it like lab-2",
}


def remedy(parse: Callable[[str], object]) -> str:
    """Return how a text is to be written that one of these functions refuses."""
    return _REMEDIES.get(parse, "")
