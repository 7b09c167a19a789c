"""Infoblox NIOS: objects for its WAPI, and the same for its CSV import. No real server ran.

Objects and fields: the WAPI documentation of NIOS, and https://github.com/infobloxopen/infoblox-client
(objects.py). Beneath is ISC dhcpd, and text goes into its configuration: backslashes are escapes in
the boot file's field, too. Filters read option 60, not 93: see `_NOTES`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from toolkit_pxe.decide.client import Client
from toolkit_pxe.decide.decision import decide
from toolkit_pxe.decide.wire import NO_ADDRESS, Wire, asked, boot_options4, custom_options
from toolkit_pxe.site.model import NOWHERE, Arm, Boot, Origin, Reservation, Site, Subnet, Variant
from toolkit_pxe.site.values import ipv4_text
from toolkit_pxe.targets import _infoblox_wapi
from toolkit_pxe.targets._infoblox_csv import table
from toolkit_pxe.targets._infoblox_fields import (
    Defined,
    Fields,
    boot_fields,
    boot_options,
    custom,
    definitions,
    expression,
    has_filter,
    option,
    text,
    used,
)
from toolkit_pxe.targets._policies import class_texts, impossible, leaks
from toolkit_pxe.targets.base import (
    MARK,
    Advice,
    Check,
    Limit,
    Options,
    Prediction,
    Rendered,
    RenderedFile,
    header,
    in_words,
)

name = "infoblox"
summary = "Infoblox NIOS (IPv4): WAPI objects as JSON, and its CSV import; from documentation"
families = (4,)
settings: Mapping[str, str] = {
    "network_view": "the network view; default default",
    "wapi": "the WAPI's version; default 2.7",
}
_SERVER = "Infoblox"
_NUMBERED = {"routers": 3, "dns_servers": 6, "ntp_servers": 42}
_COMMENT = 256
_NOTES = (
    "filters read the architecture in option 60, where firmware says it, too (PXEClient:Arch:00007)"
    ": NIOS's documentation has no rule on option 93, and options below 126 cannot be defined",
    "iPXE is known by its user class alone",
    "written from Infoblox's documentation: no real server has read it",
)
_UNPROVEN = "from documentation: no real Infoblox was asked"


def _expressible(arm: Arm) -> bool:
    """Tell whether a branch can be a filter, or needs none; the others are limits."""
    return not arm.match.macs and class_texts(arm.match) is not None


def _is_filter(arm: Arm) -> bool:
    return arm.boot is not None and has_filter(arm.match) and _expressible(arm)


def _reached(variant: Variant, group: str) -> list[Arm]:
    """Return the branches of a group's members ("": of others), to the first without a filter."""
    arms = [arm for arm in variant.arms4 if arm.match.group in {"", group}]
    last = next(
        at for at, arm in enumerate(arms) if not has_filter(arm.match) and not arm.match.macs
    )
    return arms[: last + 1]


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes a site's objects."""

    site: Site
    view: str
    defined: Mapping[int, Defined]

    def objects(self, *, fragment: bool) -> Iterator[tuple[str, Fields]]:
        """Yield (object type, fields), in an order in which each finds what it refers to."""
        yield from (("dhcpoptiondefinition", item.fields) for item in self.defined.values())
        yield from (("filteroption", item) for item in self.filters())
        subnets = self.site.of_family(4)
        if fragment:
            for subnet in subnets:
                yield "network", self._key(subnet) | self.boot(subnet, "", ())
            return
        yield from (("network", self.network(item)) for item in subnets)
        yield from (("range", item) for subnet in subnets for item in self.ranges(subnet))
        for host in self.site.reservations:
            if host.address and (host.mac or host.client_id or host.circuit_id):
                yield "fixedaddress", self.host(host)

    def filters(self) -> Iterator[Fields]:
        """Yield a filter for each branch with a condition."""
        for variant in self.site.variants:
            for arm in variant.arms4:
                if arm.boot is not None and _is_filter(arm):
                    yield self._filter(self._called(variant, arm), arm, arm.boot)

    def _called(self, variant: Variant, arm: Arm) -> str:
        return f"{self.site.name}-{variant.name}-{arm.name}"

    def _filter(self, called: str, arm: Arm, boot: Boot) -> Fields:
        made: Fields = {"name": called, "comment": f"{MARK}: {arm.why}"[:_COMMENT]}
        made["expression"] = expression(arm.match)
        made |= boot_fields(boot, "next_server")
        options = boot_options(boot, self.defined)
        return made | ({"option_list": options} if options else {})

    def _key(self, subnet: Subnet) -> Fields:
        return {"network": subnet.network.text, "network_view": self.view}

    def boot(self, subnet: Subnet, group: str, options: Sequence[Fields]) -> Fields:
        """Return what an object says of its clients' boot: filters in order, then the default."""
        variant = self.site.variants[subnet.variant]
        arms = _reached(variant, group)
        rules = [
            {"filter": self._called(variant, arm), "type": "Option"}
            for arm in arms
            if _is_filter(arm)
        ]
        made: Fields = {"logic_filter_rules": rules}
        listed, last = [*options], arms[-1].boot
        if last is not None:
            made |= boot_fields(last, "nextserver")
            listed += boot_options(last, self.defined)
        return used(made | ({"options": listed} if listed else {}))

    def _options(self, subnet: Subnet) -> list[Fields]:
        lists = {code: getattr(subnet, key) for key, code in _NUMBERED.items()}
        found = [option(code, ",".join(values)) for code, values in lists.items() if values]
        if subnet.domain:
            found.append(option(15, text(subnet.domain)))
        found.append(option(51, str(subnet.lease_time)))
        return found + custom((*self.site.options, *subnet.options), self.defined)

    def network(self, subnet: Subnet) -> Fields:
        made = self._key(subnet) | {"comment": MARK}
        return made | self.boot(subnet, "", self._options(subnet))

    def ranges(self, subnet: Subnet) -> Iterator[Fields]:
        for low, high in subnet.pools:
            ends = {"start_addr": ipv4_text(low), "end_addr": ipv4_text(high)}
            yield self._key(subnet) | ends

    def host(self, host: Reservation) -> Fields:
        made: Fields = {"ipv4addr": host.address, "name": host.name, "network_view": self.view}
        if host.mac:
            made |= {"match_client": "MAC_ADDRESS", "mac": host.mac}
        elif host.client_id:
            made |= {"match_client": "CLIENT_ID", "dhcp_client_identifier": host.client_id.hex(":")}
        else:
            made |= {"match_client": "CIRCUIT_ID", "agent_circuit_id": host.circuit_id.hex(":")}
        if host.group and host.subnet != NOWHERE:
            subnet = self.site.subnets[host.subnet]
            arms = self.site.variants[subnet.variant].arms4
            if any(arm.match.group == host.group for arm in arms):
                made |= self.boot(subnet, host.group, self._options(subnet))
        return made


def _limits(site: Site) -> Iterator[Limit]:
    if site.proxy:
        yield Limit("Infoblox is no proxyDHCP server", Origin(site.sources[0], 0), "dnsmasq can")
    for shared, subnets in site.shared_networks(4).items():
        if shared:
            message = f"shared network {shared} refers to networks by references that NIOS makes"
            yield Limit(message, subnets[0].origin, "make it in Grid Manager")
    for variant in site.variants:
        yield from _variant_limits(variant)
    named = {arm.match.group for item in site.variants for arm in item.arms4} - {""}
    for host in site.reservations:
        if host.group in named and not host.address:
            message = f'host "{host.name}" has no address, which a fixed address needs'
            yield Limit(message, site.origin(host), "give it one")


def _variant_limits(variant: Variant) -> Iterator[Limit]:
    yield from impossible(_SERVER, variant.arms4)
    for group in sorted({arm.match.group for arm in variant.arms4} | {""}):
        yield from leaks(_SERVER, _reached(variant, group))
    for arm in variant.arms4:
        if arm.match.macs:
            message = "Infoblox's option filters cannot tell how a MAC address begins"
            yield Limit(message, arm.origin, "use a group, or a MAC filter made by hand")


def render(site: Site, options: Options) -> Rendered:
    """Return bodies of WAPI requests, and the same for the CSV import."""
    limits = tuple(dict.fromkeys(_limits(site)))
    writer = _Writer(site, options.settings.get("network_view", "default"), definitions(site))
    objects = [*writer.objects(fragment=options.fragment)]
    head = header(site, name, "", limits).splitlines()
    made = _infoblox_wapi.body(head, _infoblox_wapi.create(objects, fragment=options.fragment))
    changed = _infoblox_wapi.body(head, _infoblox_wapi.change(objects))
    new = RenderedFile(f"{site.name}-wapi.json", made)
    again = RenderedFile(f"{site.name}-wapi-update.json", changed)
    rows = RenderedFile(f"{site.name}.csv", _csv(objects))
    lacking = (RenderedFile(f"{site.name}-not-expressed.txt", "\n".join(head) + "\n"),)
    url = f"https://GRID/wapi/v{options.settings.get('wapi', '2.7')}/request"
    posts = tuple(
        f"curl -n -H 'Content-Type: application/json' -d @{item.name} {url}"
        for item in (new, again)
    )
    notes = (
        f"{new.name} makes objects, so it can be run once; {again.name} changes those that are "
        "there, as often as you like",
        f"or {rows.name}, which does both, as often as you like: Data Management → CSV Job Manager "
        "→ CSV Import → Custom",
        "then restart the DHCP service in Grid Manager",
        *_NOTES,
    )
    return Rendered((new, again, rows, *(lacking if limits else ())), limits, (), posts, notes)


def _csv(objects: Iterable[tuple[str, Fields]]) -> str:
    """Return the CSV import: a header line for each kind of object, then its rows.

    The format has no comments, so ours stand in the objects' own.
    """
    made = io.StringIO()
    writer = csv.writer(made, lineterminator="\n")
    kinds: dict[str, list[Fields]] = {}
    for kind, fields in objects:
        kinds.setdefault(kind, []).append(fields)
    for kind, several in kinds.items():
        writer.writerows(table(kind, several))
    return made.getvalue()


def check(options: Options) -> Check | None:
    """Return None: NIOS has no checker that runs elsewhere."""
    del options
    return None


def predict(site: Site, client: Client, options: Options) -> Prediction:
    """Return what NIOS should send; it was not measured."""
    del options
    decision = decide(site, replace(client, ipxe=b""))  # a filter reads the user class alone
    boot = decision.boot
    notes = (_UNPROVEN,)
    sent = custom_options(site, decision, 4) | (boot_options4(boot) if boot else {})
    found = asked(sent, client)
    if boot is None or not boot.fields:
        return Prediction(decision, Wire(options=found), notes)
    server = boot.next_server or NO_ADDRESS
    return Prediction(
        decision, Wire(server, boot.next_server.encode(), boot.file.encode(), found), notes
    )


def bootfile(file: str, next_server: str) -> Advice:
    """Return what to enter into the form's fields for one boot file."""
    raw = file.encode()
    lines = [("Next Server", next_server), ("Boot Server", next_server)] if next_server else []
    lines.append(("Boot File", text(raw)))
    wire = [("file", in_words(raw)), ("option 67", in_words(raw + b"\0"))]
    if next_server:
        lines.append(("Custom option 66 (tftp-server-name)", next_server))
        wire = [("siaddr", next_server), ("sname", next_server), *wire,
                ("option 66", next_server)]  # fmt: skip
    lines.append(("Custom option 67 (bootfile-name)", text(raw + b"\0")))
    why = ("Infoblox writes the fields into dhcpd.conf, where a backslash begins an escape",
           r"\000 ends option 67 with a NUL, as old PXE ROMs need it; the Boot File has none",
           "clients read siaddr (Next Server) and the `file` field (Boot File) before 66 and 67",
           _UNPROVEN)  # fmt: skip
    return Advice(tuple(lines), tuple(wire), why)
