"""Known traps of DHCP servers: the site that would lead there renders right, or is refused.

Each is accepted by the server's own check, and then boots nothing. The offers are those of real
servers; how a site is refused with file and line is tested in test_site_errors.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from toolkit_pxe.decide.client import ASKS4, Client, firmware
from toolkit_pxe.decide.wire import NO_ADDRESS, Wire
from toolkit_pxe.lab import Lab
from toolkit_pxe.lab.prove import prove
from toolkit_pxe.site.model import Site
from toolkit_pxe.targets import find_target, target_names
from toolkit_pxe.targets.base import Options

MakeSite = Callable[[str], Site]
MAC = "52:54:00:12:34:56"
PROGRAMS = {"isc-dhcp": "dhcpd", "kea": "kea-dhcp4", "dnsmasq": "dnsmasq"}
SERVERS = [
    pytest.param(name, marks=pytest.mark.server(program))
    for name, program in PROGRAMS.items()
    if name in target_names()
]
HEAD = """
name: traps
boot_servers: {tftp: 10.77.0.9, http: 'http://10.77.0.9/'}
subnets:
- {subnet: 10.77.0.0/24}
reservations:
- {name: h1, mac: '52:54:00:12:34:56', address: 10.77.0.10, group: lab}
groups: [lab]
"""


def offer(lab: Lab, server: str, site: Site, client: Client | None = None) -> Wire:
    """Return what the real server offers, which must be what was predicted."""
    chosen = client or firmware(0, mac=MAC)
    (cell,) = prove(lab, find_target(server), site, [chosen], Options(chosen.family))
    assert cell.offered == cell.prediction.wire, cell
    assert cell.offered is not None
    return cell.offered


def booting(file: str) -> str:
    targets = f"targets: {{t: {{kind: file, file: '{file}'}}}}"
    return f"{HEAD}{targets}\nprofiles: {{p: {{default: t}}}}\n"


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize(
    "path",
    [r"boot\x64\wdsnbp.com", r"boot\x86\wdsnbp.com", r"boot\tftp\new\000.com", r"a\\b",
     "a,b.efi", 'a"b', "#a", "a;b", "a b", "a{b}", "x" * 127],
    ids=repr,
)  # fmt: skip
def test_a_path_arrives_as_it_is(server: str, path: str, lab: Lab, make_site: MakeSite) -> None:
    r"""ISC reads \x64 as an octet, Kea cuts at a comma, dnsmasq reads \t as TAB in quotes."""
    offered = offer(lab, server, make_site(booting(path)))
    assert offered.file == path.encode()
    assert offered.siaddr == "10.77.0.9"
    assert offered.options[67] == path.encode() + b"\0"


@pytest.mark.parametrize("server", SERVERS)
def test_a_client_that_asks_for_no_options_boots_by_the_fields(
    server: str, lab: Lab, make_site: MakeSite
) -> None:
    """Kea and ISC send 66 and 67 to those alone that ask for them: the fields are for all."""
    client = replace(firmware(0, mac=MAC), asks=frozenset({1, 3}))
    offered = offer(lab, server, make_site(booting("pxelinux.0")), client)
    assert (offered.siaddr, offered.file) == ("10.77.0.9", b"pxelinux.0")


@pytest.mark.parametrize("server", SERVERS)
def test_shim_gets_the_file_field_though_it_asks_for_option_67(
    server: str, lab: Lab, make_site: MakeSite
) -> None:
    """Dnsmasq leaves the field empty for clients that ask for 67, and shim reads only the field."""
    site = make_site(
        f"{HEAD}targets: {{s: {{kind: shim, file: efi/shimx64.efi}}}}\n"
        "profiles: {p: {default: s}}\n"
    )
    client = firmware(7, mac=MAC)
    assert 67 in ASKS4
    assert offer(lab, server, site, client).file == b"efi/shimx64.efi"


@pytest.mark.parametrize("server", SERVERS)
def test_an_architecture_of_two_hexadecimal_digits_matches(
    server: str, lab: Lab, make_site: MakeSite
) -> None:
    """`option arch = 16` never matches in ISC, nor '00:10' as text in Kea."""
    site = make_site(
        f"{HEAD}targets: {{w: {{kind: http, url: shimx64.efi}}}}\n"
        "profiles: {p: {default: none, rules: [{arch: x64-uefi-http, boot: w}]}}\n"
    )
    offered = offer(lab, server, site, firmware(16, mac=MAC))
    assert offered.options[67].rstrip(b"\0") == b"http://10.77.0.9/shimx64.efi"
    assert offered.options[60].rstrip(b"\0") == b"HTTPClient", "else UEFI ignores the offer"


@pytest.mark.parametrize("server", SERVERS)
def test_ipxe_is_not_sent_itself_again(server: str, lab: Lab, make_site: MakeSite) -> None:
    """The first class that matches wins in Kea, so iPXE's must come first."""
    site = make_site(
        f"{HEAD}targets: {{i: {{kind: ipxe, file: ipxe.efi, script: 'http://10.77.0.9/b.ipxe'}}}}\n"
        "profiles: {p: {default: none, rules: [{vendor_class: PXEClient, boot: i}]}}\n"
    )
    assert offer(lab, server, site, firmware(7, mac=MAC)).file == b"ipxe.efi"
    script = b"http://10.77.0.9/b.ipxe"
    running = firmware(7, mac=MAC, ipxe=True)
    assert offer(lab, server, site, running).file == script
    assert offer(lab, server, site, replace(running, rfc3004=True)).file == script
    for other in ("", "lab"):  # by option 175, which an iPXE of any user class sends
        assert offer(lab, server, site, replace(running, user_class=other)).file == script
    assert offer(lab, server, site, replace(running, ipxe=b"")).file == script


@pytest.mark.parametrize("server", SERVERS)
def test_ipxe_is_known_and_told_by_the_same_option(
    server: str, lab: Lab, make_site: MakeSite
) -> None:
    """Option 175 from the client says what it is; from the server it has iPXE's settings."""
    told = "options: [{code: 175, name: settings, type: binary, value: 'b0:01:01'}]"
    site = make_site(
        f"{HEAD}targets: {{i: {{kind: ipxe, file: ipxe.efi, script: b.ipxe, {told}}}}}\n"
        "profiles: {p: {default: i, rules: [{user_class: lab, boot: none}]}}\n"
    )
    running = replace(firmware(7, mac=MAC, ipxe=True), user_class="")
    offered = offer(lab, server, site, running)
    assert (offered.file, offered.options[175]) == (b"b.ipxe", b"\xb0\x01\x01")
    assert offer(lab, server, site, firmware(7, mac=MAC)).file == b"ipxe.efi"
    # The first rule that holds decides, here by the user class that this iPXE was given.
    assert offer(lab, server, site, replace(running, user_class="lab")).file == b""


@pytest.mark.parametrize("server", SERVERS)
def test_options_of_one_target_do_not_leak_into_another(
    server: str, lab: Lab, make_site: MakeSite
) -> None:
    """A client is in several of Kea's classes at once, and gets the options of them all."""
    site = make_site(
        f"{HEAD}targets:\n  a: {{kind: pxelinux, file: a.0}}\n"
        "  b: {kind: pxelinux, file: b.0, config: b.cfg, prefix: b/}\n"
        "profiles: {p: {default: b, rules: [{group: lab, boot: a}]}}\n"
    )
    offered = offer(lab, server, site)
    assert offered.file == b"a.0"
    assert {209, 210}.isdisjoint(offered.options)


@pytest.mark.parametrize("server", SERVERS)
def test_a_group_that_must_not_boot_is_sent_nothing(
    server: str, lab: Lab, make_site: MakeSite
) -> None:
    site = make_site(
        f"{HEAD}targets: {{a: {{kind: pxelinux, file: a.0, config: c}}}}\n"
        "profiles: {p: {default: a, rules: [{group: lab, boot: none}]}}\n"
    )
    offered = offer(lab, server, site)
    assert (offered.siaddr, offered.file, dict(offered.options)) == (NO_ADDRESS, b"", {})


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("shared", ["", ", shared_network: hall"])
def test_who_has_no_address_is_sent_nothing_and_that_is_predicted(
    server: str, shared: str, lab: Lab, make_site: MakeSite
) -> None:
    """A subnet without a pool has addresses for its reservations alone."""
    pool = f"{shared}, pools: [10.78.0.10-10.78.0.20]}}"
    second = f"- {{subnet: 10.78.0.0/24{pool if shared else '}'}"
    text = booting("a.0").replace("10.77.0.0/24}", f"10.77.0.0/24{shared}}}\n{second}")
    site = make_site(text)
    clients = [firmware(0, mac=mac) for mac in ("52:54:00:99:99:99", MAC)]
    clients = [replace(client, subnet=0) for client in clients]
    cells = [*prove(lab, find_target(server), site, clients, Options(4))]
    assert [cell.proven for cell in cells] == [True, True], cells
    assert [cell.offered is not None for cell in cells] == [bool(shared), True]
