"""Kea's configuration as text: what it says, what Kea's checker says, and hostile text in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from toolkit.errors import UsageError
from toolkit_pxe.check_command import CANNOT, INVALID, OK, UNREADABLE, check_target
from toolkit_pxe.decide.client import Client, firmware
from toolkit_pxe.decide.decision import matches
from toolkit_pxe.lab import Lab
from toolkit_pxe.lab.prove import prove
from toolkit_pxe.serving import Serving
from toolkit_pxe.site.model import Match, Site
from toolkit_pxe.site.resolve import load_site
from toolkit_pxe.targets import kea
from toolkit_pxe.targets._kea_classes import apart
from toolkit_pxe.targets._kea_json import plain
from toolkit_pxe.targets.base import Options, in_words

MakeSite = Callable[[str], Site]
MAC = "52:54:00:12:34:56"
HEAD = """
name: campus
boot_servers: {tftp: 10.77.0.9, tftp6: '2001:db8::9'}
groups: [lab]
subnets:
- {subnet: 10.77.0.0/24, pools: [10.77.0.100-10.77.0.199]}
- {subnet: '2001:db8::/64'}
targets: {wds: {kind: wds, file: 'boot\\x64\\wdsnbp.com'}}
"""
SIMPLE = HEAD + "profiles: {all: {default: wds}}\n"
GROUPED = HEAD + "profiles: {all: {default: wds, rules: [{group: lab, boot: none}]}}\n"
kea4, kea6 = pytest.mark.server("kea-dhcp4"), pytest.mark.server("kea-dhcp6")


def config(site: Site, **given: str) -> dict[str, object]:
    """Return the Dhcp4 object that Kea reads; the keywords are settings, with _ for -."""
    chosen = {key.replace("_", "-"): value for key, value in given.items()}
    text = kea.render(site, Options(4, settings=chosen)).files[0].content
    found = plain(text)["Dhcp4"]
    assert isinstance(found, dict)
    return found


def test_without_its_comment_lines_the_file_is_plain_json(make_site: MakeSite) -> None:
    text = kea.render(make_site(GROUPED), Options(4)).files[0].content
    lines = text.splitlines()
    assert lines[0].startswith("// rendered by toolkit pxe")
    assert json.loads("\n".join(line for line in lines if line.strip()[:2] != "//"))


@pytest.mark.parametrize("version", ["2.2", "2.4", "2.6", "3.0"])
def test_late_classes_have_the_keywords_of_the_release_and_what_was_not_run_is_marked(
    version: str, make_site: MakeSite
) -> None:
    options = Options(4, settings={"version": version})
    text = kea.render(make_site(GROUPED), options).files[0].content
    new = version == "3.0"
    assert ("only-in-additional-list" in text) is new
    assert ("evaluate-additional-classes" in text) is new
    assert ("only-if-required" in text) is not new
    assert ("from its manual, run with 2.2 only" in text) is (version != "2.2")


def test_kea_3_finds_its_hook_without_a_path(make_site: MakeSite) -> None:
    found = config(make_site(SIMPLE), version="3.0")["hooks-libraries"]
    assert isinstance(found, list)
    assert found[0]["library"] == "libdhcp_flex_option.so"


@pytest.mark.parametrize(
    ("given", "told"),
    [({"version": "1.8"}, 'Kea "1.8" is not known'), ({"flex-option": "yes"}, "no hook library")],
)
def test_a_wrong_setting_is_told(given: dict[str, str], told: str, make_site: MakeSite) -> None:
    with pytest.raises(UsageError, match=told):
        kea.render(make_site(SIMPLE), Options(4, settings=given))


def test_ipxe_comes_before_the_loader_and_no_class_holds_beside_another(
    make_site: MakeSite,
) -> None:
    site = make_site(
        HEAD.replace("targets: {", "targets: {i: {kind: ipxe, file: i.efi, script: b.ipxe}, ")
        + "profiles: {all: {default: i}}\n"
    )
    classes = config(site)["client-classes"]
    assert isinstance(classes, list)
    assert [item["boot-file-name"] for item in classes] == ["b.ipxe", "i.efi"]
    assert classes[1]["test"] == f"not member('{classes[0]['name']}')"


def test_the_numbers_of_subnets_stay_when_another_is_added(make_site: MakeSite) -> None:
    def numbers(text: str) -> dict[str, int]:
        found = config(make_site(text))["subnet4"]
        assert isinstance(found, list)
        return {item["subnet"]: item["id"] for item in found}

    before = numbers(SIMPLE)
    after = numbers(SIMPLE.replace("subnets:\n", "subnets:\n- {subnet: 10.66.0.0/24}\n"))
    assert before.items() < after.items()
    assert len({*after.values()}) == 2


def test_octets_that_kea_would_change_need_the_hook(make_site: MakeSite) -> None:
    text = SIMPLE + "dhcp: {options: [{code: 17, type: binary, value: '61:00'}]}\n"
    rendered = kea.render(make_site(text), Options(4, settings={"flex-option": "no"}))
    assert "octets of option 17" in rendered.limits[0].message
    assert "NOT EXPRESSED" in rendered.files[0].content
    assert not kea.render(make_site(text), Options(4)).limits


def test_kea_is_no_proxy(make_site: MakeSite) -> None:
    rendered = kea.render(make_site(SIMPLE + "dhcp: {proxy: true}\n"), Options(4))
    assert [item.message for item in rendered.limits] == ["Kea is no proxyDHCP server"]


@kea4
@kea6
@pytest.mark.parametrize("family", [4, 6])
def test_a_fragment_can_be_included_and_a_broken_one_is_invalid(
    family: int, make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make_site(SIMPLE)
    options = Options(family, fragment=True)
    assert check_target(site, kea, options).state == OK  # type: ignore[arg-type]  # a module
    monkeypatch.setattr("toolkit_pxe.targets._kea_classes.EVERYBODY", "member(")
    verdict = check_target(site, kea, options)  # type: ignore[arg-type]  # a module
    assert verdict.state == INVALID
    assert "syntax error" in verdict.detail


def test_a_fragment_cannot_say_who_is_in_a_group(make_site: MakeSite) -> None:
    verdict = check_target(make_site(GROUPED), kea, Options(4, fragment=True))  # type: ignore[arg-type]
    assert verdict.state == CANNOT
    assert "who is in group lab" in verdict.detail


@kea4
@kea6
@pytest.mark.parametrize("family", [4, 6])
def test_the_longest_and_shortest_leases_and_an_interface_pass_the_checker(
    family: int, make_site: MakeSite
) -> None:
    text = SIMPLE + "dhcp: {lease_time: 1, max_lease_time: 4294967295}\n"
    given = {"interfaces": "lo", "interface6": "lo"}
    options = Options(family, settings=given)
    assert check_target(make_site(text), kea, options).state == OK  # type: ignore[arg-type]


@kea4
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_file_that_kea_may_not_read_is_not_called_invalid(
    tmp_path: Path, make_site: MakeSite
) -> None:
    """As under Debian's AppArmor profile: the file is right, and Kea is not let read it."""
    checker = kea.check(Options(4))
    assert checker is not None
    config = tmp_path / "kea-dhcp4.conf"
    config.write_text(kea.render(make_site(SIMPLE), Options(4)).files[0].content, "utf-8")
    config.chmod(0o600)
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    ended = subprocess.run(
        [*nobody, *checker.argv(tmp_path)], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert any(sign in ended.stderr for sign in checker.unreadable), ended.stderr
    assert "/etc/kea" in checker.remedy
    config.write_text("{", "utf-8")
    ended = subprocess.run(checker.argv(tmp_path), capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert not any(sign in ended.stderr + ended.stdout for sign in checker.unreadable)


@kea4
def test_a_hook_that_is_elsewhere_is_not_called_invalid(make_site: MakeSite) -> None:
    options = Options(4, settings={"flex-option": "/nowhere/libdhcp_flex_option.so"})
    verdict = check_target(make_site(SIMPLE), kea, options)  # type: ignore[arg-type]  # a module
    assert verdict.state == UNREADABLE
    assert "--set flex-option=PATH" in verdict.remedy


@kea4
@pytest.mark.parametrize("file", [r"boot\x64\wdsnbp.com", 'a,"b".efi', "só.0"])
def test_the_lines_of_bootfile_send_what_they_promise(file: str, lab: Lab) -> None:
    advice = kea.bootfile(file, "10.77.0.8")
    lines = "".join(text for _, text in advice.lines)
    rest = (
        '"interfaces-config": {"interfaces": ["*"]}, "lease-database": {"type": "memfile",'
        '"persist": false}, "subnet4": [{"subnet": "10.77.0.0/24", "id": 1,'
        '"pools": [{"pool": "10.77.0.100-10.77.0.199"}]}]'
    )
    path = lab.folder / "bootfile.conf"
    path.write_text(f'{{"Dhcp4": {{ {rest}, {lines} }} }}', "utf-8")
    program = shutil.which("kea-dhcp4") or "kea-dhcp4"
    places = (f"KEA_PIDFILE_DIR={lab.folder}", f"KEA_LOCKFILE_DIR={lab.folder}")
    lab.serve(Serving(("env", *places, program, "-c", str(path))), ("10.77.0.1/24",))
    offered = lab.offer(firmware(0, mac=MAC), frozenset({66, 67}))
    assert offered is not None
    told = dict(advice.wire)
    assert told["siaddr"] == offered.siaddr
    assert told["file"] == in_words(offered.file)
    assert told["option 66"] == in_words(offered.options[66])
    assert told["option 67"] == in_words(offered.options[67])
    assert offered.options[67] == file.encode() + b"\0"


words = st.text(
    st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20
)
said = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=20)
matchers = st.builds(
    Match,
    archs=st.lists(st.sampled_from([0, 7, 16]), max_size=2, unique=True).map(tuple),
    vendor_class=st.sampled_from(["", "P", "PXE", "HTTP"]),
    user_class=st.sampled_from(["", "iPXE", "x"]),
    macs=st.lists(st.sampled_from([b"\x52", b"\x52\x54", b"\x53"]), max_size=2).map(tuple),
    group=st.sampled_from(["", "a", "b"]),
)
clients = st.builds(
    Client,
    arch=st.sampled_from([None, 0, 7, 16]),
    vendor_class=st.sampled_from(["", "PXEClient", "HTTPClient"]),
    user_class=st.sampled_from(["", "iPXE", "x"]),
    mac=st.sampled_from([MAC, "53:54:00:00:00:01"]),
)


@given(one=matchers, other=matchers, client=clients, group=st.sampled_from(["", "a", "b"]))
def test_branches_that_do_not_exclude_each_other_are_met_by_no_client_both(
    one: Match, other: Match, client: Client, group: str
) -> None:
    if apart(one, other):
        assert not (matches(one, client, group) and matches(other, client, group))


@kea4
@settings(
    max_examples=6,
    phases=(Phase.explicit, Phase.generate),  # an example starts a server: no shrinking
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    pairs=st.lists(st.tuples(said, words), min_size=8, max_size=8, unique_by=lambda pair: pair[0])
)
def test_any_text_in_a_class_a_name_or_an_option_survives(
    pairs: list[tuple[str, str]], lab: Lab, tmp_path: Path
) -> None:
    """Text in what Kea compares, in a string of its own and in one that it does not define."""
    targets = {
        f"t{at}": {"kind": "pxelinux", "file": f"{at}.0", "prefix": text,
                   "options": [{"code": 17, "type": "text", "value": text},
                               {"code": 230, "type": "text", "value": text}]}
        for at, (_, text) in enumerate(pairs)
    }  # fmt: skip
    keys = ("user_class", "vendor_class")
    rules = [{keys[at % 2]: text, "boot": f"t{at}"} for at, (text, _) in enumerate(pairs)]
    path = tmp_path / "site.json"
    path.write_text(json.dumps({
        "name": "texts", "boot_servers": {"tftp": "10.77.0.9"},
        "subnets": [{"subnet": "10.77.0.0/24", "pools": ["10.77.0.100-10.77.0.199"]}],
        "targets": targets, "profiles": {"p": {"default": "none", "rules": rules}},
    }), "utf-8")  # fmt: skip
    some = replace(firmware(0, mac=MAC), vendor_class="", asks=frozenset({17, 67, 210, 230}))
    asking = [replace(some, user_class=text) for text, _ in pairs[::2]]
    asking += [replace(some, vendor_class=text) for text, _ in pairs[1::2]]
    for cell in prove(lab, kea, load_site(path), asking, Options(4)):  # type: ignore[arg-type]
        assert cell.proven, cell
        assert cell.offered is not None
        assert cell.offered.file
