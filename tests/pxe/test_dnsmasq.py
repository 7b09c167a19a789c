"""dnsmasq: what real servers offer is what was predicted, byte for byte."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from toolkit_pxe.decide.client import Client, firmware
from toolkit_pxe.lab import Lab
from toolkit_pxe.lab.prove import Cell, prove
from toolkit_pxe.site.archs import ARCHITECTURES
from toolkit_pxe.site.model import Site
from toolkit_pxe.targets import dnsmasq, find_target
from toolkit_pxe.targets.base import Options

MakeSite = Callable[[str], Site]
OLD, OTHER, NEVER, FAR = (
    "52:54:00:12:34:56", "52:54:00:12:34:57", "52:54:ff:12:34:57", "52:54:00:12:34:58",
)  # fmt: skip
NETWORKS = r"""
name: campus
boot_servers: {tftp: 10.77.0.9, tftp6: '2001:db8:77::9', http: http://10.77.0.9/boot,
               http6: 'http://[2001:db8:77::9]/boot'}
dhcp:
  domain: example.org
  dns_servers: [10.77.0.53, '2001:db8:77::53']
  ntp_servers: [10.77.0.54, '2001:db8:77::54']
  options:
  - {code: 252, type: text, value: 'http://x.example/p "q", #1\z'}
  - {code: 150, type: ip-address, value: [10.0.0.1, 10.0.0.2]}
  - {code: 43, type: binary, value: '06:01:03'}
  - {code: 26, type: uint16, value: 1400}
  - {code: 46, type: uint8, value: 8}
  - {code: 224, type: boolean, value: true}
  - {code: 225, type: text, value: '12'}
  - {code: 17, type: text, value: 'nfs:/a, b'}
  - {code: 90, type: uint32, value: 70000, family: '6'}
  - {code: 91, type: text, value: '1,2 "3"', family: '6'}
  - {code: 22, type: ipv6-address, value: '2001:db8::5', family: '6'}
subnets:
- {subnet: 10.77.0.0/24, pools: [10.77.0.100-10.77.0.199], routers: [10.77.0.1]}
- {subnet: '2001:db8:77::/64', pools: ['2001:db8:77::1000-2001:db8:77::1fff']}
- {subnet: 10.78.0.0/24, profile: far, boot_servers: {tftp: 10.78.0.9},
   options: [{code: 26, type: uint16, value: 1300}, {code: 227, type: text, value: far}]}
- {subnet: '2001:db8:78::/64', profile: far, boot_servers: {tftp6: '2001:db8:78::9'}}
reservations:
- {name: h1, mac: '52:54:00:12:34:56', address: 10.77.0.10, group: old,
   duid: '00:03:00:01:52:54:00:12:34:56', address6: '2001:db8:77::10'}
- {name: h2, mac: '52:54:00:12:34:57', address: 10.77.0.11}
- {name: 12h, mac: '52:54:ff:12:34:57', address: 10.77.0.12}
- {name: ignore, client_id: 'lab:4', address: 10.77.0.13}
- {name: h4, mac: '52:54:00:12:34:58', address: 10.78.0.13,
   duid: '00:03:00:01:52:54:00:12:34:58', address6: '2001:db8:78::10'}
groups: [old]
"""
SITE = (
    NETWORKS
    + r"""
targets:
  wds: {kind: wds, file: 'boot\x64\wdsnbp.com', server: 10.77.0.8}
  ipxe: {kind: ipxe, files: {bios: undionly.kpxe, x64: ipxe.efi}, script: http://10.77.0.9/boot.ipxe}
  web: {kind: http, urls: {x64-uefi-http: shimx64.efi}}
  odd: {kind: file, file: 'a "b", c#\t.efi', via: options}
  fields: {kind: file, file: only.0, via: fields}
  linux: {kind: pxelinux, file: pxelinux.0, config: pxe/cfg, prefix: '/pxe, "x"/',
          options: [{code: 26, type: uint16, value: 1200}, {code: 226, type: binary, value: 'ff'}]}
profiles:
  standard:
    rules:
    - {group: old, boot: wds}
    - {arch: x64-uefi-http, boot: web}
    - {mac: '52:54:ff', boot: none}
    - {vendor_class: 'PXEClient:Arch:00011', boot: odd}
    - {arch: [x86-uefi, arm32-uefi], boot: fields}
    default: ipxe
  far:
    rules: [{user_class: lab, boot: wds}]
    default: linux
profile: standard
"""
)


def several(family: int) -> list[Client]:
    """Each branch, asked for by clients that ask for 66 and 67, for neither, and for anything."""
    made = [
        firmware(arch, mac=mac, ipxe=ipxe, family=family)
        for arch in (0, 6, 7, 9, 11, 16)
        for ipxe in (False, True)
        for mac in (OLD, OTHER)
    ]
    made += [firmware(7, mac=NEVER, family=family), replace(made[1], arch=None)]
    less = [replace(made[at], asks=asks) for at in (0, 1, 5, 17, 21, 23)
            for asks in (frozenset({1, 3}), None)]  # fmt: skip
    exact = [replace(made[1], user_class=text, rfc3004=rfc)
             for text in ("iPXE", "iPXE2", "iPX") for rfc in (False, True)]  # fmt: skip
    return [*made, *less, *exact]


def distant(family: int) -> list[Client]:
    """Clients behind a relay agent, where another profile holds."""
    subnet = 2 if family == 4 else 3
    base = replace(firmware(0, mac=FAR, family=family), subnet=subnet)
    return [base, replace(base, user_class="lab"), replace(base, user_class="lab", rfc3004=True),
            replace(base, user_class="labs", asks=frozenset({26}))]  # fmt: skip


def assert_proven(cells: list[Cell], count: int) -> None:
    assert len(cells) == count
    for cell in cells:
        assert cell.offered == cell.prediction.wire, cell


@pytest.mark.server("dnsmasq")
def test_dnsmasq_offers_what_was_predicted(lab: Lab, make_site: MakeSite) -> None:
    clients = [*several(4), *distant(4)]
    cells = [*prove(lab, find_target("dnsmasq"), make_site(SITE), clients, Options(4))]
    assert_proven(cells, 48)
    assert {cell.prediction.decision.arm.name for cell in cells} == {
        "standard-1", "standard-2", "standard-3", "standard-4", "standard-5", "standard-default-1",
        "standard-default-2", "standard-default-script", "standard-rest", "far-1", "far-default",
    }  # fmt: skip


@pytest.mark.server("dnsmasq")
def test_dnsmasq_advertises_what_was_predicted(lab: Lab, make_site: MakeSite) -> None:
    site = make_site(SITE.replace("    - {arch: x64-uefi-http, boot: web}\n", ""))
    cells = [*prove(lab, find_target("dnsmasq"), site, [*several(6), *distant(6)], Options(6))]
    assert_proven(cells, 48)


@pytest.mark.server("dnsmasq")
@pytest.mark.parametrize("family", [4, 6])
def test_each_architecture_gets_its_own_file(family: int, lab: Lab, make_site: MakeSite) -> None:
    files = ", ".join(f"{word}: 'boot/{word}.efi'" for word in ARCHITECTURES if "http" not in word)
    site = make_site(
        NETWORKS.replace("profile: far, ", "")
        + f"\ntargets: {{each: {{kind: file, files: {{{files}}}}}}}\n"
        "profiles: {p: {default: each}}\n"
    )
    clients = [firmware(arch, mac=OTHER, family=family) for arch in ARCHITECTURES.values()]
    cells = [*prove(lab, find_target("dnsmasq"), site, clients, Options(family))]
    assert_proven(cells, len(ARCHITECTURES))
    assert sum(cell.prediction.decision.boot is not None for cell in cells) > 25


@pytest.mark.server("dnsmasq")
def test_a_client_id_that_is_a_word_of_dnsmasqs_gets_its_reservation(
    lab: Lab, make_site: MakeSite
) -> None:
    client = replace(firmware(0, mac="52:54:00:00:00:01"), client_id=b"lab:4")
    site = make_site(SITE)
    next(prove(lab, find_target("dnsmasq"), site, [client], Options(4)))
    reply = lab.reply(client)
    assert reply is not None
    assert reply.yiaddr == "10.77.0.13"


SHARED = """
name: floors
boot_servers: {tftp: 10.77.0.9}
subnets:
- {subnet: 10.77.0.0/24}
- {subnet: 10.81.0.0/24, shared_network: floor, relays: [10.81.0.250]}
- {subnet: 10.82.0.0/24, shared_network: floor, profile: other}
targets: {one: {kind: file, file: one.0}, two: {kind: file, file: two.0}}
profiles: {standard: {rules: [{group: desk, boot: two}], default: one}, other: {default: two}}
profile: standard
groups: [desk]
reservations:
- {name: a, mac: '52:54:00:12:34:56', address: 10.81.0.10}
- {name: b, mac: '52:54:00:12:34:57', address: 10.82.0.10}
- {name: c, circuit_id: '00:04:00:07', group: desk}
- {name: d, mac: '52:54:00:12:34:58', address: 10.81.0.11}
"""


@pytest.mark.server("dnsmasq")
def test_subnets_behind_one_relay_agent_share_its_link(lab: Lab, make_site: MakeSite) -> None:
    site = make_site(SHARED)
    for mac, subnet, address in ((OLD, 1, "10.81.0.10"), (OTHER, 2, "10.82.0.10")):
        client = replace(firmware(0, mac=mac), subnet=subnet)
        near = replace(client, subnet=1)
        next(prove(lab, find_target("dnsmasq"), site, [near], Options(4)))
        reply = lab.reply(near, relay="10.81.0.250", server="10.77.0.254")
        assert reply is not None
        assert reply.yiaddr == address
        expected = dnsmasq.predict(site, client, Options(4))
        assert reply.wire(frozenset({66, 67})) == expected.wire


@pytest.mark.server("dnsmasq")
def test_a_circuit_id_puts_a_client_into_its_group(lab: Lab, make_site: MakeSite) -> None:
    plain = replace(firmware(0, mac=FAR), subnet=1)
    circuit = replace(firmware(0, mac=FAR), subnet=1, circuit_id=bytes.fromhex("00040007"))
    cells = [*prove(lab, find_target("dnsmasq"), make_site(SHARED), [plain, circuit], Options(4))]
    files = [cell.offered.file if cell.offered else None for cell in cells]
    assert files == [b"one.0", b"two.0"]
