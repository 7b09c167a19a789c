"""Any valid site renders, passes each server's own checker, and renders again to the same bytes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from toolkit.documents import DocumentError, Problem
from toolkit_pxe.check_command import CANNOT, OK, check_target
from toolkit_pxe.decide.client import firmware
from toolkit_pxe.decide.decision import decide
from toolkit_pxe.lab import Lab
from toolkit_pxe.lab.prove import prove
from toolkit_pxe.requests import families_of
from toolkit_pxe.site.archs import known_words
from toolkit_pxe.site.resolve import load_site
from toolkit_pxe.targets import find_target, target_names
from toolkit_pxe.targets.base import Options

PROGRAMS = {"isc-dhcp": "dhcpd", "kea": "kea-dhcp4", "dnsmasq": "dnsmasq"}
SERVERS = [
    pytest.param(name, marks=pytest.mark.server(program))
    for name, program in PROGRAMS.items()
    if name in target_names()
]
PHASES = (Phase.explicit, Phase.generate)
"""No shrinking: each example may start a server, and a site is small anyway."""
words = st.from_regex(r"[a-z][a-z0-9-]{0,10}[a-z0-9]", fullmatch=True).filter(
    lambda word: word != "none"
)
texts = st.text(
    st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30
)
files = texts.map(lambda text: text.strip() or "x").filter(
    lambda text: ".." not in text and "://" not in text and len(text.encode()) <= 100
)
leases = st.integers(60, 9999)


@st.composite
def targets(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(["wds", "pxelinux", "grub", "ipxe", "http", "file"]))
    if kind == "http":
        return {"kind": kind, "url": draw(words)}
    made: dict[str, Any] = {
        "kind": kind,
        "via": draw(st.sampled_from(["both", "fields", "options"])),
    }
    if draw(st.booleans()):
        made["file"] = draw(files)
    else:
        made["files"] = {"bios": draw(files), "x64": draw(files), "arm64-uefi": draw(files)}
    if kind == "ipxe":
        made["script"] = draw(st.one_of(files, words.map("http://10.0.0.9/{}.ipxe".format)))
    if draw(st.booleans()):
        made["server"] = "10.0.0.7"
    return made


@st.composite
def rules(draw: st.DrawFn, names: list[str], groups: list[str]) -> dict[str, Any]:
    conditions: dict[str, st.SearchStrategy[Any]] = {
        "vendor_class": st.sampled_from(["PXEClient", 'a"b\\c', "HTTP"]),
        "user_class": st.sampled_from(["iPXE", "site one", "x'y,z"]),
        "mac": st.binary(min_size=1, max_size=6).map(lambda raw: raw.hex(":")),
        "arch": st.lists(
            st.sampled_from([word for word in known_words() if not word.endswith("http")]),
            min_size=1, max_size=3, unique=True,
        ),
    }  # fmt: skip
    if groups:
        conditions["group"] = st.sampled_from(groups)
    chosen = draw(st.lists(st.sampled_from([*conditions]), min_size=1, max_size=2, unique=True))
    return {"boot": draw(st.sampled_from(names)), **{key: draw(conditions[key]) for key in chosen}}


def memberships(groups: list[str]) -> st.SearchStrategy[dict[str, str]]:
    """Return a member of one of these groups, or of none."""
    return st.sampled_from([{}, *({"group": group} for group in groups)])


@st.composite
def sites(draw: st.DrawFn) -> dict[str, Any]:
    """Return a site that is valid but for rules that no client could meet (then it is refused)."""
    made = draw(st.dictionaries(words, targets(), min_size=1, max_size=3))
    groups = draw(st.lists(words, max_size=2, unique=True))
    names = [*made, "none"]
    profiles = {
        name: {"default": draw(st.sampled_from(names)),
               "rules": draw(st.lists(rules(names, groups), max_size=3))}
        for name in draw(st.lists(words, min_size=1, max_size=2, unique=True))
    }  # fmt: skip
    hosts = [
        {"name": f"h{at}", "mac": f"52:54:00:00:00:{at:02x}", "address": f"10.0.{at % 2}.{at + 20}",
         "duid": f"00:03:00:01:52:54:00:00:00:{at:02x}", "address6": f"2001:db8::{at + 20:x}",
         **draw(memberships(groups))}
        for at in range(draw(st.integers(0, 4)))
    ]  # fmt: skip
    return {
        "name": draw(words),
        "dhcp": {"authoritative": draw(st.booleans()), "domain": "example.org",
                 "dns_servers": ["10.0.0.2", "2001:db8::2"], "lease_time": draw(leases)},
        "boot_servers": {"tftp": "10.0.0.9", "tftp6": "2001:db8::9", "http": "http://10.0.0.9/",
                         "http6": "http://[2001:db8::9]/"},
        "subnets": [
            {"subnet": "10.0.0.0/24", "pools": ["10.0.0.100-10.0.0.199"], "routers": ["10.0.0.1"]},
            {"subnet": "10.0.1.0/24", "profile": draw(st.sampled_from([*profiles])),
             "shared_network": draw(st.sampled_from(["", "floor"]))},
            {"subnet": "2001:db8::/64"},
        ],
        "targets": made, "profiles": profiles, "profile": next(iter(profiles)), "groups": groups,
        "reservations": hosts,
    }  # fmt: skip


def loaded(site: dict[str, Any], folder: Path) -> Any:
    """Return the site, or None where it is refused: some rules can't be met."""
    path = folder / "site.json"
    path.write_text(json.dumps(site), "utf-8")
    problems: tuple[Problem, ...] = ()
    try:
        return load_site(path)
    except DocumentError as error:
        problems = error.problems
    known = ("has nothing for the architectures", "never", "by TFTP")
    assert all(any(word in item.message for word in known) for item in problems), problems
    return None


@pytest.mark.parametrize("name", SERVERS)
@settings(
    max_examples=25, phases=PHASES, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(site=sites())
def test_any_valid_site_passes_the_servers_own_checker(
    name: str, site: dict[str, Any], tmp_path: Path
) -> None:
    model = loaded(site, tmp_path)
    if model is None:
        return
    target = find_target(name)
    for family in families_of(model, target):
        verdict = check_target(model, target, Options(family))
        assert verdict.state in {OK, CANNOT}, verdict
        assert verdict.state == OK or verdict.detail


@pytest.mark.parametrize("name", target_names())
@settings(
    max_examples=25, phases=PHASES, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(site=sites())
def test_any_valid_site_renders_to_the_same_bytes_again(
    name: str, site: dict[str, Any], tmp_path: Path
) -> None:
    model = loaded(site, tmp_path)
    again = loaded(site, tmp_path)
    if model is None or again is None:
        return
    target = find_target(name)
    for family in families_of(model, target):
        first = target.render(model, Options(family))
        kept = {item.name: item.content for item in first.files}
        second = target.render(again, Options(family, previous=kept.get))
        assert second.files == first.files


@settings(
    max_examples=60, phases=PHASES, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(site=sites(), arch=st.integers(0, 41), ipxe=st.booleans(), mac=st.integers(0, 9))
def test_a_client_that_runs_ipxe_is_never_sent_ipxe_again(
    site: dict[str, Any], arch: int, mac: int, tmp_path: Path, *, ipxe: bool
) -> None:
    model = loaded(site, tmp_path)
    if model is None:
        return
    client = firmware(arch, mac=f"52:54:00:00:00:{mac:02x}", ipxe=ipxe)
    boot = decide(model, client).boot
    if ipxe and boot is not None and boot.kind == "ipxe":
        script = site["targets"][boot.target]["script"]
        assert boot.file == script


@pytest.mark.parametrize("name", SERVERS)
@settings(
    max_examples=6, phases=PHASES, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(values=st.lists(texts, min_size=12, max_size=12), file=files)
def test_any_text_in_a_path_or_an_option_arrives_as_it_is(
    name: str, values: list[str], file: str, lab: Lab, tmp_path: Path
) -> None:
    codes = range(230, 230 + len(values))
    site = {
        "name": "texts",
        "boot_servers": {"tftp": "10.0.0.9"},
        "subnets": [{"subnet": "10.0.0.0/24"}],
        "dhcp": {"options": [{"code": code, "type": "text", "value": value}
                             for code, value in zip(codes, values, strict=True)]},
        "targets": {"t": {"kind": "file", "file": file}},
        "profiles": {"p": {"default": "t"}},
        "reservations": [{"name": "h", "mac": "52:54:00:00:00:01", "address": "10.0.0.10"}],
    }  # fmt: skip
    model = loaded(site, tmp_path)
    target = find_target(name)
    if target.render(model, Options()).limits:
        return  # refused, with a sentence
    client = firmware(0, mac="52:54:00:00:00:01")
    asks = replace(client, asks=frozenset({66, 67, *codes}))
    (cell,) = prove(lab, target, model, [asks], Options())
    assert cell.offered is not None
    got = {code: data.rstrip(b"\0") for code, data in cell.offered.options.items()}
    assert [got.get(code) for code in codes] == [value.encode() for value in values]
    assert (cell.offered.file or got[67]) == file.encode()
    assert cell.proven
