"""Custom options: a type and values → the bytes on the wire (RFC 2132, RFC 8415, 21)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from unicodedata import category

from toolkit.documents.problems import Path
from toolkit_pxe.site.described import CustomOption
from toolkit_pxe.site.faults import Faults
from toolkit_pxe.site.model import Option
from toolkit_pxe.site.values import ipv4, ipv4_text, ipv6, ipv6_text, octets, word

OWN4: Mapping[int, str] = {
    0: "padding", 1: "the subnet's mask", 3: "routers", 6: "dns_servers", 12: "the host's name",
    15: "domain", 42: "ntp_servers", 50: "the client's", 51: "lease_time", 52: "the server's",
    53: "the server's", 54: "the server's", 55: "the client's", 56: "the server's",
    57: "the client's", 58: "the server's", 59: "the server's", 61: "the client's",
    66: "boot_servers.tftp", 67: "a target's file", 77: "the client's", 81: "the client's",
    82: "the relay's", 93: "the client's", 94: "the client's", 97: "the client's", 209: "config",
    210: "prefix", 255: "the end",
}  # fmt: skip
"""DHCPv4 options that no custom option may set, and what says them instead."""

OWN6: Mapping[int, str] = {
    **dict.fromkeys(range(1, 20), "the protocol's"),
    23: "dns_servers", 24: "domain", 25: "the protocol's", 26: "the protocol's", 59: "a target",
    60: "a target", 61: "the client's",
}  # fmt: skip
_LONGEST4, _LONGEST6 = 255, 4096
_WIDTH = {"uint8": 1, "uint16": 2, "uint32": 4}
_CONTROLS = frozenset({"Cc", "Zl", "Zp"})
"""Control characters, and Unicode's own ends of lines and paragraphs."""
_TRUE, _FALSE = {"true", "1"}, {"false", "0"}


def resolve_option(item: CustomOption, faults: Faults, path: Path) -> Option | None:
    """Return the option with its bytes, or None where something of it is wrong (noted)."""
    family = int(item.family)
    before = len(faults.found)
    own = (OWN4 if family == 4 else OWN6).get(item.code)
    if own is not None:
        faults.add((*path, "code"), f"option {item.code} is set by {own}", "leave it out")
    name = item.name or f"option-{item.code}"
    faults.parsed(word, name, (*path, "name"))
    pairs = _values(item, faults, (*path, "value"))
    data = b"".join(raw for _, raw in pairs)
    if len(faults.found) > before:
        return None
    with faults.at((*path, "value")):
        _check(item, family, len(pairs), data)
    texts = tuple(text for text, _ in pairs)
    return Option(family, item.code, name, item.type, texts, data)


def _values(item: CustomOption, faults: Faults, path: Path) -> list[tuple[str, bytes]]:
    """Return (canonical text, bytes) of each value that is right; the others are noted."""
    several = isinstance(item.value, tuple)
    found = []
    for at, part in enumerate(item.value if isinstance(item.value, tuple) else (item.value,)):
        with faults.at((*path, at) if several else path):
            found.append(_encode(item.type, part))
    return found


def _check(item: CustomOption, family: int, parts: int, data: bytes) -> None:
    longest = _LONGEST4 if family == 4 else _LONGEST6
    if parts > 1 and item.type in {"text", "binary"}:
        raise ValueError(f"an option of type {item.type} has one value")
    if not data:
        raise ValueError("an option needs a value")
    if len(data) > longest:
        raise ValueError(f"the value has {len(data)} octets, and an option holds {longest}")


def _encode(kind: str, value: str | int) -> tuple[str, bytes]:
    """Return (canonical text, bytes) of one value. Raises ValueError for a wrong one."""
    if kind in _WIDTH:
        return _number(kind, value)
    if kind == "boolean":
        text = str(value).lower()
        if text not in _TRUE | _FALSE:
            raise ValueError(f'"{value}" is neither true nor false')
        return ("true", b"\x01") if text in _TRUE else ("false", b"\x00")
    if not isinstance(value, str):
        raise ValueError(f"{value} is read as a number: quote it")  # noqa: TRY004  a fault
    return _TEXTS[kind](value)


def _number(kind: str, value: str | int) -> tuple[str, bytes]:
    width = _WIDTH[kind]
    text = str(value)
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,10}", text):
        raise ValueError(f'"{value}" is no whole number')
    if int(text) >> (8 * width):
        raise ValueError(f"{text} does not fit into {kind}")
    return str(int(text)), int(text).to_bytes(width, "big")


def _text(value: str) -> tuple[str, bytes]:
    return value, plain_text(value).encode()


def _v4(value: str) -> tuple[str, bytes]:
    number = ipv4(value)
    return ipv4_text(number), number.to_bytes(4, "big")


def _v6(value: str) -> tuple[str, bytes]:
    number = ipv6(value)
    return ipv6_text(number), number.to_bytes(16, "big")


def _binary(value: str) -> tuple[str, bytes]:
    raw = octets(value)
    return raw.hex(":"), raw


_TEXTS: Mapping[str, Callable[[str], tuple[str, bytes]]] = {
    "text": _text, "ip-address": _v4, "ipv6-address": _v6, "binary": _binary,
}  # fmt: skip


def plain_text(value: str) -> str:
    """Return text that any server's configuration can hold. Raises ValueError: control characters.

    A line feed would end a line of dnsmasq's, a NUL a string of everybody's; others end a line for
    some readers, or act on the terminal that shows them.
    """
    if not value.isprintable() and any(map(_CONTROLS.__contains__, map(category, value))):
        raise ValueError(
            "holds a control character, which no server's configuration can: take it out"
        )
    value.encode()  # half of a surrogate pair is no text: UnicodeEncodeError is a ValueError
    return value
