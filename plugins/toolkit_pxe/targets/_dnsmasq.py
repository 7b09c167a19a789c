r"""dnsmasq's language: quoting, options, and tags for conditions.

By its parser (src/option.c): in quotes a backslash makes `"`, `\`, t, n, e, b, r; nothing in quotes
is a separator, a number or hexadecimal; outside them a value that looks like an address or a number
is one. A line longer than 1024 octets is read as two.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from toolkit_pxe.site.model import IPXE, Match, Option
from toolkit_pxe.site.values import ipv4_text, ipv6_text

LONGEST_LINE = 1000
"""Octets; its buffer holds 1024 with the line feed."""
_ADDRESSES = {
    4: frozenset({1, 3, 6, 7, 9, 16, 21, 28, 32, 33, 41, 42, 44, 45, 48, 49, 65, 68, 69, 70, 71, 74,
                  150}),
    6: frozenset({22, 23, 27, 28, 31}),
}  # fmt: skip
"""Options that it takes as addresses only (src/dhcp-common.c, opttab)."""
_TEXTS = {4: frozenset({17, 18, 40, 64, 100, 101}), 6: frozenset({41, 42})}
"""Options that it takes as text only, even hexadecimal."""
_NAMES = {4: frozenset({119}), 6: frozenset({21, 24, 29, 30, 39})}
"""Options that it encodes as domain names itself."""
_REFRESH = 32
"""DHCPv6's information refresh time: always read as seconds."""
_WILDCARDS = 26
"""It remembers wildcards in the last 32 octets of a pattern; six stand before the class."""


def quote(text: str) -> str:
    """Return text between quotes, read back as exactly this. There are no control characters."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def octets(raw: bytes) -> str:
    """Return hexadecimal as it is recognised: two octets or more. Raises ValueError."""
    if len(raw) < 2:
        raise ValueError("takes hexadecimal of two octets or more")
    return raw.hex(":")


def option_value(item: Option) -> str:
    """Return the value of a custom option. Raises ValueError where no spelling gives its octets."""
    raw, family = item.data, item.family
    if item.code in _ADDRESSES[family]:
        return _addresses(raw, family)
    if item.code in _NAMES[family]:
        raise ValueError("takes domain names only")
    if family == 6 and item.code == _REFRESH:
        if len(raw) != 4:
            raise ValueError("takes a number of seconds only")
        return str(int.from_bytes(raw, "big"))
    if item.type == "text":
        return quote(raw.decode())
    if item.code in _TEXTS[family]:
        raise ValueError("takes text only")
    return f"{raw[0]}b" if len(raw) == 1 else octets(raw)


def _addresses(raw: bytes, family: int) -> str:
    size = 4 if family == 4 else 16
    if len(raw) % size:
        raise ValueError("takes addresses only")
    parts = [int.from_bytes(raw[at : at + size], "big") for at in range(0, len(raw), size)]
    if 0 in parts:
        raise ValueError("takes the address of all zeros for its own")
    return ",".join(map(ipv4_text, parts) if family == 4 else (f"[{ipv6_text(n)}]" for n in parts))


def option_name(family: int, code: int) -> str:
    """Return an option as dnsmasq names it by its number."""
    return str(code) if family == 4 else f"option6:{code}"


@dataclass(slots=True)
class Tags:
    """The tags that stand for conditions, and the lines that set them: one tag a condition.

    `faults` are conditions that can't be said. dnsmasq compares hexadecimal with the beginning of
    an option, and text with any part of it.
    """

    family: int
    found: dict[tuple[str, object], str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def of(self, match: Match) -> list[str]:
        """Return the tags that all must be set where `match` holds."""
        wanted: list[tuple[str, object]] = []
        if match.archs:
            wanted.append(("arch", match.archs))
        if match.vendor_class:
            wanted.append(("vendor", match.vendor_class))
        if match.user_class:
            wanted.append(("user", match.user_class))
        if match.macs:
            wanted.append(("mac", match.macs))
        tags = [self._tag(*item) for item in wanted]
        return [*tags, self.group(match.group)] if match.group else tags

    def group(self, name: str) -> str:
        """Return the tag of a host group; its hosts set it."""
        return f"group{self.family}-{name}"

    def _tag(self, kind: str, value: object) -> str:
        key = (kind, value)
        if key not in self.found:
            number = sum(seen == kind for seen, _ in self.found) + 1
            self.found[key] = tag = f"{kind}{self.family}-{number}"
            writer = getattr(self, f"_{kind}")
            try:
                self.lines += writer(tag, value)
            except ValueError as error:
                self.faults.append(f"dnsmasq cannot tell {kind} class {value}: it {error}")
        return self.found[key]

    def _arch(self, tag: str, archs: tuple[int, ...]) -> Iterator[str]:
        name = "option:client-arch" if self.family == 4 else "option6:61"
        for code in archs:
            value = str(code) if self.family == 4 else octets(code.to_bytes(2, "big"))
            yield f"dhcp-match=set:{tag},{name},{value}"

    def _vendor(self, tag: str, text: str) -> Iterator[str]:
        if self.family == 4:
            yield f"dhcp-match=set:{tag},60,{octets(text.encode())}"
            return
        # Of DHCPv6's it knows "contains" alone, and only with an enterprise number: UEFI's.
        if not text.startswith(("PXEClient", "HTTPClient")):
            raise ValueError("compares a vendor class of DHCPv6 with any part of the text")
        yield f"dhcp-vendorclass=set:{tag},enterprise:343,{quote(text)}"

    def _user(self, tag: str, text: str) -> Iterator[str]:
        raw = text.encode()
        if self.family != 4:
            yield f"dhcp-match=set:{tag},option6:15,{quote(text)}"
            return
        if text == IPXE:
            # iPXE's own option, which it sends even where its user class has been set otherwise.
            yield f"dhcp-match=set:{tag},175"
        # Bare, or with its length (RFC 3004); and nothing behind it.
        for form in (raw, bytes([len(raw)]) + raw):
            yield f"dhcp-match=set:{tag}-begins,77,{octets(form)}"
            yield f"dhcp-match=set:{tag}-longer,77,{form.hex(':')}:*"
        yield f"tag-if=set:{tag},tag:{tag}-begins,tag:!{tag}-longer"

    def _mac(self, tag: str, macs: tuple[bytes, ...]) -> Iterator[str]:
        for raw in macs:
            if self.family == 4:
                yield f"dhcp-mac=set:{tag},{raw.hex(':')}{':*' * (6 - len(raw))}"
                continue
            # The address inside a DUID-LLT or DUID-LL (RFC 8415, 11.2 and 11.4).
            yield f"dhcp-match=set:{tag},option6:1,00:01:00:01:*:*:*:*:{raw.hex(':')}"
            yield f"dhcp-match=set:{tag},option6:1,00:03:00:01:{raw.hex(':')}"
