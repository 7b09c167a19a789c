"""Windows DHCP: a grammar of PowerShell, not ours, reads the script; no real server ran it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import tree_sitter_powershell
from hypothesis import given
from hypothesis import strategies as st
from tree_sitter import Language, Node, Parser

from toolkit_pxe.decide.client import firmware
from toolkit_pxe.targets import find_target
from toolkit_pxe.targets._powershell import SINGLE_QUOTES, quote
from toolkit_pxe.targets.base import Options, Rendered

from .menus import load, messages

MAC, OTHER = "52:54:00:12:34:56", "52:54:00:12:34:57"
PARSER = Parser(Language(tree_sitter_powershell.language()))
PARAMETERS = {
    "Add-DhcpServerv4Policy": {"ScopeId", "Name", "Description", "ProcessingOrder", "Condition",
                               "VendorClass", "UserClass", "MacAddress"},
    "Set-DhcpServerv4OptionValue": {"ScopeId", "OptionId", "Value", "Force", "PolicyName"},
    "Add-DhcpServerv4Class": {"Type", "Name", "Data", "Description"},
    "Set-DhcpServerv4Class": {"Type", "Name", "Data"},
    "Get-DhcpServerv4Class": {"Type"},
    "Get-DhcpServerv4ExclusionRange": {"ScopeId"},
    "Add-DhcpServerv4ExclusionRange": {"ScopeId", "StartRange", "EndRange"},
    "Get-DhcpServerv4Policy": {"ScopeId"},
    "Remove-DhcpServerv4Policy": {"ScopeId", "Name"},
    "Get-DhcpServerv4Reservation": {"ScopeId"},
    "Remove-DhcpServerv4Reservation": {"IPAddress"},
    "Add-DhcpServerv4Reservation": {"ScopeId"},
    "Add-DhcpServerv4Scope": {"SubnetMask", "State"},
    "Set-DhcpServerv4Scope": {"ScopeId"},
    "Add-DhcpServerv4Superscope": {"SuperscopeName", "ScopeId"},
    "Get-DhcpServerv4Scope": set(),
    "Get-DhcpServerv4Superscope": set(),
    "Get-DhcpServerv4OptionDefinition": set(),
    "Add-DhcpServerv4OptionDefinition": set(),
}  # fmt: skip
"""https://learn.microsoft.com/powershell/module/dhcpserver/, the parameters that we use."""


def site(**changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "name": "campus",
        "boot_servers": {"tftp": "10.77.0.9", "http": "http://10.77.0.9/"},
        "subnets": [{"subnet": "10.77.0.0/24", "pools": ["10.77.0.100-10.77.0.149"]}],
        "targets": {
            "wds": {"kind": "wds", "file": r"boot\x64\wdsnbp.com", "server": "10.77.0.8"},
            "ipxe": {"kind": "ipxe", "files": {"bios": "undionly.kpxe", "x64": "ipxe.efi"},
                     "script": "boot.ipxe"},
            "web": {"kind": "http", "urls": {"x64-uefi-http": "shimx64.efi"}},
        },
        "profiles": {"standard": {"default": "ipxe", "rules": [
            {"group": "old", "arch": "bios", "boot": "wds"},
            {"arch": "x64-uefi-http", "boot": "web"}]}},
        "groups": ["old"],
        "reservations": [
            {"name": "h1", "mac": MAC, "address": "10.77.0.10", "group": "old"},
            {"name": "h2", "mac": OTHER, "address": "10.77.0.11"}],
    }  # fmt: skip
    return made | changes


def rendered(described: dict[str, Any], *, fragment: bool = False) -> Rendered:
    return find_target("windows-dhcp").render(load(described), Options(4, fragment=fragment))


def script(described: dict[str, Any], *, fragment: bool = False) -> str:
    found = rendered(described, fragment=fragment)
    assert not found.limits
    return found.files[0].content


def commands(text: str) -> Iterator[Node]:
    tree = PARSER.parse(text.encode())
    assert not tree.root_node.has_error
    waiting = [tree.root_node]
    while waiting:
        node = waiting.pop()
        waiting += node.children
        if node.type == "command":
            yield node


def strings(text: str) -> Iterator[str]:
    """Yield what single-quoted strings stand for: about_Quoting_Rules, any quote ends, two are one.

    Outside of strings a comment runs to the end of its line.
    """
    at = 0
    while at < len(text):
        if text[at] == "#":
            at = text.index("\n", at)
        elif text[at] in SINGLE_QUOTES:
            made, at = "", at + 1
            while text[at] not in SINGLE_QUOTES or text[at + 1 : at + 2] in {*SINGLE_QUOTES}:
                at += text[at] in SINGLE_QUOTES
                made, at = made + text[at], at + 1
            yield made
        at += 1


@given(text=st.text(st.characters(codec="utf-8"), max_size=40))
def test_any_text_survives_quoting(text: str) -> None:
    assert [*strings(f"{quote(text)} ")] == [text]


@pytest.mark.parametrize("character", SINGLE_QUOTES)
def test_a_typographic_quote_ends_no_string(character: str) -> None:
    assert [*strings(quote(f"a{character}b") + " ")] == [f"a{character}b"]


PATHS = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=25).filter(
    lambda text: ".." not in text and "://" not in text
)


@given(path=PATHS)
def test_any_boot_file_is_in_the_script_as_it_is_and_the_script_parses(path: str) -> None:
    made = site()
    made["targets"]["wds"]["file"] = path
    text = script(made)
    assert path in [*strings(text)]
    assert text.isascii() or text.startswith("\ufeff")
    assert sum(1 for _ in commands(text)) > 20


def test_the_wds_path_needs_no_escape() -> None:
    value = r"-OptionId 67 -Value 'boot\x64\wdsnbp.com' -Force -PolicyName 'standard-1'"
    assert value in script(site())


def test_only_documented_cmdlets_and_parameters_are_used() -> None:
    described = site(
        subnets=[
            {"subnet": "10.77.0.0/24", "pools": ["10.77.0.100-10.77.0.109", "10.77.0.120/30"],
             "shared_network": "hall", "routers": ["10.77.0.1"]},
            {"subnet": "10.78.0.0/24", "shared_network": "hall"}],
        dhcp={"options": [{"code": 252, "type": "text", "value": "http://x/it's", "name": "wpad"}]},
    )  # fmt: skip
    seen = set()
    for node in commands(script(described)):
        text = (node.text or b"").decode()
        called = text.split()[0]
        if "-Dhcp" in called:
            own = text.split("|")[0]
            used = {*re.findall(r"(?<=\s)-([A-Z]\w+)", re.sub(r"'[^']*'|\{.*?\}", "''", own))}
            assert used <= PARAMETERS[called], text
            seen.add(called)
    assert {"Add-DhcpServerv4Policy", "Set-DhcpServerv4OptionValue"} <= seen


def test_policies_are_in_the_order_of_the_branches_and_the_loop_guard_comes_before_the_file() -> (
    None
):
    text = script(site())
    found = re.findall(r"-Name '(\S+)' .*-ProcessingOrder (\d+)", text)
    assert [name for name, _ in found] == ["standard-1", "standard-2", "standard-default-script",
                                           "standard-default-1", "standard-default-2"]  # fmt: skip
    assert [int(order) for _, order in found] == [1, 2, 3, 4, 5]


def test_a_policy_names_classes_that_the_script_defines() -> None:
    text = script(site())
    defined = {*re.findall(r"Set-BootClass \w+ '([^']+)'", text)}
    used = re.findall(r"-(?:Vendor|User)Class 'EQ', (.*?)(?: -|$)", text, re.MULTILINE)
    named = {item.rstrip("*") for several in used for item in re.findall(r"'([^']+)'", several)}
    assert named
    assert named <= defined
    assert "-VendorClass 'EQ', 'PXEClient:Arch:00007*', 'PXEClient:Arch:00009*'" in text


def test_a_group_is_its_members_addresses_beside_the_architecture() -> None:
    condition = "-Condition And -VendorClass 'EQ', 'PXEClient:Arch:00000*' -MacAddress 'EQ', "
    assert f"{condition}'525400123456'" in script(site())


def test_http_boot_says_its_class_back_and_defines_option_60_first() -> None:
    text = script(site())
    said = "-OptionId 60 -Value 'HTTPClient'"
    assert text.index("Set-BootOptionDefinition 60") < text.index(said)


def test_gaps_between_pools_are_excluded_and_a_scope_without_pools_whole() -> None:
    described = site(subnets=[
        {"subnet": "10.77.0.0/24", "pools": ["10.77.0.100-10.77.0.109", "10.77.0.120/30"]},
        {"subnet": "10.78.0.0/30"}])  # fmt: skip
    text = script(described)
    assert "Set-BootExclusion '10.77.0.0' '10.77.0.110' '10.77.0.119'" in text
    assert "Set-BootExclusion '10.78.0.0' '10.78.0.1' '10.78.0.2'" in text


def test_a_fragment_has_policies_and_neither_scopes_nor_reservations() -> None:
    text = script(site(), fragment=True)
    body = text[text.index("$Mark = ") :]
    assert "Add-DhcpServerv4Policy" in body
    assert "Set-BootScope" not in body
    assert "Set-BootReservation" not in body


def test_rendering_again_gives_the_same_bytes() -> None:
    assert script(site()) == script(site())


def profile(*rules: dict[str, Any], default: str = "wds") -> dict[str, Any]:
    return site(profiles={"standard": {"default": default, "rules": [*rules]}})


@pytest.mark.parametrize(
    ("described", "message"),
    [
        (profile({"arch": "bios", "boot": "none"}), 'cannot say "don\'t boot"'),
        (profile({"user_class": "x", "boot": "wds"}, {"arch": "x64-uefi-http", "boot": "web"}),
         "would also send option 60"),
        (profile({"arch": "bios", "vendor_class": "Vendor", "boot": "wds"}), "at the same time"),
        (site(dhcp={"proxy": True}), "no proxyDHCP server"),
        (site(reservations=[{"name": "h", "circuit_id": "aa:bb", "address": "10.77.0.9"}]),
         "cannot reserve by the circuit id"),
        (site(reservations=[{"name": "h", "client_id": "aa:bb", "address": "10.77.0.9",
                             "group": "old"}]), "by which a policy tells its group"),
    ],
)  # fmt: skip
def test_what_its_policies_cannot_say_is_refused(described: dict[str, Any], message: str) -> None:
    found = rendered(described)
    assert message in messages(found)
    assert "NOT EXPRESSED" in found.files[0].content


def test_dont_boot_as_the_default_or_where_no_later_rule_reaches_is_no_limit() -> None:
    rule = {"arch": "bios", "boot": "none"}
    x64 = {"arch": "x64-uefi", "boot": "wds"}
    assert not rendered(profile(rule, x64, default="none")).limits


def test_the_prediction_is_options_alone_and_says_that_nobody_measured() -> None:
    target: Any = find_target("windows-dhcp")
    found = target.predict(load(site()), firmware(0, mac=MAC), Options(4))
    assert found.wire.options == {66: b"10.77.0.8", 67: rb"boot\x64\wdsnbp.com"}
    assert "no real Windows server" in found.notes[0]


def test_the_grammar_notices_a_string_that_was_not_quoted() -> None:
    broken = script(site()).replace("'h1'", "'it's'")
    assert PARSER.parse(broken.encode()).root_node.has_error
