"""Host lists: CSV, JSON lines, JSON. Each fault is told with its line and column."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path as FilePath

from toolkit.documents import Document, DocumentError, Fault, Problem, Salvage, read_rows
from toolkit.documents.problems import Path, Spot
from toolkit.documents.source import decode
from toolkit_pxe.site.columns import Places, Plain, read_plain
from toolkit_pxe.site.described import Host
from toolkit_pxe.site.faults import Faults
from toolkit_pxe.site.hosts import KEYS, UNNAMED, Hosts, Place
from toolkit_pxe.site.model import Reservation

SUFFIXES = (".csv", ".jsonl", ".ndjson", ".json")


def read_list(hosts: Hosts, path: FilePath, raw: bytes, source: int, faults: Faults) -> None:
    """Read a host list (.csv, .jsonl, .json) into `hosts`; what is wrong becomes problems of it.

    `raw` is its content: a plain CSV list is taken from there at once.
    """
    suffix = path.suffix.lower()
    if suffix == ".csv":
        hosts.places[source] = _cells(hosts, raw)
        plain = _plain(raw, hosts, source)
        if plain is not None:
            hosts.found += plain
            return
    reader = _read_json if suffix == ".json" else _read_rows
    try:
        faults.elsewhere += reader(hosts, path, raw, source)
    except DocumentError as error:
        faults.elsewhere += error.problems


def _read_rows(hosts: Hosts, path: FilePath, raw: bytes, source: int) -> list[Problem]:
    """Read a CSV list or JSON lines."""
    place = hosts.places.setdefault(source, _values_in(hosts, raw))
    found: list[Problem] = []
    try:
        for row in read_rows(path, Host, fill=UNNAMED, raw=raw):
            number = len(hosts.found)
            found += [
                Problem(str(path), *place(number, key), key, message, hint)
                for key, message, hint in hosts.add(row.model, source, row.line, row.lacking)
            ]
    except DocumentError as error:
        found += error.problems
    return sorted(found, key=lambda item: (item.line, item.column))


def _cells(hosts: Hosts, raw: bytes) -> Place:
    """Return where a CSV list's values are: a cell's column is its number, as elsewhere."""
    first = raw.partition(b"\n")[0].decode("utf-8-sig", "replace")
    header = [cell.strip().strip('"') for cell in first.split(",")]

    def place(number: int, key: str) -> tuple[int, int]:
        return hosts.found[number].line, header.index(key) + 1 if key in header else 1

    return place


def _values_in(hosts: Hosts, raw: bytes) -> Place:
    """Return where the values of JSON lines are."""
    lines: list[bytes] = []

    def place(number: int, key: str) -> tuple[int, int]:
        from toolkit.documents import parse  # only where something is wrong

        if not lines:
            lines.extend(raw.split(b"\n"))
        line = hosts.found[number].line
        text = lines[line - 1].decode("utf-8-sig", "replace")
        return line, parse(text, "", json=True).locate([(key,)])[(key,)].value_column

    return place


def _read_json(hosts: Hosts, path: FilePath, raw: bytes, source: int) -> list[Problem]:
    from toolkit.documents import bind, parse, problems_of  # host lists in JSON are rare

    document = parse(decode(raw, str(path)), str(path), json=True)
    rows = document.value
    if document.problems:
        return [*document.problems]
    if not isinstance(rows, list):
        return problems_of(document, bind(tuple[Host, ...], rows)[1])
    spots = document.locate([(at,) for at in range(len(rows))])
    numbers: dict[int, int] = {}
    told: list[Fault] = []
    for at, row in enumerate(rows):
        salvage = Salvage()
        host, wrong = salvage.bind(Host, row, path=(at,), fill=UNNAMED)
        told += wrong
        if host is not None:
            numbers[len(hosts.found)] = at
            lacking = salvage.lacking((at,), KEYS)
            found = hosts.add(host, source, spots[(at,)].line, lacking)
            told += [
                Fault((at, key) if key else (at,), message, hint) for key, message, hint in found
            ]
    hosts.places[source] = _entries(document, numbers)
    return problems_of(document, told)


def _entries(document: Document, numbers: Mapping[int, int]) -> Place:
    """Return where the values of a JSON list are; all at once, as each look reads all of it."""
    spots: dict[Path, Spot] = {}

    def place(number: int, key: str) -> tuple[int, int]:
        if not spots:
            spots.update(document.locate([(at, key) for at in numbers.values() for key in KEYS]))
        spot = spots[(numbers[number], key)]
        return spot.value_line, spot.value_column

    return place


def _plain(raw: bytes, hosts: Hosts, source: int) -> list[Reservation] | None:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None  # the careful way says where
    if hosts.groups is None:
        return None  # nothing comes of it anyway
    subnets4, subnets6 = hosts.four.subnets, hosts.six.subnets
    plain = Plain(hosts.groups, Places.of(subnets4, 4), Places.of(subnets6, 6))
    return read_plain(text, plain, source)
