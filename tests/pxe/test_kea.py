"""Kea: what real servers offer is what was predicted, byte for byte."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from toolkit_pxe.decide.client import Client, firmware
from toolkit_pxe.decide.decision import decide
from toolkit_pxe.lab import Lab
from toolkit_pxe.lab.prove import Cell, prove
from toolkit_pxe.site.archs import ARCHITECTURES
from toolkit_pxe.site.custom import OWN4, OWN6
from toolkit_pxe.site.model import Site
from toolkit_pxe.targets import find_target
from toolkit_pxe.targets.base import Options, Predicting

pytestmark = [pytest.mark.server("kea-dhcp4"), pytest.mark.server("kea-dhcp6")]
MakeSite = Callable[[str], Site]
MAC, OTHER, POOLED = "52:54:00:12:34:56", "52:54:00:12:34:57", "52:54:00:12:34:99"
SILENT = frozenset({1, 3})
"""A parameter request list without anything of boot."""
SITE = r"""
name: campus
boot_servers: {tftp: 10.77.0.9, tftp6: '2001:db8:77::9', http: http://10.77.0.9/boot,
               http6: 'http://[2001:db8:77::9]/boot'}
subnets:
- {subnet: 10.77.0.0/24, pools: [10.77.0.100-10.77.0.199]}
- {subnet: '2001:db8:77::/64', pools: ['2001:db8:77::1000-2001:db8:77::1fff']}
targets:
  wds: {kind: wds, file: 'boot\x64\wdsnbp.com', server: 10.77.0.8}
  lin: {kind: pxelinux, file: lpxelinux.0, config: 'pxe,linux.cfg/default', prefix: 'http://a/, b'}
  fields: {kind: file, file: 'a,b.efi', via: fields}
  options: {kind: file, file: 'só/file.efi', via: options}
  ipxe: {kind: ipxe, files: {bios: undionly.kpxe, x64: ipxe.efi}, script: http://10.77.0.9/boot.ipxe}
  web: {kind: http, urls: {x64-uefi-http: shimx64.efi, arm64-uefi-http: 'grub,aa64.efi'}}
profiles:
  standard:
    rules:
    - {group: old, boot: wds}
    - {mac: '52:54:ff', boot: none}
    - {user_class: gPXE's, boot: fields}
    - {vendor_class: 'PXEClient:Arch:00011', boot: options}
    - {arch: [x64-uefi-http, arm64-uefi-http], boot: web}
    - {arch: [power-opal, x86-uefi], boot: lin}
    default: ipxe
groups: [old]
reservations:
- {name: h1, mac: '52:54:00:12:34:56', address: 10.77.0.10, group: old,
   duid: '00:03:00:01:52:54:00:12:34:56', address6: '2001:db8:77::10'}
- {name: h2, mac: '52:54:00:12:34:57', address: 10.77.0.11}
"""


def same(cells: Sequence[Cell]) -> int:
    """Assert that every cell is proven, and return how many there are."""
    for cell in cells:
        assert cell.offered == cell.prediction.wire, cell
    return len(cells)


@pytest.mark.parametrize("family", [4, 6])
def test_kea_offers_what_was_predicted_to_every_architecture(
    family: int, lab: Lab, make_site: MakeSite
) -> None:
    clients = [
        firmware(arch, mac=mac, ipxe=ipxe, family=family)
        for arch in ARCHITECTURES.values()
        for ipxe in (False, True)
        for mac in (OTHER, POOLED)
    ]
    site = make_site(SITE)
    cells = [*prove(lab, find_target("kea"), site, clients, Options(family))]
    assert same(cells) == 4 * len(ARCHITECTURES)
    booted = {cell.prediction.decision.arm.name for cell in cells}
    assert len(booted) == 8, booted


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("hook", ["", "no"])
def test_kea_offers_the_same_with_and_without_its_hook_asked_or_not(
    family: int, hook: str, lab: Lab, make_site: MakeSite
) -> None:
    made = [
        firmware(arch, mac=mac, ipxe=ipxe, family=family)
        for arch in (0, 7, 11, 14, 16)
        for ipxe in (False, True)
        for mac in (MAC, OTHER, "52:54:ff:00:00:01")
    ]
    made.append(replace(made[1], user_class="gPXE's"))
    made.append(replace(made[1], user_class="gPXE's", rfc3004=True))
    clients = [*made, *(replace(item, asks=SILENT) for item in made)]
    options = Options(family, settings={"flex-option": hook})
    assert same([*prove(lab, find_target("kea"), make_site(SITE), clients, options)]) == 64


LINKS = r"""
name: links
boot_servers: {tftp: 10.77.0.9, tftp6: '2001:db8:77::9'}
dhcp: {domain: example.org, dns_servers: [10.77.0.53, '2001:db8::53'],
       options: [{code: 43, type: binary, value: '01:04:00:00:00:00:ff'}, {code: 175, type: uint8,
       value: 7}, {code: 242, type: text, value: 'site, \wide'},
       {code: 42, family: '6', type: text, value: 'EST5,M3'}]}
subnets:
- {subnet: 10.77.0.0/24, shared_network: near, pools: [10.77.0.100-10.77.0.199]}
- {subnet: 10.78.0.0/24, shared_network: near, options: [{code: 242, type: text, value: near}]}
- subnet: 10.79.0.0/24
  pools: [10.79.0.100-10.79.0.199]
  relays: [10.79.0.2]
  profile: other
  options: [{code: 43, type: binary, value: '06:01:08'}, {code: 242, type: text, value: relayed}]
- {subnet: 10.80.0.0/24, boot_servers: {tftp: 10.80.0.9}, pools: [10.80.0.128/25]}
- {subnet: 10.81.0.0/24}
- {subnet: '2001:db8:77::/64', pools: ['2001:db8:77::1000-2001:db8:77::1fff']}
- {subnet: '2001:db8:79::/64', pools: ['2001:db8:79:0:1::/80'], profile: other,
   relays: ['2001:db8:79::2'], options: [{code: 42, family: '6', type: text, value: CET}]}
targets:
  lin:
    kind: pxelinux
    file: lpxelinux.0
    options: [{code: 43, type: binary, value: '06:01:03'},
              {code: 175, type: binary, value: 'b1:01:01'},
              {code: 42, family: '6', type: text, value: UTC}]
  raw: {kind: file, file: other.efi}
profile: standard
profiles:
  standard: {default: lin, rules: [{group: old, boot: raw}, {group: new, arch: bios, boot: none}]}
  other: {default: raw, rules: [{arch: bios, boot: lin}, {group: new, boot: lin}]}
groups: [old, new]
reservations:
- {name: h1, mac: '52:54:00:12:34:56', address: 10.77.0.10, group: old, address6: '2001:db8:77::10'}
- {name: h2, client_id: '01:52:54:00:12:34:57', mac: '52:54:00:aa:34:57', address: 10.78.0.11,
   group: new, duid: '00:03:00:01:52:54:00:12:34:57', address6: '2001:db8:79::11'}
- {name: h3, circuit_id: 'text:eth0/1, "x"', address: 10.79.0.12, group: new}
- {name: h4, mac: '52:54:00:12:34:58', group: new}
"""


def of_links(site: Site, family: int) -> list[Client]:
    """Every way to be known, on every link."""
    bios, uefi = (firmware(arch, mac=POOLED, family=family) for arch in (0, 7))
    known = [
        *(replace(item, mac=mac, duid=firmware(0, mac=mac, family=family).duid)
          for item in (bios, uefi) for mac in (MAC, "52:54:00:12:34:57", "52:54:00:aa:34:57",
                                               "52:54:00:12:34:58", POOLED)),
    ]  # fmt: skip
    if family == 4:
        known.append(replace(bios, client_id=bytes.fromhex("01525400123457")))
        known.append(replace(uefi, circuit_id=b'eth0/1, "x"'))
    found = []
    for subnet in site.of_family(family):
        if subnet.shared_network:
            continue
        found += [replace(item, subnet=subnet.index) for item in known]
    return found


@pytest.mark.parametrize("family", [4, 6])
def test_kea_offers_what_was_predicted_on_every_link_and_to_whoever_is_known(
    family: int, lab: Lab, make_site: MakeSite
) -> None:
    site = make_site(LINKS)
    target, options = find_target("kea"), Options(family)
    assert isinstance(target, Predicting)
    clients = of_links(site, family)
    answered = [item for item in clients if target.predict(site, item, options).wire]
    silent = [item for item in clients if item not in answered]  # no pool, nothing reserved
    cells = [*prove(lab, target, site, [*answered, *silent[:1]], options)]
    assert same(cells) == {4: 25, 6: 20}[family]
    assert len({decide(site, cell.client).arm for cell in cells}) >= 4


POOLS = """
name: pools
subnets:
- {subnet: 10.77.0.0/24, pools: [10.77.0.100-10.77.0.199]}
- {subnet: '2001:db8::/64', pools: ['2001:db8::1000-2001:db8::1fff']}
"""


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize(
    "shape", ["612c00", "01", "0a0000010a4d0001", "20010db8" * 4, "06010a0801ffff"]
)
def test_kea_sends_the_octets_of_every_option_as_they_are(
    family: int, shape: str, lab: Lab, make_site: MakeSite
) -> None:
    own = OWN4 if family == 4 else OWN6
    codes = [code for code in range(1, 255 if family == 4 else 150) if code not in own]
    value = bytes.fromhex(shape).hex(":")
    for at in range(0, len(codes), 40):  # all together would not fit into a packet
        part = codes[at : at + 40]
        said = ", ".join(
            f"{{code: {code}, type: binary, value: '{value}', family: '{family}'}}" for code in part
        )
        client = replace(firmware(0, mac=POOLED, family=family), asks=frozenset(part))
        site = make_site(POOLS + f"dhcp: {{options: [{said}]}}\n")
        assert same([*prove(lab, find_target("kea"), site, [client], Options(family))]) == 1
