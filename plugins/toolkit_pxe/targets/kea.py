"""Kea, IPv4 and IPv6: proven with 2.2.0; what 2.7 has renamed is written for 3.0 from its manual.

Kea ARM, https://kea.readthedocs.io. Branches are client classes (`_kea_classes`). Where subnets
differ in their branches, or branches ask for a group, classes are evaluated when the subnet and the
reservation are known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from toolkit.errors import UsageError
from toolkit.files import write_atomic
from toolkit_pxe.decide.client import Client
from toolkit_pxe.decide.decision import NO_ADDRESS_HERE, decide, has_address
from toolkit_pxe.decide.wire import NO_ADDRESS, Wire, asked, custom_options
from toolkit_pxe.programs import find
from toolkit_pxe.serving import Serving
from toolkit_pxe.site.custom import plain_text
from toolkit_pxe.site.model import Origin, Site
from toolkit_pxe.targets._kea_classes import Plan, groups_of, octets
from toolkit_pxe.targets._kea_file import (
    HOOK_DEBIAN,
    Settings,
    Writer,
    hooks,
    listed,
    members,
    subnet_ids,
)
from toolkit_pxe.targets._kea_hosts import Reservations, reservations
from toolkit_pxe.targets._kea_json import Node, compact, option_text, plain
from toolkit_pxe.targets.base import (
    Advice,
    Check,
    Limit,
    Options,
    Prediction,
    Rendered,
    RenderedFile,
    in_words,
)

name = "kea"
summary = "Kea 2.2 to 3.0 (kea-dhcp4.conf, kea-dhcp6.conf)"
families = (4, 6)
settings: Mapping[str, str] = {
    "version": "Kea's release: 2.2 (default, proven), 2.4, 2.6 or 3.0 (from its manual)",
    "flex-option": "path of libdhcp_flex_option.so, without which names end in no NUL; or: no",
    "interfaces": "interfaces to listen on, with commas; default: all",
    "interface6": "interface of the first IPv6 subnet or shared network: clients without a relay",
}
_FOLDER = "/etc/kea"
_LONGEST = 127


def _limits(site: Site, plan: Plan, options: Options) -> Iterator[Limit]:
    if site.proxy:
        yield Limit("Kea is no proxyDHCP server", Origin(site.sources[0], 0), "dnsmasq can")
    if not plan.hooked:
        hint = "--set flex-option=PATH"
        for code in sorted(plan.flexed):
            message = f"Kea changes the octets of option {code} without its flex_option hook"
            yield Limit(message, Origin(site.sources[0], 0), hint)
    if not options.fragment or not plan.late:
        return
    hint = "render the whole file"
    for group in sorted(groups_of(site, options.family)):
        message = f"reservations say who is in group {group}, and a fragment has none"
        yield Limit(message, Origin(site.sources[0], 0), hint)
    for subnet in site.of_family(options.family):
        scope = plan.scope_of(subnet)
        if subnet.variant or scope.moved:
            message = f"the subnet {subnet.network.text} itself must name its classes"
            yield Limit(message, subnet.origin, hint)


def _file(site: Site, options: Options) -> str:
    family = options.family
    return f"{site.name}-boot{family}.conf" if options.fragment else f"kea-dhcp{family}.conf"


def render(site: Site, options: Options) -> Rendered:
    """Return kea-dhcp4.conf or kea-dhcp6.conf, or a fragment to include in the Dhcp4 object."""
    family = options.family
    chosen = Settings.of(options)
    plan = Plan.of(site, family, hooked=bool(chosen.hook))
    limits = tuple(_limits(site, plan, options))
    hosts = Reservations() if options.fragment else reservations(site, family)
    file = _file(site, options)
    main = f"{_FOLDER}/kea-dhcp{family}.conf"
    text = Writer(site, options, chosen, plan, hosts, subnet_ids(site, family)).text(limits)
    return Rendered(
        files=(RenderedFile(file, text, f"{_FOLDER}/{file}"),),
        limits=limits,
        check=(f"kea-dhcp{family} -t {main}",),
        reload=(f"systemctl restart kea-dhcp{family}-server",),
        notes=tuple(_notes(site, options, chosen, text)),
    )


def _notes(site: Site, options: Options, chosen: Settings, text: str) -> Iterator[str]:
    family = options.family
    if options.fragment:
        yield f'write in the Dhcp{family} object: <?include "{_FOLDER}/{_file(site, options)}"?>'
    if '"hooks-libraries"' in text:
        yield f"{chosen.hook} must be there: it ends names in option 67 with their NUL"
    elif not chosen.hook and family == 4:
        yield "option 67 ends in no NUL, as flex-option=no says; old PXE ROMs read on behind it"
    if family == 6 and not chosen.interface6 and any(not item.relays for item in site.of_family(6)):
        yield "clients without a relay get an answer only with --set interface6=NAME"


def check(options: Options) -> Check | None:
    """Return `kea-dhcp4 -t` or `kea-dhcp6 -t`; a fragment is included as its note says."""
    program = f"kea-dhcp{options.family}"

    def argv(folder: Path) -> Sequence[str]:
        file = next(iter(sorted(folder.glob("[!.]*.conf"))))
        if options.fragment:
            whole = folder / ".whole.conf"
            include = f'<?include "{file}"?>'
            whole.write_text(f'{{"Dhcp{options.family}": {{ {include} }} }}\n', "utf-8")
            file = whole
        return (program, "-t", str(file))

    remedy = (
        f"Debian's AppArmor profile lets {program} read {_FOLDER} alone: copy the file there and "
        f"check it with {program} -t, or: aa-complain {program}; where the hook library is not "
        "there: --set flex-option=PATH"
    )
    unreadable = (
        "Unable to open file", "Can't open include file", "cannot open shared object file",
        "Permission denied",
    )  # fmt: skip
    return Check(program, argv, f"{program}-server", unreadable, remedy)


def predict(site: Site, client: Client, options: Options) -> Prediction:
    """Return what Kea will send: what branches set always, other options if they are asked for."""
    chosen = Settings.of(options)
    plan = Plan.of(site, client.family, hooked=bool(chosen.hook))
    decision = decide(site, client)
    if not has_address(site, decision, client):
        return Prediction(decision, None, (NO_ADDRESS_HERE,))
    boot = decision.boot
    own = plan.wire(boot)
    of_target = {item.code for item in boot.options} if boot else set()
    sent = custom_options(site, decision, client.family) | own
    if not plan.hooked:
        sent = {code: data for code, data in sent.items() if code not in plan.flexed}
    always = {*own, *of_target, *plan.flexed}
    wire = Wire(options=asked(sent, client, always))
    if client.family == 4 and boot is not None and boot.fields:
        wire = Wire(boot.next_server or NO_ADDRESS, b"", boot.file.encode(), wire.options)
    return Prediction(decision, wire, tuple(_why(plan, wire)))


def _why(plan: Plan, wire: Wire) -> Iterator[str]:
    if 67 in wire.options:
        yield (
            "the flex_option hook ends option 67 with its NUL"
            if wire.options[67].endswith(b"\0")
            else "Kea takes a NUL off the end of option 67"
        )
    if plan.late:
        yield "classes are evaluated when the subnet and the reservation are known"


def serve(rendered: Rendered, folder: Path, options: Options) -> Serving:
    """Write the configuration for the laboratory, and return Kea in the foreground.

    Two things differ from what was rendered: leases are kept in memory, and the first IPv6 network
    is that of srv0.
    """
    family = options.family
    whole = plain(rendered.files[0].content)
    server = whole[f"Dhcp{family}"]
    server["lease-database"] = {"type": "memfile", "persist": False}
    if family == 6:
        server["server-id"] = {"type": "LL", "persist": False}
        _attach(server)
    config = folder / f"kea-dhcp{family}.conf"
    write_atomic(config, compact(whole))
    program = find(f"kea-dhcp{family}") or f"kea-dhcp{family}"
    places = (f"KEA_PIDFILE_DIR={folder}", f"KEA_LOCKFILE_DIR={folder}")
    return Serving(("env", *places, program, "-c", str(config)))


def _attach(server: dict[str, Any]) -> None:
    """Let the first network be that of srv0: a client without relay is known by the interface."""
    key = next((item for item in server if item in {"shared-networks", "subnet6"}), "")
    first = server[key][0] if key else {}
    for subnet in first.get("subnet6", [first]):
        subnet["interface"] = "srv0"


def bootfile(file: str, next_server: str) -> Advice:
    """Return the configuration for one boot file. Raises UsageError for one that Kea can't send."""
    raw = _checked(file)
    pairs: list[tuple[str, Node]] = []
    if next_server:
        pairs.append(("next-server", compact(next_server)))
    pairs.append(("boot-file-name", compact(file)))
    wire = [("file", in_words(raw)), ("option 67", in_words(raw + b"\0"))]
    why = ["in JSON a backslash is written twice",
           "Kea takes the NUL off the end of option 67, and its flex_option hook puts it there",
           "the hook sends option 67 to every client, asked for or not"]  # fmt: skip
    if next_server:
        entry = option_text(66, next_server.encode(), always=True)
        pairs.append(("option-data", listed([entry])))
        wire += [("siaddr", next_server), ("option 66", next_server)]
        why.append("siaddr comes from next-server alone: option 66 without it leaves 0.0.0.0")
    flexed = [{"code": 67, "supersede": octets(raw + b"\0")}]
    pairs.append(("hooks-libraries", hooks(HOOK_DEBIAN, flexed)))
    return Advice((("in the Dhcp4 object", members(pairs)),), tuple(wire), tuple(why))


def _checked(file: str) -> bytes:
    try:
        raw = plain_text(file).encode()
    except ValueError as error:
        raise UsageError(f"the boot file's name {error}") from error
    if not 0 < len(raw) <= _LONGEST:
        hint = f"the packet's field has room for {_LONGEST}, and a NUL"
        raise UsageError(f"the boot file's name has {len(raw)} octets", hint=hint)
    return raw
