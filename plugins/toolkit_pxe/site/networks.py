"""Subnets of the site file → resolved ones; overlaps and addresses outside are noted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from toolkit.documents.problems import Path
from toolkit_pxe.site import described
from toolkit_pxe.site.check_boot import resolve_servers
from toolkit_pxe.site.custom import resolve_option
from toolkit_pxe.site.faults import Faults
from toolkit_pxe.site.model import Option, Origin, Servers, Subnet
from toolkit_pxe.site.values import (
    Network,
    address,
    address_text,
    enclosing,
    host_name,
    network,
    pool,
    remedy,
    word,
)


@dataclass(slots=True)
class Defaults:
    """What a subnet has where it says nothing; `variants` are filled as they are met."""

    dhcp: described.Dhcp
    servers: Servers
    profile: str
    dns: tuple[tuple[int, str], ...] = ()
    ntp: tuple[tuple[int, str], ...] = ()
    variants: list[tuple[str, Servers]] = field(default_factory=list)


def addresses(texts: Sequence[str], faults: Faults, path: Path) -> tuple[tuple[int, str], ...]:
    """Return each address as (family, canonical text)."""
    found = []
    for at, text in enumerate(texts):
        pair = faults.parsed(address, text, (*path, at))
        if pair is not None:
            found.append((pair[0], address_text(*pair)))
    return tuple(found)


def options(
    items: Sequence[described.CustomOption], faults: Faults, path: Path
) -> tuple[Option, ...]:
    """Return custom options with their bytes; one that is there twice is noted."""
    found: dict[tuple[int, int], Option] = {}
    for at, item in enumerate(items):
        option = resolve_option(item, faults, (*path, at))
        if option is not None and (option.family, option.code) in found:
            faults.add((*path, at, "code"), f"option {option.code} is there twice", "keep one")
        elif option is not None:
            found[option.family, option.code] = option
    return tuple(found.values())


def resolve_subnets(
    items: dict[int, described.Subnet],
    defaults: Defaults,
    places: dict[tuple[str | int, ...], Origin],
    faults: Faults,
) -> list[Subnet]:
    """Return the subnets whose network can be read, each with an index into this very list."""
    found: list[Subnet] = []
    order: list[int] = []
    for at, item in items.items():
        path: Path = ("subnets", at)
        net = _network(item.subnet, faults, (*path, "subnet"))
        subnet = _Maker(item, net, faults, path, defaults).subnet(len(found), places[path])
        if subnet is not None:
            found.append(subnet)
            order.append(at)
    _check_overlaps(found, order, faults)
    return found


def _network(text: str, faults: Faults, path: Path) -> Network | None:
    """Return a subnet's network; one that is told by an address inside it is noted, and taken."""
    try:
        found = enclosing(text)
    except ValueError as error:
        faults.add(path, str(error), remedy(network))
        return None
    with faults.at(path, f"write {found.text}"):
        network(text)
    return found


def of_family(pairs: tuple[tuple[int, str], ...], family: int) -> tuple[str, ...]:
    """Return the addresses of one family."""
    return tuple(text for kind, text in pairs if kind == family)


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes one subnet of its description; without a network it only notes what is wrong."""

    item: described.Subnet
    net: Network | None
    faults: Faults
    path: Path
    defaults: Defaults

    def subnet(self, index: int, origin: Origin) -> Subnet | None:
        item, net, faults, path = self.item, self.net, self.faults, self.path
        dhcp = self.defaults.dhcp
        lease = item.lease_time or dhcp.lease_time
        longest = item.max_lease_time or max(dhcp.max_lease_time, lease)
        if longest < lease:
            message = f"is below the lease time of {lease} seconds"
            faults.add((*path, "max_lease_time"), message, "raise it, or shorten lease_time")
        faults.parsed(word, item.shared_network, (*path, "shared_network"))
        faults.parsed(host_name, item.domain, (*path, "domain"))
        dns = addresses(item.dns_servers, faults, (*path, "dns_servers")) or self.defaults.dns
        ntp = addresses(item.ntp_servers, faults, (*path, "ntp_servers")) or self.defaults.ntp
        pools, routers = self._pools(), self._routers()
        relays = self._inside(item.relays, "relays")
        own = options(item.options, faults, (*path, "options"))
        variant = self._variant()
        if net is None:
            return None
        return Subnet(
            index, net, pools, item.shared_network, routers, relays, item.domain or dhcp.domain,
            of_family(dns, net.family), of_family(ntp, net.family), lease, longest, own, variant,
            origin,
        )  # fmt: skip

    def _variant(self) -> int:
        item, defaults = self.item, self.defaults
        servers = defaults.servers
        if item.boot_servers is not None:
            own = resolve_servers(item.boot_servers, self.faults, (*self.path, "boot_servers"))
            servers = Servers(*(mine or other for mine, other in zip(own, servers, strict=True)))
        key = (item.profile or defaults.profile, servers)
        if key not in defaults.variants:
            defaults.variants.append(key)
        return defaults.variants.index(key)

    def _pools(self) -> tuple[tuple[int, int], ...]:
        net, found = self.net, list[tuple[int, int]]()
        for at, text in enumerate(self.item.pools):
            place = (*self.path, "pools", at)
            parsed = self.faults.parsed(pool, text, place)
            if parsed is None or net is None:
                continue
            family, first, last = parsed
            if family != net.family or first < net.first or last > net.last:
                self.faults.add(place, f"{text} reaches outside of {net.text}", "mend the pool")
            elif any(first <= high and low <= last for low, high in found):
                self.faults.add(place, f"{text} overlaps another pool of {net.text}", "mend one")
            else:
                found.append((first, last))
        return tuple(found)

    def _routers(self) -> tuple[str, ...]:
        if self.item.routers and self.net is not None and self.net.family != 4:
            hint = "routers announce themselves (RFC 4861)"
            self.faults.add((*self.path, "routers"), "DHCPv6 tells no routers", hint)
            return ()
        return self._inside(self.item.routers, "routers")

    def _inside(self, texts: tuple[str, ...], key: str) -> tuple[str, ...]:
        net, found = self.net, []
        for at, text in enumerate(texts):
            place = (*self.path, key, at)
            pair = self.faults.parsed(address, text, place)
            if pair is None or net is None:
                continue
            family, number = pair
            if family != net.family or not net.first <= number <= net.last:
                self.faults.add(place, f"{text} lies outside of {net.text}", "mend the address")
            else:
                found.append(address_text(family, number))
        return tuple(found)


def _check_overlaps(found: Sequence[Subnet], order: list[int], faults: Faults) -> None:
    """Sorted by their first address, networks overlap only with one that is still open."""
    by_place = {id(item): at for item, at in zip(found, order, strict=True)}
    for family in (4, 6):
        widest: Subnet | None = None
        ours = [item for item in found if item.network.family == family]
        for item in sorted(ours, key=lambda entry: (entry.network.first, entry.network.prefix)):
            if widest is not None and item.network.first <= widest.network.last:
                where = f"{widest.network.text} in line {widest.origin.line}"
                message = f"{item.network.text} overlaps {where}"
                faults.add(("subnets", by_place[id(item)], "subnet"), message, "mend one of them")
            else:
                widest = item
