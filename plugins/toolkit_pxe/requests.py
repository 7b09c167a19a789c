"""What several commands make of their options: targets, settings, families."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from toolkit.errors import UsageError
from toolkit.text import clean, did_you_mean
from toolkit_pxe.site.model import Site
from toolkit_pxe.targets import find_target, target_names
from toolkit_pxe.targets.base import Predicting, Target


class Server(Target, Predicting, Protocol):
    """A target that is a DHCP server."""


def named_targets(names: Sequence[str]) -> list[Target]:
    """Return the named targets, each once. Raises UsageError for an unknown one, or for none."""
    if not names:
        hint = f"--for takes one of: {', '.join(target_names())}"
        raise UsageError("no target is named", hint=hint)
    return [find_target(name) for name in dict.fromkeys(names)]


def predicting_targets(names: Sequence[str], family: int) -> Iterator[Server]:
    """Yield the named servers, or all of that family. Raises UsageError for a loader."""
    for name in dict.fromkeys(names) or target_names():
        target = find_target(name)
        if isinstance(target, Predicting) and family in target.families:
            yield target
        elif names:
            message = f'"{clean(name)}" is no DHCPv{family} server, so it sends clients nothing'
            raise UsageError(message.replace("DHCPv4", "DHCP"))


def families_of(site: Site, target: Target) -> tuple[int, ...]:
    """Return the families to render for: those that both have; 4 for what has none."""
    if not target.families:
        return (4,)
    there = {subnet.network.family for subnet in site.subnets} | ({4} if site.proxy else set())
    return tuple(family for family in target.families if family in there) or target.families[:1]


def parse_settings(words: Sequence[str], target: Target, names: Sequence[str]) -> dict[str, str]:
    """Return the settings of a target: `name=value`, or `target.name=value` for one of several.

    Raises UsageError for a setting that none of the targets `names` has.
    """
    found: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            raise UsageError(f'--set "{clean(word, limit=60)}" is not of the form NAME=VALUE')
        owner, dot, rest = key.partition(".")
        name = rest if dot else key
        if dot and owner != target.name:
            continue
        if name in target.settings:
            found[name] = value
        elif dot or len(names) <= 1:
            known = ", ".join(target.settings) or "it has none"
            hint = did_you_mean(name, target.settings) or f"known are: {known}"
            message = f'{target.name} has no setting "{clean(name, limit=60)}"'
            raise UsageError(message, hint=hint)
    return found
