"""A site in dnsmasq's configuration file: one family's ranges, options, branches and hosts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from toolkit_pxe.site.model import Arm, Boot, Option, Origin, Site, Subnet
from toolkit_pxe.site.values import address, address_text
from toolkit_pxe.targets import _dnsmasq_hosts, _dnsmasq_proxy
from toolkit_pxe.targets._dnsmasq import Tags, option_name, option_value, quote
from toolkit_pxe.targets.base import Limit, Options

_SHORTEST_LEASE = 120


def variants_of(site: Site, options: Options) -> list[int]:
    """Return the indices of the variants that the file has branches of."""
    if options.fragment:
        return [0]
    return sorted({subnet.variant for subnet in site.of_family(options.family)}) or [0]


@dataclass(slots=True)
class Writer:
    """Writes one family's file. `limits` gather what can't be said."""

    site: Site
    options: Options
    tags: Tags
    variants: list[int]
    limits: list[Limit] = field(default_factory=list)

    @property
    def family(self) -> int:
        """4 or 6."""
        return self.options.family

    def lines(self) -> Iterator[str]:
        """Yield all but the head."""
        if not self.options.fragment:
            yield from self._server()
            for subnet in self.site.of_family(self.family):
                yield from ("", *self._subnet(subnet))
        branches = list(self._branches())
        yield from ("", "# What a client is", *self.tags.lines) if self.tags.lines else ()
        yield from branches
        hosts = _dnsmasq_hosts.lines(self.site, self.family, self._groups(), self.limits)
        yield from ("", *hosts) if hosts else ()

    def _server(self) -> Iterator[str]:
        chosen = self.options.settings
        # One file has it: dnsmasq refuses it twice, and both files are read together.
        if chosen.get("dns") != "on" and self.family == _first_family(self.site):
            yield "port=0"
        if "interface" in chosen:
            yield f"interface={quote(chosen['interface'])}"
        if self.site.authoritative and not self.site.proxy:
            yield "dhcp-authoritative"

    def _subnet(self, subnet: Subnet) -> Iterator[str]:
        yield f"# {subnet.network.text} ({subnet.origin.short})"
        tag = self._net(subnet)
        if self.site.proxy and self.family == 4:
            first = address_text(4, subnet.network.first)
            yield f"dhcp-range=set:{tag},{first},proxy,{subnet.network.mask}"
            return
        yield from self._ranges(subnet, tag)
        yield from self._sharing(subnet)
        yield from self._lists(subnet, tag)
        yield from self._custom(subnet.options, f"tag:{tag},", subnet.origin)

    def _net(self, subnet: Subnet) -> str:
        return f"net{self.family}-{subnet.index}"

    def _ranges(self, subnet: Subnet, tag: str) -> Iterator[str]:
        net, family = subnet.network, self.family
        if family == 6 and net.prefix < 64:
            message = f"dnsmasq serves no IPv6 network as large as {net.text}: /64 or smaller"
            self.limits.append(Limit(message, subnet.origin))
            return
        size = net.mask if family == 4 else str(net.prefix)
        if subnet.lease_time < _SHORTEST_LEASE:
            message = f"dnsmasq gives no lease of {subnet.lease_time} s: 120 s is its shortest"
            self.limits.append(Limit(message, subnet.origin, "set a lease_time of 120 or more"))
        tail = f"{size},{max(subnet.lease_time, _SHORTEST_LEASE)}"
        for low, high in subnet.pools:
            pool = f"{address_text(family, low)},{address_text(family, high)}"
            yield f"dhcp-range=set:{tag},{pool},{tail}"
        if not subnet.pools:
            yield f"dhcp-range=set:{tag},{address_text(family, net.first)},static,{tail}"

    def _sharing(self, subnet: Subnet) -> Iterator[str]:
        """Yield which subnets are on the link of a relay agent."""
        others = self.site.shared_networks(self.family).get(subnet.shared_network, [])
        for relay in subnet.relays:
            for other in others if subnet.shared_network else [subnet]:
                if not _holds(other, relay):
                    yield f"shared-network={relay},{address_text(self.family, other.network.first)}"

    def _lists(self, subnet: Subnet, tag: str) -> Iterator[str]:
        four = self.family == 4
        space = "option:" if four else "option6:"
        lists = {
            "dns-server": subnet.dns_servers,
            "ntp-server" if four else "sntp-server": subnet.ntp_servers,
        }
        if four:
            # Without one dnsmasq names the relay agent as router: an empty option is not sent.
            value = "".join(f",{item}" for item in subnet.routers)
            yield f"dhcp-option=tag:{tag},option:router{value}"
        for key, values in lists.items():
            if values:
                shown = ",".join(values if four else (f"[{item}]" for item in values))
                yield f"dhcp-option=tag:{tag},{space}{key},{shown}"
        if subnet.domain:
            key = "domain-name" if four else "domain-search"
            yield f"dhcp-option=tag:{tag},{space}{key},{quote(subnet.domain)}"

    def _custom(self, options: Iterable[Option], tags: str, origin: Origin) -> Iterator[str]:
        for item in options:
            if item.family != self.family:
                continue
            try:
                value = option_value(item)
            except ValueError as error:
                message = f"dnsmasq cannot send option {item.code} ({item.name}): it {error}"
                self.limits.append(Limit(message, origin))
                continue
            yield f"dhcp-option={tags}{option_name(self.family, item.code)},{value}"

    def _branches(self) -> Iterator[str]:
        """Yield the branches of each variant, and before them what all clients get."""
        common = [*self._everybody()]
        yield from ("", *common) if common else ()
        for number in self.variants:
            yield from self._variant(number)
        whole = Origin(self.site.sources[0], 0)
        self.limits += [Limit(fault, whole) for fault in self.tags.faults]

    def _everybody(self) -> Iterator[str]:
        if self.family == 4 and self.site.proxy:
            yield from _dnsmasq_proxy.server(self.site, self.limits)
            return
        elif self.family == 4:
            yield "# siaddr: that of a branch, or none; else dnsmasq sends its own address"
            yield "dhcp-option=option:server-ip-address,0.0.0.0"
            yield "# the field `file` stays filled for clients that ask for option 67"
            yield "dhcp-no-override"
        yield from self._custom(self.site.options, "", Origin(self.site.sources[0], 0))

    def _variant(self, number: int) -> Iterator[str]:
        variant = self.site.variants[number]
        several = len(self.variants) > 1
        here = f"at{self.family}-{number}"
        yield ""
        if several:
            yield f"# Profile {variant.profile}, as {variant.name}"
            for subnet in self.site.of_family(self.family):
                if subnet.variant == number:
                    yield f"tag-if=set:{here},tag:{self._net(subnet)}"
        done = f"done{self.family}-{number}"
        for arm in variant.arms(self.family):
            tag = f"boot{self.family}-{number}-{arm.name}"
            wanted = [here] * several + self.tags.of(arm.match)
            conditions = "".join(f",tag:{item}" for item in [*wanted, f"!{done}"])
            yield f"# {arm.comment}"
            yield f"tag-if=set:{tag},set:{done}{conditions}"
            yield from self._boot(arm, tag)

    def _boot(self, arm: Arm, tag: str) -> Iterator[str]:
        boot = arm.boot
        if self.family == 4 and self.site.proxy:
            yield from _dnsmasq_proxy.boot(arm, tag, self.limits)
            return
        if boot is None:
            return
        if self.family == 6:
            yield f"dhcp-option=tag:{tag},option6:bootfile-url,{quote(boot.url)}"
            if boot.http:
                message = "dnsmasq cannot say HTTPClient back over DHCPv6 (option 16)"
                self.limits.append(Limit(message, arm.origin, "boot these clients over IPv4"))
        else:
            yield from self._boot4(boot, arm, tag)
        yield from self._custom(boot.options, f"tag:{tag},", arm.origin)

    def _boot4(self, boot: Boot, arm: Arm, tag: str) -> Iterator[str]:
        server, file = boot.next_server, quote(boot.file)
        if boot.http:
            yield f"dhcp-option-force=tag:{tag},option:vendor-class,{quote('HTTPClient')}"
        if boot.fields and server:
            yield f"dhcp-boot=tag:{tag},{file},,{server}"
        elif boot.fields and not boot.as_options:
            message = "dnsmasq puts its own address into siaddr beside a boot file without server"
            self.limits.append(Limit(message, arm.origin, "use via: both"))
            yield f"dhcp-boot=tag:{tag},{file}"
        # `force` keeps the value out of the field, where it goes for clients that don't ask.
        word = "dhcp-option" if boot.fields else "dhcp-option-force"
        if boot.as_options and server:
            yield f"{word}=tag:{tag},option:tftp-server,{quote(server)}"
        if boot.as_options:
            yield f"{word}=tag:{tag},option:bootfile-name,{quote(boot.file)}"

    def _groups(self) -> dict[str, str]:
        """Return the tag of each group that a branch names."""
        arms = [arm for at in self.variants for arm in self.site.variants[at].arms(self.family)]
        return {
            arm.match.group: self.tags.group(arm.match.group) for arm in arms if arm.match.group
        }


def _holds(subnet: Subnet, text: str) -> bool:
    return subnet.network.first <= address(text)[1] <= subnet.network.last


def _first_family(site: Site) -> int:
    return 4 if site.of_family(4) else 6


def fragment_limits(site: Site, family: int) -> Iterator[Limit]:
    """Yield the subnets whose branches a fragment has not."""
    for subnet in site.of_family(family):
        if subnet.variant:
            message = f"subnet {subnet.network.text} has branches of its own, by the subnet's tag"
            yield Limit(message, subnet.origin, "render the whole file")
