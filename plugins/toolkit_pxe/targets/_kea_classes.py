"""Branches → Kea's client classes, of which at most one holds for a client.

In Kea every class whose test holds applies, so each excludes those before it. Options of a subnet
come before those of a class (Kea ARM, "Classification Steps"): where a subnet sets an option that a
target sets, too, its branches are written once more with both, and the subnet leaves it out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from toolkit_pxe.decide.wire import boot_options4, boot_options6
from toolkit_pxe.site.model import IPXE, Arm, Boot, Match, Option, Site, Subnet
from toolkit_pxe.targets._kea_json import option_data, option_text
from toolkit_pxe.targets._kea_options import reshaped

_QUOTABLE = re.compile(r"[A-Za-z0-9 :._/-]+")
EVERYBODY = "member('ALL')"


def group_class(group: str) -> str:
    """Return the class that reservations of a group put their clients into."""
    return f"group/{group}"


def literal(text: str) -> str:
    """Return text in an expression; Kea's literals have no escapes, so the rest is hexadecimal."""
    return f"'{text}'" if _QUOTABLE.fullmatch(text) else octets(text.encode())


def octets(raw: bytes) -> str:
    """Return octets in an expression."""
    return f"0x{raw.hex().upper()}"


def conditions4(match: Match) -> Iterator[str]:
    """Yield what must hold of a DHCPv4 request. An architecture is two octets, never text."""
    yield _any(f"option[93].hex == {octets(code.to_bytes(2, 'big'))}" for code in match.archs)
    if match.vendor_class:
        size = len(match.vendor_class.encode())
        yield f"substring(option[60].hex, 0, {size}) == {literal(match.vendor_class)}"
    if match.user_class:
        raw = match.user_class.encode()
        forms = [literal(match.user_class)]
        forms += [octets(bytes([len(raw)]) + raw)] if len(raw) < 255 else []
        tests = [f"option[77].hex == {form}" for form in forms]
        # iPXE's own option, which it sends even where its user class has been set otherwise
        tests += ["option[175].exists"] if match.user_class == IPXE else []
        yield _any(tests)
    yield _any(f"substring(pkt4.mac, 0, {len(item)}) == {octets(item)}" for item in match.macs)


def conditions6(match: Match) -> Iterator[str]:
    """Yield what must hold of a DHCPv6 request. A MAC address is that of a DUID-LLT or DUID-LL."""
    yield _any(f"option[61].hex == {octets(code.to_bytes(2, 'big'))}" for code in match.archs)
    if match.vendor_class:  # behind the enterprise number and the length
        size = len(match.vendor_class.encode())
        yield f"substring(option[16].hex, 6, {size}) == {literal(match.vendor_class)}"
    if match.user_class:
        raw = match.user_class.encode()
        yield f"option[15].hex == {octets(len(raw).to_bytes(2, 'big') + raw)}"
    yield _any(_duid(item, *kind) for item in match.macs for kind in ((1, 8), (3, 4)))


def _duid(mac: bytes, kind: int, at: int) -> str:
    head = f"substring(option[1].hex, 0, 4) == {octets(bytes((0, kind, 0, 1)))}"
    return f"({head} and substring(option[1].hex, {at}, {len(mac)}) == {octets(mac)})"


def _any(parts: Iterable[str]) -> str:
    found = list(parts)
    return f"({' or '.join(found)})" if len(found) > 1 else "".join(found)


def apart(one: Match, other: Match) -> bool:
    """Tell whether no client can meet both, so that neither need exclude the other."""
    if one.archs and other.archs and not {*one.archs} & {*other.archs}:
        return True
    vendors = (one.vendor_class, other.vendor_class)
    if not (vendors[0].startswith(vendors[1]) or vendors[1].startswith(vendors[0])):
        return True
    pairs = ((one.user_class, other.user_class), (one.group, other.group))
    if any(mine and its and mine != its and IPXE not in {mine, its} for mine, its in pairs):
        return True  # iPXE may have any user class: it is known by option 175, too
    return bool(one.macs and other.macs) and not any(
        mine.startswith(its) or its.startswith(mine) for mine in one.macs for its in other.macs
    )


@dataclass(frozen=True, slots=True)
class Class:
    """A client class: `sets` are its fields, `options` its option-data, `flexed` the hook's part.

    `test` is "" for a group's, which reservations give.
    """

    name: str
    test: str
    said: str
    sets: Mapping[str, str] = field(default_factory=dict)
    options: tuple[Mapping[str, object], ...] = ()
    flexed: Mapping[int, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scope:
    """The branches of some subnets, as classes. `moved` are the subnets' options that they took."""

    classes: tuple[Class, ...]
    moved: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Plan:
    """How the branches of one family are laid out.

    flexed    codes of custom options that go through the flex_option hook, for octets' sake
    hooked    whether that hook is there
    late      whether classes are evaluated when the subnet and the reservation are known
    """

    site: Site
    family: int
    flexed: frozenset[int]
    hooked: bool
    late: bool
    scopes: dict[tuple[int, tuple[Option, ...]], Scope] = field(default_factory=dict)

    @classmethod
    def of(cls, site: Site, family: int, *, hooked: bool) -> Plan:
        """Lay out the branches of a site."""
        flexed = reshaped(site, family)
        subnets = site.of_family(family)
        late = bool(groups_of(site, family)) or any(item.variant for item in subnets)
        plan = cls(site, family, flexed, hooked, late)
        late = late or any(plan._taken(subnet) for subnet in subnets)
        plan = cls(site, family, flexed, hooked, late)
        keys = [plan._key(subnet) for subnet in subnets] or [(0, ())]
        for key in dict.fromkeys(keys):
            plan.scopes[key] = plan._scope(len(plan.scopes), *key)
        return plan

    def scope_of(self, subnet: Subnet) -> Scope:
        """Return the branches of a subnet."""
        return self.scopes[self._key(subnet)]

    def classes(self) -> Iterator[Class]:
        """Yield all classes, those of groups first, as tests may only name what is before them."""
        for group in sorted(groups_of(self.site, self.family)):
            yield Class(group_class(group), "", f"hosts of group {group}, by their reservations")
        for scope in self.scopes.values():
            yield from scope.classes

    def _key(self, subnet: Subnet) -> tuple[int, tuple[Option, ...]]:
        return subnet.variant, self._taken(subnet)

    def _taken(self, subnet: Subnet) -> tuple[Option, ...]:
        """Return the subnet's options that its branches must carry."""
        set_by_targets = {
            option.code
            for arm in self.site.variants[subnet.variant].arms(self.family)
            if arm.boot
            for option in arm.boot.options
        }
        return tuple(
            item
            for item in subnet.options
            if item.family == self.family and item.code in set_by_targets | self.flexed
        )

    def _scope(self, at: int, variant: int, base: tuple[Option, ...]) -> Scope:
        """Return classes named after the branches; those of further scopes have a number before."""
        arms = self.site.variants[variant].arms(self.family)
        prefix = f"{at}/" if at else ""
        made: list[Class] = []
        for number, arm in enumerate(arms):
            last = number == len(arms) - 1
            if last and arm.boot is None and not base:
                break
            test = self._test(arm, arms[:number], prefix)
            made.append(self._class(prefix + arm.name, test, arm, base))
        return Scope(tuple(made), frozenset(item.code for item in base))

    def _test(self, arm: Arm, before: Iterable[Arm], prefix: str) -> str:
        conditions = conditions4 if self.family == 4 else conditions6
        parts = [f"member('{group_class(arm.match.group)}')"] if arm.match.group else []
        parts += [part for part in conditions(arm.match) if part]
        parts += [
            f"not member('{prefix}{item.name}')"
            for item in before
            if not apart(item.match, arm.match)
        ]
        return " and ".join(parts) or EVERYBODY

    def _class(self, name: str, test: str, arm: Arm, base: tuple[Option, ...]) -> Class:
        said = arm.comment
        boot = arm.boot
        custom = {item.code: (item.data, False) for item in base}
        if boot is not None:
            custom |= {item.code: (item.data, True) for item in boot.options}
        flexed = {code: data for code, (data, _) in custom.items() if code in self.flexed}
        options = [
            option_data(code, data, always=always)
            for code, (data, always) in sorted(custom.items())
            if code not in flexed
        ]
        wire = self.wire(boot)
        if self.hooked and wire.get(67, b"").endswith(b"\0"):
            flexed[67] = wire.pop(67)
        options += [_boot_option(code, data) for code, data in sorted(wire.items())]
        return Class(name, test, said, _fields(boot, self.family), tuple(options), flexed)

    def wire(self, boot: Boot | None) -> dict[int, bytes]:
        """Return the boot options as Kea sends them: without the hook, the NUL is lost."""
        if boot is None:
            return {}
        if self.family != 4:
            return boot_options6(boot)
        return boot_options4(boot, terminator=b"\0" if self.hooked else b"")


def groups_of(site: Site, family: int) -> frozenset[str]:
    """Return the groups that some branch names."""
    arms = (arm for variant in site.variants for arm in variant.arms(family))
    return frozenset(arm.match.group for arm in arms) - {""}


def _fields(boot: Boot | None, family: int) -> dict[str, str]:
    if boot is None or family != 4 or not boot.fields:
        return {}
    server = {"next-server": boot.next_server} if boot.next_server else {}
    return server | {"boot-file-name": boot.file}


def _boot_option(code: int, data: bytes) -> dict[str, object]:
    if code == 16:  # a record, which Kea takes as octets only
        return option_data(code, data, always=True)
    return option_text(code, data, always=True)
