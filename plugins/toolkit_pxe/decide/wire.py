"""What a server puts on the wire for boot: the fields and options that predictions are about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from toolkit_pxe.decide.client import Client
from toolkit_pxe.decide.decision import Decision
from toolkit_pxe.site.model import Boot, Option, Site

BOOT4 = frozenset({43, 60, 66, 67, 175, 209, 210})
BOOT6 = frozenset({16, 59, 60})
"""Options that are always compared; custom ones of the site besides."""
NO_ADDRESS = "0.0.0.0"  # noqa: S104  the field's value for "none", nothing is bound to it
INTEL = (343).to_bytes(4, "big")
"""UEFI's enterprise number in DHCPv6's vendor class (UEFI 2.10, 24.7.3)."""


@dataclass(frozen=True, slots=True)
class Wire:
    """The boot part of an OFFER or ADVERTISE.

    `options` by number, whole and with a NUL where the server sends one. `file` and `sname` are
    without their padding; both and `siaddr` are DHCPv4's.
    """

    siaddr: str = NO_ADDRESS
    sname: bytes = b""
    file: bytes = b""
    options: Mapping[int, bytes] = field(default_factory=dict)


def compared(site: Site, family: int) -> frozenset[int]:
    """Return the numbers of the options that a prediction for this site speaks of."""
    found = BOOT4 if family == 4 else BOOT6
    variants = [arm.boot for item in site.variants for arm in item.arms(family) if arm.boot]
    custom = [option for boot in variants for option in boot.options]
    custom += [option for subnet in site.of_family(family) for option in subnet.options]
    custom += [option for option in site.options if option.family == family]
    return found | {option.code for option in custom}


def custom_options(site: Site, decision: Decision, family: int) -> dict[int, bytes]:
    """Return the custom options of a decision: the site's, the subnet's, the target's."""
    layers: list[Iterable[Option]] = [site.options]
    layers.append(decision.subnet.options if decision.subnet else ())
    layers.append(decision.boot.options if decision.boot else ())
    return {item.code: item.data for layer in layers for item in layer if item.family == family}


def boot_options4(boot: Boot, *, terminator: bytes = b"\0") -> dict[int, bytes]:
    """Return options 60, 66 and 67 as they should be; `terminator` ends the boot file's name."""
    found: dict[int, bytes] = {}
    if boot.http:
        found[60] = b"HTTPClient"
    if boot.as_options and boot.next_server:
        found[66] = boot.next_server.encode()
    if boot.as_options:
        found[67] = boot.file.encode() + (b"" if boot.http else terminator)
    return found


def boot_options6(boot: Boot) -> dict[int, bytes]:
    """Return DHCPv6's options: the URL, and HTTPClient said back."""
    found = {59: boot.url.encode()}
    if boot.http:
        text = b"HTTPClient"
        found[16] = INTEL + len(text).to_bytes(2, "big") + text
    return found


def asked(
    options: Mapping[int, bytes], client: Client, always: Iterable[int] = ()
) -> dict[int, bytes]:
    """Return the options that a client asks for, and those sent `always`."""
    if client.asks is None:
        return dict(options)
    return {code: data for code, data in options.items() if code in client.asks or code in always}
