"""Names and addresses of a site as DNS zones: which zone has which records. RFC 1035, 3596.

A reverse zone is as large as the subnet where that ends at an octet (IPv6: a hexadecimal digit);
otherwise there are several of the next smaller size, for what has hosts. A subnet smaller than /24
is part of the zone of its /24, which it shares with others of that /24; or, classless, has a zone
of its own that the /24's zone points to (RFC 2317).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from toolkit_pxe.site.model import NOWHERE, Reservation, Site, Subnet
from toolkit_pxe.site.values import Network, address_text, ipv4, ipv6
from toolkit_pxe.targets.base import Limit

_OCTETS = 24
"""The longest prefix of IPv4 that is a zone by itself."""


@dataclass(slots=True)
class Zone:
    """A zone: `origin` without its last dot, records as (name in the zone, type, value)."""

    origin: str
    records: list[tuple[str, str, str]] = field(default_factory=list)
    span: tuple[int, int, int] | None = None
    """Family, first and last address of a reverse zone that ends at no border of a subnet."""

    @property
    def file(self) -> str:
        """Its file's name."""
        return f"db.{self.origin.lower()}"


@dataclass(slots=True)
class Zones:
    """All zones of a site; `limits` are hosts that are in none."""

    site: Site
    classless: bool = False
    limits: list[Limit] = field(default_factory=list)
    forward: dict[str, Zone] = field(default_factory=dict)
    reverse: dict[str, Zone] = field(default_factory=dict)

    def fill(self) -> None:
        """Make the zones, then put every reservation into them."""
        domains = [self.site.domain, *(subnet.domain for subnet in self.site.subnets)]
        for domain in domains:
            if domain:
                self.forward.setdefault(domain.lower(), Zone(domain))
        for subnet in self.site.subnets:
            self._delegable(subnet)
        for host in self.site.reservations:
            if host.address or host.address6:
                self._host(host)

    def _delegable(self, subnet: Subnet) -> None:
        """Make the zone of a subnet that is exactly one zone, with hosts or without."""
        net = subnet.network
        step = 8 if net.family == 4 else 4
        exact = net.prefix % step == 0 and 0 < net.prefix <= (24 if net.family == 4 else 124)
        if exact or (self.classless and net.family == 4 and net.prefix > _OCTETS):
            self._reverse(net.first, subnet)

    def _reverse(self, number: int, subnet: Subnet) -> tuple[str, Zone]:
        """Return (name in the zone, zone) of an address; the zone is made if need be."""
        net = subnet.network
        bits, step, longest = (32, 8, 3) if net.family == 4 else (128, 4, 31)
        labels = min(longest, max(1, -(-net.prefix // step)))
        name, origin = _reverse(number, net.family, labels)
        wide = labels * step < net.prefix
        if wide and net.family == 4 and self.classless:
            return name, self.reverse.setdefault(classless(net), Zone(classless(net)))
        size = 1 << (bits - labels * step)
        first = number - number % size
        span = (net.family, first, first + size - 1) if wide else None
        return name, self.reverse.setdefault(origin, Zone(origin, span=span))

    def not_ours(self) -> Iterator[tuple[Zone, str]]:
        """Yield zones that answer for addresses of no subnet, and the first of these."""
        for zone in self.reverse.values():
            if zone.span is None:
                continue
            family, at, last = zone.span
            ours = (item.network for item in self.site.of_family(family))
            for net in sorted(ours, key=lambda item: item.first):
                at = net.last + 1 if net.first <= at <= net.last else at
            if at <= last:
                yield zone, address_text(family, at)

    def _host(self, host: Reservation) -> None:
        full = self._full(host)
        found = _zone_of(full, self.forward)
        if found is None:
            message = f'host "{full}" is in no zone of this site'
            hint = "give it a name without dots, or its subnet the domain"
            self.limits.append(Limit(message, self.site.origin(host), hint))
            return
        label, zone = found
        for family, kind, address in ((4, "A", host.address), (6, "AAAA", host.address6)):
            if address:
                zone.records.append((label, kind, address))
                self._pointer(family, address, host, full)

    def _full(self, host: Reservation) -> str:
        """Return the whole name: a name with dots is one, another is in its subnet's domain."""
        if "." in host.name:
            return host.name
        at = host.subnet if host.subnet != NOWHERE else host.subnet6
        domain = self.site.subnets[at].domain if at != NOWHERE else ""
        return f"{host.name}.{domain or self.site.domain}"

    def _pointer(self, family: int, address: str, host: Reservation, full: str) -> None:
        at = host.subnet if family == 4 else host.subnet6
        if at == NOWHERE:
            return
        number = ipv4(address) if family == 4 else ipv6(address)
        name, zone = self._reverse(number, self.site.subnets[at])
        zone.records.append((name, "PTR", f"{full}."))


def classless(net: Network) -> str:
    """Return the zone of an IPv4 network smaller than /24: 64-26.2.0.192.in-addr.arpa.

    RFC 2317, 4: the first address and the prefix, here with a hyphen, as files are named after it.
    """
    name, parent = _reverse(net.first, 4, 3)
    return f"{name}-{net.prefix}.{parent}"


def _reverse(number: int, family: int, labels: int) -> tuple[str, str]:
    """Return (name in the zone, zone) of an address in a zone of that many labels."""
    if family == 4:
        parts = list(map(str, number.to_bytes(4, "big")))
        suffix = "in-addr.arpa"
    else:
        parts, suffix = list(f"{number:032x}"), "ip6.arpa"
    return ".".join(parts[: labels - 1 : -1]), ".".join([*parts[labels - 1 :: -1], suffix])


def _zone_of(full: str, zones: dict[str, Zone]) -> tuple[str, Zone] | None:
    """Return (name in the zone, zone) for a whole name: the smallest zone that holds it."""
    labels = full.split(".")
    for at in range(len(labels)):
        zone = zones.get(".".join(labels[at:]).lower())
        if zone is not None:
            return ".".join(labels[:at]) or "@", zone
    return None


def name_servers(site: Site) -> list[str]:
    """Return the name servers' whole names: one without a dot is in the site's domain."""
    names = site.dns.name_servers if site.dns else ()
    return [name if "." in name else f"{name}.{site.domain}" for name in names]


def without_address(site: Site, zones: Zones) -> Iterator[str]:
    """Yield name servers that lie in a zone of ours, which has no address for them."""
    for name in name_servers(site):
        found = _zone_of(name, zones.forward)
        if found is None:
            continue
        label, zone = found
        if not any(item[0].lower() == label.lower() for item in zone.records):
            yield name
