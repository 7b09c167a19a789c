"""What the site is written for: one module a server or boot loader, found by entry points.

A module of the group `toolkit_pxe.targets` satisfies `base.Target`; an installed distribution of
anybody's may add one.
"""

from __future__ import annotations

from toolkit.errors import ToolkitError, UsageError
from toolkit.text import clean, did_you_mean
from toolkit_pxe.targets.base import Target

GROUP = "toolkit_pxe.targets"


def target_names() -> tuple[str, ...]:
    """Return the names of all installed targets, sorted; none is imported."""
    from importlib.metadata import entry_points  # costs more than our help page

    return tuple(sorted({entry.name for entry in entry_points(group=GROUP)}))


def find_target(name: str) -> Target:
    """Import and return the target with this name.

    Raises UsageError for an unknown one, ToolkitError for one whose module fails or is no target.
    """
    from importlib.metadata import entry_points  # as above

    found = [entry for entry in entry_points(group=GROUP) if entry.name == name]
    if not found:
        names = target_names()
        hint = did_you_mean(name, names) or f"known are: {', '.join(names)}"
        raise UsageError(f'there is no target "{clean(name, limit=40)}"', hint=hint)
    try:
        module = found[0].load()
    except Exception as error:
        reason = clean(f"{type(error).__name__}: {error}", limit=200)
        raise ToolkitError(f'the target "{name}" cannot be loaded: {reason}') from error
    if not isinstance(module, Target):
        message = f'the target "{name}" ({found[0].value}) lacks what a target has'
        raise ToolkitError(message, hint="see toolkit_pxe.targets.base.Target")
    return module
