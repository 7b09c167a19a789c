"""proxyDHCP by dnsmasq: another server gives addresses, this one adds where to boot from.

BIOS firmware and iPXE read server and file from the OFFER. UEFI firmware is told to ask again on
port 4011 (PXE 2.1, 2.2.4), and is answered there by the one `pxe-service` that its tags leave.
dnsmasq appends `.0` to a service's file that has no dot.
"""

from __future__ import annotations

from collections.abc import Iterator

from toolkit_pxe.decide.client import Client
from toolkit_pxe.decide.decision import Decision
from toolkit_pxe.decide.wire import NO_ADDRESS, Wire
from toolkit_pxe.site.archs import ARCHITECTURES, HTTP
from toolkit_pxe.site.model import IPXE, Arm, Option, Origin, Site
from toolkit_pxe.targets._dnsmasq import quote
from toolkit_pxe.targets.base import Limit, Prediction

_UEFI = 6
"""From this number on dnsmasq sends clients to port 4011."""
_MENU_NONE = bytes.fromhex("060108 0a0400505845 ff")
"""Option 43: discovery control 8 (boot the file that is named here), a prompt that waits for none.

PXE 2.1, table 2-1: tags 6 and 10.
"""


def answers_http(site: Site) -> bool:
    """Whether dnsmasq is told to answer firmware that boots over HTTP."""
    return any(arm.boot and arm.boot.http for item in site.variants for arm in item.arms4)


def server(site: Site, limits: list[Limit]) -> Iterator[str]:
    """Yield what holds for all clients; options of the site and its subnets are never sent."""
    places = [(Origin(site.sources[0], 0), site.options)]
    places += [(subnet.origin, subnet.options) for subnet in site.of_family(4)]
    for origin, options in places:
        limits += [Limit(_unsent(item), origin) for item in options if item.family == 4]
    if answers_http(site):
        yield "dhcp-pxe-vendor=PXEClient,HTTPClient"


def _unsent(item: Option) -> str:
    return f"dnsmasq as proxyDHCP server sends no option {item.code} ({item.name})"


def boot(arm: Arm, tag: str, limits: list[Limit]) -> Iterator[str]:
    """Yield the lines of a branch; what a proxy can't send is added to `limits`."""
    made = arm.boot
    if made is None:
        yield f"dhcp-ignore=tag:{tag}"
        return
    if not made.fields:
        message = "a proxyDHCP server sends no options 66 and 67"
        limits.append(Limit(message, arm.origin, "use via: both or fields"))
    limits += [Limit(_unsent(item), arm.origin) for item in made.options]
    where = f",,{made.next_server}" if made.next_server else ""
    yield f"dhcp-boot=tag:{tag},{quote(made.file)}{where}"
    services = service_archs(arm)
    if services and "." not in made.file:
        message = f'dnsmasq would send "{made.file}.0": it appends .0 to a UEFI file without a dot'
        limits.append(Limit(message, arm.origin, "give the file a name with a dot"))
        return
    for arch in services:
        label = quote(f"Boot {made.target}")
        yield f"pxe-service=tag:{tag},{arch},{label},{quote(made.file)},{made.next_server}"


def service_archs(arm: Arm) -> list[int]:
    """Return the architectures of a branch that are answered on port 4011."""
    made = arm.boot
    if made is None or not made.next_server or arm.match.user_class == IPXE:
        return []
    archs = arm.match.archs or sorted(ARCHITECTURES.values())
    return [arch for arch in archs if arch >= _UEFI and arch not in HTTP]


def _class_of(client: Client, *, http: bool) -> bytes:
    """Return the option 60 of the answer; empty where dnsmasq gives none."""
    said = client.vendor_class
    if client.arch is None:
        return b""
    if said.startswith("HTTPClient"):
        return b"HTTPClient" if http else b""
    return b"PXEClient" if said.startswith("PXEClient") else b""


def predict(site: Site, decision: Decision, client: Client, address: str) -> Prediction:
    """Return the OFFER; `address` is dnsmasq's own, "" for unknown."""
    made = decision.boot
    said = _class_of(client, http=answers_http(site)) if made else b""
    if made is None or not said:
        why = "the branch says so" if made is None else "it is no PXE client with an architecture"
        return Prediction(decision, None, (f"dnsmasq as proxyDHCP server does not answer: {why}",))
    uefi = (client.arch or 0) >= _UEFI
    own = address or NO_ADDRESS
    notes = [] if address or not uefi else ["siaddr is dnsmasq's own address: --set address=…"]
    if uefi and client.arch in service_archs(decision.arm):
        notes.append(f"asks again on port 4011, and gets {made.file} from {made.next_server}")
        return Prediction(decision, Wire(own, b"", b"", {60: said}), tuple(notes))
    wire = Wire(
        made.next_server or (own if uefi else NO_ADDRESS),
        b"",
        made.file.encode(),
        {60: said} if uefi else {43: _MENU_NONE, 60: said},
    )
    return Prediction(decision, wire, tuple(notes))


def predict_second(site: Site, decision: Decision, client: Client, address: str) -> Prediction:
    """Return the answer on port 4011 to a client that was sent there."""
    first = predict(site, decision, client, address)
    made = decision.boot
    if first.wire is None or made is None:
        return first
    if client.arch in service_archs(decision.arm):
        server = made.next_server
        wire = Wire(server, server.encode(), made.file.encode(), first.wire.options)
        return Prediction(decision, wire, ("the server is in sname, too, as text",))
    options = {**first.wire.options, 43: _MENU_NONE}
    return Prediction(decision, Wire(first.wire.siaddr, b"", first.wire.file, options))
