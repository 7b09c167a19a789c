"""Checks of the menu, of the zones, and of branches that lack their server."""

from __future__ import annotations

from collections.abc import Sequence

from toolkit.documents.problems import Path
from toolkit_pxe.site.archs import architectures
from toolkit_pxe.site.boot import words
from toolkit_pxe.site.check_boot import FIELD, arch_hint, boot_file
from toolkit_pxe.site.custom import plain_text
from toolkit_pxe.site.described import Menu, MenuEntry, SiteFile
from toolkit_pxe.site.faults import Faults
from toolkit_pxe.site.model import Boot, Subnet, Variant
from toolkit_pxe.site.values import host_name, mail_address, word

_NEEDED = {"linux": ("kernel",), "windows": ("file", "wimboot"), "chain": ("file",), "local": ()}


def check_menu(head: SiteFile, faults: Faults) -> None:
    """Note what is wrong with the menu."""
    menu = head.menu
    if menu is None:
        return
    names = tuple(entry.name for entry in menu.entries)
    if not names:
        faults.add(("menu", "entries"), "a menu needs an entry", "add one, or leave the menu out")
    faults.parsed(plain_text, menu.title, ("menu", "title"))
    for at, entry in enumerate(menu.entries):
        path: Path = ("menu", "entries", at)
        faults.parsed(word, entry.name, (*path, "name"))
        if entry.name in names[:at]:
            message = f'there is an entry "{entry.name}" already'
            faults.add((*path, "name"), message, "rename one of them")
        _check_entry(entry, faults, path)
    _check_chosen(menu, names, head.groups, faults)


def _check_entry(entry: MenuEntry, faults: Faults, path: Path) -> None:
    for key in _NEEDED[entry.kind]:
        if not getattr(entry, key):
            message = f"an entry of kind {entry.kind} needs `{key}`"
            faults.add(path, message, f"add `{key}`", [(*path, key)])
    for key in ("title", "append"):
        faults.parsed(plain_text, getattr(entry, key), (*path, key))
    for key in ("kernel", "file", "wimboot"):
        faults.parsed(boot_file, getattr(entry, key), (*path, key))
    for at, text in enumerate(entry.initrd):
        faults.parsed(boot_file, text, (*path, "initrd", at))
    for at, name in enumerate(words(entry.arch)):
        place: Path = (*path, "arch") if isinstance(entry.arch, str) else (*path, "arch", at)
        faults.parsed(architectures, name, place, arch_hint(name))


def _check_chosen(
    menu: Menu, names: tuple[str, ...], groups: tuple[str, ...], faults: Faults
) -> None:
    if menu.default:
        faults.known(menu.default, names, ("menu", "default"), "menu entry")
    for group, name in menu.by_group.items():
        faults.known(group, groups, ("menu", "by_group", group), "group")
        faults.known(name, names, ("menu", "by_group", group), "menu entry")


def check_dns(head: SiteFile, faults: Faults) -> None:
    """Note what is wrong with the zones."""
    if head.dns is None:
        return
    if not head.dns.name_servers:
        hint = "name the host that serves the zones"
        faults.add(("dns", "name_servers"), "a zone needs a name server", hint)
    for at, name in enumerate(head.dns.name_servers):
        faults.parsed(host_name, name, ("dns", "name_servers", at))
    if not head.dhcp.domain:
        faults.add(("dns",), "zones need a domain", "set dhcp.domain", [("dhcp", "domain")])
    path = ("dns", "hostmaster")
    if faults.parsed(mail_address, head.dns.hostmaster, path) is None and not head.dns.hostmaster:
        hint = "write the mail address of somebody who reads it"
        faults.add(path, "zones need a hostmaster", hint)


def check_servers_of(
    variants: Sequence[Variant], subnets: Sequence[Subnet], head: SiteFile, faults: Faults
) -> None:
    """Note targets that an IPv4 client would be sent to without a server, or by a name too long."""
    used = {item.variant for item in subnets if item.network.family == 4}
    if head.dhcp.proxy:
        used.add(0)
    told: set[tuple[str, str]] = set()
    for at in sorted(used):
        for arm in variants[at].arms4:
            if arm.boot is not None:
                _check_boot(arm.boot, faults, told)


def _check_boot(boot: Boot, faults: Faults, told: set[tuple[str, str]]) -> None:
    path: Path = ("targets", boot.target)
    by_url = "://" in boot.file
    key = "http" if boot.kind == "http" else "tftp"
    known = not faults.wrong("boot_servers", key)
    if known and not boot.next_server and not by_url and (boot.target, "server") not in told:
        told.add((boot.target, "server"))
        message = f"has no server to be loaded from: neither boot_servers.{key} nor its own"
        faults.add(path, message, f"set boot_servers.{key}")
    size = len(boot.file.encode())
    if boot.kind == "http" and size > FIELD and boot.fields and (boot.target, "size") not in told:
        told.add((boot.target, "size"))
        message = f"the URL {boot.file} has {size} octets, and the packet's field has room for 127"
        faults.add(path, message, "shorten it, or send it by option 67 alone (via: options)")
