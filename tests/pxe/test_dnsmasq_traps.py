"""dnsmasq's traps: what its own check accepts and clients then don't get, and what it can't say."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.documents import DocumentError
from toolkit.errors import UsageError
from toolkit_pxe.decide.client import firmware
from toolkit_pxe.lab import Lab
from toolkit_pxe.serving import Serving
from toolkit_pxe.site.model import Option, Site
from toolkit_pxe.targets import dnsmasq
from toolkit_pxe.targets._dnsmasq import LONGEST_LINE, option_value, quote
from toolkit_pxe.targets.base import Options

MakeSite = Callable[[str], Site]
MAC = "52:54:00:12:34:56"
SITE = r"""
name: campus
boot_servers: {tftp: 10.77.0.9, tftp6: '2001:db8:77::9'}
subnets:
- {subnet: 10.77.0.0/24}
- {subnet: '2001:db8:77::/64'}
targets: {wds: {kind: wds, file: 'boot\x64\wdsnbp.com'}}
profiles: {standard: {default: wds}}
groups: [old]
reservations: [{name: h1, mac: '52:54:00:12:34:56', address: 10.77.0.10}]
"""
RULE = "profiles: {standard: {rules: [{%s, boot: wds}], default: none}}"


def unquoted(text: str) -> str:
    """Read a quoted string as dnsmasq does (src/option.c, read_file)."""
    assert text[0] == text[-1] == '"'
    found, characters = "", iter(text[1:-1])
    special = {"t": "\t", "n": "\n", "b": "\b", "r": "\r", "e": "\033", '"': '"', "\\": "\\"}
    for character in characters:
        assert character != '"', "the string ends here"
        if character == "\\":
            behind = next(characters)
            character = special.get(behind, "\\" + behind)  # noqa: PLW2901  what it stands for
        found += character
    return found


@given(st.text(st.characters(min_codepoint=32, exclude_categories=["Cc", "Cs"])))
def test_any_text_is_read_back_as_it_was(text: str) -> None:
    assert unquoted(quote(text)) == text


@given(st.integers(1, 254).filter(lambda code: code not in {0, 255}), st.binary(max_size=255))
def test_an_options_octets_are_written_so_that_they_are_read_back_or_refused(
    code: int, data: bytes
) -> None:
    if not data:
        return
    try:
        shown = option_value(Option(4, code, "x", "binary", (), data))
    except ValueError as error:
        assert str(error).startswith("takes")  # noqa: PT017  either is right
        return
    if shown.endswith("b") and ":" not in shown:
        assert bytes([int(shown[:-1])]) == data
    elif "." in shown:
        assert b"".join(bytes(map(int, part.split("."))) for part in shown.split(",")) == data
    else:
        assert bytes.fromhex(shown.replace(":", "")) == data
        assert ":" in shown


@pytest.mark.server("dnsmasq")
@pytest.mark.parametrize(
    "file",
    ["boot\\x64\\wdsnbp.com", "boot\\tnew\\release\\\\e.efi", 'a "b", c # d=e;f', "62:6f:6f:74",
     "é/ü.efi", "1234", "10.77.0.9"],
)  # fmt: skip
def test_the_lines_of_bootfile_send_the_bytes_that_they_promise(file: str, lab: Lab) -> None:
    advice = dnsmasq.bootfile(file, "10.77.0.9")
    config = lab.folder / "advice.conf"
    leases = lab.folder / "advice.leases"
    leases.unlink(missing_ok=True)
    config.write_text(
        f"port=0\ndhcp-range=10.77.0.0,static,255.255.255.0\ndhcp-host={MAC},10.77.0.10\n"
        f"{advice.lines[0][1]}\n"
    )
    argv = ("dnsmasq", "--keep-in-foreground", f"--conf-file={config}", "--user=root",
            f"--dhcp-leasefile={leases}", "--pid-file", "--log-facility=-")  # fmt: skip
    lab.serve(Serving(argv), ["10.77.0.254/24"])
    for asks in (frozenset({66, 67}), frozenset({1})):
        wire = lab.offer(replace(firmware(0, mac=MAC), asks=asks), frozenset({66, 67}))
        assert wire is not None
        assert wire.siaddr == "10.77.0.9"
        assert wire.file == file.encode()
        both = {66: b"10.77.0.9\0", 67: file.encode() + b"\0"}
        assert wire.options == (both if 67 in asks else {})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("tftp: 10.77.0.9", "tftp: boot.example.org"),
        ("{subnet: 10.77.0.0/24}", "{subnet: 10.77.0.0/24, pools: [10.78.0.1-10.78.0.9]}"),
        ("boot\\x64", "boot\x01x64"),
    ],
)
def test_what_dnsmasq_would_accept_and_not_do_is_refused_with_the_site(
    old: str, new: str, make_site: MakeSite
) -> None:
    assert old in SITE
    with pytest.raises((DocumentError, UsageError)):
        make_site(SITE.replace(old, new))


@pytest.mark.parametrize(
    ("family", "old", "new", "sentence"),
    [
        (4, "{subnet: 10.77.0.0/24}", "{subnet: 10.77.0.0/24, lease_time: 60}", "no lease of 60 s"),
        (6, "2001:db8:77::/64", "2001:db8::/32", "no IPv6 network as large as 2001:db8::/32"),
        (4, "mac: '52:54:00:12:34:56', address", "circuit_id: port7, address", "by circuit id"),
        (4, "mac: '52:54:00:12:34:56',", "client_id: '*',", "no spelling for a client id of one"),
        (4, "targets:", "dhcp: {options: [{code: 119, type: text, value: a.b}]}\ntargets:",
         "domain names only"),
        (4, "targets:", "dhcp: {options: [{code: 44, type: text, value: abc}]}\ntargets:",
         "takes addresses only"),
        (4, "targets:", "dhcp: {options: [{code: 44, type: ip-address, value: 0.0.0.0}]}\ntargets:",
         "for its own"),
        (4, "profiles: {standard: {default: wds}}", RULE % "vendor_class: P", "cannot tell vendor"),
        (4, "profiles: {standard: {default: wds}}", RULE % "user_class: i", "cannot tell user"),
        (6, "profiles: {standard: {default: wds}}", RULE % "vendor_class: acme",
         "with any part of the text"),
        (4, "kind: wds, file: 'boot\\x64\\wdsnbp.com'",
         "kind: http, url: 'http://10.77.0.9/x.efi', via: fields", "its own address into siaddr"),
        (6, "kind: wds, file: 'boot\\x64\\wdsnbp.com'", "kind: http, url: 'http://[2001:db8::9]/x'",
         "HTTPClient back over DHCPv6"),
        (6, "targets:", f"dhcp: {{options: [{{code: 200, family: '6', type: text,"
         f" value: {'x' * 1100}}}]}}\ntargets:", "lines of up to 1024 octets"),
    ],
)  # fmt: skip
def test_what_dnsmasq_cannot_say_is_told(
    family: int, old: str, new: str, sentence: str, make_site: MakeSite
) -> None:
    assert old in SITE
    text = SITE.replace(old, new)
    if "http" in new and "boot_servers" in text:
        text = text.replace("{tftp:", "{http: http://10.77.0.9/, tftp:")
    rendered = dnsmasq.render(make_site(text), Options(family))
    assert any(sentence in str(limit) for limit in rendered.limits), rendered.limits
    assert "NOT EXPRESSED" in rendered.files[0].content


@pytest.mark.server("dnsmasq")
def test_both_families_are_read_together(tmp_path: Path, make_site: MakeSite) -> None:
    site = make_site(SITE)
    for family in (4, 6):
        file = dnsmasq.render(site, Options(family)).files[0]
        (tmp_path / file.name).write_text(file.content)
    done = subprocess.run(
        ["dnsmasq", "--test", "-C", "/dev/null", f"--conf-dir={tmp_path},*.conf"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_no_line_is_so_long_that_dnsmasq_reads_it_as_two(make_site: MakeSite) -> None:
    numbers = ", ".join(f"'{number}'" for number in range(42))
    rule = f"arch: [{numbers}], user_class: {'u' * 250}, vendor_class: {'PXEClient' * 20}"
    site = make_site(SITE.replace("profiles: {standard: {default: wds}}", RULE % rule))
    for family in (4, 6):
        lines = dnsmasq.render(site, Options(family)).files[0].content.splitlines()
        assert max(len(line.encode()) for line in lines) <= LONGEST_LINE
        assert any(line.startswith("#   ") for line in lines)


def test_a_list_of_hosts_that_dnsmasq_reads_for_minutes_is_told(
    make_site: MakeSite, tmp_path: Path
) -> None:
    rows = "".join(
        f"n{at},52:54:00:{at >> 16:02x}:{at >> 8 & 255:02x}:{at & 255:02x},10.{at >> 16}."
        f"{at >> 8 & 255}.{at & 255}\n"
        for at in range(10, 20_012)
    )
    (tmp_path / "hosts.csv").write_text("name,mac,address\n" + rows)
    text = SITE.partition("reservations:")[0].replace("10.77.0.0/24", "10.0.0.0/15")
    notes = dnsmasq.render(make_site(f"{text}reservation_files: [hosts.csv]\n"), Options()).notes
    assert any("compares each of 20002 hosts" in note for note in notes)


@pytest.mark.parametrize("settings", [{"address": "boot.example.org"}, {"interface": "eth0\nx"}])
def test_a_setting_that_is_wrong_is_refused(settings: dict[str, str], make_site: MakeSite) -> None:
    with pytest.raises(UsageError):
        dnsmasq.render(make_site(SITE), Options(settings=settings))


def test_a_fragment_has_the_boot_part_alone(make_site: MakeSite) -> None:
    content = dnsmasq.render(make_site(SITE), Options(fragment=True)).files[0].content
    assert "dhcp-boot=" in content
    assert "dhcp-range" not in content
    assert "port=0" not in content
