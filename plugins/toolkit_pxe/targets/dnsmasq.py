"""dnsmasq, IPv4, IPv6 and proxyDHCP: proven with 2.90.

A client's tags say what it is; `tag-if` lines, run in order, then set the tag of the one branch
that decides. Both packet fields and options are sent by `dhcp-no-override` with options 66 and 67:
without it dnsmasq empties the field for clients that ask for 67.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from toolkit.errors import UsageError
from toolkit.files import write_atomic
from toolkit_pxe.decide.client import Client
from toolkit_pxe.decide.decision import NO_ADDRESS_HERE, decide, has_address
from toolkit_pxe.decide.wire import NO_ADDRESS, Wire, asked, custom_options
from toolkit_pxe.programs import find
from toolkit_pxe.serving import Serving
from toolkit_pxe.site.model import Boot, Origin, Site
from toolkit_pxe.site.values import ipv4
from toolkit_pxe.targets import _dnsmasq_proxy
from toolkit_pxe.targets._dnsmasq import LONGEST_LINE, Tags, quote
from toolkit_pxe.targets._dnsmasq_file import Writer, fragment_limits, variants_of
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

name = "dnsmasq"
summary = "dnsmasq 2.90 as DHCP server (IPv4, IPv6) or proxyDHCP server"
families = (4, 6)
settings: Mapping[str, str] = {
    "dns": "`on` leaves dnsmasq's DNS server running; else it serves DHCP only (port=0)",
    "interface": "the only interface that it listens on",
    "address": "proxyDHCP: dnsmasq's own address, which `explain` then shows as siaddr",
}

_FOLDER = "/etc/dnsmasq.d"
_MANY = 20_000


def _wrapped(line: str) -> Iterator[str]:
    """Yield a comment as lines that dnsmasq reads whole; others stay."""
    while line.startswith("#") and len(line.encode()) > LONGEST_LINE:
        yield line[: LONGEST_LINE // 4]
        line = "#   " + line[LONGEST_LINE // 4 :]
    yield line


def _checked(options: Options) -> None:
    """Raise UsageError for settings that are wrong."""
    for key, value in options.settings.items():
        if key == "address":
            try:
                ipv4(value)
            except ValueError as error:
                raise UsageError(f"--set address: {error}") from error
        if any(ord(character) < 33 for character in value):
            raise UsageError(f"--set {key}: a space or control character cannot be part of it")


def render(site: Site, options: Options) -> Rendered:
    """Return one file for dnsmasq's conf-dir; those of both families may lie there together."""
    _checked(options)
    family = options.family
    writer = Writer(site, options, Tags(family), variants_of(site, options))
    lines = list(writer.lines())
    limits = [*writer.limits, *(fragment_limits(site, family) if options.fragment else ())]
    if site.proxy and family == 6:
        limits.append(Limit("proxyDHCP is IPv4's alone", Origin(site.sources[0], 0)))
    limits += [
        Limit(f"dnsmasq reads lines of up to 1024 octets, and one is longer: {line[:60]}…")
        for line in lines
        if not line.startswith("#") and len(line.encode()) > LONGEST_LINE
    ]
    head = header(site, name, limits=limits).splitlines()
    text = "".join(f"{part}\n" for line in [*head, *lines] for part in _wrapped(line))
    file = f"{site.name}{'-boot' if options.fragment else ''}{'' if family == 4 else '6'}.conf"
    target = f"{_FOLDER}/{file}"
    return Rendered(
        files=(RenderedFile(file, text, target),),
        limits=tuple(limits),
        check=(f"dnsmasq --test -C {target}",),
        reload=("systemctl restart dnsmasq",),
        notes=tuple(_notes(site, options)),
    )


def _notes(site: Site, options: Options) -> Iterator[str]:
    if options.fragment:
        yield f"dnsmasq reads every file of {_FOLDER}"
    count = len(site.reservations)
    if count > _MANY:
        yield (
            f"dnsmasq compares each of {count} hosts with all before it: reading 100,000 takes it"
            " 91 s, and Kea 6 s"
        )
    if any(item.max_lease_time > item.lease_time for item in site.of_family(options.family)):
        yield "dnsmasq gives no lease longer than lease_time; max_lease_time is not used"


def check(options: Options) -> Check | None:
    """Return `dnsmasq --test`."""
    del options

    def argv(folder: Path) -> Sequence[str]:
        file = next(iter(sorted(folder.glob("*.conf"))))
        return ("dnsmasq", "--test", "-C", str(file))

    return Check("dnsmasq", argv, "dnsmasq-base", ("cannot read", "Permission denied"))


def predict(site: Site, client: Client, options: Options) -> Prediction:
    """Return what dnsmasq will send. Options 66 and 67 end in a NUL, always."""
    decision = decide(site, client)
    boot = decision.boot
    if site.proxy and client.family == 4:
        return _dnsmasq_proxy.predict(site, decision, client, options.settings.get("address", ""))
    if not has_address(site, decision, client):
        return Prediction(decision, None, (NO_ADDRESS_HERE,))
    more = custom_options(site, decision, client.family)
    if client.family != 4:
        url = {59: boot.url.encode()} if boot else {}
        return Prediction(decision, Wire(options=asked(url | more, client)))
    if boot is None:
        return Prediction(decision, Wire(options=asked(more, client)))
    wire, notes = _wire4(boot, client, more)
    return Prediction(decision, wire, tuple(notes))


def _wire4(boot: Boot, client: Client, more: Mapping[int, bytes]) -> tuple[Wire, list[str]]:
    found, always, notes = dict(more), set(), []
    if boot.http:
        found[60] = b"HTTPClient"
        always.add(60)
    if boot.as_options:
        if boot.next_server:
            found[66] = boot.next_server.encode() + b"\0"
        found[67] = boot.file.encode() + b"\0"
        notes.append("dnsmasq ends options 66 and 67 with a NUL")
    if not boot.fields:
        sent = asked(found, client, always | {66, 67})
        return Wire(options=sent), [*notes, "both are sent unasked, or the field would be filled"]
    file = boot.file.encode()
    if boot.next_server or not boot.as_options:
        return Wire(boot.next_server or NO_ADDRESS, b"", file, asked(found, client, always)), notes
    # Without a server the value of option 67 goes into the field, or to those who ask for it.
    unasked = client.asks is None or 67 not in client.asks
    sent = asked(found, client, always)
    if unasked:
        sent.pop(67, None)
    notes.append("a URL is in option 67 for clients that ask for it, in the field for the others")
    return Wire(NO_ADDRESS, b"", file if unasked else b"", sent), notes


def serve(rendered: Rendered, folder: Path, options: Options) -> Serving:
    """Write the configuration; return dnsmasq in the foreground, which pings no address."""
    del options
    config = folder / "dnsmasq.conf"
    write_atomic(config, rendered.files[0].content)
    leases = folder / "dnsmasq.leases"
    leases.unlink(missing_ok=True)
    program = find("dnsmasq") or "dnsmasq"
    return Serving(
        (program, "--keep-in-foreground", f"--conf-file={config}", f"--dhcp-leasefile={leases}",
         "--interface=srv0", "--no-ping", "--user=root", "--pid-file", "--log-facility=-",
         "--log-dhcp")
    )  # fmt: skip


def bootfile(file: str, next_server: str) -> Advice:
    """Return the lines for one boot file."""
    raw = file.encode()
    value = quote(file)
    lines = ["dhcp-no-override"]
    wire = [("file", in_words(raw)), ("option 67", in_words(raw + b"\0"))]
    why = [
        "in quotes a backslash is written twice; outside them once, and a comma would end the name",
        "dnsmasq ends option 67 with a NUL itself; hexadecimal would be sent as its own text",
        "without dhcp-no-override the `file` field is empty for clients that ask for 67",
    ]
    if next_server:
        lines.append(f"dhcp-boot={value},,{next_server}")
        lines.append(f"dhcp-option=option:tftp-server,{quote(next_server)}")
        wire += [("siaddr", next_server), ("option 66", in_words(next_server.encode() + b"\0"))]
        why.append("siaddr is the third part of dhcp-boot: an address, as a name may give 0.0.0.0")
    else:
        lines.append(f"dhcp-boot={value}")
        wire.append(("siaddr", "dnsmasq's own address"))
    lines.append(f"dhcp-option=option:bootfile-name,{value}")
    return Advice((("", "\n".join(lines)),), tuple(wire), tuple(why))
