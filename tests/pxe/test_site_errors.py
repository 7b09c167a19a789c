"""What is wrong with a site is told with file, line, column and remedy, all of it at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from toolkit.documents import DocumentError
from toolkit_pxe.site.resolve import load_site

HEAD = """\
name: campus
boot_servers: {tftp: 10.77.0.9}
subnets:
- {subnet: 10.77.0.0/24, pools: [10.77.0.100-10.77.0.199]}
groups: [lab]
"""
TARGETS = "targets:\n  p: {kind: pxelinux, file: pxelinux.0}\n"
PROFILES = "profiles:\n  standard:\n    default: p\n"


def problems(tmp_path: Path, text: str, **files: str) -> list[str]:
    """Return the problems of a site as `line:column: …; hint`."""
    for name, content in files.items():
        (tmp_path / name.replace("_", ".")).write_text(content, "utf-8")
    path = tmp_path / "site.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(DocumentError) as raised:
        load_site(path)
    return [str(item).replace(f"{tmp_path}/", "") for item in raised.value.problems]


TRAPS = [
    pytest.param(
        "- {subnet: 10.77.0.128/25}",
        "site.yaml:5:12: subnets[1].subnet: 10.77.0.128/25 overlaps 10.77.0.0/24 in line 4; "
        "mend one of them",
        id="overlapping subnets",
    ),
    pytest.param(
        "- {subnet: 10.78.0.0/24, pools: [10.78.0.1-10.78.0.9, 10.78.0.9-10.78.0.20]}",
        "site.yaml:5:55: subnets[1].pools[1]: 10.78.0.9-10.78.0.20 overlaps another pool of "
        "10.78.0.0/24; mend one",
        id="overlapping pools",
    ),
    pytest.param(
        "- {subnet: 10.78.0.0/24, pools: [10.77.0.1-10.77.0.9]}",
        "site.yaml:5:34: subnets[1].pools[0]: 10.77.0.1-10.77.0.9 reaches outside of "
        "10.78.0.0/24; mend the pool",
        id="a pool outside",
    ),
    pytest.param(
        "- {subnet: 10.78.0.1/24}",
        'site.yaml:5:12: subnets[1].subnet: "10.78.0.1/24" is an address inside the network '
        "10.78.0.0/24; write 10.78.0.0/24",
        id="host bits",
    ),
    pytest.param(
        "- {subnet: 10.78.0.0/24, boot_servers: {tftp: pxe.example.org}}",
        'site.yaml:5:47: subnets[1].boot_servers.tftp: "pxe.example.org" is no IPv4 address; the '
        "packet has room for an address only: write the server's address, not its name",
        id="a next server that is a name",
    ),
    pytest.param(
        "- {subnet: 10.78.0.0/24, relays: [10.79.0.1]}",
        "site.yaml:5:35: subnets[1].relays[0]: 10.79.0.1 lies outside of 10.78.0.0/24; "
        "mend the address",
        id="a relay outside",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("line", "told"), TRAPS)
def test_a_wrong_subnet_is_told(line: str, told: str, tmp_path: Path) -> None:
    text = HEAD.replace("groups:", f"{line}\ngroups:") + TARGETS + PROFILES
    assert problems(tmp_path, text) == [told]


HOSTS = [
    ("{name: a, mac: 52e400123456, address: 10.77.0.10}",
     'is read as a number, and text is wanted; quote it: "52e400123456"'),
    ("{name: a, mac: '52:54:00:12:34', address: 10.77.0.10}",
     'reservations[0].mac: "52:54:00:12:34" is no MAC address of six octets'),
    ("{name: a, mac: '52:54:00:12:34:56', address: 10.99.0.10}",
     "reservations[0].address: the address lies in no subnet of the site; add the subnet"),
    ("{name: a, mac: '52:54:00:12:34:56', address: 10.77.0.150}",
     "reservations[0].address: the address lies in a pool of 10.77.0.0/24, so others may get it"),
    ("{name: a, mac: '52:54:00:12:34:56', address: 10.77.0.255}",
     "is the network's or broadcast address of 10.77.0.0/24"),
    ("{name: a, address: 10.77.0.10}",
     "has nothing to know the host by; give it mac, client_id, circuit_id or duid"),
    ("{name: ../../etc/passwd, mac: '52:54:00:12:34:56'}",
     'reservations[0].name: "../../etc/passwd" would leave its folder where files are named'),
    ("{name: 'a b', mac: '52:54:00:12:34:56'}", '"a b" is no host name'),
    ("{name: a, mac: '52:54:00:12:34:56', group: kiosk}",
     'reservations[0].group: "kiosk" is no group of the site; add it to groups'),
    ("{name: a, duid: 'xyz'}", 'reservations[0].duid: "xyz" is not hexadecimal'),
]  # fmt: skip


@pytest.mark.parametrize(("host", "told"), HOSTS)
def test_a_wrong_reservation_is_told(host: str, told: str, tmp_path: Path) -> None:
    (found,) = problems(tmp_path, f"{HEAD}{TARGETS}{PROFILES}reservations:\n- {host}\n")
    assert found.startswith("site.yaml:12:")
    assert told in found


@pytest.mark.parametrize(
    ("second", "told"),
    [
        ("{name: a, mac: '52:54:00:00:00:02'}", 'the name a is that of "a" in site.yaml:12'),
        ("{name: b, mac: '52:54:00:00:00:01'}", 'the mac 52:54:00:00:00:01 is that of "a"'),
        ("{name: b, mac: 5254.0000.0001}", 'the mac 52:54:00:00:00:01 is that of "a"'),
        ("{name: b, duid: '01', address: 10.77.0.10}", 'the address 10.77.0.10 is that of "a"'),
        ("{name: b, client_id: 'x:y'}", 'the client id 78:3a:79 is that of "a"'),
    ],
)
def test_what_two_reservations_share_is_told(second: str, told: str, tmp_path: Path) -> None:
    first = "{name: a, mac: '52:54:00:00:00:01', address: 10.77.0.10, client_id: 'x:y'}"
    text = f"{HEAD}{TARGETS}{PROFILES}reservations:\n- {first}\n- {second}\n"
    (found,) = problems(tmp_path, text)
    assert found.startswith("site.yaml:13:")
    assert told in found
    assert "each host needs its own" in found


BOOT = [
    ("t: {kind: ipxe, file: ipxe.efi}",
     "targets.t: an iPXE target without `script`: iPXE would be sent to itself again, for ever"),
    ("t: {kind: shim, file: efi/shimx64.efi, via: options}",
     "targets.t.file: shim in a folder needs the packet's `file` field to find GRUB beside it"),
    (f"t: {{kind: file, file: {'x' * 128}}}", "has 128 octets, and there is room for 127"),
    (f"t: {{kind: file, file: {'é' * 64}}}", "has 128 octets, and there is room for 127"),
    ("t: {kind: file, file: a/../../etc/shadow}", 'leaves the folder of the server by ".."'),
    ('t: {kind: file, file: "a\\nb"}', "holds a control character"),
    ('t: {kind: file, file: "a\\x9bb"}', "holds a control character"),
    ('t: {kind: file, file: "a\\u2028b"}', "holds a control character"),
    ("t: {kind: file, files: {x64-efi: a}}", '"x64-efi" is no known client architecture'),
    ("t: {kind: file, files: {x64: a, x64-uefi: b}}", '7 has a file already, by "x64"'),
    ("t: {kind: file, file: a, server: wds.example.org}", '"wds.example.org" is no IPv4 address'),
    ("t: {kind: http, file: a}", "a target of kind http needs either `url` or `urls`"),
    ("t: {kind: http, url: 'http://h/a b'}", "has characters that a URL must write as %XX"),
    ("t: {kind: grub, file: a, config: b}", "`config` is for targets of kind pxelinux"),
    ("none: {kind: file, file: a}", "can be no target's name"),
    ("T: {kind: file, file: a}", '"T" cannot be a name here'),
    ("t: {kind: file, file: a, options: [{code: 67, type: text, value: x}]}",
     "option 67 is set by a target's file"),
    ("t: {kind: file, file: a, options: [{code: 150, type: uint8, value: 256}]}",
     "256 does not fit into uint8"),
]  # fmt: skip


@pytest.mark.parametrize(("target", "told"), BOOT)
def test_a_wrong_target_is_told(target: str, told: str, tmp_path: Path) -> None:
    found = problems(tmp_path, f"{HEAD}{TARGETS}  {target}\n{PROFILES}")
    assert any(line.startswith("site.yaml:8:") and told in line for line in found), found


RULES = [
    ("{arch: amd64, boot: p}", '"amd64" is no known client architecture'),
    ("{arch: x64, boot: pp}", 'rules[0].boot: "pp" is no target; did you mean "p"?'),
    ("{group: lap, boot: p}", 'rules[0].group: "lap" is no group; did you mean "lab"?'),
    ("{boot: p}", "a rule without a condition always holds; make it the default"),
    ("{arch: x64-uefi-http, boot: p}", 'firmware that boots over HTTP cannot load "p" by TFTP'),
    ("{mac: 'zz', boot: none}", '"zz" is not hexadecimal'),
    ("{mac: 525400, boot: none}", 'quote it: "525400"'),
]


@pytest.mark.parametrize(("rule", "told"), RULES)
def test_a_wrong_rule_is_told(rule: str, told: str, tmp_path: Path) -> None:
    text = f"{HEAD}{TARGETS}{PROFILES}    rules:\n    - {rule}\n"
    found = problems(tmp_path, text)
    assert any(line.startswith("site.yaml:12:") and told in line for line in found), found


def test_a_target_without_a_server_is_told(tmp_path: Path) -> None:
    text = (HEAD + TARGETS + PROFILES).replace("tftp: 10.77.0.9", "")
    (found,) = problems(tmp_path, text)
    assert "targets.p: has no server to be loaded from" in found
    assert found.endswith("set boot_servers.tftp")


def test_all_is_told_at_once_also_of_host_lists(tmp_path: Path) -> None:
    head = HEAD.replace("groups: [lab]", "groups: [lab]\nprofil: x")
    text = f"""{head}{TARGETS}{PROFILES}\
reservations:
- {{name: a, mac: 52e400123456}}
- {{name: b}}
reservation_files: [hosts.csv, none.csv, hosts.txt]
"""
    rows = (
        "name,mac,address,group\nc,52:54:00:00:00:01,10.77.0.7,lab\nd,zz,10.77.0.8,\n"
        "e,52:54:00:00:00:03,10.1.1.1,x\n"
    )
    found = problems(tmp_path, text, hosts_csv=rows)
    assert [line.partition(": ")[0] for line in found] == [
        "site.yaml:6:1", "site.yaml:13:18", "site.yaml:14:3", "site.yaml:15:32", "site.yaml:15:42",
        "hosts.csv:3:2", "hosts.csv:4:3", "hosts.csv:4:4",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "address", ["nobody", "a b@example.org", "@example.org", "a@b@c", "a@b_c", "a\\nb@c.org", ""]
)
def test_a_hostmaster_that_a_zone_cannot_hold_is_told(address: str, tmp_path: Path) -> None:
    zones = f'dhcp: {{domain: x.org}}\ndns: {{name_servers: [ns.y.org], hostmaster: "{address}"}}\n'
    (found,) = problems(tmp_path, f"{HEAD}{TARGETS}{PROFILES}{zones}")
    assert "dns.hostmaster: " in found
    assert "; write " in found


@pytest.mark.parametrize("name", ["Lab", "a b", "a\\nfilename", "a;b", "é", "-a", "x" * 33])
def test_a_group_that_could_say_more_than_its_name_is_told(name: str, tmp_path: Path) -> None:
    """Names of groups stand in comments and names of every server's configuration."""
    text = f"{HEAD}{TARGETS}{PROFILES}".replace("[lab]", f'["{name}"]')
    (found,) = problems(tmp_path, text)
    assert found.startswith("site.yaml:5:10: groups[0]: ")
    assert "cannot be a name here" in found


def test_a_list_that_is_no_list_is_told(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, "name: a\nsubnets: 5\n")
    assert "subnets: is not a list" in found


def test_a_file_that_is_no_mapping_is_told(tmp_path: Path) -> None:
    found = problems(tmp_path, "- 1\n")
    assert any("a site file is a mapping" in line for line in found)
