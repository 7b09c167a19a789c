"""Reservations, of the site file and of host lists: parsed, placed in their subnets, compared."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path as FilePath

from toolkit.documents import DocumentError, Problem, read_rows
from toolkit.documents.problems import Path
from toolkit.errors import UsageError
from toolkit.text import clean
from toolkit_pxe.site.columns import Places, Plain, read_plain
from toolkit_pxe.site.described import Host
from toolkit_pxe.site.faults import Faults
from toolkit_pxe.site.model import NOWHERE, Reservation, Subnet
from toolkit_pxe.site.values import (
    LONGEST_DUID,
    LONGEST_ID,
    SMALLEST_LINK,
    host_name,
    identifier,
    ipv4,
    ipv6,
    ipv6_text,
    mac,
    octets,
)

SUFFIXES = (".csv", ".jsonl", ".ndjson", ".json")
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
    """All reservations so far. A fault is told by `note(field, message, hint)` of its row."""

    groups: frozenset[str]
    four: Lookup
    six: Lookup
    found: list[Reservation] = field(default_factory=list)

    def add(self, host: Host, source: int, line: int) -> list[tuple[str, str, str]]:
        """Take one host and return its faults as (field, message, hint)."""
        wrong: list[tuple[str, str, str]] = []
        address = address6 = hardware = ""
        subnet = subnet6 = NOWHERE
        client = circuit = duid = b""
        part = "name"
        try:
            host_name(host.name)
            part = "mac"
            if host.mac:
                hardware = mac(host.mac)
            part = "address"
            if host.address:
                number = ipv4(host.address)
                address = host.address
                subnet = _place(self.four, number, wrong, part)
            part = "address6"
            if host.address6:
                number = ipv6(host.address6)
                address6 = ipv6_text(number)
                subnet6 = _place(self.six, number, wrong, part)
            part = "client_id"
            client = identifier(host.client_id) if host.client_id else b""
            part = "circuit_id"
            circuit = identifier(host.circuit_id) if host.circuit_id else b""
            part = "duid"
            duid = octets(host.duid) if host.duid else b""
        except ValueError as error:
            wrong.append((part, clean(str(error), limit=200), ""))
            return wrong
        if host.group and host.group not in self.groups:
            wrong.append(("group", f'"{host.group}" is no group of the site', "add it to groups"))
        if not (hardware or client or circuit or duid):
            wrong.append(("", _NO_ID, _ID_HINT))
        for part, raw, longest in (
            ("duid", duid, LONGEST_DUID), ("client_id", client, LONGEST_ID),
            ("circuit_id", circuit, LONGEST_ID),
        ):  # fmt: skip
            if len(raw) > longest:
                wrong.append((part, f"has {len(raw)} octets, and at most {longest} can be", ""))
        self.found.append(
            Reservation(host.name, hardware, address, address6, client, circuit, duid, host.group,
                        subnet, subnet6, source, line)
        )  # fmt: skip
        return wrong


def _place(lookup: Lookup, number: int, wrong: list[tuple[str, str, str]], part: str) -> int:
    subnet = lookup.find(number)
    if subnet is None:
        wrong.append((part, "the address lies in no subnet of the site", "add the subnet"))
        return NOWHERE
    network = subnet.network
    for first, last in subnet.pools:
        if first <= number <= last:
            message = f"the address lies in a pool of {network.text}, so others may get it"
            wrong.append((part, message, "take it out of the pool"))
    reserved = network.family == 4 and network.prefix <= SMALLEST_LINK
    if reserved and number in {network.first, network.last}:
        wrong.append((part, f"is the network's or broadcast address of {network.text}", ""))
    return subnet.index


def read_list(hosts: Hosts, path: FilePath, raw: bytes, source: int, faults: Faults) -> None:
    """Read a host list (.csv, .jsonl, .json) into `hosts`; what is wrong becomes problems of it.

    `raw` is its content: a plain CSV list is taken from there at once.
    """
    if path.suffix.lower() == ".csv":
        plain = _plain(raw, hosts, source)
        if plain is not None:
            hosts.found += plain
            return
    shown = str(path)
    header = _header(raw) if path.suffix.lower() == ".csv" else []
    try:
        for line, host in _rows(path):
            for part, message, hint in hosts.add(host, source, line):
                column = header.index(part) + 1 if part in header else 1
                faults.elsewhere.append(Problem(shown, line, column, part, message, hint))
    except DocumentError as error:
        faults.elsewhere += error.problems
    except UsageError as error:
        faults.elsewhere.append(
            Problem(shown, 0, 0, "", error.message.partition(": ")[2], error.hint)
        )


def _header(raw: bytes) -> list[str]:
    """Return the names of a CSV list's columns; a column's number is its place, as elsewhere."""
    first = raw.partition(b"\n")[0].decode("utf-8-sig", "replace")
    return [cell.strip().strip('"') for cell in first.split(",")]


def _plain(raw: bytes, hosts: Hosts, source: int) -> list[Reservation] | None:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None  # the careful way says where
    subnets4, subnets6 = hosts.four.subnets, hosts.six.subnets
    plain = Plain(hosts.groups, Places.of(subnets4, 4), Places.of(subnets6, 6))
    return read_plain(text, plain, source)


def _rows(path: FilePath) -> Iterator[tuple[int, Host]]:
    if path.suffix.lower() == ".json":
        yield from _json(path)
        return
    for row in read_rows(path, Host):
        yield row.line, row.model


def _json(path: FilePath) -> Iterator[tuple[int, Host]]:
    from toolkit.documents import bind, problems_of, read  # host lists in JSON are rare

    document = read(path).usable()
    model, faults = bind(tuple[Host, ...], document.value)
    if model is None or faults:
        raise DocumentError(problems_of(document, faults))
    spots = document.locate([(at,) for at in range(len(model))])
    for at, host in enumerate(model):
        yield spots[(at,)].line, host


def check_duplicates(
    hosts: Hosts, faults: Faults, place: dict[int, Path], sources: Sequence[str]
) -> None:
    """Note values that two reservations share. `place` has the path of those in the site file."""

    def tell(host: Reservation, number: int, column: str, message: str) -> None:
        hint = "each host needs its own"
        if number in place:
            faults.add((*place[number], column), message, hint)
            return
        where = Problem(sources[host.source], host.line, 1, column, message, hint)
        faults.elsewhere.append(where)

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
                tell(
                    host, number, column, f'the {what} {shown} is that of "{other.name}" in {first}'
                )


def _repeated(hosts: Sequence[Reservation], at: int) -> Iterator[tuple[int, Reservation]]:
    """Yield the index of each host whose value was there before, and the first that has it."""
    first: dict[object, Reservation] = {}
    for number, host in enumerate(hosts):
        if host[at] and first.setdefault(host[at], host) is not host:
            yield number, first[host[at]]
