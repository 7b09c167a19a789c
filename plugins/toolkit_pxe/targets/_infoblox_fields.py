"""Infoblox's fields: text as NIOS takes it, filters' rules, options and what boots.

Documentation: WAPI (struct dhcpoption), "Data Specific Guidelines" and "Option Filter" at
https://docs.infoblox.com/space/nios86/.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from toolkit_pxe.decide.wire import boot_options4
from toolkit_pxe.site.model import Boot, Match, Option, Site
from toolkit_pxe.targets import _isc
from toolkit_pxe.targets._policies import class_texts

_FLAGGED = frozenset({6, 15, 28, 51})
"""Options that NIOS shows apart and that need `use_option`; it refuses the flag with others."""

Fields = dict[str, Any]


def text(raw: str | bytes) -> str:
    r"""Return text as its fields take it, boot\\x64: dhcpd reads it as a string literal."""
    return _isc.quote(raw)[1:-1]


def expression(match: Match) -> str:
    """Return a filter's rule, in parentheses: only so does Grid Manager list it.

    `substring` is the rule that Grid Manager calls "substring equals".
    """
    option = "option vendor-class-identifier"
    texts = class_texts(match) or []
    rules = [f'substring({option},0,{len(item)})="{text(item)}"' for item in texts]
    user = f'option user-class="{text(match.user_class)}"' if match.user_class else ""
    if not user:
        return f"({' OR '.join(rules)})"
    several = f"({' OR '.join(rules)})" if len(rules) > 1 else "".join(rules)
    return f"({' AND '.join(part for part in (several, user) if part)})"


def option(code: int, value: str) -> Fields:
    """Return an option by number, with the flag that some need."""
    made: Fields = {"num": code, "value": value}
    if code in _FLAGGED:
        made["use_option"] = True
    return made


@dataclass(frozen=True, slots=True)
class Defined:
    """An option that NIOS must be told of before it takes a value: one of 126 to 254.

    `kind` is the site file's type, or "binary" where its uses are of several types or lists.
    """

    code: int
    name: str
    kind: str

    @property
    def fields(self) -> Fields:
        """The definition's fields."""
        return {"code": self.code, "name": self.name, "space": "DHCP", "type": _TYPES[self.kind]}


_TYPES: Mapping[str, str] = {
    "text": "text", "ip-address": "array of ip-address", "uint8": "8-bit unsigned integer",
    "uint16": "16-bit unsigned integer", "uint32": "32-bit unsigned integer",
    "boolean": "boolean", "binary": "string",
}  # fmt: skip
_FIRST_OWN = 126
"""NIOS has the options below itself, and lets nobody define them ("About IPv4 DHCP Options")."""


def definitions(site: Site) -> Mapping[int, Defined]:
    """Return the options of a site that must be defined, by number."""
    boots = [arm.boot for variant in site.variants for arm in variant.arms4 if arm.boot]
    used = [*site.options, *(item for subnet in site.subnets for item in subnet.options),
            *(item for boot in boots for item in boot.options)]  # fmt: skip
    found: dict[int, Defined] = {}
    for item in used:
        if item.family != 4 or item.code < _FIRST_OWN:
            continue
        several = len(item.values) > 1 and item.type != "ip-address"
        kind = "binary" if several else item.type
        first = found.setdefault(item.code, Defined(item.code, item.name, kind))
        if first.kind != kind:
            found[item.code] = replace(first, kind="binary")
    return dict(sorted(found.items()))


def custom(items: Iterable[Option], defined: Mapping[int, Defined]) -> list[Fields]:
    """Return a site's own options of IPv4: text escaped, several values with commas."""
    return [option(item.code, _value(item, defined)) for item in items if item.family == 4]


def _value(item: Option, defined: Mapping[int, Defined]) -> str:
    kind = defined[item.code].kind if item.code in defined else item.type
    if kind == "binary":
        return item.data.hex(":")
    return text(item.data) if item.type == "text" else ",".join(item.values)


def boot_options(boot: Boot, defined: Mapping[int, Defined]) -> list[Fields]:
    """Return options 60, 66 and 67; the NUL at the end of 67 is an escape, as in dhcpd.conf."""
    wire = boot_options4(boot)
    made = [option(code, text(wire[code])) for code in (60, 66, 67) if code in wire]
    return made + custom(boot.options, defined)


def boot_fields(boot: Boot, next_server: str) -> Fields:
    """Return the form's boot fields; `next_server` is what this object calls it."""
    if not boot.fields:
        return {}
    made: Fields = {"bootfile": text(boot.file)}
    if boot.next_server:
        made[next_server] = boot.next_server
        made["bootserver"] = boot.next_server
    return made


def used(fields: Fields) -> Fields:
    """Return fields that are inherited unless their flag is set, with the flags."""
    return fields | {f"use_{key}": True for key in fields}


def has_filter(match: Match) -> bool:
    """Tell whether a condition is a filter's: a group alone is the host's own."""
    return bool(match.archs or match.vendor_class or match.user_class)
