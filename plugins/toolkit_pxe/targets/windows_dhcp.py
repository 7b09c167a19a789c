"""Windows Server's DHCP: an idempotent PowerShell script. No real server ran.

Cmdlets and parameters: https://learn.microsoft.com/powershell/module/dhcpserver/. A branch is a
policy of the scope; within one criterion the values are alternatives, and criteria are joined by
-Condition. https://ipxe.org/howto/msdhcp shows iPXE's user class on this server.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from toolkit_pxe.decide.client import Client
from toolkit_pxe.decide.decision import decide
from toolkit_pxe.decide.wire import Wire, asked, boot_options4, custom_options
from toolkit_pxe.site.model import Arm, Boot, Option, Origin, Reservation, Site, Subnet, Variant
from toolkit_pxe.site.values import ipv4_text
from toolkit_pxe.targets._policies import class_texts, impossible, leaks
from toolkit_pxe.targets._powershell import BOM, FUNCTIONS, listed, quote
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

name = "windows-dhcp"
summary = "Windows Server's DHCP (IPv4): an idempotent PowerShell script; from documentation"
families = (4,)
settings: Mapping[str, str] = {}
_SERVER = "Windows DHCP"
_UNPROVEN = "from documentation: no real Windows server was asked"
_TYPES: Mapping[str, str] = {
    "text": "String",
    "ip-address": "IPv4Address",
    "uint8": "Byte",
    "uint16": "Word",
    "uint32": "DWord",
    "boolean": "Byte",
    "binary": "BinaryData",
}
_PREDEFINED = frozenset({66, 67})
_MACS = 200
"""Conditions of one policy; more hosts than this are a limit rather than a script of megabytes."""


def _values(item: Option) -> str:
    """Return an option's values as the cmdlet takes them: text, or numbers as text."""
    if item.type in {"binary", "boolean"}:
        return listed([f"0x{octet:02x}" for octet in item.data])
    return listed([*item.values])


def _boot_values(boot: Boot) -> dict[int, str]:
    """Return options 60, 66, 67 and a target's own; Windows ends no string with a NUL."""
    wire = boot_options4(boot, terminator=b"")
    found = {code: quote(data.decode()) for code, data in wire.items()}
    return found | {item.code: _values(item) for item in boot.options if item.family == 4}


def _members(site: Site, subnet: Subnet, group: str) -> list[str]:
    """Return the MAC addresses of a group's hosts in a subnet, as policies write them."""
    return [
        host.mac.replace(":", "").upper()
        for host in site.reservations
        if host.group == group and host.subnet in {subnet.index, -1} and host.mac
    ]


def _criteria(site: Site, subnet: Subnet, arm: Arm) -> dict[str, list[str]]:
    """Return a policy's conditions: parameter → values, of which one must hold."""
    match = arm.match
    found = {"VendorClass": [f"{item}*" for item in class_texts(match) or []]}
    found["UserClass"] = [match.user_class] if match.user_class else []
    macs = [item.hex().upper() + ("*" if len(item) < 6 else "") for item in match.macs]
    if match.group:
        members = _members(site, subnet, match.group)
        macs = [item for item in members if item.startswith(_beginnings(match.macs))]
    found["MacAddress"] = macs
    return {key: values for key, values in found.items() if values}


def _beginnings(macs: Sequence[bytes]) -> tuple[str, ...]:
    """Return how a MAC address may begin, as policies write it; any may, where none is named."""
    return tuple(item.hex().upper() for item in macs) or ("",)


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes the script."""

    site: Site
    fragment: bool

    def lines(self) -> Iterator[str]:
        yield from self._definitions()
        subnets = self.site.of_family(4)
        for subnet in subnets:
            yield ""
            yield f"# {subnet.network.text} ({subnet.origin.short})"
            if not self.fragment:
                yield from self._scope(subnet)
            yield from self._policies(subnet)
        if not self.fragment:
            yield from self._superscopes()
            yield from self._hosts()

    def _boots(self) -> Iterator[Boot]:
        used = {item.variant for item in self.site.of_family(4)}
        for at in sorted(used):
            yield from (arm.boot for arm in self.site.variants[at].arms4 if arm.boot)

    def _definitions(self) -> Iterator[str]:
        """Yield classes and option definitions, of which the server may have some."""
        used = {item.variant for item in self.site.of_family(4)}
        arms = [arm for at in sorted(used) for arm in self.site.variants[at].arms4]
        vendors = {text for arm in arms for text in class_texts(arm.match) or []}
        users = {arm.match.user_class for arm in arms} - {""}
        yield ""
        # The policies name classes; a class is named after its data, so that the two agree.
        yield from (f"Set-BootClass Vendor {quote(item)} {quote(item)}" for item in sorted(vendors))
        yield from (f"Set-BootClass User {quote(item)} {quote(item)}" for item in sorted(users))
        if any(boot.http for boot in self._boots()):
            yield "Set-BootOptionDefinition 60 'vendor-class-identifier' 'String'"
        options = [option for boot in self._boots() for option in boot.options]
        options += self.site.options
        options += [option for subnet in self.site.of_family(4) for option in subnet.options]
        found = {item.code: item for item in options if item.family == 4}
        for code, item in sorted(found.items()):
            many = " -Many" if len(item.values) > 1 or item.type == "binary" else ""
            yield f"Set-BootOptionDefinition {code} {quote(item.name)} '{_TYPES[item.type]}'{many}"

    def _scope(self, subnet: Subnet) -> Iterator[str]:
        net = subnet.network
        pools = sorted(subnet.pools) or [(net.first + 1, net.last - 1)]
        ends = (ipv4_text(pools[0][0]), ipv4_text(pools[-1][1]))
        scope, lease = ipv4_text(net.first), f"'{_span(subnet.lease_time)}'"
        title = quote(f"{self.site.name} {net.text}")
        yield f"Set-BootScope '{scope}' {title} '{net.mask}' '{ends[0]}' '{ends[1]}' {lease}"
        gaps = [(high + 1, low - 1) for (_, high), (low, _) in pairwise(pools)]
        for first, last in [gap for gap in gaps if gap[0] <= gap[1]] if subnet.pools else pools:
            yield f"Set-BootExclusion '{scope}' '{ipv4_text(first)}' '{ipv4_text(last)}'"
        values = {3: subnet.routers, 6: subnet.dns_servers, 42: subnet.ntp_servers}
        values[15] = (subnet.domain,) if subnet.domain else ()
        for code, several in values.items():
            if several:
                yield _set(scope, code, listed([*several]))
        custom = {item.code: item for item in (*self.site.options, *subnet.options)
                  if item.family == 4}  # fmt: skip
        yield from (_set(scope, code, _values(item)) for code, item in custom.items())

    def _policies(self, subnet: Subnet) -> Iterator[str]:
        """Yield a policy for each branch with a condition; the last is the scope's own options."""
        scope = ipv4_text(subnet.network.first)
        yield f"Clear-BootPolicy '{scope}'"
        order = 0
        for arm in self.site.variants[subnet.variant].arms4:
            if arm.boot is None or class_texts(arm.match) is None:
                continue
            values = _boot_values(arm.boot)
            yield f"# {arm.comment}"
            if arm.match.always:
                yield from (_set(scope, code, value) for code, value in values.items())
                continue
            criteria = _criteria(self.site, subnet, arm)
            if not criteria or (arm.match.group and "MacAddress" not in criteria):
                continue  # a group without a member here
            order += 1
            yield _policy(scope, arm.name, order, criteria)
            for code, value in values.items():
                yield f"{_set(scope, code, value)} -PolicyName '{arm.name}'"

    def _superscopes(self) -> Iterator[str]:
        for shared, subnets in self.site.shared_networks(4).items():
            if shared:
                scopes = listed([ipv4_text(item.network.first) for item in subnets])
                yield f"Set-BootSuperscope {quote(shared)} @({scopes})"

    def _hosts(self) -> Iterator[str]:
        yield ""
        subnets = [ipv4_text(item.network.first) if item.network.family == 4 else ""
                   for item in self.site.subnets]  # fmt: skip
        for host in self.site.reservations:
            ids = host.mac.replace(":", "-") or host.client_id.hex("-")
            if host.address and ids:
                scope = subnets[host.subnet]
                yield f"Set-BootReservation '{scope}' '{host.address}' '{ids}' {quote(host.name)}"


def _span(seconds: int) -> str:
    """Return a .NET TimeSpan: days.hours:minutes:seconds."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"{days}.{hours:02}:{minutes:02}:{rest:02}"


def _set(scope: str, code: int, value: str) -> str:
    return f"Set-DhcpServerv4OptionValue -ScopeId '{scope}' -OptionId {code} -Value {value} -Force"


def _policy(scope: str, called: str, order: int, criteria: Mapping[str, Sequence[str]]) -> str:
    joined = "And" if len(criteria) > 1 else "Or"
    parts = [f"-{key} 'EQ', {listed([*values])}" for key, values in criteria.items()]
    return (
        f"Add-DhcpServerv4Policy -ScopeId '{scope}' -Name '{called}' -Description $Mark "
        f"-ProcessingOrder {order} -Condition {joined} {' '.join(parts)}"
    )


def _limits(site: Site) -> Iterator[Limit]:
    if site.proxy:
        yield Limit("Windows DHCP is no proxyDHCP server", Origin(site.sources[0], 0), "WDS is one")
    used = {item.variant for item in site.of_family(4)}
    for at in sorted(used):
        yield from _variant_limits(site.variants[at])
    named = {arm.match.group for at in used for arm in site.variants[at].arms4} - {""}
    for group in sorted(named):
        members = [host for host in site.reservations if host.group == group]
        if len(members) > _MACS:
            message = f"group {group} has {len(members)} hosts, and a policy lists them one by one"
            yield Limit(message, site.origin(members[0]), f"keep groups to {_MACS} hosts")
    for host in site.reservations:
        yield from _host_limits(site, host, named)


def _variant_limits(variant: Variant) -> Iterator[Limit]:
    yield from impossible(_SERVER, variant.arms4)
    yield from leaks(_SERVER, variant.arms4)
    for arm in variant.arms4:
        if arm.boot is not None and not arm.boot.as_options:
            message = "Windows DHCP has options 66 and 67 only, no fields to fill by themselves"
            yield Limit(message, arm.origin, "use via: both")


def _host_limits(site: Site, host: Reservation, named: set[str]) -> Iterator[Limit]:
    if host.group in named and not host.mac:
        message = f'host "{host.name}" has no MAC address, by which a policy tells its group'
        yield Limit(message, site.origin(host), "add its mac")
    if host.address and not host.mac and not host.client_id:
        message = f'Windows DHCP cannot reserve by the circuit id of "{host.name}"'
        yield Limit(message, site.origin(host), "add its mac")


def render(site: Site, options: Options) -> Rendered:
    """Return a script that makes classes, scopes, policies and reservations what the site says."""
    limits = tuple(dict.fromkeys(_limits(site)))
    lines = "\n".join(_Writer(site, options.fragment).lines())
    head = header(site, name, limits=limits) + "#Requires -Modules DhcpServer\n"
    text = f"{head}{FUNCTIONS}\n$Mark = '{MARK}'\n{lines}\n"
    file = f"{site.name}.ps1"
    run = f"powershell -ExecutionPolicy RemoteSigned -File {file}"
    notes = (
        "policies read the architecture in option 60; reservations that the site lost stay",
        "written from Microsoft's documentation: no real server has run it",
    )
    content = text if text.isascii() else BOM + text
    return Rendered((RenderedFile(file, content),), limits, (f"{run} -WhatIf",), (run,), notes)


def check(options: Options) -> Check | None:
    """Return None: the cmdlets are on Windows alone."""
    del options
    return None


def predict(site: Site, client: Client, options: Options) -> Prediction:
    """Return what Windows should send; its siaddr and `file` are not documented, so not told."""
    del options
    decision = decide(site, replace(client, ipxe=b""))  # a policy reads the user class alone
    boot = decision.boot
    sent = custom_options(site, decision, 4)
    sent |= boot_options4(boot, terminator=b"") if boot else {}
    notes = (_UNPROVEN, "siaddr and the `file` field are the server's own doing")
    return Prediction(decision, Wire(options=asked(sent, client)), notes)


def bootfile(file: str, next_server: str) -> Advice:
    """Return what to enter into a scope's options for one boot file, and the same as cmdlets."""
    values = {66: next_server, 67: file} if next_server else {67: file}
    titles = {66: "066 Boot Server Host Name", 67: "067 Bootfile Name"}
    lines = [(titles[code], value) for code, value in values.items()]
    lines += [("PowerShell", _set("SCOPE", code, quote(value))) for code, value in values.items()]
    wire = [(f"option {code}", in_words(value.encode())) for code, value in values.items()]
    why = ("Windows takes a backslash as it is, in the console and in single quotes",
           "siaddr and the `file` field are the server's own doing",
           _UNPROVEN)  # fmt: skip
    return Advice(tuple(lines), tuple(wire), why)
