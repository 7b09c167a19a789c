"""What several commands make of their options: targets, settings, families."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from toolkit.errors import ToolkitError, UsageError
from toolkit.text import clean, did_you_mean
from toolkit_pxe.site.model import Site
from toolkit_pxe.targets import find_target, target_names
from toolkit_pxe.targets.base import Predicting, Target

Warn = Callable[[str, str], None]
"""Takes a message and a hint."""


class Server(Target, Predicting, Protocol):
    """A target that is a DHCP server."""


def named_targets(names: Sequence[str]) -> list[Target]:
    """Return the named targets, each once. Raises UsageError for an unknown one, or for none."""
    if not names:
        hint = f"--for takes one of: {', '.join(target_names())}"
        raise UsageError("no target is named", hint=hint)
    return [find_target(name) for name in dict.fromkeys(names)]


def chosen_targets(names: Sequence[str], warn: Warn) -> list[Target]:
    """Return the named targets, or all; of all, one that can't be loaded is a warning alone.

    Raises UsageError or ToolkitError for a named one that is unknown or can't be loaded.
    """
    if names:
        return named_targets(names)
    found = []
    for name in target_names():
        try:
            found.append(find_target(name))
        except ToolkitError as error:
            warn(error.message, error.hint or "the others go on without it")
    return found


def predicting_targets(targets: Sequence[Target], family: int, *, named: bool) -> Iterator[Server]:
    """Yield those that are servers of that family. Raises UsageError for a `named` loader."""
    for target in targets:
        if isinstance(target, Predicting) and family in target.families:
            yield target
        elif named:
            message = (
                f'"{clean(target.name)}" is no DHCPv{family} server, so it sends clients nothing'
            )
            raise UsageError(message.replace("DHCPv4", "DHCP"))


def families_of(site: Site, target: Target) -> tuple[int, ...]:
    """Return the families to render for: those that both have; 4 for what has none."""
    if not target.families:
        return (4,)
    there = {subnet.network.family for subnet in site.subnets} | ({4} if site.proxy else set())
    return tuple(family for family in target.families if family in there) or target.families[:1]


def parse_settings(
    words: Sequence[str], target: Target, chosen: Sequence[Target]
) -> dict[str, str]:
    """Return the settings of a target: `name=value`, or `target.name=value` for one of several.

    Raises UsageError for a setting that none of the chosen targets has.
    """
    found: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            raise UsageError(f'--set "{clean(word, limit=60)}" is not of the form NAME=VALUE')
        owner, _, name = key.rpartition(".")
        owners = [item for item in chosen if owner in {"", item.name}]
        known = {setting for item in owners for setting in item.settings}
        if name not in known:
            raise _unknown(key, owner, [item.name for item in owners], sorted(known))
        if target in owners and name in target.settings:
            found[name] = value
    return found


def _unknown(key: str, owner: str, owners: Sequence[str], known: Sequence[str]) -> UsageError:
    shown = clean(key, limit=60)
    if not owners:
        return UsageError(f'--set "{shown}" is for "{clean(owner)}", which is not chosen')
    hint = did_you_mean(key.rpartition(".")[2], known)
    listed = f"known are: {', '.join(known)}" if known else "there are none"
    whose = owners[0] if len(owners) == 1 else "none of the targets"
    message = f'{whose} has no setting "{shown}"' if len(owners) == 1 else (
        f'{whose} has a setting "{shown}"')  # fmt: skip
    return UsageError(message, hint=hint or listed)
