"""Targets and profiles → branches: the one place that says who boots what.

A target's loop guard, its files by architecture and the conditions of HTTP boot become branches of
their own, so that a server's configuration only writes them down, and `decide` only reads them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

from toolkit_pxe.site.archs import HTTP, arch_name, architectures
from toolkit_pxe.site.described import Profile, Rule, Target
from toolkit_pxe.site.model import IPXE, Arm, Boot, Match, Option, Origin, Servers
from toolkit_pxe.site.values import mac_prefix

NONE = "none"
HTTP_CLIENT = "HTTPClient"


@dataclass(frozen=True, slots=True)
class Describing:
    """What the branches are made of: checked targets, their options, and where all stands."""

    targets: Mapping[str, Target]
    options: Mapping[str, tuple[Option, ...]]
    places: Mapping[tuple[str | int, ...], Origin]


def words(value: str | tuple[str, ...]) -> tuple[str, ...]:
    """Return one word or several as several."""
    return (value,) if isinstance(value, str) else value


def match_of(rule: Rule) -> Match:
    """Return a rule's condition. Raises ValueError for an unknown architecture or a wrong MAC."""
    archs = {number for word in words(rule.arch) for number in architectures(word)}
    macs = tuple(mac_prefix(word) for word in words(rule.mac))
    return Match(tuple(sorted(archs)), rule.vendor_class, rule.user_class, macs, rule.group)


def files_of(target: Target) -> dict[str, tuple[int, ...]]:
    """Return each boot file (or URL) with its architectures; () means every one."""
    single, several = (target.url, target.urls) if target.kind == "http" else (
        target.file, target.files)  # fmt: skip
    found: dict[str, set[int]] = {single: set()} if single else {}
    for word, name in several.items():
        found.setdefault(name, set()).update(architectures(word))
    return {name: tuple(sorted(archs)) for name, archs in found.items()}


def loader_options(target: Target) -> tuple[Option, ...]:
    """Return what pxelinux reads beside its file: options 209 and 210 (RFC 5071)."""
    pairs = ((209, "configfile", target.config), (210, "pathprefix", target.prefix))
    return tuple(
        Option(4, code, f"pxelinux-{name}", "text", (text,), text.encode("utf-8", "replace"))
        for code, name, text in pairs
        if text
    )


def in_words(match: Match) -> str:
    """Return a condition for people: `architecture x64-uefi, user class "iPXE"`."""
    parts = []
    if match.archs:
        names = " or ".join(map(arch_name, match.archs))
        parts.append(names if names.startswith("architecture") else f"architecture {names}")
    if match.vendor_class:
        parts.append(f'vendor class "{match.vendor_class}…"')
    if match.user_class:
        parts.append(f'user class "{match.user_class}"')
    if match.macs:
        parts.append("MAC " + " or ".join(f"{item.hex(':')}…" for item in match.macs))
    if match.group:
        parts.append(f"group {match.group}")
    return ", ".join(parts) or "any client"


def branches(
    describing: Describing, name: str, profile: Profile, servers: Servers, family: int
) -> tuple[Arm, ...]:
    """Return the branches of a profile for some boot servers; the last one always matches."""
    arms: list[Arm] = []
    for at, rule in enumerate(profile.rules):
        origin = describing.places[("profiles", name, "rules", at)]
        maker = _Maker(describing, f"{name}-{at + 1}", f"rule {at + 1}", origin, servers, family)
        arms += maker.arms(match_of(rule), rule.boot)
    origin = describing.places[("profiles", name, "default")]
    maker = _Maker(describing, f"{name}-default", "the default", origin, servers, family)
    arms += maker.arms(Match(), profile.default)
    if not arms[-1].match.always:
        why = f'target "{profile.default}", the default, has nothing for this client'
        arms.append(Arm(f"{name}-rest", Match(), None, why, origin))
    return tuple(arms)


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes the branches of one rule."""

    describing: Describing
    name: str
    rule: str
    origin: Origin
    servers: Servers
    family: int

    def arms(self, match: Match, boot: str) -> Iterator[Arm]:
        if boot == NONE:
            yield self._arm("", match, None, "don't boot")
            return
        target = self.describing.targets[boot]
        if target.script and match.user_class in {"", IPXE}:
            guarded = replace(match, user_class=IPXE)
            made = self._boot(boot, target, target.script, http=False)
            yield self._arm("-script", guarded, made, f"{boot}: iPXE runs, so its script")
            if match.user_class == IPXE:
                return
        yield from self._files(match, boot, target)

    def _files(self, match: Match, boot: str, target: Target) -> Iterator[Arm]:
        files = files_of(target)
        for at, (file, archs) in enumerate(files.items()):
            narrowed = _narrowed(match, archs, http=target.kind == "http")
            if narrowed is not None:
                suffix = f"-{at + 1}" if len(files) > 1 else ""
                made = self._boot(boot, target, file, http=target.kind == "http")
                yield self._arm(suffix, narrowed, made, f"{boot}: {file}")

    def _arm(self, suffix: str, match: Match, boot: Boot | None, what: str) -> Arm:
        if boot is not None and self.family != 4 and not boot.url:
            boot, what = None, f"{what}, but there is no boot server with an IPv6 address for it"
        why = f"{self.rule} ({in_words(match)}) → {what}"
        return Arm(self.name + suffix, match, boot, why, self.origin)

    def _boot(self, name: str, target: Target, file: str, *, http: bool) -> Boot:
        options = tuple(
            item for item in self.describing.options.get(name, ()) if item.family == self.family
        )
        made = Boot(name, target.kind, via=target.via, http=http, options=options)
        if self.family == 4:
            server = "" if http else target.server or self.servers.tftp
            return replace(made, next_server=server, file=_v4_file(file, self.servers, http=http))
        return replace(made, url=_v6_url(file, self.servers, http=http))


def is_url(text: str) -> bool:
    """Tell whether a boot file is a URL rather than a path."""
    return "://" in text


def _v4_file(file: str, servers: Servers, *, http: bool) -> str:
    return servers.http + file if http and not is_url(file) else file


def _v6_url(file: str, servers: Servers, *, http: bool) -> str:
    if is_url(file):
        return file
    if http:
        return servers.http6 + file if servers.http6 else ""
    path = quote(file.removeprefix("/"))
    return f"tftp://[{servers.tftp6}]/{path}" if servers.tftp6 else ""


def _narrowed(match: Match, archs: tuple[int, ...], *, http: bool) -> Match | None:
    """Return `match` with the conditions of a file; None where no client could meet both."""
    if archs and match.archs:
        archs = tuple(sorted({*archs} & {*match.archs}))
        if not archs:
            return None
    archs = archs or match.archs
    if not http:
        return replace(match, archs=archs)
    if archs and not {*archs} & HTTP:
        return None
    vendor = match.vendor_class if match.vendor_class.startswith(HTTP_CLIENT) else HTTP_CLIENT
    return replace(match, archs=archs, vendor_class=vendor)
