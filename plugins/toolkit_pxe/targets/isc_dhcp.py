"""ISC dhcpd, IPv4 and IPv6: proven with 4.4.3-P1.

Branches of the site's own profile are at the top; a subnet with another profile or other boot
servers has its own, and so has each host group that a rule names. dhcpd executes outer scopes
first, so inner branches say everything, also what is not to be sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from toolkit.files import write_atomic
from toolkit_pxe.decide.client import Client
from toolkit_pxe.decide.decision import NO_ADDRESS_HERE, decide, has_address
from toolkit_pxe.decide.wire import (
    NO_ADDRESS,
    Wire,
    asked,
    boot_options4,
    boot_options6,
    custom_options,
)
from toolkit_pxe.programs import find
from toolkit_pxe.serving import Serving
from toolkit_pxe.site.model import (
    NOWHERE,
    Arm,
    Boot,
    Option,
    Origin,
    Reservation,
    Site,
    Subnet,
    Variant,
)
from toolkit_pxe.site.values import address_text
from toolkit_pxe.targets import _isc
from toolkit_pxe.targets.base import (
    Advice,
    Check,
    Limit,
    Options,
    Prediction,
    Rendered,
    RenderedFile,
    header,
    in_words,
)

name = "isc-dhcp"
summary = "ISC dhcpd 4.4 (IPv4: dhcpd.conf, IPv6: dhcpd6.conf)"
families = (4, 6)
settings: Mapping[str, str] = {}

_FOLDER = "/etc/dhcp"


def _file(family: int) -> str:
    return "dhcpd.conf" if family == 4 else "dhcpd6.conf"


def _touched(site: Site, family: int) -> set[str]:
    """Return the heads of all statements that some branch sets."""
    return {
        head
        for variant in site.variants
        for arm in variant.arms(family)
        for head in _statements(arm.boot, family)
    }


def _statements(boot: Boot | None, family: int) -> dict[str, str]:
    if family == 4:
        return _isc.statements4(boot, boot_options4(boot) if boot else {})
    return _isc.statements6(boot, boot_options6(boot) if boot else {})


def _arms(variant: Variant, family: int, group: str) -> list[tuple[Arm, str, Mapping[str, str]]]:
    """Return the branches for members of a group ("": of none), with conditions and statements."""
    condition = _isc.condition4 if family == 4 else _isc.condition6
    return [
        (arm, condition(arm.match), _statements(arm.boot, family))
        for arm in variant.arms(family)
        if arm.match.group in {"", group}
    ]


def _groups_of(variant: Variant, family: int) -> set[str]:
    return {arm.match.group for arm in variant.arms(family)} - {""}


def _of(options: Iterable[Option], family: int) -> list[Option]:
    return [item for item in options if item.family == family]


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes one family's configuration."""

    site: Site
    family: int
    fragment: bool
    touched: frozenset[str]

    def text(self, limits: Sequence[Limit]) -> str:
        lines = header(self.site, name, limits=limits).removesuffix("\n").split("\n")
        for block in self._blocks():
            if block:
                lines += ["", *block]
        return "\n".join([*lines, ""])

    def _blocks(self) -> Iterator[Sequence[str]]:
        if not self.fragment:
            yield [*self._server()]
        yield self._definitions()
        yield self._defaults()
        yield [*self._main()]
        if not self.fragment:
            yield from ([*self._shared(*pair)] for pair in self._networks())
        yield self._hosts()

    def _server(self) -> Iterator[str]:
        yield "authoritative;" if self.site.authoritative else "not authoritative;"
        yield "ddns-update-style none;"
        yield "use-host-decl-names on;"
        yield from self._leases(self.site.lease_time, self.site.max_lease_time)

    def _leases(self, lease: int, longest: int) -> Iterator[str]:
        yield f"default-lease-time {lease};"
        yield f"max-lease-time {longest};"

    def _definitions(self) -> list[str]:
        boots = [arm.boot for item in self.site.variants for arm in item.arms(self.family)]
        options = [option for boot in boots if boot for option in boot.options]
        options += [option for subnet in self.site.subnets for option in subnet.options]
        return _isc.definitions(_of([*options, *self.site.options], self.family), self.family)

    def _defaults(self) -> list[str]:
        return self._set(self.site.options)

    def _set(self, options: Iterable[Option]) -> list[str]:
        found = _isc.custom(_of(options, self.family))
        return [f"{head} {value};" for head, value in found.items()]

    def _main(self) -> Iterator[str]:
        yield from _isc.chain(_arms(self.site.variants[0], self.family, ""), {}, ())

    def _networks(self) -> Iterator[tuple[str, list[Subnet]]]:
        for shared, subnets in self.site.shared_networks(self.family).items():
            if shared:
                yield shared, subnets
            else:
                yield from (("", [subnet]) for subnet in subnets)

    def _shared(self, shared: str, subnets: Sequence[Subnet]) -> Iterator[str]:
        if not shared:
            yield from self._subnet(subnets[0])
            return
        yield f"shared-network {shared} {{"
        for subnet in subnets:
            yield from (f"{_isc.INDENT}{line}" for line in self._subnet(subnet))
        yield "}"

    def _subnet(self, subnet: Subnet) -> Iterator[str]:
        net = subnet.network
        first = address_text(net.family, net.first)
        four = self.family == 4
        yield f"subnet {first} netmask {net.mask} {{" if four else f"subnet6 {net.text} {{"
        body = [*self._leases(subnet.lease_time, subnet.max_lease_time)]
        body += self._lists(subnet)
        word = "range" if four else "range6"
        body += [
            f"{word} {address_text(net.family, low)} {address_text(net.family, high)};"
            for low, high in subnet.pools
        ]
        body += self._set(subnet.options)
        if self._has_branches(subnet):
            variant = self.site.variants[subnet.variant]
            base = _isc.custom(_of((*self.site.options, *subnet.options), self.family))
            body += _isc.chain(_arms(variant, self.family, ""), base, self.touched)
        yield from (f"{_isc.INDENT}{line}" for line in body)
        yield "}"

    def _has_branches(self, subnet: Subnet) -> bool:
        """Whether the subnet needs branches of its own: others, or over options of its own."""
        own = {*_isc.custom(_of(subnet.options, self.family))}
        return subnet.variant != 0 or bool(own & self.touched)

    def _lists(self, subnet: Subnet) -> Iterator[str]:
        four = self.family == 4
        lists = {
            "routers": subnet.routers,
            "domain-name-servers" if four else "dhcp6.name-servers": subnet.dns_servers,
            "ntp-servers" if four else "dhcp6.sntp-servers": subnet.ntp_servers,
        }
        for key, values in lists.items():
            if values:
                yield f"option {key} {', '.join(values)};"
        if subnet.domain:
            key = "domain-name" if four else "dhcp6.domain-search"
            yield f"option {key} {_isc.quote(subnet.domain)};"

    def _hosts(self) -> list[str]:
        """Return host declarations; members of a group that a rule names are in its scope."""
        write = _hosts4 if self.family == 4 else _hosts6
        hosts = self.site.reservations
        named = [_groups_of(variant, self.family) for variant in self.site.variants]
        scopes: list[str] = []
        if any(named):
            groups, hosts = self._scoped(named)
            for (group, own), members in groups.items():
                scopes += self._scope(group, own, write(members))
        return scopes if self.fragment else scopes + write(hosts)

    def _scoped(
        self, named: Sequence[set[str]]
    ) -> tuple[dict[tuple[str, int], list[Reservation]], list[Reservation]]:
        """Return the hosts in groups that rules name, by group and scope, and the others."""
        plain: list[Reservation] = []
        scoped: dict[tuple[str, int], list[Reservation]] = {}
        place = Reservation._fields.index("subnet" if self.family == 4 else "subnet6")
        subnets = self.site.subnets
        for host in self.site.reservations:
            at: int = host[place]  # type: ignore[assignment]  # an index
            variant = subnets[at].variant if at != NOWHERE else 0
            if host.group and host.group in named[variant]:
                own = at if at != NOWHERE and subnets[at].options else NOWHERE - 1 - variant
                scoped.setdefault((host.group, own), []).append(host)
            else:
                plain.append(host)
        return scoped, plain

    def _scope(self, group: str, own: int, lines: Sequence[str]) -> Iterator[str]:
        """Yield a group; `own` is a subnet with options of its own, or a variant below NOWHERE."""
        if not lines:
            return
        subnet = self.site.subnets[own] if own >= 0 else None
        variant = subnet.variant if subnet else NOWHERE - 1 - own
        options = (*self.site.options, *(subnet.options if subnet else ()))
        base = _isc.custom(_of(options, self.family))
        yield f"# group {group}"
        yield "group {"
        arms = _arms(self.site.variants[variant], self.family, group)
        yield from (f"{_isc.INDENT}{line}" for line in _isc.chain(arms, base, self.touched))
        yield from (f"{_isc.INDENT}{line}" for line in lines)
        yield "}"


def _hosts4(hosts: Iterable[Reservation]) -> list[str]:
    """Return a line for each host that has something of IPv4."""
    lines = [
        # As nearly all are, and there may be a hundred thousand: no call for each.
        f"host {name} {{ hardware ethernet {mac}; fixed-address {address}; }}"
        if mac and address and not (client or circuit)
        else _host4(name, mac, address, client, circuit)
        for name, mac, address, _, client, circuit, _, _, _, _, _, _ in hosts
    ]
    return list(filter(None, lines))


def _host4(host: str, mac: str, address: str, client_id: bytes, circuit_id: bytes) -> str:
    """Return a host's declaration on one line, or "" if it has nothing of IPv4."""
    ids = f" hardware ethernet {mac};" if mac else ""
    if client_id:
        ids += f" option dhcp-client-identifier {client_id.hex(':')};"
    if circuit_id:
        ids += f" host-identifier option agent.circuit-id {circuit_id.hex(':')};"
    if not ids:
        return ""
    where = f" fixed-address {address};" if address else ""
    return f"host {host} {{{ids}{where} }}"


def _hosts6(hosts: Iterable[Reservation]) -> list[str]:
    """Return a line for each host that has something of IPv6."""
    return [_host6(host) for host in hosts if host.duid]


def _host6(host: Reservation) -> str:
    where = f" fixed-address6 {host.address6};" if host.address6 else ""
    identifier = f"host-identifier option dhcp6.client-id {host.duid.hex(':')};"
    return f"host {host.name} {{ {identifier}{where} }}"


def _limits(site: Site, family: int, options: Options) -> Iterator[Limit]:
    if site.proxy:
        hint = "dnsmasq can"
        yield Limit("dhcpd is no proxyDHCP server", Origin(site.sources[0], 0), hint)
    used = {subnet.variant for subnet in site.of_family(family)}
    named = [_groups_of(variant, family) for variant in site.variants]
    write = _hosts4 if family == 4 else _hosts6
    for host in site.reservations if len(used) > 1 and any(named) else ():
        at = host.subnet if family == 4 else host.subnet6
        if at == NOWHERE and any(host.group in item for item in named) and write([host]):
            message = f'host "{host.name}" has no address, so its branches cannot be told apart'
            yield Limit(message, site.origin(host), "give it an address")
    if options.fragment and used - {0}:
        subnet = next(item for item in site.of_family(family) if item.variant)
        message = f"the branches of subnet {subnet.network.text} stand inside the subnet"
        yield Limit(message, subnet.origin, "render the whole file")


def render(site: Site, options: Options) -> Rendered:
    """Return dhcpd.conf or dhcpd6.conf, or a fragment to include at its top level."""
    family = options.family
    limits = tuple(_limits(site, family, options))
    writer = _Writer(site, family, options.fragment, frozenset(_touched(site, family)))
    file = (
        f"{site.name}-boot{'' if family == 4 else '6'}.conf" if options.fragment else _file(family)
    )
    target = f"{_FOLDER}/{file}"
    service = "isc-dhcp-server" if family == 4 else "isc-dhcp-server6"
    main = f"{_FOLDER}/{_file(family)}"
    notes = (f'add to {main}: include "{target}";',) if options.fragment else ()
    return Rendered(
        files=(RenderedFile(file, writer.text(limits), target),),
        limits=limits,
        check=(f"dhcpd -t -{family} -cf {main}",),
        reload=(f"systemctl restart {service}",),
        notes=notes,
    )


def check(options: Options) -> Check | None:
    """Return `dhcpd -t`; a fragment is no whole configuration, but dhcpd reads it as one."""
    family = options.family

    def argv(folder: Path) -> Sequence[str]:
        file = next(iter(sorted(folder.glob("*.conf"))))
        leases = folder / ".leases"
        leases.touch()
        return ("dhcpd", "-t", f"-{family}", "-cf", str(file), "-lf", str(leases))

    return Check("dhcpd", argv, "isc-dhcp-server", ("Can't open", "Permission denied"))


def predict(site: Site, client: Client, options: Options) -> Prediction:
    """Return what dhcpd will send: fields as set, options as far as the client asks for them."""
    del options
    decision = decide(site, client)
    if not has_address(site, decision, client):
        return Prediction(decision, None, (NO_ADDRESS_HERE,))
    boot = decision.boot
    more = custom_options(site, decision, client.family)
    if client.family != 4:
        sent = asked((boot_options6(boot) if boot else {}) | more, client)
        return Prediction(decision, Wire(options=sent))
    sent = asked((boot_options4(boot) if boot else {}) | more, client)
    notes = []
    if boot and boot.as_options and 67 not in sent:
        notes.append("dhcpd sends options 66 and 67 only to clients that ask for them")
    if boot is None or not boot.fields:
        return Prediction(decision, Wire(options=sent), tuple(notes))
    wire = Wire(boot.next_server or NO_ADDRESS, b"", boot.file.encode(), sent)
    return Prediction(decision, wire, tuple(notes))


def serve(rendered: Rendered, folder: Path, options: Options) -> Serving:
    """Write the configuration and an empty lease file; return dhcpd in the foreground."""
    config = folder / _file(options.family)
    write_atomic(config, rendered.files[0].content)
    leases = folder / "leases"
    leases.write_text("")
    program = find("dhcpd") or "dhcpd"
    return Serving(
        (program, f"-{options.family}", "-f", "-d", "--no-pid", "-cf", str(config), "-lf",
         str(leases), "srv0")
    )  # fmt: skip


def bootfile(file: str, next_server: str) -> Advice:
    """Return the statements for one boot file."""
    raw = file.encode()
    ended = raw + b"\0"
    lines = [f"next-server {next_server};"] if next_server else []
    lines += [f"filename {_isc.quote(raw)};", f"option bootfile-name {_isc.quote(ended)};"]
    wire = [("file", in_words(raw)), ("option 67", in_words(ended))]
    why = ["a string's backslash begins an escape, so a path's backslash is written twice",
           r"\000 ends option 67 with a NUL, as old PXE ROMs need it; \0 is refused",
           "option 67 is sent to clients that ask for it, the `file` field to all"]  # fmt: skip
    if next_server:
        lines.append(f"option tftp-server-name {_isc.quote(next_server)};")
        wire += [("siaddr", next_server), ("option 66", next_server)]
        why.append("siaddr comes from next-server alone: option 66 without it leaves 0.0.0.0")
    return Advice((("", "\n".join(lines)),), tuple(wire), tuple(why))
