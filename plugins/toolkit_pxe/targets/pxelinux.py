"""PXELINUX: menus, and a file for each host that boots an entry at once.

The syntax is that of https://wiki.syslinux.org/wiki/index.php?title=Config and of the parser,
com32/elflink/ldlinux/readconfig.c of Syslinux 6.04: a value is the rest of its line, there are no
quotes and no escapes, so what a line cannot hold is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from toolkit.errors import UsageError
from toolkit_pxe.site.boot import is_url
from toolkit_pxe.site.described import Menu
from toolkit_pxe.site.model import Arm, Site
from toolkit_pxe.targets._menu import (
    EVERY,
    ROOT,
    Chosen,
    Shown,
    below_root,
    chosen,
    chosen_limits,
    default_of,
    loaded_by,
    no_menu,
    paths_of,
    root_of,
    shown,
    too_long,
    windows_files,
)
from toolkit_pxe.targets.base import Check, Limit, Options, Rendered, RenderedFile, header

name = "pxelinux"
summary = "PXELINUX's menus and per-host files (pxelinux.cfg/)"
families: tuple[int, ...] = ()
_MENUS = ("menu.c32", "vesamenu.c32", "none")
settings: Mapping[str, str] = {
    "menu": f"what shows the menu: {', '.join(_MENUS)} (a prompt); default {_MENUS[0]}",
    **ROOT,
}
_BIOS = frozenset({0})
_LINE = 4095
"""Octets of a line, MAX_LINE less the NUL."""
_CONFIG_FILE, _PATH_PREFIX = 209, 210


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a PXELINUX looks for its configuration: RFC 5071, and the folder it came from.

    `base` begins a path from the server's root: "" where the loader is in the root itself.
    """

    prefix: str
    config: str
    base: str

    @property
    def folder(self) -> str:
        return urlsplit(self.prefix).path.lstrip("/") if is_url(self.prefix) else (
            self.prefix.replace("\\", "/").lstrip("/"))  # fmt: skip

    def path(self, text: str) -> str:
        return text if is_url(text) else self.base + below_root(text)


def _place(arm: Arm) -> _Place:
    boot = arm.boot
    if boot is None:
        return _Place("", "", "")
    sent = {option.code: option.data.decode() for option in boot.options}
    folder, slash, _ = boot.file.replace("\\", "/").rpartition("/")
    prefix = sent.get(_PATH_PREFIX, folder + slash)
    if is_url(prefix):
        parts = urlsplit(prefix)
        base = f"{parts.scheme}://{parts.netloc}/"
    else:
        # "::" is the TFTP server's root, whatever the prefix: core/fs/pxe/urlparse.c.
        base = "::" if prefix.strip("/") else ""
    return _Place(prefix, sent.get(_CONFIG_FILE, ""), base)


def _places(site: Site) -> dict[_Place, frozenset[int]]:
    """Return each place with the architectures that look there."""
    found: dict[_Place, list[Arm]] = {}
    for arm in loaded_by(site, "pxelinux"):
        found.setdefault(_place(arm), []).append(arm)
    return {place: frozenset().union(*map(_archs, arms)) for place, arms in found.items()} or {
        _Place("", "", ""): _BIOS
    }


def _archs(arm: Arm) -> frozenset[int]:
    """Return the architectures of a branch; a loader for all of them tells by its name."""
    if arm.match.archs:
        return frozenset(arm.match.archs)
    runs_under_uefi = arm.boot is not None and arm.boot.file.lower().endswith(".efi")
    return EVERY - _BIOS if runs_under_uefi else _BIOS


def _limits_of(item: Shown) -> Iterator[Limit]:
    """Yield what a line of PXELINUX's cannot hold of an entry."""
    entry = item.entry
    disks = ",".join(f"::{below_root(path)}" for path in entry.initrd)
    long = too_long(item, f"BOOT_IMAGE=::{below_root(entry.kernel)} initrd={disks}  ")
    if long:
        yield long
    for path in paths_of(entry):
        if any(character in path for character in " ,") or (entry.kind == "windows"
                                                            and "@" in path):  # fmt: skip
            yield item.limit(f"PXELINUX would end the name {path!r} at its space or comma",
                             "rename the file")  # fmt: skip
    if entry.kind in {"chain", "windows"} and item.archs - _BIOS:
        what = "another network loader" if entry.kind == "chain" else "wimboot"
        yield item.limit(f"PXELINUX can load {what} under BIOS only",
                         "give the entry `arch: bios`")  # fmt: skip
    if "^" in item.title:
        yield item.limit("a ^ in a title marks a key for PXELINUX and is not shown")
    if entry.append.strip() == "-":
        yield item.limit('append "-" means nothing at all to PXELINUX')
    if "initrd=" in entry.append:
        yield item.limit("PXELINUX would take the text behind initrd= in append as its RAM disks",
                         "name them in `initrd`")  # fmt: skip
    if any(len(line.encode()) > _LINE for line in _lines(item, _Place("", "", "::"))):
        yield item.limit(f"makes a line of over {_LINE} octets")


def _lines(item: Shown, place: _Place) -> Iterator[str]:
    """Yield what an entry does, below its LABEL."""
    entry = item.entry
    if entry.kind == "local":
        yield "LOCALBOOT 0"
    elif entry.kind == "chain":
        yield f"PXE {place.path(entry.file)}"
    elif entry.kind == "windows":
        files = ",".join(
            f"{place.path(path)}@{known}" for known, path in windows_files(entry).items()
        )
        yield "COM32 linux.c32"
        yield f"APPEND {place.path(entry.wimboot)} initrdfile={files}"
    else:
        yield f"LINUX {place.path(entry.kernel)}"
        if entry.initrd:
            yield f"INITRD {','.join(map(place.path, entry.initrd))}"
        # without a line of its own it would have the global one
        yield f"APPEND {entry.append.strip() or '-'}"


def _label(item: Shown, place: _Place, *, default: bool, menu: bool) -> Iterator[str]:
    yield f"LABEL {item.name}"
    if menu:
        yield f"  MENU LABEL {item.title}"
    if menu and default:
        yield "  MENU DEFAULT"
    yield from (f"  {line}" for line in _lines(item, place))


def _menu(menu: Menu, entries: list[Shown], place: _Place, module: str) -> Iterator[str]:
    """Yield the configuration of clients without a file of their own."""
    default = default_of(menu, entries)
    if module == "none":
        yield "PROMPT 1"
        yield from (f"SAY {item.name}: {item.title}" for item in entries)
    else:
        yield f"UI {module}"
        yield f"MENU TITLE {menu.title}"
        yield "PROMPT 0"
    yield f"DEFAULT {default}"
    if menu.timeout:
        # tenths of a second; ONTIMEOUT: not the line that a key has moved to
        yield f"TIMEOUT {menu.timeout * 10}"
        yield f"ONTIMEOUT {default}"
    for item in entries:
        yield ""
        yield from _label(item, place, default=item.name == default, menu=module != "none")


def _host(host: Chosen, item: Shown, place: _Place) -> Iterator[str]:
    yield f"# host {host.name}"
    yield "PROMPT 0"
    yield f"DEFAULT {item.name}"
    yield from _label(item, place, default=True, menu=False)


def host_file(mac: str) -> str:
    """Return the name that PXELINUX asks for first: the hardware type, 1, and the address."""
    return f"01-{mac.replace(':', '-')}"


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes the files of one place."""

    site: Site
    menu: Menu
    place: _Place
    entries: list[Shown]
    head: str
    root: str

    def files(self, module: str) -> Iterator[RenderedFile]:
        place = self.place
        main = place.config or "pxelinux.cfg/default"
        yield self._file(main, _menu(self.menu, self.entries, place, module))
        if place.config:
            return
        known = {item.name: item for item in self.entries}
        for host in chosen(self.site, self.menu):
            if host.entry in known:
                name = f"pxelinux.cfg/{host_file(host.mac)}"
                yield self._file(name, _host(host, known[host.entry], place))

    def _file(self, name: str, lines: Iterator[str]) -> RenderedFile:
        path = below_root(name) if name.startswith("/") else self.place.folder + name
        text = self.head + "\n".join(lines) + "\n"
        return RenderedFile(path, text, f"{self.root}/{path}")


def _place_limits(
    site: Site, menu: Menu, place: _Place, archs: frozenset[int], module: str
) -> Iterator[Limit]:
    if module != "none" and archs & _BIOS and archs - _BIOS:
        origin = next(iter(loaded_by(site, "pxelinux"))).origin
        message = f"PXELINUX for BIOS and for UEFI look for their own {module} in one folder"
        hint = "give each loader a folder: bios/pxelinux.0, efi64/syslinux.efi"
        yield Limit(message, origin, hint)
    if place.config and menu.by_group:
        origin = next(iter(loaded_by(site, "pxelinux"))).origin
        message = f"option 209 sends every client to {place.config}, so no host has its own file"
        yield Limit(message, origin, "leave the target's `config` out")
    if is_url(place.config):
        origin = next(iter(loaded_by(site, "pxelinux"))).origin
        yield Limit(f"{place.config} is a URL, not a file in the server's root", origin)


def render(site: Site, options: Options) -> Rendered:
    """Return pxelinux.cfg/default and hosts' files, in each folder that a PXELINUX is loaded from.

    Raises UsageError for a menu module that is none.
    """
    module = options.settings.get("menu", _MENUS[0])
    if module not in _MENUS:
        raise UsageError(f'"{module}" shows no menu', hint=f"known are: {', '.join(_MENUS)}")
    menu = site.menu
    if menu is None:
        return no_menu(site)
    files: dict[str, RenderedFile] = {}
    limits: dict[Limit, None] = {}
    for place, archs in _places(site).items():
        seen = shown(site, menu, archs)
        found = {item.name: [*_limits_of(item)] for item in seen}
        wrong = [limit for several in found.values() for limit in several]
        wrong += [
            *_place_limits(site, menu, place, archs, module),
            *chosen_limits(site, menu, seen),
        ]
        limits |= dict.fromkeys(wrong)
        kept = [item for item in seen if not found[item.name]]
        head = header(site, name, limits=wrong)
        writer = _Writer(site, menu, place, kept, head, root_of(options))
        if not is_url(place.config):
            files |= {item.name: item for item in writer.files(module)}
    return Rendered(tuple(files.values()), tuple(limits), notes=tuple(_notes(module)))


def _notes(module: str) -> Iterator[str]:
    modules = "ldlinux.c32" if module == "none" else f"ldlinux.c32, {module}, libutil.c32"
    yield f"beside the loader must be: {modules} (vesamenu.c32: libcom32.c32, too)"
    yield "under UEFI (syslinux.efi) those of efi64, and ldlinux.e64 instead of ldlinux.c32"
    yield "PXELINUX reads these files at each boot: there is nothing to reload"


def check(options: Options) -> Check | None:
    """Return None: PXELINUX has no checker; the tests boot it."""
    del options
    return None
