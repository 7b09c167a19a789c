"""Kea's configuration file: everything but the branches and the reservations themselves.

Kea ARM, "The DHCPv4 Server" and "The DHCPv6 Server", https://kea.readthedocs.io.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from toolkit.errors import UsageError
from toolkit_pxe.site.model import Site, Subnet
from toolkit_pxe.site.values import address_text
from toolkit_pxe.targets._kea_classes import Class, Plan, Scope, octets
from toolkit_pxe.targets._kea_hosts import Reservations
from toolkit_pxe.targets._kea_json import (
    COMMENT,
    Block,
    Node,
    comment,
    compact,
    listing,
    mapping,
    option_data,
    write,
)
from toolkit_pxe.targets.base import Limit, Options, header

VERSIONS = ("2.2", "2.4", "2.6", "3.0")
HOOK = "libdhcp_flex_option.so"
HOOK_DEBIAN = f"/usr/lib/x86_64-linux-gnu/kea/hooks/{HOOK}"
_NO_SUBNETS = 0xFFFFFFFE


@dataclass(frozen=True, slots=True)
class Settings:
    """The target's settings, checked."""

    version: str
    hook: str
    interfaces: tuple[str, ...]
    interface6: str

    @classmethod
    def of(cls, options: Options) -> Settings:
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
class Writer:
    """Writes one family's configuration."""

    site: Site
    options: Options
    chosen: Settings
    plan: Plan
    hosts: Reservations
    ids: Mapping[int, int]

    @property
    def family(self) -> int:
        """4 or 6."""
        return self.options.family

    def text(self, limits: Sequence[Limit]) -> str:
        """Return the file: JSON with comments, `limits` named in its head."""
        head = header(self.site, "kea", COMMENT, limits)
        if self.chosen.version != VERSIONS[0]:
            head += comment(f"for Kea {self.chosen.version}: from its manual, run with 2.2 only")
            head += "\n"
        if self.options.fragment:
            return head + members(self._boot()) + "\n"
        body = mapping([*self._server(), *self._boot(), *self._networks(), *self._everywhere()])
        return head + write(mapping([(f"Dhcp{self.family}", body)])) + "\n"

    def _server(self) -> Iterator[tuple[str, Node]]:
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

    def _lifetimes(self, lease: int, longest: int) -> Iterator[tuple[str, Node]]:
        if self.family != 4:
            yield "preferred-lifetime", str(lease * 5 // 8 or 1)
        yield "valid-lifetime", str(lease)
        yield "max-valid-lifetime", str(longest)

    def _boot(self) -> Iterator[tuple[str, Node]]:
        """Yield what says who boots what, and the site's own options."""
        mine = [item for item in self.site.options if item.family == self.family]
        native = [item for item in mine if item.code not in self.plan.flexed]
        if native:
            yield "option-data", listed([option_data(item.code, item.data) for item in native])
        classes = list(self.plan.classes())
        if classes:
            entries = [(comment(item.said) + "\n", self._class(item)) for item in classes]
            yield "client-classes", Block("[]", entries)
        flexed = list(self._flexed(classes))
        if flexed and self.chosen.hook:
            yield "hooks-libraries", hooks(self.chosen.hook, flexed)

    def _class(self, item: Class) -> Block:
        pairs: list[tuple[str, Node]] = [("name", compact(item.name))]
        if item.test:
            pairs.append(("test", compact(item.test)))
            if self.plan.late:
                pairs.append((self.chosen.additional[0], "true"))
        pairs += [(key, compact(value)) for key, value in item.sets.items()]
        if item.options:
            pairs.append(("option-data", listed(item.options)))
        return mapping(pairs)

    def _flexed(self, classes: Sequence[Class]) -> Iterator[dict[str, object]]:
        """Yield the hook's entries: each later one overwrites, so the site's own come first."""
        for item in self.site.options:
            if item.family == self.family and item.code in self.plan.flexed:
                yield {"code": item.code, "supersede": octets(item.data)}
        for group in classes:
            for code, data in group.flexed.items():
                yield {"code": code, "supersede": octets(data), "client-class": group.name}

    def _networks(self) -> Iterator[tuple[str, Node]]:
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
        yield from (pair for pair in parts if pair[1].entries)

    def _subnets(self, subnets: Sequence[Subnet], local: bool) -> Block:  # noqa: FBT001
        return listing([self._subnet(item, local) for item in subnets])

    def _subnet(self, subnet: Subnet, local: bool) -> Block:  # noqa: FBT001
        net = subnet.network
        pairs: list[tuple[str, Node]] = [
            ("id", str(self.ids[subnet.index])),
            ("subnet", compact(net.text)),
        ]
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
            pairs.append(("pools", listed(ranges)))
        scope = self.plan.scope_of(subnet)
        options = [*self._lists(subnet), *self._custom(subnet, scope)]
        if options:
            pairs.append(("option-data", listed(options)))
        if self.plan.late and scope.classes:
            names = [item.name for item in scope.classes]
            pairs.append((self.chosen.additional[1], compact(names)))
        reserved = self.hosts.by_subnet.get(subnet.index)
        if reserved:
            pairs.append(("reservations", reserved))
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

    def _everywhere(self) -> Iterator[tuple[str, Node]]:
        if self.hosts.everywhere:
            yield "reservations", self.hosts.everywhere


def listed(entries: Iterable[Mapping[str, object]]) -> list[str]:
    """Return each entry as JSON on one line."""
    return [compact(entry) for entry in entries]


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


def hooks(library: str, entries: Sequence[Mapping[str, object]]) -> Block:
    """Return hooks-libraries with the flex_option hook and its entries."""
    parameters = mapping([("options", listed(entries))])
    return listing([mapping([("library", compact(library)), ("parameters", parameters)])])


def members(pairs: Iterable[tuple[str, Node]]) -> str:
    """Return the members of an object without its braces: what an include can hold."""
    return ",\n".join(f'"{key}": {write(node)}' for key, node in pairs)
