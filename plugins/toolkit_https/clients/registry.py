"""Which ready-made clients there are: the entry points of `toolkit_https.clients`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.metadata import EntryPoint, entry_points

from toolkit.errors import ToolkitError, UsageError
from toolkit.plugins import load
from toolkit.text import clean, did_you_mean
from toolkit_https.clients import GROUP, Absent, Client, Installed, Machine

ALL = "all"
OWN = "toolkit_https."


class Broken:
    """A third party's client that can't be loaded: it is absent, and its reason is shown."""

    def __init__(self, name: str, reason: str) -> None:
        """Remember why."""
        self.name = name
        self._reason = reason

    def find(self, machine: Machine) -> Installed | Absent:
        """Tell that it isn't there."""
        del machine
        return Absent(self._reason, "update or remove the distribution that brought it")


def clients(points: Iterable[EntryPoint] | None = None) -> dict[str, Client]:
    """Return every client by name, the bundled ones first. A broken one never hides another."""
    known = entry_points(group=GROUP) if points is None else points
    found: dict[str, Client] = {}
    for point in sorted(known, key=lambda item: (not item.value.startswith(OWN), item.name)):
        found.setdefault(point.name, _loaded(point))
    return found


def chosen(names: Sequence[str], known: dict[str, Client]) -> list[Client]:
    """Return the clients of `names`, each a name, several with commas, or "all".

    Raises UsageError for a name that there isn't.
    """
    wanted = [word.strip() for text in names for word in text.split(",") if word.strip()]
    if ALL in wanted:
        return list(known.values())
    for word in wanted:
        if word not in known:
            hint = did_you_mean(word, known) or f"choose of: {', '.join(known)}, all"
            raise UsageError(f'there is no client "{clean(word, limit=40)}"', hint=hint)
    return [known[word] for word in dict.fromkeys(wanted)]


def _loaded(point: EntryPoint) -> Client:
    name = clean(point.name, limit=40)
    try:
        client = load(point.value)
    except ToolkitError as error:
        return Broken(name, error.message)
    if not isinstance(client, Client):
        return Broken(name, f"{clean(point.value, limit=100)} is no toolkit_https.clients.Client")
    return client
