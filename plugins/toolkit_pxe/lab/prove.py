"""A prediction beside what the real server answers: one cell for each client."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from toolkit.errors import ToolkitError
from toolkit_pxe.decide.client import Client
from toolkit_pxe.decide.wire import Wire, compared
from toolkit_pxe.lab.lab import TIMEOUT, Lab
from toolkit_pxe.serving import Servable
from toolkit_pxe.site.model import NOWHERE, Site, Subnet
from toolkit_pxe.site.values import address_text
from toolkit_pxe.targets.base import Options, Predicting, Prediction, Target

SILENCE = 3.0
"""Seconds without an answer that prove that none comes: others were answered before."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One client: what was predicted, and what the server offered (None: it did not answer)."""

    client: Client
    prediction: Prediction
    offered: Wire | None

    @property
    def proven(self) -> bool:
        """Whether they are the same, byte for byte."""
        return self.prediction.wire == self.offered


def prove(
    lab: Lab, target: Target, site: Site, clients: Iterable[Client], options: Options
) -> Iterator[Cell]:  # fmt: skip
    """Start the target's server with what it renders, and yield a cell for each client.

    The server has an address in each subnet that is on its link: those of the first shared network
    or the first subnet. A client of another subnet comes through a relay agent.
    Raises ToolkitError for a target that is no DHCP server, or a server that does not start.
    """
    if not isinstance(target, Servable) or not isinstance(target, Predicting):
        raise ToolkitError(f"{target.name} is no DHCP server that can be started here")
    rendered = target.render(site, options)
    if rendered.limits:
        raise ToolkitError(f"{target.name}: {rendered.limits[0].message}")
    near = _near(site, options.family)
    relays = {item.index: _free(site, item, 2) for item in site.of_family(options.family)
              if item not in near}  # fmt: skip
    addresses = [f"{_free(site, item, 1)}/{item.network.prefix}" for item in near]
    routes = [f"{relay}/{32 if options.family == 4 else 128}" for relay in relays.values()]
    lab.serve(target.serve(rendered, lab.folder, options), addresses, routes)
    numbers = compared(site, options.family)
    # A relay's packets go to the server's address; in DHCPv6 to all of them (RFC 8415, 7.1), as not
    # every server listens on an address of its own.
    server = addresses[0].partition("/")[0] if options.family == 4 else ""
    for client in clients:
        relay = relays.get(client.subnet, "") if client.subnet != NOWHERE else ""
        prediction = target.predict(site, client, options)
        offered = lab.offer(client, numbers, relay=relay, server=server if relay else "",
                            timeout=TIMEOUT if prediction.wire else SILENCE)  # fmt: skip
        yield Cell(client, prediction, offered)


def _near(site: Site, family: int) -> list[Subnet]:
    """Return the subnets on the server's own link."""
    ours = site.of_family(family)
    if not ours:
        raise ToolkitError(f"the site has no IPv{family} subnet")
    shared = ours[0].shared_network
    return [item for item in ours if shared and item.shared_network == shared] or [ours[0]]


def _free(site: Site, subnet: Subnet, nth: int) -> str:
    """Return the nth address from the end that no pool or reservation has; a relay's own for 2."""
    if nth > 1 and subnet.relays:
        return subnet.relays[0]
    net = subnet.network
    four = net.family == 4
    taken = {host.address if four else host.address6 for host in site.reservations}
    taken |= {*subnet.relays, *subnet.routers}
    left = nth
    for number in range(net.last - 1, net.first, -1):
        pooled = any(low <= number <= high for low, high in subnet.pools)
        text = address_text(net.family, number)
        if not pooled and text not in taken:
            left -= 1
            if not left:
                return text
    raise ToolkitError(f"{net.text} has no address left for the server")
