"""Finding the installed plugins: entry points read straight from the distributions' metadata.

`importlib.metadata` would cost more than the whole of `toolkit --help` (it imports email, zipfile
and csv, and parses every distribution's metadata). What is needed here is one small file in each
`*.dist-info` folder: https://packaging.python.org/en/latest/specifications/entry-points/.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from toolkit.errors import ToolkitError
from toolkit.plugins import CONTRACT, GROUP, Plugin, load
from toolkit.text import clean, did_you_mean

OWN_DISTRIBUTION = "sysadmin-toolkit"
RESERVED = frozenset({"toolkit", "config", "demo", "doctor", "plugins", "help", "version"})
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_HEADER = f"[{GROUP}]"


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """One line of an `entry_points.txt`, and the distribution that it came with."""

    name: str
    reference: str
    distribution: str
    version: str


@dataclass(frozen=True, slots=True)
class Found:
    """A plugin as found: `state` is active, disabled or failed; `plugin` is None unless active."""

    name: str
    distribution: str
    version: str
    state: str
    reason: str = ""
    remedy: str = ""
    plugin: Plugin | None = None

    @property
    def update(self) -> str:
        """What to do where a part of it is of no use."""
        return f"update {self.distribution}, or see: toolkit plugins"

    @property
    def summary(self) -> str:
        """Its one line for help pages, safe to show."""
        return clean(self.plugin.summary, limit=120) if self.plugin else ""


def discover(environ: Mapping[str, str], path: Sequence[str] | None = None) -> tuple[Found, ...]:
    """Return every installed plugin, the bundled ones first, then by name.

    `TOOLKIT_DISABLE_PLUGINS` (names, comma separated, or `all`) switches plugins off: their modules
    are then not imported at all. `path` is searched as `sys.path` is.
    """
    disabled = {word.strip() for word in environ.get("TOOLKIT_DISABLE_PLUGINS", "").split(",")}
    found: dict[str, Found] = {}
    rejected: list[Found] = []
    for entry in sorted(entry_points(sys.path if path is None else path), key=_order):
        if entry.name in found:
            rejected.append(_failed(entry, _taken(found[entry.name])))
        elif {entry.name, "all"} & disabled:
            found[entry.name] = _disabled(entry)
        else:
            found[entry.name] = _load(entry)
    return (*found.values(), *rejected)


def unknown_disabled(environ: Mapping[str, str], found: Iterable[Found]) -> str:
    """Return a sentence on names in TOOLKIT_DISABLE_PLUGINS that no plugin has, or ""."""
    words = {word.strip() for word in environ.get("TOOLKIT_DISABLE_PLUGINS", "").split(",")}
    names = [entry.name for entry in found]
    unknown = sorted(words - {"", "all", *names})
    if not unknown:
        return ""
    hint = did_you_mean(unknown[0], names)
    text = f"TOOLKIT_DISABLE_PLUGINS names no installed plugin: {clean(', '.join(unknown))}"
    return f"{text} ({hint})" if hint else text


def entry_points(path: Iterable[str]) -> Iterator[EntryPoint]:
    """Yield the group's entry points; the first distribution of a name on `path` wins.

    That is the order of `importlib.metadata.entry_points`, which a test compares with this.
    """
    seen: set[str] = set()
    for folder in dict.fromkeys(path):
        for metadata in _metadata_folders(folder or os.curdir):
            name, _, version = metadata.stem.partition("-")
            normal = re.sub(r"[-_.]+", "-", name).lower()
            if normal not in seen:
                seen.add(normal)
                yield from _read(metadata, normal, version.split("-py")[0])


def _metadata_folders(folder: str) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            names = [
                item.name for item in entries if item.name.endswith((".dist-info", ".egg-info"))
            ]
    except OSError:
        return []
    return [Path(folder, name) for name in sorted(names)]


def _read(metadata: Path, distribution: str, version: str) -> Iterator[EntryPoint]:
    try:
        text = (metadata / "entry_points.txt").read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return
    if _HEADER not in text:
        return
    section = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            section = line
        elif section == _HEADER and "=" in line and not line.startswith(("#", ";")):
            name, _, reference = line.partition("=")
            bare = reference.split("[")[0].strip()
            yield EntryPoint(name.strip(), bare, distribution, version)


def _order(entry: EntryPoint) -> tuple[bool, str, str]:
    return (entry.distribution != OWN_DISTRIBUTION, entry.name, entry.distribution)


def _load(entry: EntryPoint) -> Found:
    """Import the plugin's object and judge it; every defect becomes a reason, no exception."""
    try:
        plugin = load(entry.reference)
    except ToolkitError as error:
        return _failed(entry, error.message)
    if not isinstance(plugin, Plugin):
        return _failed(entry, f"{entry.reference} is no toolkit.plugins.Plugin")
    reason = _defect(entry, plugin)
    if reason:
        return _failed(entry, reason)
    return Found(entry.name, entry.distribution, entry.version, "active", plugin=plugin)


def _defect(entry: EntryPoint, plugin: Plugin) -> str:
    if plugin.contract != CONTRACT:
        newer = "a newer toolkit" if plugin.contract > CONTRACT else "an older toolkit"
        return f"written for contract {plugin.contract} of {newer}; this one has {CONTRACT}"
    if plugin.name != entry.name:
        return f'its entry point is "{clean(entry.name)}" but its name "{clean(plugin.name)}"'
    if not _NAME.fullmatch(plugin.name) or plugin.name in RESERVED:
        return f'"{clean(plugin.name)}" cannot be a plugin\'s name: reserved or malformed'
    return ""


def _taken(holder: Found) -> str:
    return f"the name is taken by {holder.distribution} {holder.version}"


def _failed(entry: EntryPoint, reason: str) -> Found:
    remedy = f"update it, or remove it: {sys.executable} -m pip uninstall {entry.distribution}"
    if entry.distribution == OWN_DISTRIBUTION:
        remedy = "the installation is damaged: install sysadmin-toolkit again"
    name = clean(entry.name, limit=40)
    return Found(
        name, entry.distribution, entry.version, "failed", clean(reason, limit=300), remedy
    )


def _disabled(entry: EntryPoint) -> Found:
    reason = "switched off by TOOLKIT_DISABLE_PLUGINS"
    remedy = "unset the variable, or take the name out of it"
    return Found(entry.name, entry.distribution, entry.version, "disabled", reason, remedy)
