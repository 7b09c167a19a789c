"""One error hides no other: not in a reservation, a row, a target, a rule, nor across the site."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from .test_site_errors import problems as told

HEAD = """\
name: campus
boot_servers: {tftp: 10.77.0.9}
subnets:
- {subnet: 10.77.0.0/24, pools: [10.77.0.100-10.77.0.199]}
groups: [lab]
targets: {p: {kind: pxelinux, file: pxelinux.0}}
profiles: {standard: {default: p}}
"""
LONG = "00" * 131


def keys(found: list[str]) -> list[str]:
    """Return the key of each problem, without the place."""
    return [line.split(": ")[1] for line in found]


WRONG = {
    "name": "a b", "mac": "zz", "address": "10.1.1.1", "address6": "x", "client_id": "01:zz",
    "circuit_id": "y" * 254, "duid": LONG, "group": "no",
}  # fmt: skip
TOLD = ["name", "mac", "address", "address6", "circuit_id", "duid", "group"]


def test_every_fault_of_a_reservation_is_told(tmp_path: Path) -> None:
    entry = "\n".join(f"  {key}: '{value}'" for key, value in WRONG.items())
    found = told(tmp_path, f"{HEAD}reservations:\n-{entry[1:]}\n")
    assert keys(found) == [f"reservations[0].{key}" for key in TOLD]
    assert all("; " in line for line in found), "each has its remedy"


@pytest.mark.parametrize("kind", ["csv", "jsonl", "json"])
def test_every_fault_of_a_row_is_told(kind: str, tmp_path: Path) -> None:
    import json

    row = json.dumps(WRONG)
    texts = {
        "csv": f"{','.join(WRONG)}\n{','.join(WRONG.values())}\n",
        "jsonl": f"{row}\n",
        "json": f"[{row}]",
    }
    listed = f"{HEAD}reservation_files: [h.{kind}]\n"
    (tmp_path / f"h.{kind}").write_text(texts[kind], "utf-8")
    assert [key.removeprefix("[0].") for key in keys(told(tmp_path, listed))] == TOLD


@pytest.mark.parametrize("kind", ["csv", "jsonl", "json"])
def test_a_row_without_a_name_is_checked_all_the_same(kind: str, tmp_path: Path) -> None:
    texts = {
        "csv": "name,mac,address\n,zz,10.1.1.1\n",
        "jsonl": '{"mac": "zz", "address": "10.1.1.1"}\n',
        "json": '[{"mac": "zz", "address": "10.1.1.1"}]',
    }
    (tmp_path / f"h.{kind}").write_text(texts[kind], "utf-8")
    found = told(tmp_path, f"{HEAD}reservation_files: [h.{kind}]\n")
    for message in ('the key "name" is missing', '"zz" is no MAC', "in no subnet of the site"):
        assert any(message in line for line in found), found
    assert len(found) == 3


def test_an_unquoted_mac_hides_no_other_fault_of_its_reservation(tmp_path: Path) -> None:
    entry = "{name: a, mac: 525400123456, address: 10.99.0.1, group: no, vlan: 7}"
    assert keys(told(tmp_path, f"{HEAD}reservations:\n- {entry}\n")) == [
        "reservations[0].mac", "reservations[0].address", "reservations[0].group",
        "reservations[0].vlan",
    ]  # fmt: skip


def test_a_fault_hides_no_duplicate(tmp_path: Path) -> None:
    rows = "name,mac,address\na,52:54:00:00:00:01,10.1.1.1\nb b,52:54:00:00:00:01,10.77.0.3\n"
    found = told(tmp_path, f"{HEAD}reservation_files: [h.csv]\n", h_csv=rows)
    assert any("the mac 52:54:00:00:00:01 is that of" in line for line in found), found


@pytest.mark.parametrize(("kind", "place"), [("csv", "3:2"), ("jsonl", "2:22"), ("json", "2:22")])
def test_a_duplicate_is_told_with_its_very_place(kind: str, place: str, tmp_path: Path) -> None:
    rows = [f'{{"name": "{name}", "mac": "52:54:00:00:00:01"}}' for name in "ab"]
    texts = {
        "csv": "name,mac\na,52:54:00:00:00:01\nb,52:54:00:00:00:01\n",
        "jsonl": "\n".join(rows),
        "json": f"[{rows[0]},\n {rows[1]}]".replace("\n ", "\n"),
    }
    (tmp_path / f"h.{kind}").write_text(texts[kind], "utf-8")
    (found,) = told(tmp_path, f"{HEAD}reservation_files: [h.{kind}]\n")
    assert found.startswith(f"h.{kind}:{place}: mac: the mac 52:54:00:00:00:01 is that of"), found


def test_duplicates_in_one_line_of_json_are_told_apart(tmp_path: Path) -> None:
    rows = ",".join(f'{{"name": "{name}", "mac": "52:54:00:00:00:01"}}' for name in "abc")
    found = told(tmp_path, f"{HEAD}reservation_files: [h.json]\n", h_json=f"[{rows}]")
    assert [line.split(": ")[0] for line in found] == ["h.json:1:65", "h.json:1:107"]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "json"])
def test_thousands_of_errors_take_no_more_than_their_reading(kind: str, tmp_path: Path) -> None:
    count = 5_000
    objects = [f'{{"name": "h{at}", "mac": "zz", "address": "10.77.0.7"}}' for at in range(count)]
    texts = {
        "csv": "name,mac,address\n" + "".join(f"h{at},zz,10.77.0.7\n" for at in range(count)),
        "jsonl": "\n".join(objects),
        "json": f"[{','.join(objects)}]",
    }
    (tmp_path / f"h.{kind}").write_text(texts[kind], "utf-8")
    start = time.process_time()
    found = told(tmp_path, f"{HEAD}reservation_files: [h.{kind}]\n")
    assert len(found) == 2 * count - 1
    assert time.process_time() - start < 30


def test_what_breaks_a_list_hides_no_row_before_it(tmp_path: Path) -> None:
    rows = 'name,mac\na,zz\nb\n"c\n'
    found = told(tmp_path, f"{HEAD}reservation_files: [h.csv]\n", h_csv=rows)
    assert [line.partition(": ")[0] for line in found] == ["h.csv:2:2", "h.csv:3:1", "h.csv:4:1"]


def test_every_fault_of_a_subnet_is_told(tmp_path: Path) -> None:
    subnet = """\
- subnet: 10.78.0.1/24
  pools: [10.77.0.1-10.77.0.9, x]
  lease_time: soon
  routers: [10.79.0.1, y]
  relays: [z]
  dns_servers: [w]
  boot_servers: {tftp: v, http: u}
  profile: t
  colour: blue
  options:
  - {code: 67, type: text, value: "a\\tb"}
  - {code: none, type: text, value: x}
  - {code: 150, type: ip-address, value: [s, 10.0.0.1, r], name: UP}
"""
    found = keys(told(tmp_path, HEAD.replace("groups:", f"{subnet}groups:")))
    assert found == [f"subnets[1].{part}" for part in (
        "subnet", "pools[0]", "pools[1]", "lease_time", "routers[0]", "routers[1]", "relays[0]",
        "dns_servers[0]", "boot_servers.tftp", "boot_servers.http", "profile", "colour",
        "options[0].code", "options[0].value", "options[1].code", "options[2].value[0]",
        "options[2].value[2]", "options[2].name",
    )]  # fmt: skip


def test_a_wrong_network_is_no_reason_to_call_its_hosts_homeless(tmp_path: Path) -> None:
    hosts = "reservations:\n- {name: a, mac: '52:54:00:00:00:01', address: 10.78.0.7}\n"
    for wrong in ("10.78.0.1/24", "10.78/24"):
        text = HEAD.replace("groups:", f"- {{subnet: {wrong}}}\ngroups:") + hosts
        assert keys(told(tmp_path, text)) == ["subnets[1].subnet"]


def test_every_fault_of_a_target_and_a_profile_is_told(tmp_path: Path) -> None:
    text = """\
name: campus
subnets: [{subnet: 10.77.0.0/24}]
targets:
  a: {kind: ipxe, file: "a\\tb", via: post, server: x, options: [{code: 66, type: text, value: y}]}
  b: {file: c, files: {amd64: d, x64: ''}}
  good: {kind: file, file: f}
profiles:
  standard:
    default: nobody
    rules:
    - {arch: [x64, amd64], mac: [zz, '52:54'], group: no, boot: gone}
    - {arch: 7, boot: good}
    - {vendor_class: é, boot: b}
    - {boot: good}
"""
    assert keys(told(tmp_path, text)) == [
        "targets.a", "targets.a.file", "targets.a.via", "targets.a.server",
        "targets.a.options[0].code", "targets.b", "targets.b.files.amd64", "targets.b.files.x64",
        "profiles.standard.default", "profiles.standard.rules[0].arch[1]",
        "profiles.standard.rules[0].mac[0]", "profiles.standard.rules[0].group",
        "profiles.standard.rules[0].boot", "profiles.standard.rules[1].arch",
        "profiles.standard.rules[2].vendor_class", "profiles.standard.rules[3]",
    ]  # fmt: skip


def test_a_missing_boot_server_is_told_whatever_else_is_wrong(tmp_path: Path) -> None:
    text = HEAD.replace("boot_servers: {tftp: 10.77.0.9}\n", "")
    text += "reservations:\n- {name: a, mac: zz}\n"
    assert keys(told(tmp_path, text)) == ["targets.p", "reservations[0].mac"]


def test_a_wrong_boot_server_is_told_once(tmp_path: Path) -> None:
    text = HEAD.replace("10.77.0.9", "pxe.example.org")
    assert keys(told(tmp_path, text)) == ["boot_servers.tftp"]


def test_one_wrong_key_of_a_section_leaves_the_others_to_be_checked(tmp_path: Path) -> None:
    text = HEAD + """\
dhcp: {lease_time: soon, domain: a_b, dns_servers: [x, 10.0.0.1, 5], colour: blue}
dns: {hostmaster: nobody, ttl: soon}
menu:
  timeout: -1
  by_group: {no: nothing}
  entries:
  - {name: UP, kind: linux}
  - {name: two, kind: chain, file: 5, colour: blue}
  - {name: two, kind: windows, file: a/../b}
"""  # fmt: skip
    assert keys(told(tmp_path, text)) == [
        "dhcp.lease_time", "dhcp.domain", "dhcp.dns_servers[0]", "dhcp.dns_servers[2]",
        "dhcp.colour", "dns.name_servers", "dns.hostmaster", "dns.ttl", "menu.timeout",
        "menu.by_group.no", "menu.by_group.no", "menu.entries[0]", "menu.entries[0].name",
        "menu.entries[1].file", "menu.entries[1].colour", "menu.entries[2]",
        "menu.entries[2].name", "menu.entries[2].file",
    ]  # fmt: skip


def test_a_key_that_is_there_twice_hides_nothing(tmp_path: Path) -> None:
    text = f"{HEAD}reservations:\n- {{name: a, mac: zz, name: b}}\n"
    found = told(tmp_path, text)
    assert keys(found) == ["reservations[0].mac", "reservations[0].name"]
    assert "the key is there twice" in found[1]


def test_a_merge_key_is_told_once(tmp_path: Path) -> None:
    text = f"{HEAD}reservations:\n- &a {{name: a, mac: zz}}\n- {{<<: *a, name: b}}\n"
    found = told(tmp_path, text)
    assert [line.partition(": ")[0] for line in found if "<<" in line] == ["site.yaml:10:4"]
    assert any("mac: " in line for line in found)


def test_a_fault_in_a_json_list_is_told_with_its_very_place(tmp_path: Path) -> None:
    text = '[\n {"name": "a",\n  "mac": "zz"}\n]'
    (found,) = told(tmp_path, f"{HEAD}reservation_files: [h.json]\n", h_json=text)
    assert found.startswith("h.json:3:10: [0].mac: ")
    (found,) = told(
        tmp_path, f"{HEAD}reservation_files: [h.jsonl]\n", h_jsonl='\n{"name": "a", "mac": "zz"}\n'
    )
    assert found.startswith("h.jsonl:2:22: mac: ")


def test_a_long_value_is_not_repeated_whole(tmp_path: Path) -> None:
    (found,) = told(tmp_path, HEAD + f"dhcp: {{domain: {'a.' * 100_000}b_}}\n")
    assert len(found) < 500
