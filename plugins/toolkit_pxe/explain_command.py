"""`toolkit pxe explain`: what a client will be sent by each server, in words and bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from toolkit.errors import UsageError
from toolkit.output import Look, Record, View
from toolkit.terminal import Line
from toolkit.text import clean, did_you_mean
from toolkit_pxe.decide.client import ASKS4, ASKS6, FEATURES, Client
from toolkit_pxe.decide.wire import Wire
from toolkit_pxe.requests import parse_settings, predicting_targets
from toolkit_pxe.site.archs import ARCHITECTURES, HTTP, arch_name, architectures, vendor_class
from toolkit_pxe.site.model import IPXE, NOWHERE, Site
from toolkit_pxe.site.values import Network, address, identifier, mac, network, octets
from toolkit_pxe.targets.base import Options, Prediction, Target, in_words

V = TypeVar("V")
NAMES = {
    43: "vendor-specific", 60: "vendor class", 66: "TFTP server", 67: "boot file",
    175: "iPXE", 209: "pxelinux config", 210: "pxelinux prefix",
}  # fmt: skip
NO_NETWORK = Network(0, 0, 0, 0, "")
NAMES6 = {16: "vendor class", 59: "boot file URL", 60: "boot file parameters"}


@dataclass(frozen=True, slots=True)
class Asked:
    """The client as the command line describes it: text, "" for what isn't said."""

    mac: str = ""
    arch: str = ""
    vendor_class: str = ""
    user_class: str = ""
    client_id: str = ""
    circuit_id: str = ""
    duid: str = ""
    subnet: str = ""
    relay: str = ""
    http: bool = False
    ipxe: bool = False
    asks: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """One server's answer; `limits` are what it could not express of this site."""

    server: str
    client: Client
    prediction: Prediction
    limits: tuple[str, ...]


def client_of(site: Site, asked: Asked) -> Client:
    """Return the client. Raises UsageError naming the option that is wrong."""
    subnet, family = _place(site, asked)
    arch = _arch(asked)
    said = asked.vendor_class or (vendor_class(arch) if arch is not None else "")
    if asked.http and not asked.vendor_class:
        said = said or "HTTPClient"
    if (asked.ipxe or asked.user_class == IPXE) and not asked.vendor_class:
        said = said.replace("HTTPClient", "PXEClient")
    return Client(
        family=family,
        arch=arch,
        vendor_class=said,
        user_class=asked.user_class,
        ipxe=FEATURES if asked.ipxe or asked.user_class == IPXE else b"",
        mac=_value("--mac", mac, asked.mac, ""),
        client_id=_value("--client-id", identifier, asked.client_id, b""),
        circuit_id=_value("--circuit-id", identifier, asked.circuit_id, b""),
        duid=_value("--duid", octets, asked.duid, b""),
        subnet=subnet,
        asks=_asks(asked.asks, family),
    )


def _value(option: str, parse: Callable[[str], V], text: str, default: V) -> V:
    if not text:
        return default
    try:
        return parse(text)
    except ValueError as error:
        raise UsageError(f"{option}: {clean(str(error), limit=200)}") from error


def _arch(asked: Asked) -> int | None:
    if not asked.arch:
        return None
    try:
        (number, *more) = sorted(architectures(asked.arch))
    except ValueError as error:
        names = (*ARCHITECTURES,)
        hint = did_you_mean(asked.arch, names) or f"known are: {', '.join(names)}"
        raise UsageError(f"--arch: {clean(str(error), limit=200)}", hint=hint) from error
    if more:
        names = tuple(arch_name(item) for item in (number, *more))
        message = f'--arch: "{clean(asked.arch)}" names several'
        raise UsageError(message, hint=f"choose one of: {', '.join(names)}")
    over_http = ARCHITECTURES.get(f"{arch_name(number)}-http")
    return over_http if asked.http and number not in HTTP and over_http is not None else number


def _asks(text: str, family: int) -> frozenset[int]:
    if not text:
        return ASKS4 if family == 4 else ASKS6
    words = [word.strip() for word in text.split(",")]
    if not all(word.isascii() and word.isdigit() and int(word) < 65536 for word in words):
        raise UsageError(f'--asks "{clean(text, limit=60)}" is no list of numbers like 1,3,66,67')
    return frozenset(map(int, words))


def _place(site: Site, asked: Asked) -> tuple[int, int]:
    """Return (index of the subnet, family)."""
    families = {subnet.network.family for subnet in site.subnets}
    if asked.subnet and asked.relay:
        raise UsageError("--subnet and --relay say the same: give one of them")
    if asked.subnet:
        net = _value("--subnet", network, asked.subnet, NO_NETWORK)
        found = [item for item in site.subnets if item.network == net]
    elif asked.relay:
        family, number = _value("--relay", address, asked.relay, (4, 0))
        found = [
            item for item in site.subnets
            if item.network.family == family and item.network.first <= number <= item.network.last
        ]  # fmt: skip
    else:
        return NOWHERE, 6 if asked.duid or families == {6} else 4
    if not found:
        known = ", ".join(item.network.text for item in site.subnets)
        where = clean(asked.subnet or asked.relay, limit=60)
        raise UsageError(f"{where} is in no subnet of the site", hint=f"known are: {known}")
    return found[0].index, found[0].network.family


def explain_client(
    site: Site, asked: Asked, targets: Sequence[Target], settings: Sequence[str], *, named: bool
) -> list[Told]:
    """Return what each server of these targets will send; a `named` one must be a server."""
    client = client_of(site, asked)
    told = []
    for target in predicting_targets(targets, client.family, named=named):
        options = Options(client.family, settings=parse_settings(settings, target, targets))
        limits = target.render(site, options).limits
        prediction = target.predict(site, client, options)
        told.append(Told(target.name, client, prediction, tuple(map(str, limits))))
    return told


def _hex(options: Mapping[int, bytes]) -> dict[str, str]:
    return {str(code): options[code].hex() for code in sorted(options)}


def _record(told: Told) -> Record:
    decision, wire = told.prediction.decision, told.prediction.wire
    record: dict[str, object] = {
        "server": told.server,
        "family": told.client.family,
        "target": decision.boot.target if decision.boot else None,
        "why": decision.arm.why,
        "origin": str(decision.arm.origin),
        "host": decision.host.name if decision.host else None,
        "subnet": decision.subnet.network.text if decision.subnet else None,
        "answers": wire is not None,
    }
    if wire is not None and told.client.family == 4:
        record |= {"siaddr": wire.siaddr, "sname": wire.sname.hex(), "file": wire.file.hex()}
    record["options"] = _hex(wire.options) if wire is not None else {}
    return {**record, "notes": list(told.prediction.notes), "limits": list(told.limits)}


def _lines(results: Iterable[Told], _look: Look) -> Iterator[Line]:
    first = True
    for told in results:
        if first:
            yield from _head(told)
        first = False
        yield ()
        yield ((told.server, "title"),)
        wire = told.prediction.wire
        if wire is None:
            yield (("  sends nothing that this site describes", "warn"),)
        else:
            yield from _wire(wire, told.client.family)
        yield from (((f"  note: {clean(note)}", "dim"),) for note in told.prediction.notes)
        yield from (((f"  cannot: {clean(limit)}", "bad"),) for limit in told.limits)


def _head(told: Told) -> Iterator[Line]:
    decision = told.prediction.decision
    boots = f"boots {decision.boot.target}" if decision.boot else "boots nothing"
    yield (("Client ", ""), (boots, "good" if decision.boot else "warn"), (": ", ""),
           (clean(decision.arm.why), ""))  # fmt: skip
    if decision.arm.origin.source:
        yield ((f"  said in {clean(str(decision.arm.origin))}", "dim"),)
    if decision.host:
        yield ((f"  reservation {decision.host.name}", "dim"),)
    where = decision.subnet.network.text if decision.subnet else "not known; the site's own profile"
    yield ((f"  subnet {where}", "dim"),)


def _wire(wire: Wire, family: int) -> Iterator[Line]:
    if family == 4:
        yield (("  siaddr     ", ""), (wire.siaddr, "name"))
        yield (("  sname      ", ""), (in_words(wire.sname), "name"))
        yield (("  file       ", ""), (in_words(wire.file), "name"))
    names = NAMES if family == 4 else NAMES6
    for code in sorted(wire.options):
        label = f"option {code}"
        data = wire.options[code]
        known = f" ({names[code]})" if code in names else ""
        yield (
            (f"  {label:<10} ", ""),
            (in_words(data), "name"),
            (f"{known}  {data.hex(' ')}", "dim"),
        )


VIEW: View[Told] = View(
    schema="toolkit.pxe.explain/1",
    record=_record,
    lines=_lines,
    columns=("server", "family", "target", "why", "origin", "siaddr", "sname", "file"),
)
