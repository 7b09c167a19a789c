"""The matrix: every decision that clients can tell apart, on every server, by real offers.

A small site for each kind of target; clients of each class of architecture that ask for options 66
and 67 or don't, with iPXE running or not; and once, for each server, every architecture there is.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from toolkit.errors import ToolkitError
from toolkit_pxe.decide.client import ASKS4, ASKS6, Client, firmware
from toolkit_pxe.decide.wire import Wire
from toolkit_pxe.lab.lab import Lab
from toolkit_pxe.lab.prove import prove
from toolkit_pxe.programs import find
from toolkit_pxe.site.archs import ARCHITECTURES
from toolkit_pxe.site.model import Site
from toolkit_pxe.site.resolve import load_site
from toolkit_pxe.targets.base import Options, Target
from toolkit_pxe.targets.base import in_words as octets_in_words

PROVEN, DIFFERS, REFUSED, NOT_APPLICABLE, UNPROVEN = (
    "proven", "differs", "refused", "not applicable", "could not run",
)  # fmt: skip
MAC = "52:54:00:12:34:56"
CLASSES: Mapping[str, int] = {
    "x86-bios": 0, "x86-uefi": 6, "x64-uefi": 7, "ebc": 9, "arm32-uefi": 10, "arm64-uefi": 11,
    "power-opal": 14, "x64-uefi-http": 16, "arm64-uefi-http": 19, "x86-bios-http": 20,
    "arm64-uboot": 22, "riscv64-uefi": 27, "s390-extended": 32, "loongarch64-uefi": 39,
}  # fmt: skip
"""Name → architecture: one of each class that firmware and boot files tell apart."""

WAYS: Mapping[int, Sequence[tuple[int, ...]]] = {4: [(), (77, 175)], 6: [(), (15,)]}
"""Options by which iPXE says what it is, by family; firmware has none of them."""
APART: Mapping[int, Sequence[tuple[int, ...]]] = {4: [(77,), (175,)], 6: []}
"""The same one by one, where they are the loop guard: iPXE's user class can be set to another."""

TARGETS: Mapping[str, str] = {
    "none": "",
    "wds": r"kind: wds, files: {bios: 'boot\x64\wdsnbp.com', x64: 'boot\x64\wdsmgfw.efi'}",
    "pxelinux": "kind: pxelinux, files: {bios: pxelinux.0}, config: a.cfg, prefix: /tftp/",
    "grub": "kind: grub, files: {x64: grubx64.efi, arm64-uefi: 'efi/grub,aa64.efi'}",
    "shim": "kind: shim, files: {x64: efi/shimx64.efi}",
    "ipxe": "kind: ipxe, files: {bios: undionly.kpxe, uefi: ipxe.efi},"
    " script: 'http://10.77.0.9/boot.ipxe'",
    "http": "kind: http, urls: {x64-uefi-http: shimx64.efi, arm64-uefi-http: shimaa64.efi}",
    "file": "kind: file, file: firmware.bin",
    "fields": "kind: file, file: firmware.bin, via: fields",
    "options": "kind: file, file: firmware.bin, via: options",
}
"""Name → a target of the site file ("": none)."""

_SITE = """\
name: matrix
boot_servers: {{tftp: 10.77.0.9, tftp6: '2001:db8:77::9', http: 'http://10.77.0.9/boot',
                http6: 'http://[2001:db8:77::9]/boot'}}
subnets:
- {{subnet: 10.77.0.0/24}}
- {{subnet: '2001:db8:77::/64'}}
targets: {{{target}}}
profiles: {{standard: {{default: {name}}}}}
reservations:
- {{name: client, mac: '{mac}', duid: '00:03:00:01:{mac}', address: 10.77.0.10,
    address6: '2001:db8:77::10'}}
"""


@dataclass(frozen=True, slots=True)
class Result:
    """One cell: a server, a target, a client, and what became of it."""

    server: str
    family: int
    target: str
    arch: str
    ipxe: tuple[int, ...]
    """The options by which it says that it is iPXE: user class, features; () is firmware."""
    asks: bool
    state: str
    reason: str = ""
    offered: str = ""
    """The boot part of the offer, in words."""


@dataclass(frozen=True, slots=True)
class _Case:
    """A client of the matrix, and how it is called."""

    arch: str
    ipxe: tuple[int, ...]
    asks: bool
    client: Client


def cases(family: int, archs: Mapping[str, int], ways: Sequence[tuple[int, ...]]) -> list[_Case]:
    """Return the clients for these architectures; with `ways`, asking or not and iPXE or not."""
    usual = ASKS4 if family == 4 else ASKS6
    without = frozenset({1, 3, 6}) if family == 4 else frozenset({23})
    kinds = [(ipxe, asks) for ipxe in ways for asks in (True, False)] or [((), True)]
    return [
        _Case(name, ipxe, asks, replace(_client(number, family, ipxe),
                                        asks=usual if asks else without))
        for name, number in archs.items()
        for ipxe, asks in kinds
    ]  # fmt: skip


def _client(arch: int, family: int, ipxe: tuple[int, ...]) -> Client:
    """Return a client that says by these options that it is iPXE."""
    made = firmware(arch, mac=MAC, ipxe=bool(ipxe), family=family)
    user = made.user_class if {77, 15} & {*ipxe} else "other" if ipxe else ""
    return replace(made, user_class=user, ipxe=made.ipxe if 175 in ipxe else b"")


def in_words(wire: Wire | None, family: int) -> str:
    """Return an offer's boot part as `siaddr 10.0.0.9, file …, 67 …`."""
    if wire is None:
        return "no answer"
    fields = {"siaddr": wire.siaddr.encode(), "sname": wire.sname, "file": wire.file}
    parts = [f"{name} {octets_in_words(data)}" for name, data in fields.items()
             if data and family == 4]  # fmt: skip
    parts += [f"{code} {octets_in_words(wire.options[code])}" for code in sorted(wire.options)]
    return ", ".join(parts) or "nothing"


def site_for(name: str, folder: Path) -> Site:
    """Return the site of one target of the matrix, written to a file in `folder`."""
    target = f"{name}: {{{TARGETS[name]}}}" if TARGETS[name] else ""
    label = name if target else "none"
    path = folder / f"{name}.yaml"
    path.write_text(_SITE.format(target=target, name=label, mac=MAC), "utf-8")
    return load_site(path)


def matrix(
    lab: Lab, servers: Sequence[Target], targets: Sequence[str] = (*TARGETS,)
) -> Iterator[Result]:
    """Yield every cell for these servers and targets of the matrix."""
    with tempfile.TemporaryDirectory(prefix="toolkit-pxe-") as name:
        folder = Path(name)
        sites = {target: site_for(target, folder) for target in targets}
        for server in servers:
            for family in (4, 6):
                reason = _absent(server, Options(family))
                for target, site in sites.items():
                    part = _Part(server, Options(family), target, site)
                    yield from part.all(*reason) if reason else part.prove(lab)


def _absent(server: Target, options: Options) -> tuple[str, str] | None:
    """Return (state, reason) for a server that cannot be asked here."""
    if options.family not in server.families:
        return NOT_APPLICABLE, f"{server.name} has no IPv{options.family}"
    checker = server.check(options)
    if checker and find(checker.program) is None:
        return UNPROVEN, f"{checker.program} is not installed (apt-get install {checker.package})"
    return None


@dataclass(frozen=True, slots=True)
class _Part:
    """The cells of one server, family and target."""

    server: Target
    options: Options
    target: str
    site: Site

    def cases(self) -> list[_Case]:
        family = self.options.family
        ways = [*WAYS[family], *(APART[family] if self.target == "ipxe" else ())]
        chosen = cases(family, CLASSES, ways)
        if self.target == "file":  # its one file is for all: here each number is seen once
            rest = {name: number for name, number in ARCHITECTURES.items() if name not in CLASSES}
            chosen += cases(family, rest, ())
        return chosen

    def all(self, state: str, reason: str, skip: int = 0) -> Iterator[Result]:
        """Yield one state for all cells, but for the first ones."""
        for case in self.cases()[skip:]:
            yield self._result(case, state, reason)

    def prove(self, lab: Lab) -> Iterator[Result]:
        limits = self.server.render(self.site, self.options).limits
        if limits:
            yield from self.all(REFUSED, limits[0].message)
            return
        chosen, done = self.cases(), 0
        clients = [case.client for case in chosen]
        try:
            for cell in prove(lab, self.server, self.site, clients, self.options):
                told = f"predicted {cell.prediction.wire}, offered {cell.offered}"
                state, reason = (PROVEN, "") if cell.proven else (DIFFERS, told)
                offered = in_words(cell.offered, self.options.family)
                yield replace(self._result(chosen[done], state, reason), offered=offered)
                done += 1
        except ToolkitError as error:
            yield from self.all(UNPROVEN, error.message, done)

    def _result(self, case: _Case, state: str, reason: str) -> Result:
        return Result(
            self.server.name, self.options.family, self.target, case.arch, case.ipxe, case.asks,
            state, reason,
        )  # fmt: skip
