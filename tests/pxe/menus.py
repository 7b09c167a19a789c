"""Sites with menus, for the tests of boot loaders' targets."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from toolkit_pxe.site.model import Site
from toolkit_pxe.site.resolve import load_site
from toolkit_pxe.targets import find_target
from toolkit_pxe.targets.base import Options, Rendered

MAC = "52:54:00:12:34:56"
Entry = Mapping[str, Any]
LINUX: Entry = {"name": "linux", "kind": "linux", "kernel": "vmlinuz"}
WINDOWS: Entry = {"name": "win", "kind": "windows", "file": "win", "wimboot": "wimboot"}
TEXTS = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=40)
"""What a site file lets through as a title or a command line."""


def described(
    entries: Sequence[Entry], target: Entry | None = None, **menu: Any
) -> Mapping[str, Any]:
    """Return a site as it is described; its host is in group `now`."""
    made: dict[str, Any] = {
        "name": "menus",
        "boot_servers": {"tftp": "10.0.0.9", "http": "http://10.0.0.9/boot/"},
        "subnets": [{"subnet": "10.0.0.0/24"}],
        "groups": ["now"],
        "menu": {"entries": entries, **menu},
        "reservations": [{"name": "h1", "mac": MAC, "group": "now"}],
    }
    if target is not None:
        made |= {"targets": {"boot": target}, "profiles": {"standard": {"default": "boot"}}}
    return made


def load(value: Mapping[str, Any]) -> Site:
    """Return a described site as it is resolved."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "site.json"
        path.write_text(json.dumps(value), "utf-8")
        return load_site(path)


def rendered(
    loader: str, entries: Sequence[Entry], target: Entry | None = None, **menu: Any
) -> Rendered:
    """Return what a loader's target makes of these entries."""
    return find_target(loader).render(load(described(entries, target, **menu)), Options())


def file(found: Rendered, name: str) -> str:
    """Return the content of one rendered file."""
    return next(item.content for item in found.files if item.name == name)


def messages(found: Rendered) -> str:
    """Return all limits as text."""
    return "\n".join(item.message for item in found.limits)
