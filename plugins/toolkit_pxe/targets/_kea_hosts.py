"""Reservations for Kea: one line each, in their subnet or for every subnet.

Kea knows a host by one identifier, so a host with two has two reservations. A reservation in a
subnet says nothing elsewhere: members of a group that a branch names are known everywhere, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import itemgetter

from toolkit_pxe.site.model import NOWHERE, Reservation, Site
from toolkit_pxe.targets._kea_classes import group_class, groups_of
from toolkit_pxe.targets._kea_json import compact

ORDER = {4: ("client-id", "hw-address", "circuit-id"), 6: ("duid",)}
"""Kea's names of identifiers in the order in which decisions look for them."""


@dataclass(slots=True)
class Reservations:
    """Reservations as JSON, by subnet and for all; what identifiers there are.

    `repeated` tells that an address is there twice, for two identifiers of a host.
    """

    by_subnet: dict[int, list[str]] = field(default_factory=dict)
    everywhere: list[str] = field(default_factory=list)
    identifiers: tuple[str, ...] = ()
    repeated: bool = False

    def add(self, host: Reservation, family: int, classes: list[str], *, roaming: bool) -> None:
        """Add a host: in its subnet if it has an address, and for all subnets if it must."""
        at = host.subnet if family == 4 else host.subnet6
        pairs = list(_identifiers(host, family))
        if at != NOWHERE:
            lines = self.by_subnet.setdefault(at, [])
            lines += [_line(pair, host, family, classes) for pair in pairs]
            self.repeated = self.repeated or len(pairs) > 1
        if at == NOWHERE or (classes and roaming):
            self.everywhere += [_line(pair, host, 0, classes) for pair in pairs]


def reservations(site: Site, family: int) -> Reservations:
    """Return all reservations of a family."""
    found = Reservations(identifiers=_kinds(site, family))
    named = groups_of(site, family)
    roaming = len(site.of_family(family)) > 1
    place = Reservation._fields.index("subnet" if family == 4 else "subnet6")
    lists: list[list[str]] = [[] for _ in site.subnets]
    found.by_subnet = dict(enumerate(lists))
    simple = _simple4 if family == 4 else _simple6
    for host in site.reservations:
        grouped = host.group in named
        line = "" if grouped else simple(host)
        if line:
            lists[host[place]].append(line)  # type: ignore[index]  # an index
        else:
            classes = [group_class(host.group)] if grouped else []
            found.add(host, family, classes, roaming=roaming)
    return found


def _simple4(host: Reservation) -> str:
    """Return the line of a host with a MAC address alone: nearly all are such; else ""."""
    if not host.mac or host.client_id or host.circuit_id or host.subnet == NOWHERE:
        return ""
    return f'{{"hw-address":"{host.mac}","ip-address":"{host.address}","hostname":"{host.name}"}}'


def _simple6(host: Reservation) -> str:
    if not host.duid or host.subnet6 == NOWHERE:
        return ""
    return (
        f'{{"duid":"{host.duid.hex(":")}","ip-addresses":["{host.address6}"],'
        f'"hostname":"{host.name}"}}'
    )


def _identifiers(host: Reservation, family: int) -> Iterator[tuple[str, str]]:
    if family != 4:
        raw = [("duid", host.duid)]
    else:
        raw = [("client-id", host.client_id), ("circuit-id", host.circuit_id)]
        if host.mac:
            yield "hw-address", host.mac
    yield from ((key, value.hex(":")) for key, value in raw if value)


def _line(pair: tuple[str, str], host: Reservation, family: int, classes: list[str]) -> str:
    """Return a reservation; of family 0 it gives no address."""
    entry: dict[str, object] = dict([pair])
    if family == 4:
        entry["ip-address"] = host.address
    elif family == 6:
        entry["ip-addresses"] = [host.address6]
    entry["hostname"] = host.name
    if classes:
        entry["client-classes"] = classes
    return compact(entry)


def _kinds(site: Site, family: int) -> tuple[str, ...]:
    """Return which identifiers hosts have; Kea wants one at least."""
    columns = {"hw-address": "mac", "client-id": "client_id", "circuit-id": "circuit_id",
               "duid": "duid"}  # fmt: skip
    places = [(key, Reservation._fields.index(columns[key])) for key in ORDER[family]]
    found = tuple(key for key, at in places if any(map(itemgetter(at), site.reservations)))
    return found or ORDER[family][:1]
