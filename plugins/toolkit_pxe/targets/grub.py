"""GRUB 2: one menu for every platform, and a file for each host that boots an entry at once.

GRUB's shell is described at https://www.gnu.org/software/grub/manual/grub/grub.html#Shell_002dlike-scripting
and its network variables at #Network. Everything from the site stands in single quotes, in which
nothing is special.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from toolkit_pxe.site.boot import is_url
from toolkit_pxe.site.described import Menu
from toolkit_pxe.site.model import Site
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
    paths_of,
    root_of,
    shown,
    too_long,
    windows_files,
)
from toolkit_pxe.targets.base import Check, Limit, Options, Rendered, RenderedFile, header

name = "grub"
summary = "GRUB 2's menu and per-host files, for BIOS and UEFI"
families: tuple[int, ...] = ()
settings: Mapping[str, str] = {
    "folder": "GRUB's folder ($prefix) below the server's root; default grub",
    **ROOT,
}
_PC = "i386-pc"
PLATFORMS: Mapping[str, frozenset[int]] = {
    _PC: frozenset({0, 20}),
    "i386-efi": frozenset({6, 15}),
    "x86_64-efi": frozenset({7, 9, 16, 17}),
    "arm-efi": frozenset({10, 18}),
    "arm64-efi": frozenset({11, 19}),
    "powerpc-ieee1275": frozenset({12, 13, 14}),
    "riscv32-efi": frozenset({25, 26}),
    "riscv64-efi": frozenset({27, 28}),
    "loongarch64-efi": frozenset({39, 40}),
}
"""$grub_cpu-$grub_platform → the architectures whose firmware runs it."""
_EFI: Mapping[str, str] = {
    "i386-efi": "ia32", "x86_64-efi": "x64", "arm-efi": "arm", "arm64-efi": "aa64",
    "riscv32-efi": "riscv32", "riscv64-efi": "riscv64", "loongarch64-efi": "loongarch64",
}  # fmt: skip
"""How files for a platform end (UEFI 2.10, 3.5.1.1)."""
_LOADERS = (
    *(f"/EFI/{vendor}/{loader}$cpu.efi"
      for vendor in ("debian", "ubuntu", "fedora", "redhat", "centos", "almalinux", "rocky",
                     "opensuse", "sles")
      for loader in ("shim", "grub")),
    "/EFI/Microsoft/Boot/bootmgfw.efi",
    "/EFI/BOOT/boot$cpu.efi",
)  # fmt: skip
"""What a disk's EFI partition may have; not all systems have the last, the one for any machine."""
_ALL = frozenset().union(*PLATFORMS.values())
_OPEN_FIRMWARE = PLATFORMS["powerpc-ieee1275"]


def quote(text: str) -> str:
    """Return one word of GRUB's shell that stands for exactly this text."""
    return "'" + text.replace("'", r"'\''") + "'"


def parameter(word: str) -> str:
    """Return a kernel parameter as one word of GRUB's shell.

    GRUB puts a word with a space into double quotes, so the site's own are taken away: the kernel
    reads `a="b c"` and `"a=b c"` alike (lib/cmdline.c).
    """
    return quote(word.replace('"', ""))


def _path(text: str) -> str:
    """Return a path as GRUB finds it: on the device that it was loaded from, or by HTTP."""
    if not is_url(text):
        return quote("/" + below_root(text))
    parts = urlsplit(text)
    return quote(f"({parts.scheme},{parts.netloc}){parts.path}")


def _limits_of(item: Shown) -> Iterator[Limit]:
    """Yield what GRUB cannot do of an entry."""
    entry = item.entry
    long = too_long(item, f"BOOT_IMAGE=/{below_root(entry.kernel)} ")
    if long:
        yield long
    for path in paths_of(entry):
        if is_url(path) and urlsplit(path).scheme not in {"http", "tftp"}:
            yield item.limit(f"GRUB loads {path} neither by HTTP nor by TFTP")
        if is_url(path) and urlsplit(path)[3:] != ("", ""):
            yield item.limit(f"GRUB would leave out the ? or # of {path}")
    # grub-core/lib/cmdline.c puts a backslash before these, and the kernel has no escape
    if entry.kind == "linux" and any(character in entry.append for character in "\\'"):
        message = "GRUB writes a backslash before the ' or \\ of append, which the kernel keeps"
        yield item.limit(message, "leave it out, or let the system inside set it")
    if entry.kind == "windows" and item.archs - PLATFORMS[_PC]:
        message = "GRUB can hand wimboot its files under BIOS only"
        yield item.limit(message, "give the entry `arch: bios`, or load iPXE for Windows")
    if entry.kind == "chain" and item.archs & (PLATFORMS[_PC] | _OPEN_FIRMWARE):
        message = "GRUB can load another network loader under UEFI only"
        yield item.limit(message, "give the entry `arch: uefi`")


def _body(item: Shown) -> Iterator[str]:
    entry = item.entry
    if entry.kind == "local":
        yield f'if [ "$grub_cpu-$grub_platform" = {_PC} ]; then'
        yield "  insmod biosdisk"  # a GRUB from the network has no disks yet
        yield "  set root='(hd0)'"
        yield "  chainloader +1"
        yield "else"
        yield from (f"  {line}" for line in _disks_own(item))
        yield "fi"
    elif entry.kind == "chain":
        yield f"chainloader {_path(entry.file)}"
    elif entry.kind == "windows":
        files = (f"newc:{known}:{_path(path)}" for known, path in windows_files(entry).items())
        yield f"linux16 {_path(entry.wimboot)}"
        yield f"initrd16 {' '.join(files)}"
    else:
        yield " ".join(["linux", _path(entry.kernel), *map(parameter, kernel_words(entry.append))])
        if entry.initrd:
            yield " ".join(["initrd", *map(_path, entry.initrd)])


def _disks_own(item: Shown) -> Iterator[str]:
    """Yield how UEFI machines boot their disk.

    `exit` would tell the firmware that all is well, and it would go to its setup. A loader finds
    its device by `root` alone: grub-core/loader/efi/chainloader.c.
    """
    for key, cpu in _EFI.items():
        if PLATFORMS[key] & item.archs:
            yield f'if [ "$grub_cpu-$grub_platform" = {key} ]; then set cpu={cpu}; fi'
    yield from (f"insmod {module}" for module in ("part_gpt", "part_msdos", "fat"))
    yield f"for file in {' '.join(_LOADERS)}; do"
    yield "  if search --no-floppy --set=root --file $file; then"
    yield "    chainloader $file"
    yield "    boot"
    yield "  fi"
    yield "done"
    yield "exit"


def _entry(item: Shown) -> Iterator[str]:
    """Yield a menu entry, in a condition where not every GRUB of the site may show it."""
    on = [key for key, archs in PLATFORMS.items() if archs & item.archs]
    inner = [f"menuentry {quote(item.title)} --id {item.name} {{"]
    inner += [f"  {line}" for line in _body(item)]
    inner.append("}")
    if not item.entry.arch:
        yield from inner
        return
    tests = " -o ".join(f'"$grub_cpu-$grub_platform" = {key}' for key in on)
    yield f"if [ {tests} ]; then"
    yield from (f"  {line}" for line in inner)
    yield "fi"


def _menu(menu: Menu, entries: list[Shown], hosts: bool) -> Iterator[str]:  # noqa: FBT001
    yield f"set default={default_of(menu, entries)}"
    # -1: until somebody chooses
    yield f"set timeout={menu.timeout or -1}"
    yield "set menu_heading=" + quote(menu.title)
    if hosts:
        # not after `[ -f … ]`: that lists the folder, which neither TFTP nor HTTP can
        # (grub-core/commands/test.c), so a host without a file sees "not found" in passing
        yield 'if [ -n "$net_default_mac" ]; then'
        yield '  source "$prefix/hosts/$net_default_mac.cfg"'
        yield "fi"
    for item in entries:
        yield ""
        yield from _entry(item)


def _host(host: Chosen) -> str:
    return f"# host {host.name}\nset default={host.entry}\nset timeout=0\n"


def render(site: Site, options: Options) -> Rendered:
    """Return grub.cfg, and hosts/MAC.cfg for each host that boots an entry at once."""
    menu = site.menu
    if menu is None:
        return no_menu(site)
    archs = archs_of(loaded_by(site, "grub", "shim"), _ALL) & _ALL
    seen = shown(site, menu, archs)
    found = {item.name: [*_limits_of(item)] for item in seen}
    limits = [limit for several in found.values() for limit in several]
    limits += chosen_limits(site, menu, seen)
    kept = [item for item in seen if not found[item.name]]
    names = {item.name for item in kept}
    hosts = [host for host in chosen(site, menu) if host.entry in names]
    head = header(site, name, limits=limits)
    folder = options.settings.get("folder", "grub").strip("/")
    texts = {"grub.cfg": head + "\n".join(_menu(menu, kept, bool(hosts))) + "\n"}
    texts |= {f"hosts/{host.mac}.cfg": head + _host(host) for host in hosts}
    root = root_of(options)
    paths = {f"{folder}/{key}" if folder else key: text for key, text in texts.items()}
    files = tuple(RenderedFile(path, text, f"{root}/{path}") for path, text in paths.items())
    notes = ("GRUB reads these files at each boot: there is nothing to reload",)
    return Rendered(files, tuple(limits), (f"grub-script-check {files[0].install}",), (), notes)


def check(options: Options) -> Check | None:
    """Return grub-script-check, for each file that says something of its own."""
    del options

    def argv(folder: Path) -> Sequence[str]:
        texts = {path.read_text("utf-8"): str(path) for path in sorted(folder.rglob("*.cfg"))}
        loop = 'for file; do grub-script-check "$file" || exit 1; done'
        return ("sh", "-c", loop, "sh", *_distinct(texts))

    return Check("grub-script-check", argv, "grub-common", ("cannot open", "Permission denied"))


def _distinct(texts: Mapping[str, str]) -> list[str]:
    """Return one path for each content; hosts of one entry differ in a comment alone."""
    found = {"\n".join(line for line in text.splitlines() if not line.startswith("#")): path
             for text, path in texts.items()}  # fmt: skip
    return [*found.values()]
