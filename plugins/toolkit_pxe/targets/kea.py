"""Kea, IPv4 and IPv6: proven with 2.2.0; what 2.7 has renamed is written for 3.0 from its manual.

Kea ARM, https://kea.readthedocs.io. Branches are client classes (`_kea_classes`). Where subnets
differ in their branches, or branches ask for a group, classes are evaluated when the subnet and the
reservation are known.
"""

from __future__ import annotations

import shutil
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.errors import UsageError
from toolkit.files import write_atomic
from toolkit_pxe.decide.client import Client
from toolkit_pxe.decide.decision import Decision, decide
from toolkit_pxe.decide.wire import NO_ADDRESS, Wire, asked, custom_options
from toolkit_pxe.lab.serving import Serving
from toolkit_pxe.site.custom import plain_text
from toolkit_pxe.site.model import Origin, Site, Subnet
from toolkit_pxe.site.values import address_text
from toolkit_pxe.targets._kea_classes import Class, Plan, Scope, groups_of, octets
from toolkit_pxe.targets._kea_hosts import Reservations, reservations
from toolkit_pxe.targets._kea_json import (
    COMMENT,
    comment,
    compact,
    listing,
    mapping,
    option_data,
    option_text,
    plain,
)
from toolkit_pxe.targets.base import (
    Advice,
    Check,
    Limit,
    Options,
    Prediction,
    Rendered,
    RenderedFile,
    header,
)

name = "kea"
summary = "Kea 2.2 to 3.0 (kea-dhcp4.conf, kea-dhcp6.conf)"
families = (4, 6)
settings: Mapping[str, str] = {
    "version": "Kea's release: 2.2 (default, proven), 2.4, 2.6 or 3.0 (from its manual)",
    "flex-option": "path of libdhcp_flex_option.so, without which names end in no NUL; or: no",
    "interfaces": "interfaces to listen on, with commas; default: all",
    "interface6": "interface of the first IPv6 subnet or shared network: clients without a relay",
}
VERSIONS = ("2.2", "2.4", "2.6", "3.0")
HOOK = "libdhcp_flex_option.so"
HOOK_DEBIAN = f"/usr/lib/x86_64-linux-gnu/kea/hooks/{HOOK}"
_FOLDER = "/etc/kea"
_LONGEST = 127
_NO_SUBNETS = 0xFFFFFFFE


@dataclass(frozen=True, slots=True)
class _Settings:
    """The target's settings, checked."""

    version: str
    hook: str
    interfaces: tuple[str, ...]
    interface6: str

    @classmethod
    def of(cls, options: Options) -> _Settings:
        """Read them. Raises UsageError."""
        given = options.settings
        version = given.get("version", VERSIONS[0])
        if version not in VERSIONS:
            hint = f"known are: {', '.join(VERSIONS)}"
            raise UsageError(f'version: Kea "{version}" is not known here', hint=hint)
        hook = given.get("flex-option", "") or (HOOK if version == "3.0" else HOOK_DEBIAN)
        if hook != "no" and not hook.endswith(".so"):
            hint = f"its path, as {HOOK_DEBIAN}; or: no"
            raise UsageError(f'flex-option: "{hook}" is no hook library', hint=hint)
        listed = given.get("interfaces", "*").split(",")
        interfaces = tuple(item.strip() for item in listed if item.strip())
        return cls(version, "" if hook == "no" else hook, interfaces, given.get("interface6", ""))

    @property
    def additional(self) -> tuple[str, str]:
        """Return what a class and a subnet say so that the class is evaluated late."""
        if self.version == "3.0":
            return "only-in-additional-list", "evaluate-additional-classes"
        return "only-if-required", "require-client-classes"


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes one family's configuration."""

    site: Site
    options: Options
    chosen: _Settings
    plan: Plan
    hosts: Reservations
    ids: Mapping[int, int]

    @property
    def family(self) -> int:
        return self.options.family

    def text(self, limits: Sequence[Limit]) -> str:
        head = header(self.site, name, COMMENT, limits)
        if self.chosen.version != VERSIONS[0]:
            head += comment(f"for Kea {self.chosen.version}: from its manual, run with 2.2 only")
            head += "\n"
        if self.options.fragment:
            return head + ",\n".join(f'"{key}": {text}' for key, text in self._boot()) + "\n"
        body = mapping([*self._server(), *self._boot(), *self._networks(), *self._everywhere()])
        return head + mapping([(f"Dhcp{self.family}", body)]) + "\n"

    def _server(self) -> Iterator[tuple[str, str]]:
        site = self.site
        yield "interfaces-config", compact({"interfaces": [*self.chosen.interfaces]})
        yield "lease-database", compact({"type": "memfile", "lfc-interval": 3600})
        if self.family == 4:
            yield "authoritative", compact(site.authoritative)
        yield from self._lifetimes(site.lease_time, site.max_lease_time)
        yield "host-reservation-identifiers", compact([*self.hosts.identifiers])
        if self.hosts.everywhere:
            yield "reservations-global", "true"
            yield "reservations-in-subnet", "true"
        if self.hosts.repeated:
            yield "ip-reservations-unique", "false"

    def _lifetimes(self, lease: int, longest: int) -> Iterator[tuple[str, str]]:
        if self.family != 4:
            yield "preferred-lifetime", str(lease * 5 // 8 or 1)
        yield "valid-lifetime", str(lease)
        yield "max-valid-lifetime", str(longest)

    def _boot(self) -> Iterator[tuple[str, str]]:
        """Yield what says who boots what, and the site's own options."""
        mine = [item for item in self.site.options if item.family == self.family]
        native = [item for item in mine if item.code not in self.plan.flexed]
        if native:
            yield "option-data", _listed([option_data(item.code, item.data) for item in native])
        classes = list(self.plan.classes())
        if classes:
            said = [comment(item.said) for item in classes]
            yield "client-classes", listing([self._class(item) for item in classes], said)
        entries = list(self._flexed(classes))
        if entries and self.chosen.hook:
            lines = _listed(entries)
            body = mapping([("library", compact(self.chosen.hook)),
                            ("parameters", mapping([("options", lines)]))])  # fmt: skip
            yield "hooks-libraries", listing([body])

    def _class(self, item: Class) -> str:
        pairs = [("name", compact(item.name))]
        if item.test:
            pairs.append(("test", compact(item.test)))
            if self.plan.late:
                pairs.append((self.chosen.additional[0], "true"))
        pairs += [(key, compact(value)) for key, value in item.sets.items()]
        if item.options:
            pairs.append(("option-data", _listed(item.options)))
        return mapping(pairs)

    def _flexed(self, classes: Sequence[Class]) -> Iterator[dict[str, object]]:
        """Yield the hook's entries: each later one overwrites, so the site's own come first."""
        for item in self.site.options:
            if item.family == self.family and item.code in self.plan.flexed:
                yield {"code": item.code, "supersede": octets(item.data)}
        for group in classes:
            for code, data in group.flexed.items():
                yield {"code": code, "supersede": octets(data), "client-class": group.name}

    def _networks(self) -> Iterator[tuple[str, str]]:
        """Yield shared networks and single subnets; what has the site's first subnet comes first.

        The first is the server's own link, where interface6 is.
        """
        groups = self.site.shared_networks(self.family)
        key = f"subnet{self.family}"
        shared = [
            mapping([("name", compact(named)), (key, self._subnets(subnets, at == 0))])
            for at, (named, subnets) in enumerate(groups.items())
            if named
        ]
        alone = groups.get("", [])
        first = next(iter(groups), "") == ""
        parts = [(key, listing([self._subnet(item, first and item is alone[0]) for item in alone]))]
        parts.insert(len(parts) if first else 0, ("shared-networks", listing(shared)))
        yield from (pair for pair in parts if pair[1] != "[]")

    def _subnets(self, subnets: Sequence[Subnet], local: bool) -> str:  # noqa: FBT001
        return listing([self._subnet(item, local) for item in subnets])

    def _subnet(self, subnet: Subnet, local: bool) -> str:  # noqa: FBT001
        net = subnet.network
        pairs = [("id", str(self.ids[subnet.index])), ("subnet", compact(net.text))]
        if self.family != 4 and local and self.chosen.interface6:
            pairs.append(("interface", compact(self.chosen.interface6)))
        if subnet.relays:
            pairs.append(("relay", compact({"ip-addresses": [*subnet.relays]})))
        pairs += self._lifetimes(subnet.lease_time, subnet.max_lease_time)
        ranges = [
            {"pool": f"{address_text(net.family, low)} - {address_text(net.family, high)}"}
            for low, high in subnet.pools
        ]
        if ranges:
            pairs.append(("pools", _listed(ranges)))
        scope = self.plan.scope_of(subnet)
        options = [*self._lists(subnet), *self._custom(subnet, scope)]
        if options:
            pairs.append(("option-data", _listed(options)))
        if self.plan.late and scope.classes:
            names = [item.name for item in scope.classes]
            pairs.append((self.chosen.additional[1], compact(names)))
        reserved = self.hosts.by_subnet.get(subnet.index)
        if reserved:
            pairs.append(("reservations", listing(reserved)))
        return mapping(pairs)

    def _lists(self, subnet: Subnet) -> Iterator[dict[str, object]]:
        four = self.family == 4
        lists = {
            "routers": subnet.routers,
            "domain-name-servers" if four else "dns-servers": subnet.dns_servers,
            "ntp-servers" if four else "sntp-servers": subnet.ntp_servers,
            "domain-name" if four else "domain-search": (subnet.domain,) if subnet.domain else (),
        }
        for key, values in lists.items():
            if values:
                yield {"name": key, "data": ", ".join(values)}

    def _custom(self, subnet: Subnet, scope: Scope) -> Iterator[dict[str, object]]:
        for item in subnet.options:
            if item.family == self.family and item.code not in scope.moved:
                yield option_data(item.code, item.data)

    def _everywhere(self) -> Iterator[tuple[str, str]]:
        if self.hosts.everywhere:
            yield "reservations", listing(self.hosts.everywhere)


def _listed(entries: Sequence[Mapping[str, object]]) -> str:
    return listing([compact(entry) for entry in entries])


def subnet_ids(site: Site, family: int) -> dict[int, int]:
    """Return each subnet's number, by which leases know it: of its network, not of its place."""
    found: dict[int, int] = {}
    taken: set[int] = set()
    for subnet in site.of_family(family):
        number = zlib.crc32(subnet.network.text.encode()) % _NO_SUBNETS + 1
        while number in taken:
            number = number % _NO_SUBNETS + 1
        taken.add(number)
        found[subnet.index] = number
    return found


def _limits(site: Site, plan: Plan, options: Options) -> Iterator[Limit]:
    if site.proxy:
        yield Limit("Kea is no proxyDHCP server", Origin(site.sources[0], 0), "dnsmasq can")
    if not plan.hooked:
        hint = "--set flex-option=PATH"
        for code in sorted(plan.flexed):
            message = f"Kea changes the octets of option {code} without its flex_option hook"
            yield Limit(message, Origin(site.sources[0], 0), hint)
    if not options.fragment or not plan.late:
        return
    hint = "render the whole file"
    for group in sorted(groups_of(site, options.family)):
        message = f"reservations say who is in group {group}, and a fragment has none"
        yield Limit(message, Origin(site.sources[0], 0), hint)
    for subnet in site.of_family(options.family):
        scope = plan.scope_of(subnet)
        if subnet.variant or scope.moved:
            message = f"the subnet {subnet.network.text} itself must name its classes"
            yield Limit(message, subnet.origin, hint)


def _file(site: Site, options: Options) -> str:
    family = options.family
    return f"{site.name}-boot{family}.conf" if options.fragment else f"kea-dhcp{family}.conf"


def render(site: Site, options: Options) -> Rendered:
    """Return kea-dhcp4.conf or kea-dhcp6.conf, or a fragment to include in the Dhcp4 object."""
    family = options.family
    chosen = _Settings.of(options)
    plan = Plan.of(site, family, hooked=bool(chosen.hook))
    limits = tuple(_limits(site, plan, options))
    hosts = Reservations() if options.fragment else reservations(site, family)
    file = _file(site, options)
    main = f"{_FOLDER}/kea-dhcp{family}.conf"
    text = _Writer(site, options, chosen, plan, hosts, subnet_ids(site, family)).text(limits)
    return Rendered(
        files=(RenderedFile(file, text, f"{_FOLDER}/{file}"),),
        limits=limits,
        check=(f"kea-dhcp{family} -t {main}",),
        reload=(f"systemctl restart kea-dhcp{family}-server",),
        notes=tuple(_notes(site, options, chosen, text)),
    )


def _notes(site: Site, options: Options, chosen: _Settings, text: str) -> Iterator[str]:
    family = options.family
    if options.fragment:
        yield f'write in the Dhcp{family} object: <?include "{_FOLDER}/{_file(site, options)}"?>'
    if '"hooks-libraries"' in text:
        yield f"{chosen.hook} must be there: it ends names in option 67 with their NUL"
    elif not chosen.hook and family == 4:
        yield "option 67 ends in no NUL, as flex-option=no says; old PXE ROMs read on behind it"
    if family == 6 and not chosen.interface6 and any(not item.relays for item in site.of_family(6)):
        yield "clients without a relay get an answer only with --set interface6=NAME"


def check(options: Options) -> Check | None:
    """Return `kea-dhcp4 -t` or `kea-dhcp6 -t`; a fragment is included as its note says."""
    program = f"kea-dhcp{options.family}"

    def argv(folder: Path) -> Sequence[str]:
        file = next(iter(sorted(folder.glob("[!.]*.conf"))))
        if options.fragment:
            whole = folder / ".whole.conf"
            include = f'<?include "{file}"?>'
            whole.write_text(f'{{"Dhcp{options.family}": {{ {include} }} }}\n', "utf-8")
            file = whole
        return (program, "-t", str(file))

    remedy = (
        f"Debian's AppArmor profile lets {program} read {_FOLDER} alone: copy the file there and "
        f"check it with {program} -t, or: aa-complain {program}"
    )
    unreadable = ("Unable to open file", "Permission denied", "Can't open include file")
    return Check(program, argv, f"{program}-server", unreadable, remedy)


def _answers(site: Site, decision: Decision, client: Client) -> bool:
    """Tell whether Kea has an address for a client: without one, it sends no OFFER."""
    subnet, host = decision.subnet, decision.host
    if client.family != 4 or subnet is None:
        return True
    if host is not None and host.subnet == subnet.index:
        return True
    shared = subnet.shared_network
    link = [item for item in site.of_family(4) if shared and item.shared_network == shared]
    return any(item.pools for item in link or [subnet])


def predict(site: Site, client: Client, options: Options) -> Prediction:
    """Return what Kea will send: what branches set always, other options if they are asked for."""
    chosen = _Settings.of(options)
    plan = Plan.of(site, client.family, hooked=bool(chosen.hook))
    decision = decide(site, client)
    if not _answers(site, decision, client):
        return Prediction(decision, None, ("there is no pool, and no address reserved here",))
    boot = decision.boot
    own = plan.wire(boot)
    of_target = {item.code for item in boot.options} if boot else set()
    sent = custom_options(site, decision, client.family) | own
    if not plan.hooked:
        sent = {code: data for code, data in sent.items() if code not in plan.flexed}
    always = {*own, *of_target, *plan.flexed}
    wire = Wire(options=asked(sent, client, always))
    if client.family == 4 and boot is not None and boot.fields:
        wire = Wire(boot.next_server or NO_ADDRESS, b"", boot.file.encode(), wire.options)
    return Prediction(decision, wire, tuple(_why(plan, wire)))


def _why(plan: Plan, wire: Wire) -> Iterator[str]:
    if 67 in wire.options:
        yield (
            "the flex_option hook ends option 67 with its NUL"
            if wire.options[67].endswith(b"\0")
            else "Kea takes a NUL off the end of option 67"
        )
    if plan.late:
        yield "classes are evaluated when the subnet and the reservation are known"


def serve(rendered: Rendered, folder: Path, options: Options) -> Serving:
    """Write the configuration for the laboratory, and return Kea in the foreground.

    Two things differ from what was rendered: leases are kept in memory, and the first IPv6 network
    is that of srv0.
    """
    family = options.family
    whole = plain(rendered.files[0].content)
    server = whole[f"Dhcp{family}"]
    server["lease-database"] = {"type": "memfile", "persist": False}
    if family == 6:
        server["server-id"] = {"type": "LL", "persist": False}
        _attach(server)
    config = folder / f"kea-dhcp{family}.conf"
    write_atomic(config, compact(whole))
    program = shutil.which(f"kea-dhcp{family}") or f"kea-dhcp{family}"
    places = (f"KEA_PIDFILE_DIR={folder}", f"KEA_LOCKFILE_DIR={folder}")
    return Serving(("env", *places, program, "-c", str(config)))


def _attach(server: dict[str, Any]) -> None:
    """Let the first network be that of srv0: a client without relay is known by the interface."""
    key = next((item for item in server if item in {"shared-networks", "subnet6"}), "")
    first = server[key][0] if key else {}
    for subnet in first.get("subnet6", [first]):
        subnet["interface"] = "srv0"


def bootfile(file: str, next_server: str) -> Advice:
    """Return the configuration for one boot file. Raises UsageError for one that Kea can't send."""
    raw = _checked(file)
    pairs = [("next-server", compact(next_server))] if next_server else []
    pairs.append(("boot-file-name", compact(file)))
    wire = [("file", repr(raw)), ("option 67", repr(raw + b"\0"))]
    why = ["in JSON a backslash is written twice",
           "Kea takes the NUL off the end of option 67, and its flex_option hook puts it there",
           "the hook sends option 67 to every client, asked for or not"]  # fmt: skip
    if next_server:
        entry = option_text(66, next_server.encode(), always=True)
        pairs.append(("option-data", _listed([entry])))
        wire += [("siaddr", next_server), ("option 66", repr(next_server.encode()))]
        why.append("siaddr comes from next-server alone: option 66 without it leaves 0.0.0.0")
    flexed = _listed([{"code": 67, "supersede": octets(raw + b"\0")}])
    body = [("library", compact(HOOK_DEBIAN)), ("parameters", mapping([("options", flexed)]))]
    pairs.append(("hooks-libraries", listing([mapping(body)])))
    lines = ",\n".join(f'"{key}": {text}' for key, text in pairs)
    return Advice((("in the Dhcp4 object", lines),), tuple(wire), tuple(why))


def _checked(file: str) -> bytes:
    try:
        raw = plain_text(file).encode()
    except ValueError as error:
        raise UsageError(f"the boot file's name {error}") from error
    if not 0 < len(raw) <= _LONGEST:
        hint = f"the packet's field has room for {_LONGEST}, and a NUL"
        raise UsageError(f"the boot file's name has {len(raw)} octets", hint=hint)
    return raw
