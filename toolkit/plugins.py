"""The contract between the core and its plugins.

A plugin is a distribution with an entry point in the group `toolkit.plugins` that names a `Plugin`
object in a module that imports nothing heavy. All its references are lazy ("package.module:name"):
its application is imported when its command is invoked, and not before.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from toolkit.errors import ToolkitError
from toolkit.text import clean

GROUP = "toolkit.plugins"
CONTRACT = 1
"""The version of this contract. A plugin written for a later one is refused with a reason."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """What a plugin tells the core.

    name      its command and its section of toolkit.yaml: lower case letters, digits, hyphens
    summary   one line for help pages
    app       "package.cli:app", a `typer.Typer`; see `toolkit.command`
    settings  "package.settings:Settings", a frozen dataclass: the keys of its section (or ""); its
              class attribute `variables` names what is set by environment variables alone
    doctor    "package.doctor:probes", `(Session) -> Iterable[Probe]`; see `toolkit.doctor` (or "")
    demo      "package.demo:scene", `(Stage) -> None`; see `toolkit.demo` (or "")
    contract  the version of this contract that it was written for
    """

    name: str
    summary: str
    app: str = ""
    settings: str = ""
    doctor: str = ""
    demo: str = ""
    contract: int = CONTRACT


def load(reference: str) -> object:
    """Import what "package.module:attribute" names.

    Raises ToolkitError for a malformed reference, a failing import or a missing attribute: whatever
    a plugin's module raises, the others go on.
    """
    module_name, colon, attribute = reference.partition(":")
    if not (module_name and colon and attribute):
        message = f'"{clean(reference)}" is no reference of the form "package.module:attribute"'
        raise ToolkitError(message)
    try:
        found: object = import_module(module_name)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (Exception, SystemExit) as error:
        reason = clean(f"{type(error).__name__}: {error}", limit=200)
        raise ToolkitError(f"{reference} cannot be loaded: {reason}") from error
    return found
