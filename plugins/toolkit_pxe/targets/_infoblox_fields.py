"""Infoblox's fields: text as NIOS takes it, filters' rules, options and what boots.

Documentation: WAPI (struct dhcpoption), "Data Specific Guidelines" and "Option Filter" at
https://docs.infoblox.com/space/nios86/.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from toolkit_pxe.decide.wire import boot_options4
from toolkit_pxe.site.model import Boot, Match, Option
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


def custom(items: Iterable[Option]) -> list[Fields]:
    """Return a site's own options of IPv4: text escaped, several values with commas."""
    found = [item for item in items if item.family == 4]
    return [
        option(item.code, text(item.data) if item.type == "text" else ",".join(item.values))
        for item in found
    ]


def boot_options(boot: Boot) -> list[Fields]:
    """Return options 60, 66 and 67; the NUL at the end of 67 is an escape, as in dhcpd.conf."""
    wire = boot_options4(boot)
    made = [option(code, text(wire[code])) for code in (60, 66, 67) if code in wire]
    return made + custom(boot.options)


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
