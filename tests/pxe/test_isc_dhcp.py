"""ISC dhcpd: what real servers offer is what was predicted, byte for byte."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from toolkit_pxe.decide.client import Client, firmware
from toolkit_pxe.lab import Lab
from toolkit_pxe.lab.prove import prove
from toolkit_pxe.serving import Serving
from toolkit_pxe.site.model import Site
from toolkit_pxe.targets import find_target
from toolkit_pxe.targets.base import Options

MAC, OTHER = "52:54:00:12:34:56", "52:54:00:12:34:57"
SITE = r"""
name: campus
boot_servers: {tftp: 10.77.0.9, tftp6: '2001:db8:77::9', http: http://10.77.0.9/boot,
               http6: 'http://[2001:db8:77::9]/boot'}
subnets:
- {subnet: 10.77.0.0/24, pools: [10.77.0.100-10.77.0.199]}
- {subnet: '2001:db8:77::/64', pools: ['2001:db8:77::1000-2001:db8:77::1fff']}
targets:
  wds: {kind: wds, file: 'boot\x64\wdsnbp.com', server: 10.77.0.8}
  ipxe: {kind: ipxe, files: {bios: undionly.kpxe, x64: ipxe.efi}, script: http://10.77.0.9/boot.ipxe}
  web: {kind: http, urls: {x64-uefi-http: shimx64.efi}}
profiles:
  standard:
    rules:
    - {group: old, boot: wds}
    - {arch: x64-uefi-http, boot: web}
    - {mac: '52:54:ff', boot: none}
    default: ipxe
groups: [old]
reservations:
- {name: h1, mac: '52:54:00:12:34:56', address: 10.77.0.10, group: old,
   duid: '00:03:00:01:52:54:00:12:34:56', address6: '2001:db8:77::10'}
- {name: h2, mac: '52:54:00:12:34:57', address: 10.77.0.11}
"""


def clients(family: int) -> list[Client]:
    made = [
        firmware(arch, mac=mac, ipxe=ipxe, family=family)
        for arch in (0, 7, 9, 11, 16)
        for ipxe in (False, True)
        for mac in (MAC, OTHER)
    ]
    return [*made, *(replace(made[0], asks=frozenset({1, 3}), mac=mac) for mac in (MAC, OTHER))]


@pytest.mark.server("dhcpd")
@pytest.mark.parametrize("family", [4, 6])
def test_dhcpd_offers_what_was_predicted(
    family: int, lab: Lab, make_site: Callable[[str], Site]
) -> None:
    cells = [
        *prove(lab, find_target("isc-dhcp"), make_site(SITE), clients(family), Options(family))
    ]
    assert len(cells) == 22
    for cell in cells:
        assert cell.offered == cell.prediction.wire, cell


@pytest.mark.server("dhcpd")
@pytest.mark.parametrize("first", [True, False])
def test_a_fragment_lives_beside_ipxes_own_option_space(
    first: bool, lab: Lab, make_site: Callable[[str], Site]
) -> None:
    """Option 175 has two names then, of which ours is asked for and theirs is sent."""
    site = make_site(SITE)
    fragment = find_target("isc-dhcp").render(site, Options(4, fragment=True)).files[0].content
    space = (
        "option space ipxe;\noption ipxe-encap-opts code 175 = encapsulate ipxe;\n"
        "option ipxe.no-pxedhcp code 176 = unsigned integer 8;\n"
    )
    rest = (
        "subnet 10.77.0.0 netmask 255.255.255.0 { option ipxe.no-pxedhcp 1; }\n"
        f"host h2 {{ hardware ethernet {OTHER}; fixed-address 10.77.0.11; }}\n"
    )
    config = lab.folder / "dhcpd.conf"
    config.write_text(space + fragment + rest if first else fragment + space + rest)
    leases = lab.folder / "leases"
    leases.write_text("")
    argv = ("/usr/sbin/dhcpd", "-4", "-f", "-d", "--no-pid", "-cf", str(config), "-lf",
            str(leases), "srv0")  # fmt: skip
    lab.serve(Serving(argv), ["10.77.0.1/24"])
    running = replace(firmware(0, mac=OTHER, ipxe=True), user_class="")
    offered = lab.offer(running, frozenset({67, 175}))
    assert offered is not None, lab.log()
    assert offered.file == b"http://10.77.0.9/boot.ipxe"
    assert offered.options[175] == b"\xb0\x01\x01"
