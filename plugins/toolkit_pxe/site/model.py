"""The resolved site: what targets and decisions read. Frozen, checked, every default filled in.

Addresses are text in canonical form; `Network` and pools also have them as numbers. A reservation
is a tuple: a site may have a hundred thousand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from toolkit.text import clean
from toolkit_pxe.site.described import Dns, Menu
from toolkit_pxe.site.values import Network

IPXE = "iPXE"
"""The user class of iPXE."""
NOWHERE = -1
"""The index of no subnet."""


class Origin(NamedTuple):
    """Where in the site's files something is said."""

    source: str
    line: int

    def __str__(self) -> str:
        """Return `file:line`."""
        return f"{self.source}:{self.line}" if self.line else self.source

    @property
    def short(self) -> str:
        """The file's bare name and the line, for comments: the same wherever the file is."""
        return str(Origin(clean(self.source.rpartition("/")[2]), self.line))


class Option(NamedTuple):
    """A DHCP option with a value. `values` are its parts as text, `data` the bytes on the wire."""

    family: int
    code: int
    name: str
    type: str
    values: tuple[str, ...]
    data: bytes


class Servers(NamedTuple):
    """Boot servers: TFTP addresses, HTTP base URLs that end in a slash; "" where there is none."""

    tftp: str = ""
    tftp6: str = ""
    http: str = ""
    http6: str = ""


class Reservation(NamedTuple):
    """A host: identifiers, then what it gets; "" and b"" where there is none.

    `mac` is text as 52:54:00:12:34:56. `subnet` and `subnet6` are indices of `Site.subnets`: where
    the address lies, or NOWHERE.
    """

    name: str
    mac: str
    address: str
    address6: str
    client_id: bytes
    circuit_id: bytes
    duid: bytes
    group: str
    subnet: int
    subnet6: int
    source: int
    line: int


@dataclass(frozen=True, slots=True)
class Subnet:
    """A network with all that its clients get. `variant` is an index of `Site.variants`.

    pools are (first, last) numbers; dns_servers and ntp_servers are those of the subnet's family.
    """

    index: int
    network: Network
    pools: tuple[tuple[int, int], ...]
    shared_network: str
    routers: tuple[str, ...]
    relays: tuple[str, ...]
    domain: str
    dns_servers: tuple[str, ...]
    ntp_servers: tuple[str, ...]
    lease_time: int
    max_lease_time: int
    options: tuple[Option, ...]
    variant: int
    origin: Origin


@dataclass(frozen=True, slots=True)
class Match:
    """A condition: all that is named must hold; what is empty always does.

    archs         option 93 (DHCPv6: 61) is one of these
    vendor_class  option 60 begins so (DHCPv6: the text in option 16)
    user_class    option 77 is this text, bare or as the one instance of RFC 3004 (DHCPv6: an
                  instance of option 15); "iPXE" holds for who sends iPXE's option 175, too
    macs          the MAC address begins with one of these (DHCPv6: that in a DUID-LLT or DUID-LL)
    group         the client has a reservation in this group
    """

    archs: tuple[int, ...] = ()
    vendor_class: str = ""
    user_class: str = ""
    macs: tuple[bytes, ...] = ()
    group: str = ""

    @property
    def always(self) -> bool:
        """Whether it holds for every client."""
        return self == Match()


@dataclass(frozen=True, slots=True)
class Boot:
    """What a client is told.

    IPv4: `next_server` (address, "" for none) and `file` (path, or URL), sent `via` "fields"
    (siaddr, file), "options" (66, 67) or "both". IPv6: `url` (option 59). `http`: the server must
    say HTTPClient back (option 60; DHCPv6: 16). `options` are further ones of that family.
    """

    target: str
    kind: str
    next_server: str = ""
    file: str = ""
    url: str = ""
    via: str = "both"
    http: bool = False
    options: tuple[Option, ...] = ()

    @property
    def fields(self) -> bool:
        """Whether siaddr and file are filled."""
        return self.via != "options"

    @property
    def as_options(self) -> bool:
        """Whether options 66 and 67 are sent."""
        return self.via != "fields"


@dataclass(frozen=True, slots=True)
class Arm:
    """One branch of a decision: `boot` is None for "don't boot". `name` is unique in its variant.

    `why` says the rule in words; `origin` is where it stands.
    """

    name: str
    match: Match
    boot: Boot | None
    why: str
    origin: Origin

    @property
    def comment(self) -> str:
        """The rule and its place for a configuration's comment.

        Without our arrow and ellipsis: they would make of a file that is ASCII one that isn't,
        which costs a large one time and memory.
        """
        return f"{self.why.replace('→', '->').replace('…', '...')} ({self.origin.short})"


@dataclass(frozen=True, slots=True)
class Variant:
    """A profile with the boot servers of some subnets: the branches, in order; first match wins.

    Each list ends with a branch that always matches. Variant 0 is the site's own.
    """

    name: str
    profile: str
    servers: Servers
    arms4: tuple[Arm, ...]
    arms6: tuple[Arm, ...]

    def arms(self, family: int) -> tuple[Arm, ...]:
        """Return the branches of a family."""
        return self.arms4 if family == 4 else self.arms6


@dataclass(frozen=True, slots=True)
class Site:
    """All of it. `sources` are the files read, the site file first; `digest` is theirs."""

    name: str
    sources: tuple[str, ...]
    digest: str
    authoritative: bool
    proxy: bool
    domain: str
    lease_time: int
    max_lease_time: int
    options: tuple[Option, ...]
    subnets: tuple[Subnet, ...]
    variants: tuple[Variant, ...]
    groups: tuple[str, ...]
    reservations: Sequence[Reservation]
    menu: Menu | None = None
    dns: Dns | None = None
    dns_servers: tuple[str, ...] = ()
    ntp_servers: tuple[str, ...] = ()
    places: Mapping[str, Origin] = field(default_factory=dict)

    def of_family(self, family: int) -> tuple[Subnet, ...]:
        """Return the subnets of a family."""
        return tuple(item for item in self.subnets if item.network.family == family)

    def variant_of(self, subnet: int) -> Variant:
        """Return the variant of the subnet with this index; of NOWHERE the site's own."""
        return self.variants[self.subnets[subnet].variant if subnet != NOWHERE else 0]

    def origin(self, host: Reservation) -> Origin:
        """Return where a reservation stands."""
        return Origin(self.sources[host.source], host.line)

    def shared_networks(self, family: int) -> dict[str, list[Subnet]]:
        """Return the subnets of a family by shared network; "" has those that are in none."""
        found: dict[str, list[Subnet]] = {}
        for subnet in self.of_family(family):
            found.setdefault(subnet.shared_network, []).append(subnet)
        return found
