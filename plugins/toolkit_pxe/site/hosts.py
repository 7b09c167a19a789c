"""Reservations: parsed, placed in their subnets, compared. What is wrong is noted, all of it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from operator import itemgetter
from typing import Any

from toolkit.documents import Problem
from toolkit.documents.problems import Path
from toolkit.text import clean
from toolkit_pxe.site.described import Host
from toolkit_pxe.site.faults import Faults
from toolkit_pxe.site.model import NOWHERE, Reservation, Subnet
from toolkit_pxe.site.values import (
    LONGEST,
    SMALLEST_LINK,
    host_name,
    identifier,
    ipv4,
    ipv6,
    ipv6_text,
    mac,
    octets,
    remedy,
)

Wrong = tuple[str, str, str]
"""What is wrong with a reservation: its key ("": all of it), message, hint."""
_PARSERS: Mapping[str, Callable[[str], Any]] = {
    "name": host_name, "mac": mac, "address": ipv4, "address6": ipv6, "client_id": identifier,
    "circuit_id": identifier, "duid": octets,
}  # fmt: skip
KEYS = tuple(item.name for item in fields(Host))
Place = Callable[[int, str], tuple[int, int]]
"""Takes a host's index in `Hosts.found` and a key, and returns line and column of the value."""
UNNAMED: Mapping[str, object] = {"name": ""}
"""What stands for the name of a host that has none or a wrong one."""
_IDS = ("mac", "client_id", "circuit_id", "duid")
_NO_ID = "has nothing to know the host by"
_ID_HINT = "give it mac, client_id, circuit_id or duid"


@dataclass(slots=True)
class Lookup:
    """Which subnet an address lies in, by bisection."""

    subnets: Sequence[Subnet]
    starts: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, subnets: Sequence[Subnet], family: int) -> Lookup:
        """Return the look-up for the subnets of one family."""
        ours = sorted(
            (item for item in subnets if item.network.family == family),
            key=lambda item: item.network.first,
        )
        return cls(ours, [item.network.first for item in ours])

    def find(self, number: int) -> Subnet | None:
        """Return the subnet of an address, or None."""
        at = bisect_right(self.starts, number) - 1
        if at < 0 or number > self.subnets[at].network.last:
            return None
        return self.subnets[at]


@dataclass(slots=True)
class Hosts:
    """All reservations so far.

    `groups` is None where the site's are not known, and `all_subnets` tells whether these are all:
    then nothing is said against what may be in one of the others.
    """

    groups: frozenset[str] | None
    four: Lookup
    six: Lookup
    found: list[Reservation] = field(default_factory=list)
    all_subnets: bool = True
    places: dict[int, Place] = field(default_factory=dict)
    """Where the values of each host list are, by its number among the sources."""

    def add(
        self, host: Host, source: int, line: int, lacking: frozenset[str] = frozenset()
    ) -> list[Wrong]:
        """Take what is right of one host, and return what is wrong.

        `lacking` are keys whose faults are told already.
        """
        wrong: list[Wrong] = []
        values = _values(host, lacking, wrong)
        subnet = self._place(self.four, values.get("address"), "address", wrong)
        subnet6 = self._place(self.six, values.get("address6"), "address6", wrong)
        if host.group and self.groups is not None and host.group not in self.groups:
            message = f'"{clean(host.group, limit=60)}" is no group of the site'
            wrong.append(("group", message, "add it to groups"))
        given = host.mac or host.client_id or host.circuit_id or host.duid
        if not given and lacking.isdisjoint(_IDS):
            wrong.append(("", _NO_ID, _ID_HINT))
        six = values.get("address6")
        self.found.append(
            Reservation(
                values.get("name", ""), values.get("mac", ""),
                host.address if "address" in values else "",
                "" if six is None else ipv6_text(six),
                values.get("client_id", b""), values.get("circuit_id", b""),
                values.get("duid", b""), host.group, subnet, subnet6, source, line,
            )
        )  # fmt: skip
        wrong.sort(key=lambda item: KEYS.index(item[0]) if item[0] else -1)
        return wrong

    def _place(self, lookup: Lookup, number: int | None, part: str, wrong: list[Wrong]) -> int:
        """Return the index of an address' subnet, and note what is wrong with it there."""
        if number is None:
            return NOWHERE
        subnet = lookup.find(number)
        if subnet is not None:
            wrong.extend((part, message, hint) for message, hint in _misplaced(subnet, number))
            return subnet.index
        if self.all_subnets:
            wrong.append((part, "the address lies in no subnet of the site", "add the subnet"))
        return NOWHERE


def _values(host: Host, lacking: frozenset[str], wrong: list[Wrong]) -> dict[str, Any]:
    """Return what is given and right of a host, by key."""
    found: dict[str, Any] = {}
    for key, parse in _PARSERS.items():
        text = getattr(host, key)
        if not (text or key == "name") or key in lacking:
            continue
        try:
            value = parse(text)
        except ValueError as error:
            wrong.append((key, clean(str(error), limit=200), remedy(parse)))
            continue
        if key in LONGEST and len(value) > LONGEST[key]:
            message = f"has {len(value)} octets, and at most {LONGEST[key]} can be"
            wrong.append((key, message, "shorten it"))
            continue
        found[key] = value
    return found


def _misplaced(subnet: Subnet, number: int) -> Iterator[tuple[str, str]]:
    network = subnet.network
    for first, last in subnet.pools:
        if first <= number <= last:
            message = f"the address lies in a pool of {network.text}, so others may get it"
            yield message, "take it out of the pool"
    reserved = network.family == 4 and network.prefix <= SMALLEST_LINK
    if reserved and number in {network.first, network.last}:
        message = f"is the network's or broadcast address of {network.text}"
        yield message, "take another"


def check_duplicates(
    hosts: Hosts, faults: Faults, paths: dict[int, Path], sources: Sequence[str]
) -> None:
    """Note values that two reservations share. `paths` has those of the site file, by index."""

    def tell(host: Reservation, number: int, column: str, message: str) -> None:
        hint = "each host needs its own"
        if number in paths:
            faults.add((*paths[number], column), message, hint)
            return
        place = hosts.places[host.source](number, column)
        faults.elsewhere.append(Problem(sources[host.source], *place, column, message, hint))

    columns = ("name", "mac", "address", "address6", "client_id", "circuit_id", "duid")
    for column in columns:
        at = Reservation._fields.index(column)
        shared = {*map(itemgetter(at), hosts.found)}
        if len(shared) == len(hosts.found) or shared <= {"", b""}:
            continue
        values = list(filter(None, map(itemgetter(at), hosts.found)))
        if len({*values}) != len(values):
            for number, other in _repeated(hosts.found, at):
                host = hosts.found[number]
                value = host[at]
                shown = value.hex(":") if isinstance(value, bytes) else str(value)
                first = f"{sources[other.source]}:{other.line}"
                what = column.replace("_", " ")
                whose = f'that of "{other.name}"' if other.name else "another's"
                tell(host, number, column, f"the {what} {shown} is {whose} in {first}")


def _repeated(hosts: Sequence[Reservation], at: int) -> Iterator[tuple[int, Reservation]]:
    """Yield the index of each host whose value was there before, and the first that has it."""
    first: dict[object, Reservation] = {}
    for number, host in enumerate(hosts):
        if host[at] and first.setdefault(host[at], host) is not host:
            yield number, first[host[at]]
