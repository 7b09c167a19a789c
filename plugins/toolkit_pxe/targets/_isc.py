r"""ISC dhcpd's language: quoting, conditions and branches, the same for IPv4 and IPv6.

dhcpd.conf(5), dhcp-eval(5), dhcp-options(5). A backslash begins an escape in its strings, so a
path such as boot\x64 must have two; \\ooo is an octet in octal, and NUL is \000 (\0 is refused).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from toolkit_pxe.site.model import IPXE, Arm, Boot, Match, Option

INDENT = "  "


def quote(text: str | bytes) -> str:
    """Return a string literal for exactly these octets."""
    raw = text.encode() if isinstance(text, str) else text
    return '"' + "".join(map(_escape, raw)) + '"'


def _escape(octet: int) -> str:
    character = chr(octet)
    if character in '"\\':
        return "\\" + character
    return character if 32 <= octet < 127 else f"\\{octet:03o}"


def octets(raw: bytes) -> str:
    """Return octets as dhcpd writes data: 01:02:ff."""
    return raw.hex(":")


@dataclass(frozen=True, slots=True)
class Names:
    """What the two protocols call the same things. `user_class` has its encodings."""

    arch: str
    vendor_class: str
    user_class: str


V4 = Names("option client-architecture", "option vendor-class-identifier", "option user-class")
V6 = Names(
    "option dhcp6.client-arch-type",
    "option dhcp6.client-vendor-class",
    "option dhcp6.client-user-class",
)

_IPXE_OPTION = "unknown-175"
"""Option 175 by its number: a configuration may have a name for it, and another definition."""
DEFINED: Mapping[int, str] = {
    4: "option client-architecture code 93 = unsigned integer 16;",
    6: "option dhcp6.client-vendor-class code 16 = string;\n"
    "option dhcp6.client-user-class code 15 = string;",
}
"""Options that dhcpd has no name for (4.4 calls 93 pxe-system-type; older releases don't)."""


def condition4(match: Match) -> str:
    """Return a DHCPv4 condition ("" where it always holds); groups are scopes, no conditions."""
    vendor = match.vendor_class
    parts = [_any(f"{V4.arch} = {octets(code.to_bytes(2, 'big'))}" for code in match.archs)]
    if vendor:
        parts.append(f"substring({V4.vendor_class}, 0, {len(vendor)}) = {quote(vendor)}")
    if match.user_class:
        raw = match.user_class.encode()
        both = (quote(raw), octets(bytes([len(raw)]) + raw))
        forms = [f"{V4.user_class} = {item}" for item in both]
        # iPXE's own option, which it sends even where its user class has been set otherwise
        forms += [f"exists {_IPXE_OPTION}"] if match.user_class == IPXE else []
        parts.append(_any(forms))
    # `hardware` is the type (1: Ethernet) and the address.
    parts.append(
        _any(f"substring(hardware, 1, {len(item)}) = {octets(item)}" for item in match.macs)
    )
    return _all(parts)


def condition6(match: Match) -> str:
    """Return a DHCPv6 condition. A MAC address is that of a DUID-LLT or DUID-LL."""
    vendor = match.vendor_class
    parts = [_any(f"{V6.arch} = {octets(code.to_bytes(2, 'big'))}" for code in match.archs)]
    if vendor:  # behind the enterprise number and the length
        parts.append(f"substring({V6.vendor_class}, 6, {len(vendor)}) = {quote(vendor)}")
    if match.user_class:
        raw = match.user_class.encode()
        parts.append(f"{V6.user_class} = {octets(len(raw).to_bytes(2, 'big') + raw)}")
    parts.append(_any(_duid(item, *kind) for item in match.macs for kind in ((1, 8), (3, 4))))
    return _all(parts)


def _duid(mac: bytes, kind: int, at: int) -> str:
    duid = "option dhcp6.client-id"
    head = f"substring({duid}, 0, 4) = 00:{kind:02x}:00:01"
    return f"({head} and substring({duid}, {at}, {len(mac)}) = {octets(mac)})"


def _all(parts: Iterable[str]) -> str:
    """Return a conjunction in parentheses: "if (a or b) and c" is a syntax error to dhcpd.

    It takes the first parenthesis for that of the whole condition.
    """
    found = [part for part in parts if part]
    return f"({' and '.join(found)})" if len(found) > 1 else "".join(found)


def _any(parts: Iterable[str]) -> str:
    found = list(parts)
    return f"({' or '.join(found)})" if len(found) > 1 else "".join(found)


def statements4(boot: Boot | None, wire: Mapping[int, bytes]) -> dict[str, str]:
    """Return what a DHCPv4 branch sets: statement's head → value."""
    found: dict[str, str] = {}
    if boot is None:
        return found
    if boot.fields:
        if boot.next_server:
            found["next-server"] = boot.next_server
        found["filename"] = quote(boot.file)
    if 60 in wire:
        found["option vendor-class-identifier"] = quote(wire[60])
    if 66 in wire:
        found["option tftp-server-name"] = quote(wire[66])
    if 67 in wire:
        found["option bootfile-name"] = quote(wire[67])
    return found | custom(boot.options)


def statements6(boot: Boot | None, wire: Mapping[int, bytes]) -> dict[str, str]:
    """Return what a DHCPv6 branch sets."""
    if boot is None:
        return {}
    found = {"option dhcp6.bootfile-url": quote(wire[59])}
    if 16 in wire:
        found["option dhcp6.client-vendor-class"] = f"= {octets(wire[16])}"
    return found | custom(boot.options)


def custom(options: Iterable[Option]) -> dict[str, str]:
    """Return statements that set custom options; text stays readable, the rest is octets."""
    return {f"option {option_name(item)}": _value(item) for item in options}


def _value(item: Option) -> str:
    return quote(item.data) if item.type == "text" else f"= {octets(item.data)}"


def option_name(item: Option) -> str:
    """Return a custom option's name: with a number, it can't be another's."""
    space = "dhcp6." if item.family != 4 else ""
    return f"{space}{item.name}" if item.name.startswith("option-") else f"{space}site-{item.name}"


def definitions(options: Iterable[Option], family: int) -> list[str]:
    """Return the declarations of options that dhcpd has no name for.

    Type and bytes of custom ones are ours, so all are octets.
    """
    lines = {
        item.code: f"option {option_name(item)} code {item.code} = "
        f"{'text' if item.type == 'text' else 'string'};"
        for item in options
    }
    return [DEFINED[family], *(lines[code] for code in sorted(lines))]


def nothing(head: str) -> str:
    """Return the statement that takes back what an outer scope has set.

    A null expression has no value, so nothing is sent; dhcp-eval(5).
    """
    return (
        f"option server.{head} = null;"
        if head in {"next-server", "filename"}
        else f"{head} = null;"
    )


def chain(
    arms: Sequence[tuple[Arm, str, Mapping[str, str]]],
    base: Mapping[str, str],
    reset: Iterable[str],
) -> Iterator[str]:
    """Yield if/elsif/else for (arm, condition, statements), in order.

    In an inner scope every branch also says what outer branches may have set: `reset` are the heads
    of such statements, `base` what they are where no branch sets them.
    """
    heads = sorted(reset)
    word = "if"
    for arm, condition, sets in arms:
        body = [f"{head} {value};" for head, value in sets.items()]
        body += [
            f"{head} {base[head]};" if head in base else nothing(head)
            for head in heads
            if head not in sets
        ]
        yield f"# {arm.comment}"
        if condition:
            yield f"{word} {condition} {{"
        elif word == "if":
            yield from body
            return
        else:
            yield "else {"
        yield from (f"{INDENT}{line}" for line in body)
        yield "}"
        if not condition:
            return
        word = "elsif"
