"""iPXE: the script that a site's iPXE targets name, a script for each host, one to build in.

Commands are those of https://ipxe.org/cmd. A line is split at white space, then `${…}` is expanded
in each word (src/core/exec.c): there are no quotes, so what would split or end a word is written
as a setting. Paths are relative to the script, so that they hold for TFTP and HTTP alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote, urlsplit

from toolkit_pxe.site.boot import is_url
from toolkit_pxe.site.described import Menu
from toolkit_pxe.site.model import Arm, Servers, Site
from toolkit_pxe.targets._menu import (
    ROOT,
    Chosen,
    Shown,
    archs_of,
    below_root,
    chosen,
    chosen_limits,
    default_of,
    kernel_words,
    loaded_by,
    no_menu,
    origin_of,
    paths_of,
    root_of,
    shown,
    too_long,
    windows_files,
)
from toolkit_pxe.targets.base import Check, Limit, Options, Rendered, RenderedFile, header

name = "ipxe"
summary = "iPXE's scripts: the menu, one a host, and one to build into iPXE"
families: tuple[int, ...] = ()
settings: Mapping[str, str] = ROOT
_DEFAULT = "boot.ipxe"
EMBED = "embed.ipxe"
PLATFORMS: Mapping[str, frozenset[int]] = {
    "pcbios": frozenset({0, 20}),
    "i386-efi": frozenset({6, 15}),
    "x86_64-efi": frozenset({7, 9, 16, 17}),
    "arm32-efi": frozenset({10, 18}),
    "arm64-efi": frozenset({11, 19}),
    "riscv32-efi": frozenset({25, 26}),
    "riscv64-efi": frozenset({27, 28}),
    "loong64-efi": frozenset({39, 40}),
}
"""${buildarch}-${platform} (under BIOS ${platform} alone) → architectures of the firmware."""
_ALL = frozenset().union(*PLATFORMS.values())
_SETTINGS: Mapping[str, str] = {" ": "sp", "#": "hash", "|": "bar", "&": "and", ";": "semi"}
"""Characters that are special in some place → the setting that stands for them."""


def word(text: str) -> str:
    """Return one word of iPXE's command line that stands for this text; it has no `${`."""
    made = text.replace(" ", "${sp:string}")
    if made.startswith("#") or made in {"||", "&&", ";"}:
        made = f"${{{_SETTINGS[made[0]]}:string}}{made[1:]}"
    return made


def sentence(text: str) -> str:
    """Return text as the last words of a command, each space kept."""
    words = [word(part) for part in text.split(" ")]
    return " ".join(words) if all(words) else word(text)


def _relative(path: str, depth: int) -> str:
    """Return a path from a script that is `depth` folders below the root, as a URI."""
    return path if is_url(path) else "../" * depth + quote(below_root(path), safe="/")


def _limits_of(item: Shown, loaders: frozenset[str]) -> Iterator[Limit]:
    """Yield what iPXE cannot do of an entry; `loaders` are the site's own iPXE files."""
    entry = item.entry
    long = too_long(item, " initrd=ramdisk0" * len(entry.initrd))
    if long:
        yield long
    if "${" in item.title + entry.append:
        yield item.limit("iPXE would expand the ${ of its title or append, and has no escape")
    urls = [path for path in paths_of(entry) if is_url(path)]
    if any(character in url for url in urls for character in " #"):
        yield item.limit("a URL has a space or # in it", "write %20 or %23")
    if entry.kind == "chain" and below_root(entry.file) in loaders:
        message = f"iPXE would load {entry.file}, which gets this script again, for ever"
        yield item.limit(message, "name another loader")


def _commands(item: Shown, depth: int) -> Iterator[str]:
    """Yield what an entry does; each step that fails goes to `failed`."""
    entry = item.entry
    if entry.kind == "local":
        # exit 1: UEFI goes on with its next boot option only after a failure
        yield "iseq ${platform} pcbios && sanboot --no-describe --drive 0x80 ||"
        yield "exit 1"
        return
    if entry.kind == "chain":
        yield f"chain --autofree {_relative(entry.file, depth)} || goto failed"
        return
    yield "imgfree"
    if entry.kind == "windows":
        yield f"kernel {_relative(entry.wimboot, depth)} || goto failed"
        for known, path in windows_files(entry).items():
            yield f"initrd --name {known} {_relative(path, depth)} {known} || goto failed"
    else:
        # UEFI's kernels take the RAM disks that their command line names
        named = [f"initrd=ramdisk{at}" for at in range(len(entry.initrd))]
        parts = ["kernel", _relative(entry.kernel, depth), *named]
        parts += map(word, kernel_words(entry.append))
        yield f"{' '.join(parts)} || goto failed"
        for at, path in enumerate(entry.initrd):
            yield f"initrd --name ramdisk{at} {_relative(path, depth)} || goto failed"
    yield "boot || goto failed"


def _only_on(item: Shown) -> list[str]:
    """Return the tests of which one holds where the entry is for; none: it is for all."""
    if not item.entry.arch:
        return []
    keys = [key for key, archs in PLATFORMS.items() if archs & item.archs]
    return [f"iseq {'${platform}' if key == 'pcbios' else '${buildarch}-${platform}'} {key}"
            for key in keys]  # fmt: skip


def _escapes(lines: list[str]) -> list[str]:
    """Return the settings that these lines use."""
    text = "\n".join(lines)
    return [f"set {key}:hex {ord(character):02x}" for character, key in _SETTINGS.items()
            if f"${{{key}:string}}" in text]  # fmt: skip


def _item(item: Shown) -> str:
    command = f"item {item.name} {sentence(item.title)}"
    tests = _only_on(item)
    return f"{' || '.join(tests)} && {command} ||" if tests else command


def _menu(menu: Menu, entries: list[Shown], depth: int, hosts: bool) -> Iterator[str]:  # noqa: FBT001
    if hosts:
        folder = "../" * depth + "hosts/"
        yield f"chain --autofree {folder}${{mac:hexhyp}}.ipxe ||"
    yield ":menu"
    title = sentence(menu.title)
    yield f"menu {'-- ' if title.startswith('-') else ''}{title}"
    yield from map(_item, entries)
    wait = f" --timeout {menu.timeout * 1000}" if menu.timeout else ""
    yield f"choose --default {default_of(menu, entries)}{wait} chosen || goto leave"
    yield "goto boot-${chosen}"
    for item in entries:
        yield ""
        yield f":boot-{item.name}"
        yield from _commands(item, depth)
    yield ""
    yield ":failed"
    yield "echo It failed: ${chosen}"
    # never a loop without a pause: a server that is down would be asked for ever
    yield "prompt --timeout 10000 Press any key for the menu ||"
    yield "goto menu"
    yield ":leave"
    yield "exit 1"


def _host(host: Chosen, item: Shown) -> Iterator[str]:
    yield f"# host {host.name}"
    tests = _only_on(item)
    if tests:
        yield f"{' || '.join(tests)} || goto failed"
    yield from _commands(item, 1)
    yield ":failed"
    yield "exit 1"


def script(head: str, lines: Iterator[str]) -> str:
    """Return a whole script; its first line tells iPXE what it is."""
    listed = [*lines]
    return "#!ipxe\n" + head + "\n".join([*_escapes(listed), *listed]) + "\n"


@dataclass(frozen=True, slots=True)
class _Script:
    """A script that iPXE is sent to: `path` below the root, and `url` where it is one."""

    path: str
    url: str

    @property
    def depth(self) -> int:
        return self.path.count("/")


def _script(arm: Arm, servers: Servers) -> _Script | None:
    text = arm.boot.file if arm.boot else ""
    if not is_url(text):
        return _Script(below_root(text), "")
    if servers.http and text.startswith(servers.http):
        return _Script(text.removeprefix(servers.http), text)
    return _Script(urlsplit(text).path.lstrip("/"), text)


def _scripts(site: Site) -> dict[str, _Script]:
    """Return the scripts that clients which run iPXE are sent to, by path."""
    found: dict[str, _Script] = {}
    for variant in site.variants:
        for arm in variant.arms4:
            if arm.boot and arm.boot.kind == "ipxe" and arm.match.user_class == "iPXE":
                made = _script(arm, variant.servers)
                if made is not None:
                    found.setdefault(made.path, made)
    return found or {_DEFAULT: _Script(_DEFAULT, "")}


def _loaders(site: Site) -> frozenset[str]:
    """Return the files that are iPXE itself."""
    return frozenset(
        below_root(arm.boot.file)
        for arm in loaded_by(site, "ipxe")
        if arm.boot and arm.match.user_class != "iPXE"
    )


def _unwritable(site: Site, found: Mapping[str, _Script]) -> Iterator[Limit]:
    for made in found.values():
        if "${" in made.path or not made.path or "?" in made.url:
            message = f"the script {made.url or made.path} is no file with one name"
            yield Limit(message, next(iter(loaded_by(site, "ipxe"))).origin, "name a plain file")


def _embedded(made: _Script) -> Iterator[str]:
    """Yield what is built into an iPXE: it never asks DHCP what to boot, so nothing can loop."""
    yield ":retry"
    yield "dhcp || goto wait"
    target = made.url or f"tftp://${{next-server}}/{quote(made.path, safe='/')}"
    yield f"chain --autofree {target} ||"
    yield ":wait"
    yield "prompt --timeout 10000 Press any key to try again ||"
    yield "goto retry"


def _title_limits(site: Site, menu: Menu) -> Iterator[Limit]:
    if "${" in menu.title:
        message = "iPXE would expand the ${ of the menu's title, and has no escape"
        yield Limit(message, origin_of(site, "menu"))


def _menus(
    site: Site, menu: Menu, limits: Sequence[Limit], kept: Mapping[str, Shown]
) -> dict[str, str]:
    """Return the scripts by path: the menu under each name, one for each chosen host."""
    head = header(site, name, limits=limits)
    hosts = [host for host in chosen(site, menu) if host.entry in kept]
    texts = {
        made.path: script(head, _menu(menu, [*kept.values()], made.depth, bool(hosts)))
        for made in _scripts(site).values()
    }
    for host in hosts:
        path = f"hosts/{host.mac.replace(':', '-')}.ipxe"
        texts[path] = script(head, _host(host, kept[host.entry]))
    return texts | {EMBED: script(head, _embedded(next(iter(_scripts(site).values()))))}


def render(site: Site, options: Options) -> Rendered:
    """Return each script that the site's iPXE targets name, hosts/MAC.ipxe, and one to build in."""
    menu = site.menu
    if menu is None:
        return no_menu(site)
    loaders = _loaders(site)
    seen = shown(site, menu, archs_of(loaded_by(site, "ipxe"), _ALL) & _ALL)
    found = {item.name: [*_limits_of(item, loaders)] for item in seen}
    unwritable, titles = [*_unwritable(site, _scripts(site))], [*_title_limits(site, menu)]
    limits = [*(limit for several in found.values() for limit in several), *unwritable, *titles]
    limits += chosen_limits(site, menu, seen)
    if titles:
        menu = replace(menu, title=Menu().title)
    kept = {item.name: item for item in seen if not found[item.name]}
    texts = {} if unwritable else _menus(site, menu, limits, kept)
    root = root_of(options)
    files = tuple(RenderedFile(path, text, f"{root}/{path}") for path, text in texts.items())
    notes = (f"an iPXE of your own that never asks twice: make bin/undionly.kpxe EMBED={EMBED}",)
    return Rendered(files, tuple(limits), notes=notes)


def check(options: Options) -> Check | None:
    """Return None: iPXE has no checker; the tests boot it."""
    del options
    return None
