"""BIND 9: forward and reverse zones of the reservations. Proven with 9.18.

A zone's serial moves only when its records do: it is one more than that of the file rendered
before, whose comments don't count (RFC 1912, 2.2; RFC 1982).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from toolkit.errors import UsageError
from toolkit.files import write_atomic
from toolkit.text import clean
from toolkit_pxe.site.model import Origin, Site
from toolkit_pxe.targets._zones import (
    Zone,
    Zones,
    classless,
    name_servers,
    without_address,
)
from toolkit_pxe.targets.base import Check, Limit, Options, Rendered, RenderedFile, header

name = "bind"
summary = "BIND 9.18: forward and reverse zones of the reservations"
families: tuple[int, ...] = ()
settings: Mapping[str, str] = {
    "serial": "the lowest serial: above that of the zones which these replace",
    "folder": "where named has the zone files, /etc/bind",
    "reverse": "subnets smaller than /24: in the zone of their /24 (enclosing), or by RFC 2317"
    " (classless)",
}

_FOLDER = "/etc/bind"
_SERIAL = re.compile(r"^ +([0-9]{1,10}) ; serial$", re.MULTILINE)
_TIMES = (("refresh", 7200), ("retry", 900), ("expire", 1209600))
_LONGEST = 0x7FFFFFFF
"""Seconds: the longest time to live (RFC 2181, 8)."""
_LARGEST = 24
"""Subnets with a longer prefix are smaller than a zone."""


def _serial(options: Options) -> int:
    text = options.settings.get("serial", "1")
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 1 << 32:
        raise UsageError(f'--set serial: "{text}" is no number from 1 to 4294967295')
    return int(text)


def _folder(options: Options) -> str:
    folder = options.settings.get("folder", _FOLDER).rstrip("/")
    if not re.fullmatch(r"(?:/[A-Za-z0-9._+-]+)+", folder) or ".." in folder.split("/"):
        message = f"--set folder: {folder!r} is no absolute path of plain characters"
        raise UsageError(message)
    return folder


def _classless(options: Options) -> bool:
    text = options.settings.get("reverse", "enclosing")
    if text not in {"enclosing", "classless"}:
        message = f'--set reverse: "{clean(text, limit=60)}" is neither enclosing nor classless'
        raise UsageError(message)
    return text == "classless"


def mailbox(address: str) -> str:
    """Return a mail address as a domain name: dots before the @ are escaped (RFC 1035, 8)."""
    local, _, domain = address.partition("@")
    escaped = "".join(item if item.isalnum() or item in "-_+" else f"\\{item}" for item in local)
    return f"{escaped}.{domain}."


def _limits(site: Site, zones: Zones) -> Iterator[Limit]:
    place = Origin(site.sources[0], 0)
    if site.dns is None:
        hint = "add dns: {name_servers: [ns1], hostmaster: hostmaster@example.org}"
        yield Limit("the site file has no section `dns`", place, hint, absent=True)
        return
    if site.dns.ttl > _LONGEST:
        yield Limit(f"dns.ttl: {site.dns.ttl} s is longer than DNS can tell", place)
    for server in without_address(site, zones):
        message = f'name server "{server}" is in a zone here, and has no address'
        yield Limit(message, place, f'add a reservation named "{server.partition(".")[0]}"')
    yield from zones.limits


def _body(site: Site, zone: Zone, serial: int) -> str:
    """Return a zone's text below its head."""
    dns = site.dns
    if dns is None:
        return ""
    servers = name_servers(site)
    lines = [
        f"$ORIGIN {zone.origin}.",
        f"$TTL {dns.ttl}",
        f"@ IN SOA {servers[0]}. {mailbox(dns.hostmaster)} (",
        f"    {serial} ; serial",
        *(f"    {seconds} ; {what}" for what, seconds in _TIMES),
        f"    {min(dns.ttl, 3600)} ; how long there being no such name is kept",
        ")",
        *(f"@ IN NS {server}." for server in servers),
        *(f"{label} IN {kind} {value}" for label, kind, value in zone.records),
    ]
    return "\n".join(lines) + "\n"


def _meaning(text: str) -> str:
    """Return a zone without what may differ while its content is the same."""
    lines = (line for line in text.splitlines() if not line.startswith(";"))
    return _SERIAL.sub("", "\n".join(lines))


def _numbered(site: Site, zone: Zone, options: Options) -> str:
    """Return a zone with its serial: the one before, or one more if the content has changed."""
    lowest = _serial(options)
    before = options.previous(zone.file)
    found = _SERIAL.search(before) if before else None
    if before is None or found is None:
        return _body(site, zone, lowest)
    serial = max(int(found[1]), lowest)
    body = _body(site, zone, serial)
    if _meaning(body) == _meaning(before):
        return body
    return _body(site, zone, serial % 0xFFFFFFFF + 1)


def render(site: Site, options: Options) -> Rendered:
    """Return a file for each zone, and one for named.conf that names them."""
    folder = _folder(options)
    zones = Zones(site, _classless(options))
    zones.fill()
    limits = tuple(_limits(site, zones))
    every = [*zones.forward.values(), *zones.reverse.values()] if site.dns else []
    head = header(site, name, "; ", limits)
    files = [
        RenderedFile(zone.file, head + _numbered(site, zone, options), f"{folder}/{zone.file}")
        for zone in every
    ]
    main = f"named.conf.{site.name}"
    text = header(site, name, "// ", limits) + "".join(_statement(zone, folder) for zone in every)
    files.append(RenderedFile(main, text, f"/etc/bind/{main}"))
    parents = [*_parents(site)] if site.dns and zones.classless else []
    files += [RenderedFile(f"delegation.{origin}", head + text) for origin, text in parents]
    return Rendered(
        files=tuple(files),
        limits=limits,
        check=("named-checkconf -z",),
        reload=("rndc reload",),
        notes=(
            f'add to /etc/bind/named.conf.local: include "/etc/bind/{main}";',
            *(
                f"zone {zone.origin} answers for {address}, too, and others that the site does not "
                "have: if they are somebody else's, use --set reverse=classless (RFC 2317)"
                if zone.origin.endswith("in-addr.arpa") else
                f"zone {zone.origin} answers for {address}, too, and others that the site does not "
                "have: reverse zones of IPv6 end at four bits"
                for zone, address in zones.not_ours()
            ),
            *(
                f"give delegation.{origin} to whoever has that zone: without it nobody finds ours"
                for origin, _ in parents
            ),
        ),
    )  # fmt: skip


def _parents(site: Site) -> Iterator[tuple[str, str]]:
    """Yield each /24's zone that others have, and what it must have for ours (RFC 2317, 5)."""
    lines: dict[str, list[str]] = {}
    for subnet in site.of_family(4):
        net = subnet.network
        if net.prefix <= _LARGEST:
            continue
        label, _, parent = classless(net).partition(".")
        first, last = net.first & 255, net.last & 255
        lines.setdefault(parent, []).extend([
            *(f"{label} IN NS {server}." for server in name_servers(site)),
            f"$GENERATE {first}-{last} $ IN CNAME $.{label}",
        ])  # fmt: skip
    for parent, found in lines.items():
        yield parent, "\n".join((f"$ORIGIN {parent}.", *found)) + "\n"


def _statement(zone: Zone, folder: str) -> str:
    return f'zone "{zone.origin}" {{ type primary; file "{folder}/{zone.file}"; }};\n'


def check(options: Options) -> Check | None:
    """Return `named-checkconf -z`, which reads the zones, too."""
    folder = _folder(options)

    def argv(where: Path) -> Sequence[str]:
        main = next(iter(sorted(where.glob("named.conf.*"))))
        here = where / ".named.conf"
        write_atomic(here, main.read_text("utf-8").replace(f'"{folder}/', f'"{where}/'))
        return ("named-checkconf", "-z", str(here))

    remedy = "AppArmor lets named's tools read /etc/bind: install the files, then check them there"
    return Check("named-checkconf", argv, "bind9-utils", ("permission denied",), remedy)
