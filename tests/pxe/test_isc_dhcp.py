"""ISC dhcpd: what real servers offer is what was predicted, byte for byte."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from toolkit_pxe.decide.client import Client, firmware
from toolkit_pxe.lab import Lab
from toolkit_pxe.lab.prove import prove
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
