"""A client as a DHCP server sees it."""

from __future__ import annotations

from dataclasses import dataclass, field

from toolkit_pxe.site.archs import HTTP, vendor_class
from toolkit_pxe.site.model import IPXE

ASKS4 = frozenset({1, 3, 6, 15, 43, 60, 66, 67, 97, 128, 129, 130, 131, 132, 133, 134, 135,
                   175, 209, 210})  # fmt: skip
"""Options that a PXE ROM asks for (PXE 2.1, table 2-1) and what iPXE and pxelinux add."""
ASKS6 = frozenset({16, 23, 24, 59, 60})
"""Options that UEFI and iPXE ask for over DHCPv6 (RFC 5970)."""
FEATURES = bytes.fromhex("b10501808610001801011b01011301011101011201012101012701011901012901011001")
"""What iPXE says in option 175: its network card and what was built in
(https://ipxe.org/howto/dhcpd)."""
_DUID_LLT, _DUID_LL, _ETHERNET = 1, 3, 1


@dataclass(frozen=True, slots=True)
class Client:
    """One client's request. What isn't known is empty.

    arch          option 93 (DHCPv6: 61); None: the client says none
    vendor_class  option 60 as text (DHCPv6: the data of option 16)
    user_class    option 77 as text, sent bare; `rfc3004`: with its length before it
    ipxe          option 175: iPXE's features, which it sends whatever its user class
    mac           "52:54:00:12:34:56"
    client_id, circuit_id, duid  option 61, option 82.1, DHCPv6's option 1
    subnet        index of the site's subnet that it is on, or -1 where that isn't known
    asks          options in its parameter request list (DHCPv6: option request); None: no list
    """

    family: int = 4
    arch: int | None = None
    vendor_class: str = ""
    user_class: str = ""
    rfc3004: bool = False
    ipxe: bytes = b""
    mac: str = ""
    client_id: bytes = b""
    circuit_id: bytes = b""
    duid: bytes = b""
    subnet: int = -1
    asks: frozenset[int] | None = field(default=ASKS4)

    @property
    def http(self) -> bool:
        """Whether it is firmware that boots over HTTP."""
        return self.vendor_class.startswith("HTTPClient")

    @property
    def classes(self) -> frozenset[str]:
        """The user classes that it has for a server: its own, and iPXE's by option 175."""
        runs = {IPXE} if self.ipxe and self.family == 4 else set()
        return frozenset({self.user_class} | runs)

    @property
    def hardware(self) -> bytes:
        """The MAC address as bytes; for DHCPv6 that inside the DUID (RFC 8415, 11.2 and 11.4)."""
        if self.family == 4:
            return bytes.fromhex(self.mac.replace(":", ""))
        kind, hardware = self.duid[:2], self.duid[2:4]
        if hardware != _ETHERNET.to_bytes(2, "big"):
            return b""
        if kind == _DUID_LLT.to_bytes(2, "big"):
            return self.duid[8:]
        return self.duid[4:] if kind == _DUID_LL.to_bytes(2, "big") else b""

    @property
    def user_class_data(self) -> bytes:
        """Option 77 as it is on the wire (DHCPv6: option 15, one instance)."""
        raw = self.user_class.encode()
        if not raw:
            return b""
        if self.family != 4:
            return len(raw).to_bytes(2, "big") + raw
        return bytes([len(raw)]) + raw if self.rfc3004 else raw


def firmware(arch: int, *, mac: str = "", ipxe: bool = False, family: int = 4) -> Client:
    """Return the request of an architecture's firmware, or of iPXE that it has loaded.

    iPXE says PXEClient and the architecture of its own build, whatever loaded it.
    """
    duid = bytes.fromhex("00030001" + mac.replace(":", "")) if mac and family != 4 else b""
    said = vendor_class(arch)
    if ipxe and arch in HTTP:
        said = said.replace("HTTPClient", "PXEClient")
    return Client(
        family=family,
        arch=arch,
        vendor_class=said,
        user_class=IPXE if ipxe else "",
        ipxe=FEATURES if ipxe and family == 4 else b"",
        mac=mac,
        duid=duid,
        asks=ASKS4 if family == 4 else ASKS6,
    )
