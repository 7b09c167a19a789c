"""A client and a site → the branch that decides, by the same branches that targets write down."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit_pxe.decide.client import Client
from toolkit_pxe.site.model import NOWHERE, Arm, Boot, Match, Reservation, Site, Subnet, Variant


@dataclass(frozen=True, slots=True)
class Decision:
    """What a client boots: `boot` is None for nothing. `why` says the rule, `arm` where it stands.

    `host` is its reservation, `subnet` where it is; either may be unknown.
    """

    arm: Arm
    variant: Variant
    host: Reservation | None
    subnet: Subnet | None

    @property
    def boot(self) -> Boot | None:
        """What it is told."""
        return self.arm.boot

    @property
    def why(self) -> str:
        """The rule in words, and the file and line where it stands."""
        return f"{self.arm.why} ({self.arm.origin})"


def decide(site: Site, client: Client) -> Decision:
    """Return what `client` boots."""
    host = reservation_of(site, client)
    subnet = subnet_of(site, client, host)
    variant = site.variant_of(subnet.index if subnet else NOWHERE)
    group = host.group if host else ""
    for arm in variant.arms(client.family):
        if matches(arm.match, client, group):
            return Decision(arm, variant, host, subnet)
    raise AssertionError(variant.name)  # the last branch always matches


def matches(match: Match, client: Client, group: str) -> bool:
    """Tell whether a condition holds for a client with a reservation in `group` ("": none)."""
    return (
        (not match.archs or client.arch in match.archs)
        and client.vendor_class.startswith(match.vendor_class)
        and (not match.user_class or match.user_class in client.classes)
        and (not match.macs or client.hardware.startswith(match.macs))
        and match.group in {"", group}
    )


def reservation_of(site: Site, client: Client) -> Reservation | None:
    """Return the reservation: by DUID for IPv6; for IPv4 by client id, MAC or circuit id."""
    six = client.family != 4
    wanted = (
        ("duid", client.duid if six else b""),
        ("client_id", b"" if six else client.client_id),
        ("mac", "" if six else client.mac),
        ("circuit_id", b"" if six else client.circuit_id),
    )
    for name, value in wanted:
        if not value:
            continue
        at = Reservation._fields.index(name)
        for host in site.reservations:
            if host[at] == value:
                return host
    return None


def subnet_of(site: Site, client: Client, host: Reservation | None) -> Subnet | None:
    """Return the subnet: the client's, else that of its reserved address, else the only one."""
    if client.subnet != NOWHERE:
        return site.subnets[client.subnet]
    at = NOWHERE
    if host is not None:
        at = host.subnet if client.family == 4 else host.subnet6
    if at != NOWHERE:
        return site.subnets[at]
    ours = site.of_family(client.family)
    return ours[0] if len(ours) == 1 else None


NO_ADDRESS_HERE = "there is no pool, and no address reserved here: no OFFER is sent"


def has_address(site: Site, decision: Decision, client: Client) -> bool:
    """Tell whether a server has an IPv4 address for a client: without one, it sends no OFFER.

    Where that isn't known, and for DHCPv6, whose servers answer all the same: yes.
    """
    subnet, host = decision.subnet, decision.host
    if client.family != 4 or subnet is None:
        return True
    shared = subnet.shared_network
    link = [item for item in site.of_family(4) if shared and item.shared_network == shared]
    return any(
        item.pools or (host is not None and host.subnet == item.index) for item in link or [subnet]
    )
