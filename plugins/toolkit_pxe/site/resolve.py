"""A site file and its host lists → `Site`, or every error of them at once, with its place."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, TypeVar

from toolkit.documents import DocumentError, problems_of
from toolkit.documents.document import Document, parse
from toolkit.documents.problems import Path
from toolkit.documents.source import DEFAULT, ROWS, decode, read_bytes
from toolkit.errors import UsageError
from toolkit.text import clean
from toolkit_pxe.site import described
from toolkit_pxe.site.boot import NONE, Describing, branches, loader_options
from toolkit_pxe.site.check_boot import check_profiles, check_targets, resolve_servers
from toolkit_pxe.site.check_more import check_dns, check_menu, check_servers_of
from toolkit_pxe.site.faults import Faults
from toolkit_pxe.site.hosts import KEYS, UNNAMED, Hosts, Lookup, check_duplicates
from toolkit_pxe.site.lists import SUFFIXES, read_list
from toolkit_pxe.site.model import Option, Origin, Site, Subnet, Variant
from toolkit_pxe.site.networks import Defaults, addresses, of_family, options, resolve_subnets
from toolkit_pxe.site.values import host_name, word

K = TypeVar("K", int, str)
_LISTS: Mapping[str, type] = {"subnets": described.Subnet, "reservations": described.Host}
_MAPPINGS: Mapping[str, type] = {"targets": described.Target, "profiles": described.Profile}
_FILL: Mapping[str, Mapping[str, object]] = {
    "subnets": {"subnet": ""}, "reservations": UNNAMED, "targets": {"kind": "file"},
    "profiles": {"default": NONE},
}  # fmt: skip
"""What stands for a required key that is missing or wrong, so that the rest is checked."""
DEFAULT_PROFILE = "none"
"""The profile of a site that describes none: nobody boots."""


@dataclass(slots=True)
class _Parts:
    """The site file bound piece by piece, so that one wrong piece hides no other's faults."""

    head: described.SiteFile
    lists: dict[str, dict[int, Any]] = field(default_factory=dict)
    mappings: dict[str, dict[str, Any]] = field(default_factory=dict)


def load_site(path: FilePath) -> Site:
    """Return the site described by the YAML or JSON file at `path` and the host lists it names.

    Raises DocumentError with all that is wrong, UsageError where a file can't be read.
    """
    suffix = path.suffix.lower()
    if suffix not in {".yaml", ".yml", ".json"}:
        raise UsageError(f'{clean(str(path))}: the name must end in ".yaml", ".yml" or ".json"')
    with uncollected():
        raw = read_bytes(path, DEFAULT.size)
        document = parse(decode(raw, str(path)), str(path), json=suffix == ".json")
        if not document.whole:
            document.usable()
        return _Resolver(path, document, Faults(), hashlib.sha256(raw)).site()


@contextmanager
def uncollected() -> Iterator[None]:
    """Pause the cycle collector: a hundred thousand new tuples would wake it hundreds of times."""
    paused = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if paused:
            gc.enable()


def _describe(value: object, faults: Faults) -> _Parts:
    """Bind the pieces of `value`. Raises nothing: what is wrong is noted, and left out."""
    whole: dict[str, Any] = value if isinstance(value, dict) else {}
    if not isinstance(value, dict):
        faults.add((), "a site file is a mapping", "toolkit pxe init writes one to begin with")
    parts = _Parts(_head(whole, faults))
    for key, kind in _LISTS.items():
        pairs = enumerate(_container(whole, key, list, faults))
        parts.lists[key] = dict(_bound(kind, pairs, key, faults))
    for key, kind in _MAPPINGS.items():
        entries = _container(whole, key, dict, faults).items()
        parts.mappings[key] = dict(_bound(kind, entries, key, faults))
    return parts


def _bound(
    kind: type[Any], items: Iterable[tuple[K, object]], key: str, faults: Faults
) -> Iterator[tuple[K, Any]]:
    """Yield what can be bound, without what is wrong of it."""
    for at, value in items:
        model = faults.bind(kind, value, (key, at), _FILL.get(key))
        if model is not None:
            yield at, model


def _container(whole: dict[str, Any], key: str, kind: type[Any], faults: Faults) -> Any:  # noqa: ANN401
    value = whole.get(key)
    if value is not None and not isinstance(value, kind):
        wanted = "list" if kind is list else "mapping"
        hint = "begin each entry with a hyphen" if kind is list else "write name: {…} for each"
        faults.add((key,), f"is not a {wanted}", hint)
    return value if isinstance(value, kind) else kind()


def _head(whole: dict[str, Any], faults: Faults) -> described.SiteFile:
    """Bind everything else; what is wrong counts as absent for the rest of the checks."""
    rest = {key: part for key, part in whole.items() if key not in {*_LISTS, *_MAPPINGS}}
    return faults.bind(described.SiteFile, rest, (), {"name": "site"}) or described.SiteFile("site")


@dataclass(slots=True)
class _Resolver:
    """One site file on its way to a Site."""

    path: FilePath
    document: Document
    faults: Faults
    hashed: Any
    sources: list[str] = field(default_factory=list)

    def site(self) -> Site:
        """Return the site. Raises DocumentError."""
        self.sources.append(str(self.path))
        parts = _describe(self.document.value, self.faults)
        head, faults = parts.head, self.faults
        faults.parsed(word, head.name, ("name",))
        for at, group in enumerate(head.groups):
            faults.parsed(word, group, ("groups", at))
        faults.parsed(host_name, head.dhcp.domain, ("dhcp", "domain"))
        dns = addresses(head.dhcp.dns_servers, faults, ("dhcp", "dns_servers"))
        ntp = addresses(head.dhcp.ntp_servers, faults, ("dhcp", "ntp_servers"))
        servers = resolve_servers(head.boot_servers, faults, ("boot_servers",))
        profile = self._profile(head, parts.mappings["profiles"])
        defaults = Defaults(head.dhcp, servers, profile, dns, ntp, [(profile, servers)])
        places = self._places(parts)
        subnets = resolve_subnets(parts.lists["subnets"], defaults, places, faults)
        hosts = self._hosts(parts, subnets, places)
        shared = options(head.dhcp.options, faults, ("dhcp", "options"))
        variants = self._variants(parts, defaults, places, subnets)
        check_menu(head, faults)
        check_dns(head, faults)
        self._raise()
        return Site(
            head.name, tuple(self.sources), self.hashed.hexdigest(), head.dhcp.authoritative,
            head.dhcp.proxy, head.dhcp.domain, head.dhcp.lease_time,
            max(head.dhcp.max_lease_time, head.dhcp.lease_time), shared, tuple(subnets), variants,
            head.groups, hosts.found, head.menu, head.dns,
            of_family(dns, 4) + of_family(dns, 6), of_family(ntp, 4) + of_family(ntp, 6),
            {".".join(map(str, path)): place for path, place in places.items()},
        )  # fmt: skip

    def _raise(self) -> None:
        problems = [*self.document.problems]
        places = {(item.line, item.column) for item in problems}
        found = problems_of(self.document, self.faults.found)
        # What is no right YAML is seldom a right value, too: once is enough.
        problems += [item for item in found if (item.line, item.column) not in places]
        problems.sort(key=lambda item: (item.line, item.column))
        if problems := problems + self.faults.elsewhere:
            raise DocumentError(problems)

    def _places(self, parts: _Parts) -> dict[Path, Origin]:
        """Return where each piece stands that a decision may name."""
        paths: list[Path] = [("subnets", at) for at in parts.lists["subnets"]]
        paths += [("reservations", at) for at in parts.lists["reservations"]]
        paths += [("targets", name) for name in parts.mappings["targets"]]
        for name, profile in parts.mappings["profiles"].items():
            paths += [("profiles", name, "rules", at) for at in range(len(profile.rules))]
            paths.append(("profiles", name, "default"))
        if parts.head.menu is not None:
            entries = range(len(parts.head.menu.entries))
            paths += [("menu",), *(("menu", "entries", at) for at in entries)]
        spots = self.document.locate(paths)
        return {path: Origin(str(self.path), spots[path].line) for path in paths}

    def _profile(self, head: described.SiteFile, profiles: Mapping[str, object]) -> str:
        """Return the site's own profile: the one it names, or its only one."""
        if head.profile:
            self.faults.known(head.profile, (*profiles,), ("profile",), "profile")
        elif len(profiles) > 1:
            hint = f"name one of: {', '.join(profiles)}"
            self.faults.add(("profiles",), "there are several, and `profile` names none", hint)
        return head.profile or next(iter(profiles), DEFAULT_PROFILE)

    def _hosts(self, parts: _Parts, subnets: list[Subnet], places: Mapping[Path, Origin]) -> Hosts:
        faults = self.faults
        hosts = Hosts(
            None if faults.wrong("groups") else frozenset(parts.head.groups),
            Lookup.of(subnets, 4), Lookup.of(subnets, 6),
            all_subnets=len(subnets) == len(self._value("subnets", list)),
        )  # fmt: skip
        where: dict[int, Path] = {}
        for at, host in parts.lists["reservations"].items():
            path: Path = ("reservations", at)
            where[len(hosts.found)] = path
            lacking = faults.salvage.lacking(path, KEYS)
            for key, message, hint in hosts.add(host, 0, places[path].line, lacking):
                faults.add((*path, key) if key else path, message, hint)
        for at, name in enumerate(parts.head.reservation_files):
            self._list(name, at, hosts)
        check_duplicates(hosts, faults, where, self.sources)
        return hosts

    def _value(self, key: str, kind: type[Any]) -> Any:  # noqa: ANN401  a list or a mapping
        """Return a part of the document as it is written, empty where it is of another kind."""
        whole = self.document.value
        part = whole.get(key) if isinstance(whole, dict) else None
        return part if isinstance(part, kind) else kind()

    def _list(self, name: str, at: int, hosts: Hosts) -> None:
        path = self.path.parent / name
        if path.suffix.lower() not in SUFFIXES:
            hint = "the name must end in .csv, .jsonl or .json"
            self.faults.add(("reservation_files", at), f'"{name}" is of no known kind', hint)
            return
        self.sources.append(str(path))
        try:
            raw = read_bytes(path, ROWS.size)
        except UsageError as error:
            self.faults.add(("reservation_files", at), error.message, error.hint)
            return
        self.hashed.update(raw)
        read_list(hosts, path, raw, len(self.sources) - 1, self.faults)

    def _variants(
        self,
        parts: _Parts,
        defaults: Defaults,
        places: Mapping[Path, Origin],
        subnets: list[Subnet],
    ) -> tuple[Variant, ...]:
        """Return the branches of every profile with the servers of every subnet."""
        targets, profiles = parts.mappings["targets"], parts.mappings["profiles"]
        faults = self.faults
        check_targets(targets, faults)
        names = tuple(self._value("targets", dict))
        check_profiles(profiles, targets, names, parts.head.groups, faults)
        self._check_subnets(parts, profiles)
        made: dict[str, tuple[Option, ...]] = {
            name: loader_options(item) + options(item.options, faults, ("targets", name, "options"))
            for name, item in targets.items()
        }
        # Branches are made of what is right, to be checked; with a fault none is ever used.
        right = {name: item for name, item in targets.items() if not faults.wrong("targets", name)}
        describing = Describing(right, made, places)
        variants = tuple(
            _variant(describing, at, name, _sound(name, profiles.get(name), right, faults), servers)
            for at, (name, servers) in enumerate(defaults.variants)
        )
        check_servers_of(variants, subnets, parts.head, faults)
        return variants

    def _check_subnets(self, parts: _Parts, profiles: Mapping[str, object]) -> None:
        for at, item in parts.lists["subnets"].items():
            if item.profile:
                self.faults.known(item.profile, (*profiles,), ("subnets", at, "profile"), "profile")


def _sound(
    name: str,
    profile: described.Profile | None,
    targets: Mapping[str, described.Target],
    faults: Faults,
) -> described.Profile | None:
    """Return a profile whose wrong rules boot nothing, nor those for a wrong target."""
    if profile is None or not faults.found:
        return profile
    rules = tuple(
        rule if rule.boot in targets and not faults.wrong("profiles", name, "rules", at)
        else described.Rule(NONE)
        for at, rule in enumerate(profile.rules)
    )  # fmt: skip
    default = profile.default if profile.default in targets else NONE
    return described.Profile(default, rules)


def _variant(
    describing: Describing,
    at: int,
    name: str,
    profile: described.Profile | None,
    servers: Any,  # noqa: ANN401
) -> Variant:
    if profile is None:  # a site that describes no profile
        profile = described.Profile("none")
        describing = Describing({}, {}, {("profiles", name, "default"): Origin("", 0)})
    label = name if at == 0 else f"{name}-{at}"
    four, six = (branches(describing, name, profile, servers, family) for family in (4, 6))
    return Variant(label, name, servers, four, six)
