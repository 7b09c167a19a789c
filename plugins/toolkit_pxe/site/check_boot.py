"""What is wrong with targets, profiles and boot servers: each trap would boot nothing, silently."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from toolkit.documents.problems import Path
from toolkit.text import did_you_mean
from toolkit_pxe.site.archs import HTTP, architectures, known_words
from toolkit_pxe.site.boot import HTTP_CLIENT, NONE, files_of, is_url, words
from toolkit_pxe.site.custom import plain_text
from toolkit_pxe.site.described import BootServers, Profile, Rule, Target
from toolkit_pxe.site.faults import Faults
from toolkit_pxe.site.model import Servers
from toolkit_pxe.site.values import ipv4, ipv4_text, ipv6, ipv6_text, mac_prefix, word

_CONDITIONS = ("arch", "mac", "group", "vendor_class", "user_class")
FIELD, OPTION = 127, 254
"""Octets of a boot file name: 128 of the packet's field and 255 of option 67, less the NUL."""


def resolve_servers(item: BootServers, faults: Faults, path: Path) -> Servers:
    """Return the boot servers with canonical addresses and URLs that end in a slash."""
    four = faults.parsed(ipv4, item.tftp, (*path, "tftp"), _address_hint(item.tftp))
    six = faults.parsed(ipv6, item.tftp6, (*path, "tftp6"), _address_hint(item.tftp6))
    return Servers(
        "" if four is None else ipv4_text(four),
        "" if six is None else ipv6_text(six),
        faults.parsed(_base_url, item.http, (*path, "http")) or "",
        faults.parsed(_base_url, item.http6, (*path, "http6")) or "",
    )


def _address_hint(text: str) -> str:
    """A server's name is of no use: siaddr has four octets (RFC 2131, 2)."""
    if any(character.isalpha() for character in text) and ":" not in text:
        return "the packet has room for an address only: write the server's address, not its name"
    return ""


def _base_url(text: str) -> str:
    url = _url(text)
    return url if url.endswith("/") else f"{url}/"


def _url(text: str) -> str:
    plain_text(text)
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not text.isascii():
        raise ValueError(f'"{text}" is no URL like http://10.0.0.9/boot/')
    if any(character in text for character in ' "<>\\^`{|}'):
        raise ValueError(f'"{text}" has characters that a URL must write as %XX')
    return text


def boot_file(text: str) -> str:
    """Return a path on a TFTP server, or a URL. Raises ValueError for one that nothing can load."""
    plain_text(text)
    if ".." in text.replace("\\", "/").split("/"):
        raise ValueError(f'"{text}" leaves the folder of the server by ".."')
    return _any_url(text) if is_url(text) else text


def _any_url(text: str) -> str:
    if any(character in text for character in ' "<>\\^`{|}') and "${" not in text:
        raise ValueError(f'"{text}" has characters that a URL must write as %XX')
    return text


def check_targets(targets: Mapping[str, Target], faults: Faults) -> None:
    """Note all that is wrong with each target by itself."""
    for name, target in targets.items():
        path: Path = ("targets", name)
        if name == NONE:
            faults.add(path, '"none" means "don\'t boot" and can be no target\'s name', "rename it")
        faults.parsed(word, name, path)
        _check_shape(target, faults, path)
        _check_names(target, faults, path)
        faults.parsed(ipv4, target.server, (*path, "server"), _address_hint(target.server))


def _check_shape(target: Target, faults: Faults, path: Path) -> None:
    http, kind = target.kind == "http", (*path, "kind")
    keys = {"file": bool(target.file), "files": bool(target.files), "url": bool(target.url),
            "urls": bool(target.urls)}  # fmt: skip
    wanted = ("url", "urls") if http else ("file", "files")
    if sum(keys[key] for key in wanted) != 1:
        message = f"a target of kind {target.kind} needs either `{wanted[0]}` or `{wanted[1]}`"
        hint = f"write one of the two; kind http is loaded by {'`url`' if http else 'HTTP alone'}"
        faults.add(path, message, hint, [kind, *((*path, key) for key in wanted)])
    for key, given in keys.items():
        if given and key not in wanted:
            message = f"a target of kind {target.kind} has no `{key}`"
            faults.add((*path, key), message, f"use `{wanted[key.endswith('s')]}`", [kind])
    if target.kind == "ipxe" and not target.script:
        message = "an iPXE target without `script`: iPXE would be sent to itself again, for ever"
        hint = "add `script`: what a client that already runs iPXE gets"
        faults.add(path, message, hint, [(*path, "script")])
    if target.kind != "pxelinux":
        for key in ("config", "prefix"):
            if getattr(target, key):
                message = f"`{key}` is for targets of kind pxelinux"
                faults.add((*path, key), message, "leave it out", [kind])
    for key in ("config", "prefix"):
        faults.parsed(plain_text, getattr(target, key), (*path, key))


def _check_names(target: Target, faults: Faults, path: Path) -> None:
    single = ("url", "file", "script")
    named = [((*path, key), getattr(target, key)) for key in single if getattr(target, key)]
    seen: dict[int, str] = {}
    for key in ("files", "urls"):
        for arch, text in getattr(target, key).items():
            _check_arch(arch, seen, faults, (*path, key, arch))
            named.append(((*path, key, arch), text))
    for place, text in named:
        _check_name(target, text, faults, place)


def _check_arch(arch: str, seen: dict[int, str], faults: Faults, path: Path) -> None:
    try:
        numbers = architectures(arch)
    except ValueError as error:
        faults.add(path, str(error), arch_hint(arch))
        return
    for number in sorted(numbers & {*seen}):
        message = f'architecture {number} has a file already, by "{seen[number]}"'
        faults.add(path, message, "leave one of the two out")
    seen.update(dict.fromkeys(numbers, arch))


def arch_hint(arch: str) -> str:
    """Return what an unknown architecture may have meant, or all that are known."""
    names = known_words()
    return did_you_mean(arch, names) or f"known are: {', '.join(names)}"


def _check_name(target: Target, text: str, faults: Faults, path: Path) -> None:
    with faults.at(path):
        if not text:
            raise ValueError("is empty")
        boot_file(text)
    size = len(text.encode("utf-8", "replace"))
    limit = OPTION if target.via == "options" else FIELD
    if size > limit:
        longer = size <= OPTION and "shorten it, or send it by option 67 alone (via: options)"
        message = f"has {size} octets, and there is room for {limit}"
        faults.add(path, message, longer or "shorten it")
    # shim looks for its second stage beside itself, and knows its folder from the field alone:
    # https://github.com/rhboot/shim/blob/main/netboot.c
    if target.kind == "shim" and target.via == "options" and "/" in text.strip("/"):
        message = "shim in a folder needs the packet's `file` field to find GRUB beside it"
        faults.add(path, message, "use via: both, or put it in the server's root")


def check_profiles(
    profiles: Mapping[str, Profile],
    targets: Mapping[str, Target],
    known: tuple[str, ...],
    groups: tuple[str, ...],
    faults: Faults,
) -> None:
    """Note all that is wrong with each profile; `known` are the names of all targets, wrong too."""
    names = (*known, NONE)
    for name, profile in profiles.items():
        path: Path = ("profiles", name)
        faults.parsed(word, name, path)
        faults.known(profile.default, names, (*path, "default"), "target")
        for at, rule in enumerate(profile.rules):
            place = (*path, "rules", at)
            faults.known(rule.boot, names, (*place, "boot"), "target")
            _check_rule(rule, groups, faults, place)
            if rule.boot in targets:
                _check_reach(rule, targets[rule.boot], faults, place)


def _check_rule(rule: Rule, groups: tuple[str, ...], faults: Faults, path: Path) -> None:
    archs, macs = words(rule.arch), words(rule.mac)
    for at, arch in enumerate(archs):
        if arch not in known_words():
            place = _nth(rule.arch, (*path, "arch"), at)
            faults.parsed(architectures, arch, place, arch_hint(arch))
    for at, octets in enumerate(macs):
        faults.parsed(mac_prefix, octets, _nth(rule.mac, (*path, "mac"), at))
    if rule.group:
        faults.known(rule.group, groups, (*path, "group"), "group")
    for key in ("vendor_class", "user_class"):
        faults.parsed(_class_text, getattr(rule, key), (*path, key))
    if not (archs or macs or rule.group or rule.vendor_class or rule.user_class):
        conditions = [(*path, key) for key in _CONDITIONS]
        faults.add(
            path, "a rule without a condition always holds", "make it the default", conditions
        )


def _nth(value: str | tuple[str, ...], path: Path, at: int) -> Path:
    """Return where one of several words stands; a single one stands at `path` itself."""
    return path if isinstance(value, str) else (*path, at)


def _class_text(text: str) -> str:
    if not text.isascii() or len(text) > OPTION:
        raise ValueError("a class is up to 254 ASCII characters")
    return plain_text(text)


def _check_reach(rule: Rule, target: Target, faults: Faults, path: Path) -> None:
    """Note a rule whose condition no client of its target can meet."""
    try:
        asked = {number for name in words(rule.arch) for number in architectures(name)}
        files = files_of(target)
    except ValueError:
        return  # told already
    http = target.kind == "http"
    had = {number for archs in files.values() for number in archs} if all(files.values()) else asked
    if asked and (not asked & had or (http and not asked & had & HTTP)):
        message = f'target "{rule.boot}" has nothing for the architectures of this rule'
        hint = "HTTP boot has architectures of its own, ending in -http" if http else (
            "add a file for one of them, or mend the rule")  # fmt: skip
        faults.add((*path, "arch"), message, hint)
    elif not http and asked and asked <= HTTP and not any(map(is_url, files)):
        message = f'firmware that boots over HTTP cannot load "{rule.boot}" by TFTP'
        faults.add((*path, "arch"), message, "use a target of kind http")
    vendor = rule.vendor_class
    if http and vendor and not (vendor.startswith(HTTP_CLIENT) or HTTP_CLIENT.startswith(vendor)):
        message = f'a target of kind http is for vendor class {HTTP_CLIENT}, never "{vendor}"'
        faults.add((*path, "vendor_class"), message, "leave the vendor class out")
