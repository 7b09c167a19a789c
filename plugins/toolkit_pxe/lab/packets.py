"""DHCP packets of clients, and the answers' fields: RFC 2131, 2132, 3396; RFC 8415.

The client's MAC address is in the packet alone, not in the frame: the broadcast flag lets any
answer reach us. Options are read as they are, so a NUL at the end of a name stays.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from toolkit_pxe.decide.client import Client
from toolkit_pxe.decide.wire import NO_ADDRESS, Wire
from toolkit_pxe.site.values import ipv4, ipv4_text, ipv6

_COOKIE = bytes((99, 130, 83, 99))
_HEADER = 236
_PAD, _END, _OVERLOAD = 0, 255, 52
_SOLICIT, _RELAY_FORW, _RELAY_REPL = 1, 12, 13
BOOT_PORT = 4011
"""Where a PXE boot server is asked, beside the DHCP server's port (PXE 2.1, 2.2.4)."""
_UUID = b"\0" * 17


@dataclass(frozen=True, slots=True)
class Reply:
    """An OFFER or ADVERTISE as it came. `yiaddr` is the address given (DHCPv4)."""

    siaddr: str = NO_ADDRESS
    yiaddr: str = NO_ADDRESS
    sname: bytes = b""
    file: bytes = b""
    options: Mapping[int, bytes] = field(default_factory=dict)

    def wire(self, compared: frozenset[int]) -> Wire:
        """Return the part that predictions speak of."""
        kept = {code: data for code, data in self.options.items() if code in compared}
        return Wire(self.siaddr, self.sname, self.file, kept)


def _option4(code: int, data: bytes) -> bytes:
    return bytes((code, len(data))) + data if data else b""


def discover(client: Client, relay: str = "") -> bytes:
    """Return a DISCOVER, of 548 octets or more, as PXE ROMs send it."""
    hardware = client.hardware
    head = bytes((1, 1, 6, 1 if relay else 0)) + os.urandom(4) + b"\0\0" + b"\x80\0" + bytes(12)
    head += (ipv4(relay) if relay else 0).to_bytes(4, "big")
    head += hardware.ljust(16, b"\0") + bytes(192) + _COOKIE
    body = _option4(53, b"\1") + _option4(61, client.client_id) + _option4(57, b"\x05\xc0")
    body += _option4(60, client.vendor_class.encode())
    if client.arch is not None:
        body += _option4(93, client.arch.to_bytes(2, "big"))
        body += _option4(94, b"\1\3\x10") + _option4(97, _UUID)
    body += _option4(77, client.user_class_data) + _option4(175, client.ipxe)
    if client.asks is not None:
        body += _option4(55, bytes(sorted(client.asks)))
    if client.circuit_id:
        body += _option4(82, _option4(1, client.circuit_id))
    return (head + body + bytes((_END,))).ljust(548, b"\0")


def boot_request(client: Client, address: str) -> bytes:
    """Return the REQUEST of a client that has an address to a boot server (PXE 2.1, 2.2.4)."""
    packet = bytearray(discover(client))
    packet[12:16] = ipv4(address).to_bytes(4, "big")  # ciaddr
    packet[packet.index(_COOKIE) + 6] = 3  # option 53, the first: a REQUEST
    return bytes(packet)


def offer_of(raw: bytes) -> Reply:
    """Return a DHCPv4 answer's fields; long options are joined (RFC 3396), overload is followed."""
    options = _options4(raw[_HEADER + 4 :])
    sname, file = raw[44:108], raw[108:236]
    overload = options.get(_OVERLOAD, b"\0")[0]
    if overload & 1:
        options = _joined(options, _options4(file))
        file = b""
    if overload & 2:
        options = _joined(options, _options4(sname))
        sname = b""
    return Reply(ipv4_text(int.from_bytes(raw[20:24], "big")),
                 ipv4_text(int.from_bytes(raw[16:20], "big")),
                 sname.rstrip(b"\0"), file.rstrip(b"\0"), options)  # fmt: skip


def _options4(raw: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at = 0
    while at < len(raw) and raw[at] != _END:
        if raw[at] == _PAD:
            at += 1
            continue
        code, size = raw[at], raw[at + 1]
        found[code] = found.get(code, b"") + raw[at + 2 : at + 2 + size]
        at += 2 + size
    return found


def _joined(first: dict[int, bytes], more: dict[int, bytes]) -> dict[int, bytes]:
    return {code: first.get(code, b"") + more.get(code, b"") for code in {*first, *more}}


def _option6(code: int, data: bytes) -> bytes:
    return code.to_bytes(2, "big") + len(data).to_bytes(2, "big") + data


def solicit(client: Client, relay: str = "") -> bytes:
    """Return a SOLICIT for one address."""
    del relay  # it wraps the packet: see `relayed`
    raw = bytes((_SOLICIT,)) + os.urandom(3) + _option6(1, client.duid)
    raw += _option6(3, b"\0\0\0\1" + bytes(8)) + _option6(8, b"\0\0")
    if client.arch is not None:
        raw += _option6(61, client.arch.to_bytes(2, "big")) + _option6(62, b"\1\3\x10")
    if client.vendor_class:
        text = client.vendor_class.encode()
        raw += _option6(16, (343).to_bytes(4, "big") + len(text).to_bytes(2, "big") + text)
    if client.user_class:
        raw += _option6(15, client.user_class_data)
    if client.asks is not None:
        raw += _option6(6, b"".join(code.to_bytes(2, "big") for code in sorted(client.asks)))
    return raw


def relayed(client: Client, packet: bytes, relay: str) -> bytes:
    """Return a SOLICIT as a relay agent forwards it; a DISCOVER stays as it is."""
    if client.family == 4:
        return packet
    head = (
        bytes((_RELAY_FORW, 0))
        + ipv6(relay).to_bytes(16, "big")
        + ipv6("fe80::1").to_bytes(16, "big")
    )
    return head + _option6(9, packet)


def advertise_of(raw: bytes) -> Reply:
    """Return a DHCPv6 answer's options; a relay's wrapping is taken off."""
    if raw[0] == _RELAY_REPL:
        return advertise_of(dict(_options6(raw[34:]))[9])
    found: dict[int, bytes] = {}
    for code, data in _options6(raw[4:]):
        found.setdefault(code, data)
    return Reply(options=found)


def _options6(raw: bytes) -> Iterable[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(raw):
        code, size = (int.from_bytes(raw[at + i : at + i + 2], "big") for i in (0, 2))
        yield code, raw[at + 4 : at + 4 + size]
        at += 4 + size
