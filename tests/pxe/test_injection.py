"""No text of a site begins a line of its own in anything that is rendered."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from toolkit.errors import UsageError
from toolkit_pxe.requests import families_of
from toolkit_pxe.site.resolve import load_site
from toolkit_pxe.targets import find_target, target_names
from toolkit_pxe.targets.base import Options

SITE: dict[str, Any] = {
    "name": "lab",
    "dhcp": {"domain": "example.org", "dns_servers": ["10.0.0.2"], "ntp_servers": ["10.0.0.3"],
             "options": [{"code": 200, "name": "own", "type": "text", "value": "x"}]},
    "boot_servers": {"tftp": "10.0.0.9", "tftp6": "2001:db8::9", "http": "http://10.0.0.9/",
                     "http6": "http://[2001:db8::9]/"},
    "subnets": [
        {"subnet": "10.0.0.0/24", "pools": ["10.0.0.100-10.0.0.150"], "shared_network": "hall",
         "routers": ["10.0.0.1"], "relays": ["10.0.0.2"], "domain": "a.example.org",
         "profile": "standard", "lease_time": "8h",
         "options": [{"code": 201, "type": "ip-address", "value": ["10.0.0.4"]}]},
        {"subnet": "2001:db8::/64", "pools": ["2001:db8::100-2001:db8::1ff"]},
    ],
    "targets": {
        "p": {"kind": "pxelinux", "files": {"bios": "pxelinux.0"}, "config": "a.cfg",
              "prefix": "a/", "server": "10.0.0.8", "via": "both",
              "options": [{"code": 202, "type": "text", "value": "y"}]},
        "i": {"kind": "ipxe", "file": "ipxe.efi", "script": "boot.ipxe"},
        "g": {"kind": "grub", "files": {"x64": "grubx64.efi"}},
        "w": {"kind": "http", "urls": {"x64-uefi-http": "a.efi"}},
    },
    "profiles": {
        "standard": {"default": "i", "rules": [
            {"arch": ["bios"], "boot": "p"}, {"arch": "http", "boot": "w"},
            {"vendor_class": "V", "user_class": "U", "group": "now", "boot": "g"},
            {"mac": ["52:54:00:aa"], "boot": "g"},
        ]},
    },
    "profile": "standard",
    "groups": ["now"],
    "menu": {"title": "Menu", "default": "one", "by_group": {"now": "one"}, "entries": [
        {"name": "one", "kind": "linux", "title": "One", "kernel": "k", "initrd": ["i"],
         "append": "quiet", "arch": ["bios", "x64"]},
        {"name": "two", "kind": "windows", "title": "Two", "file": "w", "wimboot": "wb",
         "arch": "bios"},
    ]},
    "dns": {"name_servers": ["ns.example.net"], "hostmaster": "root@example.org"},
    "reservations": [
        {"name": "h", "mac": "52:54:00:00:00:01", "address": "10.0.0.10",
         "address6": "2001:db8::10", "client_id": "text:c", "circuit_id": "eth0/1",
         "duid": "00:03:00:01", "group": "now"},
    ],
}  # fmt: skip
MARK = "EVIL"


def places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield where each text is; a mapping's keys count, too, with a star before them."""
    if isinstance(value, str):
        yield path
    elif isinstance(value, list):
        for at, part in enumerate(value):
            yield from places(part, (*path, at))
    elif isinstance(value, dict):
        for key, part in value.items():
            if path and path[-1] in {"targets", "profiles", "files", "urls", "by_group"}:
                yield (*path, f"*{key}")
            yield from places(part, (*path, key))


def changed(path: tuple[str | int, ...], ending: str) -> dict[str, Any]:
    """Return the site with one text made longer."""
    site = copy.deepcopy(SITE)
    inner: Any = site
    for part in path[:-1]:
        inner = inner[part]
    last = path[-1]
    if isinstance(last, str) and last.startswith("*"):
        inner[last[1:] + ending] = inner.pop(last[1:])
    else:
        inner[last] += ending
    return site


def lines(path: Path) -> Iterator[str]:
    """Yield every line of everything that is rendered, whatever one takes for its end."""
    site = load_site(path)
    for name in target_names():
        target = find_target(name)
        for family in families_of(site, target):
            for item in target.render(site, Options(family)).files:
                yield from item.content.splitlines()


def test_the_site_that_is_changed_is_right(tmp_path: Path) -> None:
    path = tmp_path / "site.json"
    path.write_text(json.dumps(SITE), "utf-8")
    assert len([*lines(path)]) > 100


@pytest.mark.parametrize("ending", [f"\n{MARK}", f"\r{MARK}", f"\u2028{MARK}", f"\x85{MARK}"])
def test_no_text_begins_a_line(ending: str, tmp_path: Path) -> None:
    path = tmp_path / "site.json"
    begun = []
    for place in places(SITE):
        path.write_text(json.dumps(changed(place, ending)), "utf-8")
        try:
            found = [line for line in lines(path) if line.lstrip().startswith(MARK)]
        except UsageError:
            continue  # refused
        if found:
            begun.append((place, found))
    assert begun == []
