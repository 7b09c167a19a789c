"""dnsmasq as proxyDHCP server: the OFFER, and for UEFI the dialogue on port 4011."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from toolkit_pxe.decide.client import Client, firmware
from toolkit_pxe.decide.decision import decide
from toolkit_pxe.lab import Lab
from toolkit_pxe.lab.prove import prove
from toolkit_pxe.site.model import Site
from toolkit_pxe.targets import _dnsmasq_proxy, dnsmasq, find_target
from toolkit_pxe.targets.base import Options

MakeSite = Callable[[str], Site]
OLD, OTHER, NEVER = "52:54:00:12:34:56", "52:54:00:12:34:57", "52:54:ff:12:34:57"
SITE = r"""
name: campus
dhcp: {proxy: true}
boot_servers: {tftp: 10.77.0.9, http: http://10.77.0.9/boot}
subnets: [{subnet: 10.77.0.0/24}]
targets:
  wds: {kind: wds, file: 'boot\x64\wdsnbp.com', server: 10.77.0.8}
  ipxe: {kind: ipxe, files: {bios: undionly.kpxe, x64: 'ipxe, "x".efi', arm64-uefi: arm.efi},
         script: http://10.77.0.9/boot.ipxe}
  web: {kind: http, urls: {x64-uefi-http: shimx64.efi}}
profiles:
  standard:
    rules:
    - {group: old, boot: wds}
    - {arch: x64-uefi-http, boot: web}
    - {mac: '52:54:ff', boot: none}
    default: ipxe
groups: [old]
reservations: [{name: h1, mac: '52:54:00:12:34:56', group: old}]
"""
OWN = "10.77.0.254"
OPTIONS = Options(4, settings={"address": OWN})


def clients() -> list[Client]:
    made = [
        firmware(arch, mac=mac, ipxe=ipxe)
        for arch in (0, 7, 9, 11, 16)
        for ipxe in (False, True)
        for mac in (OLD, OTHER)
    ]
    return [*made, firmware(7, mac=NEVER), replace(made[1], arch=None, vendor_class="MSFT 5.0"),
            replace(made[1], asks=frozenset({1, 3}))]  # fmt: skip


@pytest.mark.server("dnsmasq")
def test_the_offer_and_the_dialogue_on_port_4011_are_as_predicted(
    lab: Lab, make_site: MakeSite
) -> None:
    site = make_site(SITE)
    asked = clients()
    cells = [*prove(lab, find_target("dnsmasq"), site, asked, OPTIONS)]
    for cell in cells:
        assert cell.offered == cell.prediction.wire, cell
    assert [cell.client.mac for cell in cells if cell.offered is None] == [NEVER, OTHER]
    for client in asked[:20]:
        decision = decide(site, client)
        expected = _dnsmasq_proxy.predict_second(site, decision, client, OWN)
        reply = lab.boot_reply(client, "10.77.0.20/24", OWN)
        assert reply is not None
        assert reply.wire(frozenset({43, 60, 66, 67})) == expected.wire, client


@pytest.mark.server("dnsmasq")
def test_uefi_is_sent_to_port_4011_and_bios_is_told_at_once(lab: Lab, make_site: MakeSite) -> None:
    site = make_site(SITE)
    bios, uefi = (firmware(arch, mac=OTHER) for arch in (0, 7))
    cells = [*prove(lab, find_target("dnsmasq"), site, [bios, uefi], OPTIONS)]
    offers = [cell.offered for cell in cells]
    assert offers[0] is not None
    assert offers[1] is not None
    assert (offers[0].siaddr, offers[0].file) == ("10.77.0.9", b"undionly.kpxe")
    assert (offers[1].siaddr, offers[1].file) == (OWN, b"")
    second = lab.boot_reply(uefi, "10.77.0.20/24", OWN)
    assert second is not None
    assert (second.siaddr, second.file) == ("10.77.0.9", b'ipxe, "x".efi')


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("arm.efi", "grubaa64"), 'dnsmasq would send "grubaa64.0"'),
        (("kind: wds,", "kind: wds, via: options,"), "sends no options 66 and 67"),
        (("kind: wds, file: 'boot\\x64\\wdsnbp.com'", "kind: pxelinux, file: a.0, config: b"),
         "sends no option 209"),
        (("proxy: true", "proxy: true, options: [{code: 43, type: text, value: a}]"),
         "sends no option 43"),
    ],
)  # fmt: skip
def test_what_a_proxy_cannot_send_is_told(
    change: tuple[str, str], sentence: str, make_site: MakeSite
) -> None:
    assert change[0] in SITE
    rendered = dnsmasq.render(make_site(SITE.replace(*change)), OPTIONS)
    assert any(sentence in str(limit) for limit in rendered.limits)
    assert sentence in rendered.files[0].content
