"""Infoblox: objects have documented fields, the CSV says the same; no real server read them."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given

from toolkit_pxe.decide.client import firmware
from toolkit_pxe.targets import find_target
from toolkit_pxe.targets.base import MARK, Options, Rendered

from .menus import load, messages
from .test_windows_dhcp import MAC, PATHS, profile, site

FIELDS = {
    "dhcpoptiondefinition": {"code", "name", "space", "type"},
    "filteroption": {"bootfile", "bootserver", "comment", "expression", "name", "next_server",
                     "option_list"},
    "network": {"network", "network_view", "comment", "logic_filter_rules", "options", "bootfile",
                "bootserver", "nextserver"},
    "range": {"network", "network_view", "start_addr", "end_addr"},
    "fixedaddress": {"ipv4addr", "name", "network_view", "match_client", "mac",
                     "dhcp_client_identifier", "agent_circuit_id", "logic_filter_rules", "options",
                     "bootfile", "bootserver", "nextserver"},
}  # fmt: skip
FLAGGED = {"bootfile", "bootserver", "nextserver", "options", "logic_filter_rules"}
"""WAPI 2.7: fields of these objects; `use_X` lets X win over what is inherited."""
NEVER_FLAGGED = {1, 3, 42, 43, 60, 67, 124, 125}
TERM = r'(?:substring\(option vendor-class-identifier,0,\d+\)="[^"]*"|option user-class="[^"]*")'
EXPRESSION = re.compile(
    rf"\((?:{TERM}(?: OR {TERM})*|\({TERM}(?: OR {TERM})*\) AND {TERM}|{TERM} AND {TERM})\)"
)


def rendered(described: dict[str, Any], *, fragment: bool = False) -> Rendered:
    return find_target("infoblox").render(load(described), Options(4, fragment=fragment))


def text(found: Rendered, ending: str) -> str:
    return next(item.content for item in found.files if item.name.endswith(ending))


def requests(found: Rendered, ending: str = "-wapi.json") -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(text(found, ending))
    return listed


def objects(described: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [item["data"] for item in requests(rendered(described)) if item.get("object") == kind]


def rows(found: Rendered) -> Iterator[dict[str, str]]:
    """Yield the CSV's rows by column: a header line holds until the next."""
    head: list[str] = []
    for row in csv.reader(text(found, ".csv").splitlines()):
        if row[0].startswith("Header-"):
            head = [row[0].removeprefix("Header-"), *row[1:]]
        else:
            assert len(row) == len(head)
            assert row[0] == head[0]
            yield {"type": row[0], **dict(zip(head[1:], row[1:], strict=True))}


def test_the_boot_files_backslashes_are_doubled_and_option_67_ends_in_an_escaped_nul() -> None:
    made = objects(site(), "filteroption")[0]
    assert made["bootfile"] == r"boot\\x64\\wdsnbp.com"
    assert made["next_server"] == "10.77.0.8"
    assert {"num": 67, "value": r"boot\\x64\\wdsnbp.com\000"} in made["option_list"]


def test_objects_have_documented_fields_and_the_flags_of_those_that_are_inherited() -> None:
    for item in requests(rendered(site()))[1:]:
        data, kind = item["data"], item["object"]
        flags = {key for key in data if key.startswith("use_")}
        assert {*data} - flags <= FIELDS[kind], kind
        wanted = set() if kind == "filteroption" else {f"use_{key}" for key in FLAGGED & {*data}}
        assert flags == wanted, kind


def test_options_have_the_flag_only_where_nios_takes_it() -> None:
    described = site(dhcp={"domain": "x.org", "dns_servers": ["10.77.0.2"],
                           "ntp_servers": ["10.77.0.3"]},
                     subnets=[{"subnet": "10.77.0.0/24", "routers": ["10.77.0.1"]}])  # fmt: skip
    network = objects(described, "network")[0]
    flagged = {item["num"] for item in network["options"] if item.get("use_option")}
    assert flagged == {6, 15, 51}
    everything = [option for item in requests(rendered(described))[1:]
                  for key in ("options", "option_list")
                  for option in item["data"].get(key, ())]  # fmt: skip
    assert not any("use_option" in item for item in everything if item["num"] in NEVER_FLAGGED)


def test_filters_have_rules_of_the_documented_form_and_no_option_93() -> None:
    described = profile({"arch": ["bios", "x64-uefi"], "user_class": "lab", "boot": "wds"},
                        {"arch": "x64", "boot": "wds"}, default="none")  # fmt: skip
    found = [item["expression"] for item in objects(described, "filteroption")]
    assert found
    for text in found:
        assert EXPRESSION.fullmatch(text), text
    for at, size in re.findall(r'0,(\d+)\)="([^"]*)"', " ".join(found)):
        assert int(at) == len(size)


def test_the_loop_guard_stands_before_the_file_and_members_of_a_group_have_their_own_list() -> None:
    network = objects(site(), "network")[0]
    names = [rule["filter"] for rule in network["logic_filter_rules"]]
    assert [name.rpartition("standard-standard-")[2] for name in names] == [
        "2", "default-script", "default-1", "default-2"]  # fmt: skip
    member, other = objects(site(), "fixedaddress")
    assert member["logic_filter_rules"][0]["filter"].endswith("standard-1")
    assert "logic_filter_rules" not in other


def test_filters_are_made_before_what_refers_to_them() -> None:
    kinds = [item["object"] for item in requests(rendered(site()))[1:]]
    assert kinds == sorted(kinds, key=[*FIELDS].index)
    known = {item["name"] for item in objects(site(), "filteroption")}
    used = {rule["filter"] for kind in ("network", "fixedaddress") for item in objects(site(), kind)
            for rule in item.get("logic_filter_rules", ())}  # fmt: skip
    assert used <= known


def test_a_fragment_finds_networks_that_exist_and_changes_their_boot_alone() -> None:
    found = requests(rendered(site(), fragment=True))
    change = next(item for item in found if item["method"] == "PUT")
    assert change["object"] == "##STATE:ref:##"
    assert change["enable_substitution"] is True
    assert {*change["data"]} == {"logic_filter_rules", "use_logic_filter_rules"}
    assert not [item for item in found if item.get("object") in {"range", "fixedaddress"}]


def test_what_was_made_can_be_changed_as_often_as_one_likes() -> None:
    """A POST fails where there is such an object: the second file finds each, and PUTs it."""
    found = rendered(site())
    made = [item for item in requests(found)[1:] if item["object"] != "range"]
    steps = requests(found, "-wapi-update.json")[1:]
    for post, get, put in zip(made, steps[::2], steps[1::2], strict=True):
        assert (get["method"], put["method"]) == ("GET", "PUT")
        assert get["object"] == post["object"]
        assert get["assign_state"] == {"ref": "_ref"}
        assert (put["object"], put["enable_substitution"]) == ("##STATE:ref:##", True)
        assert get["data"] | put["data"] == post["data"]
        assert not {*get["data"]} & {*put["data"]}


def test_every_row_of_the_csv_makes_or_overrides_so_that_it_can_be_imported_again() -> None:
    listed = [*rows(rendered(site()))]
    assert {row["IMPORT-ACTION"] for row in listed} == {"IO"}
    assert any("CSV Import → Custom" in note for note in rendered(site()).notes)


OWN = [
    {"code": 150, "type": "ip-address", "value": ["10.77.0.3", "10.77.0.4"], "name": "tftp"},
    {"code": 200, "type": "uint16", "value": 7},
    {"code": 201, "type": "uint16", "value": [7, 8]},
    {"code": 202, "type": "text", "value": r"a\b"},
    {"code": 100, "type": "text", "value": "CET"},
]


def test_options_of_one_s_own_are_defined_before_they_are_used() -> None:
    """NIOS knows 1 to 125; the others it takes only once they are defined."""
    described = site(dhcp={"options": OWN})
    made = {item["code"]: item for item in objects(described, "dhcpoptiondefinition")}
    assert {code: (item["name"], item["type"]) for code, item in made.items()} == {
        150: ("tftp", "array of ip-address"), 200: ("option-200", "16-bit unsigned integer"),
        201: ("option-201", "string"), 202: ("option-202", "text"),
    }  # fmt: skip
    options = {item["num"]: item["value"] for item in objects(described, "network")[0]["options"]}
    assert [options[code] for code in (150, 200, 201, 202, 100)] == [
        "10.77.0.3,10.77.0.4", "7", "00:07:00:08", r"a\\b", "CET"]  # fmt: skip
    listed = [row for row in rows(rendered(described)) if "code" in row]
    assert [(row["space"], row["code"]) for row in listed] == [
        ("DHCP", "150"), ("DHCP", "200"), ("DHCP", "201"), ("DHCP", "202")]  # fmt: skip
    assert "OPTION-150" in text(rendered(described), ".csv")


def test_an_option_of_several_types_is_octets_everywhere() -> None:
    described = site(dhcp={"options": [{"code": 200, "type": "uint8", "value": 7}]})
    described["subnets"][0]["options"] = [{"code": 200, "type": "text", "value": "ab"}]
    (made,) = objects(described, "dhcpoptiondefinition")
    assert made["type"] == "string"
    options = {item["num"]: item["value"] for item in objects(described, "network")[0]["options"]}
    assert options[200] == "61:62"


def test_it_says_why_filters_read_option_60_and_not_93() -> None:
    assert any("option 93" in note for note in rendered(site()).notes)


def test_the_csv_says_what_the_objects_say() -> None:
    found = rendered(site())
    listed = [*rows(found)]
    filters = objects(site(), "filteroption")
    of_kind = [item for item in listed if item["type"] == "OptionFilter"]
    for row, item in zip(of_kind, filters, strict=True):
        assert row["expression"] == item["expression"]
        assert row["boot_file"] == item["bootfile"]
        assert row["next_server"] == item.get("next_server", "")
    network = next(item for item in listed if item["type"] == "Network")
    assert (network["address"], network["netmask"]) == ("10.77.0.0", "255.255.255.0")
    assert network["option_logic_filters"].count(".com.infoblox.dns.dhcp_option_filters$") == 4
    host = next(item for item in listed if item["type"] == "FixedAddress")
    assert (host["ip_address"], host["mac_address"]) == ("10.77.0.10", MAC)
    assert MARK in text(found, ".csv")


@given(path=PATHS)
def test_any_boot_file_is_what_dhcpd_reads_of_the_field(path: str) -> None:
    made = site()
    made["targets"]["wds"]["file"] = path
    found = rendered(made)
    field = next(item["data"]["bootfile"] for item in requests(found) if "data" in item
                 and "bootfile" in item["data"])  # fmt: skip
    raw = re.sub(
        rb'\\([0-7]{3})|\\(["\\])',
        lambda match: bytes([int(match[1], 8)]) if match[1] else match[2],
        field.encode(),
    )
    assert raw == path.encode()
    assert next(row["boot_file"] for row in rows(found) if row.get("boot_file")) == field


@pytest.mark.parametrize(
    ("described", "message"),
    [
        (profile({"arch": "bios", "boot": "none"}), 'cannot say "don\'t boot"'),
        (profile({"mac": "52:54", "boot": "wds"}), "how a MAC address begins"),
        (profile({"arch": "bios", "vendor_class": "Vendor", "boot": "wds"}), "at the same time"),
        (site(dhcp={"proxy": True}), "no proxyDHCP server"),
        (site(subnets=[{"subnet": "10.77.0.0/24", "shared_network": "hall"}]), "shared network"),
        (site(reservations=[{"name": "h", "mac": MAC, "group": "old"}]), "has no address"),
    ],
)
def test_what_it_cannot_say_is_refused_and_written_beside(
    described: dict[str, Any], message: str
) -> None:
    found = rendered(described)
    assert message in messages(found)
    for ending in ("-wapi.json", "-wapi-update.json", "-not-expressed.txt"):
        assert "NOT EXPRESSED" in text(found, ending)


def test_rendering_again_gives_the_same_bytes() -> None:
    assert rendered(site()) == rendered(site())


def test_the_forms_fields_for_one_boot_file() -> None:
    target: Any = find_target("infoblox")
    lines = dict(target.bootfile(r"boot\x64\wdsnbp.com", "10.0.0.9").lines)
    assert lines["Boot File"] == r"boot\\x64\\wdsnbp.com"
    assert lines["Next Server"] == "10.0.0.9"
    assert lines["Custom option 67 (bootfile-name)"] == r"boot\\x64\\wdsnbp.com\000"


def test_the_prediction_says_that_nobody_measured() -> None:
    target: Any = find_target("infoblox")
    found = target.predict(load(site()), firmware(0, mac=MAC), Options(4))
    assert (found.wire.siaddr, found.wire.file) == ("10.77.0.8", rb"boot\x64\wdsnbp.com")
    assert "no real Infoblox" in found.notes[0]
