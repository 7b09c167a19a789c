"""Plain host lists read by columns: a hundred thousand rows in a few tenths of a second.

This takes only what is right in every row. Whatever is not so plain (quotes, an unknown column, a
wrong value, an address in no subnet) makes it give up, and the rows are read one by one, with the
core's CSV reader and an error for each place.
"""

from __future__ import annotations

import re
import socket
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from functools import partial
from itertools import repeat

from toolkit_pxe.site.described import Host
from toolkit_pxe.site.model import NOWHERE, Reservation, Subnet
from toolkit_pxe.site.values import LONGEST, SMALLEST_LINK, identifier, octets

_NAMES = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\n)*+")
_MAC = 17
_KEYS = frozenset(item.name for item in fields(Host))
_WIDTH = {4: 4, 6: 16}


class _NotPlain(Exception):  # noqa: N818  no error: the careful way begins here
    """Something is not plain."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where addresses of one family may lie, as packed octets, which sort as numbers do."""

    starts: tuple[bytes, ...]
    ends: tuple[bytes, ...]
    index: tuple[int, ...]
    pools: tuple[tuple[bytes, bytes], ...]
    reserved: frozenset[bytes]

    @classmethod
    def of(cls, subnets: Sequence[Subnet], family: int) -> Places:
        """Return the places of one family's subnets."""
        width = _WIDTH[family]
        ours = sorted((s for s in subnets if s.network.family == family), key=lambda s: s.network)
        ends = [(s.network.first, s.network.last) for s in ours
                if family == 4 and s.network.prefix <= SMALLEST_LINK]  # fmt: skip
        pools = sorted(pool for s in ours for pool in s.pools)

        def packed(numbers: Iterable[int]) -> tuple[bytes, ...]:
            return tuple(number.to_bytes(width, "big") for number in numbers)

        return cls(
            packed(s.network.first for s in ours), packed(s.network.last for s in ours),
            tuple(s.index for s in ours),
            tuple(zip(packed(low for low, _ in pools), packed(high for _, high in pools),
                      strict=True)),
            frozenset(packed(number for pair in ends for number in pair)),
        )  # fmt: skip

    def indices(self, addresses: Sequence[bytes]) -> list[int]:
        """Return the subnet of each address; b"" is in none. Raises _NotPlain where one is wrong.

        Lists are mostly in order, so the last subnet is tried before the search.
        """
        if not any(addresses):
            return [NOWHERE] * len(addresses)
        starts, ends, index = self.starts, self.ends, self.index
        low = high = b""
        current = NOWHERE
        found = []
        for address in addresses:
            if not address:
                found.append(NOWHERE)
                continue
            if not low <= address <= high:
                at = bisect_right(starts, address) - 1
                if at < 0 or address > ends[at]:
                    raise _NotPlain
                low, high, current = starts[at], ends[at], index[at]
            found.append(current)
        if not self.reserved.isdisjoint(addresses):
            raise _NotPlain
        self._outside_pools(addresses)
        return found

    def _outside_pools(self, addresses: Sequence[bytes]) -> None:
        if not self.pools:
            return
        ordered = sorted(filter(None, addresses))
        for low, high in self.pools:
            at = bisect_right(ordered, high)
            if at and ordered[at - 1] >= low:
                raise _NotPlain


@dataclass(frozen=True, slots=True)
class Plain:
    """What plain rows are read against."""

    groups: frozenset[str]
    four: Places
    six: Places


def read_plain(text: str, plain: Plain, source: int) -> list[Reservation] | None:
    """Return the reservations of a CSV text, or None if it is to be read the careful way."""
    if '"' in text:
        return None
    try:
        return _read(text, plain, source)
    except (_NotPlain, ValueError, OSError):
        return None


def _read(text: str, plain: Plain, source: int) -> list[Reservation]:
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    first, newline, body = text.rstrip("\n").partition("\n")
    header = first.split(",")
    if not {*header} <= _KEYS or len({*header}) < len(header) or not newline or "\r" in body:
        raise _NotPlain
    # With the ends of lines as cells of their own, all rows are of one width if these are evenly
    # spread; then a column is every so many-th cell.
    cells = body.replace("\n", ",\n,").split(",")
    count, width = body.count("\n") + 1, len(header) + 1
    if len(cells) != count * width - 1 or cells[width - 1 :: width].count("\n") != count - 1:
        raise _NotPlain
    columns = {name: cells[at::width] for at, name in enumerate(header)}
    return _reservations(columns, count, plain, source)


def _reservations(
    columns: dict[str, list[str]], count: int, plain: Plain, source: int
) -> list[Reservation]:
    nothing = [""] * count
    names = columns.get("name", nothing)
    macs = columns.get("mac", nothing)
    groups = columns.get("group", nothing)
    # All at once: a match for each name would cost more than all the rest.
    if not _NAMES.fullmatch("\n".join(names) + "\n") or not _are_macs(macs):
        raise _NotPlain
    if not {*groups} <= plain.groups | {""}:
        raise _NotPlain
    four, six = columns.get("address", nothing), columns.get("address6", nothing)
    packed4, packed6 = _packed(socket.AF_INET, four), _packed(socket.AF_INET6, six)
    text6 = [raw and socket.inet_ntop(socket.AF_INET6, raw) for raw in packed6] if any(six) else six
    clients, circuits = (
        _octets(columns.get(key), identifier, count) for key in ("client_id", "circuit_id")
    )
    duids = _octets(columns.get("duid"), octets, count)
    if not all(macs) and not all(map(any, zip(macs, clients, circuits, duids, strict=True))):
        raise _NotPlain
    for key, values in (("duid", duids), ("client_id", clients), ("circuit_id", circuits)):
        if key in columns and max(map(len, values)) > LONGEST[key]:
            raise _NotPlain
    rows = zip(
        names, macs, four, text6, clients, circuits, duids, groups, plain.four.indices(packed4),
        plain.six.indices(packed6), repeat(source), range(2, count + 2), strict=False,
    )  # fmt: skip
    # What Reservation._make does, without a call of Python's for each row.
    return list(map(tuple.__new__, repeat(Reservation), rows))


def _are_macs(macs: Sequence[str]) -> bool:
    """Tell whether each is 52:54:00:12:34:56 in lower case, or empty. Raises ValueError if not."""
    filled = [mac for mac in macs if mac]
    if {*map(len, filled)} - {_MAC}:
        return False
    joined = ":".join(filled)
    return bytes.fromhex(joined.replace(":", "")).hex(":") == joined


def _packed(kind: socket.AddressFamily, texts: Sequence[str]) -> list[bytes]:
    """Return addresses as octets, b"" for none. Raises OSError for a wrong one."""
    if not any(texts):
        return [b""] * len(texts)
    pack = partial(socket.inet_pton, kind)
    if all(texts):
        return list(map(pack, texts))
    return [pack(text) if text else b"" for text in texts]


def _octets(texts: Sequence[str] | None, parse: Callable[[str], bytes], count: int) -> list[bytes]:
    if texts is None:
        return [b""] * count
    return [parse(text) if text.strip() else b"" for text in texts]
