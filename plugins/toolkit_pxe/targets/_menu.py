"""What the boot loaders' menus have in common: who sees an entry, who boots at once, and what fits.

Paths in a site's menu are below the server's root, with `/`; an entry of no architecture is for
all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from toolkit_pxe.site.archs import ARCHITECTURES, arch_name, architectures
from toolkit_pxe.site.boot import is_url, words
from toolkit_pxe.site.described import Menu, MenuEntry
from toolkit_pxe.site.model import Arm, Origin, Reservation, Site
from toolkit_pxe.targets.base import Limit, Options, Rendered

EVERY = frozenset(ARCHITECTURES.values())
COMMAND_LINE = 2047
"""Octets of a kernel's command line: x86's COMMAND_LINE_SIZE less the NUL."""
WINDOWS = ("BCD", "boot.sdi", "boot.wim")
"""Files of a `windows` entry's folder; wimboot takes bootmgr out of boot.wim,
https://ipxe.org/wimboot."""
ROOT = {"root": "the boot server's root folder; default /srv/tftp"}


@dataclass(frozen=True, slots=True)
class Shown:
    """One entry that a loader shows: its number in the site file tells where it stands."""

    entry: MenuEntry
    archs: frozenset[int]
    origin: Origin

    @property
    def name(self) -> str:
        """The entry's name: a-z, 0-9, hyphens."""
        return self.entry.name

    @property
    def title(self) -> str:
        """What the menu shows."""
        return self.entry.title or self.entry.name

    def limit(self, message: str, hint: str = "") -> Limit:
        """Return a limit that names the entry."""
        return Limit(f'menu entry "{self.name}": {message}', self.origin, hint)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A host that boots an entry at once. `mac` is 52:54:00:12:34:56."""

    mac: str
    name: str
    entry: str


def origin_of(site: Site, path: str) -> Origin:
    """Return where a piece stands, or the site file where that isn't known."""
    return site.places.get(path, Origin(site.sources[0], 0))


def no_menu(site: Site) -> Rendered:
    """Return what a loader's target makes of a site without a menu: nothing, and it says so."""
    hint = "add `menu:` with its `entries:`"
    limit = Limit("the site describes no menu", origin_of(site, "menu"), hint, absent=True)
    return Rendered((), (limit,))


def loaded_by(site: Site, *kinds: str) -> Iterator[Arm]:
    """Yield the branches that boot a target of these kinds over IPv4."""
    for variant in site.variants:
        for arm in variant.arms4:
            if arm.boot is not None and arm.boot.kind in kinds:
                yield arm


def archs_of(arms: Iterator[Arm], other: frozenset[int] = EVERY) -> frozenset[int]:
    """Return the architectures of these branches; `other` where there is no branch at all."""
    found = [frozenset(arm.match.archs) or EVERY for arm in arms]
    return frozenset().union(*found) if found else other


def shown(site: Site, menu: Menu, archs: frozenset[int]) -> list[Shown]:
    """Return the entries that some client of these architectures sees."""
    made = []
    for at, entry in enumerate(menu.entries):
        own = frozenset(number for word in words(entry.arch) for number in architectures(word))
        seen = (own or EVERY) & archs
        if seen:
            made.append(Shown(entry, seen, origin_of(site, f"menu.entries.{at}")))
    return made


def default_of(menu: Menu, entries: list[Shown]) -> str:
    """Return the name of the entry that is chosen when the time is up, as far as it is shown."""
    names = [item.name for item in entries]
    return menu.default if menu.default in names else names[0] if names else ""


def chosen(site: Site, menu: Menu) -> list[Chosen]:
    """Return the hosts whose group boots an entry at once, as far as they have a MAC address."""
    table = menu.by_group
    return [
        Chosen(host.mac, host.name, table[host.group])
        for host in site.reservations
        if host.group in table and host.mac
    ]


def chosen_limits(site: Site, menu: Menu, entries: list[Shown]) -> Iterator[Limit]:
    """Yield what by_group asks for and no loader can do: hosts without a MAC, entries not shown."""
    names = {item.name for item in entries}
    for group, name in menu.by_group.items():
        if name not in names:
            message = f'group {group} boots "{name}", which this loader does not show'
            yield Limit(message, origin_of(site, "menu"), "give the entry this architecture")
    for host in site.reservations:
        if host.group in menu.by_group and not host.mac:
            yield _nameless(site, host)


def _nameless(site: Site, host: Reservation) -> Limit:
    message = f'host "{host.name}" has no MAC address, by which a loader finds its file'
    return Limit(message, site.origin(host), "add its mac")


def too_long(item: Shown, more: str = "") -> Limit | None:
    """Return a limit where the kernel would cut its command line; `more` is what a loader adds."""
    size = len((item.entry.append + more).encode())
    if size <= COMMAND_LINE:
        return None
    message = f"its command line has {size} octets, and a kernel reads {COMMAND_LINE} of them"
    return item.limit(message, "shorten append")


def kernel_words(append: str) -> list[str]:
    """Return the parameters of a kernel's command line, quotes and all.

    As the kernel does: spaces separate, except within double quotes, and there is no escape
    (lib/cmdline.c, next_arg).
    """
    found, word, quoted = list[str](), "", False
    for character in append:
        quoted ^= character == '"'
        if character == " " and not quoted:
            found, word = [*found, word] if word else found, ""
        else:
            word += character
    return [*found, word] if word else found


def windows_files(entry: MenuEntry) -> dict[str, str]:
    """Return the files that wimboot gets: the name it knows them by → path."""
    folder = entry.file if entry.file.endswith("/") else f"{entry.file}/"
    return {name: folder + name for name in WINDOWS}


def paths_of(entry: MenuEntry) -> list[str]:
    """Return every path that an entry names."""
    if entry.kind == "windows":
        return [entry.wimboot, *windows_files(entry).values()]
    return [path for path in (entry.kernel, *entry.initrd, entry.file) if path]


def below_root(path: str) -> str:
    """Return a path without its leading slashes; a URL as it is."""
    return path if is_url(path) else path.lstrip("/")


def in_words(archs: frozenset[int]) -> str:
    """Return architectures for people: "x86-bios, x64-uefi", or "every architecture"."""
    return "every architecture" if archs == EVERY else ", ".join(map(arch_name, sorted(archs)))


def root_of(options: Options) -> str:
    """Return the folder that files are installed in, without a slash at its end."""
    return options.settings.get("root", "/srv/tftp").rstrip("/")
