"""The matrix: every decision that clients can tell apart, on every server that can be run."""

from __future__ import annotations

import pytest

from toolkit_pxe.lab import Lab
from toolkit_pxe.lab.matrix import APART, CLASSES, PROVEN, REFUSED, TARGETS, WAYS, matrix
from toolkit_pxe.site.archs import ARCHITECTURES
from toolkit_pxe.targets import find_target, target_names

SERVERS = [
    pytest.param(name, marks=pytest.mark.server(program))
    for name, program in (("isc-dhcp", "dhcpd"), ("kea", "kea-dhcp4"), ("dnsmasq", "dnsmasq"))
    if name in target_names()
]


@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", SERVERS)
def test_every_cell_is_proven_or_refused(name: str, lab: Lab) -> None:
    results = list(matrix(lab, [find_target(name)]))
    wrong = [item for item in results if item.state not in {PROVEN, REFUSED}]
    assert wrong == []
    assert all(item.reason for item in results if item.state == REFUSED)
    proven = [item for item in results if item.state == PROVEN]
    for family in (4, 6):
        ours = [item for item in results if item.family == family]
        ways = {(item.target, item.arch, item.ipxe, item.asks) for item in ours}
        assert len(ways) == len(ours)
        wanted = {
            (target, arch, ipxe, asks)
            for target in TARGETS for arch in CLASSES
            for ipxe in WAYS[family] for asks in (False, True)
        }  # fmt: skip
        wanted |= {
            ("ipxe", arch, ipxe, asks)
            for arch in CLASSES for ipxe in APART[family] for asks in (False, True)
        }  # fmt: skip
        assert wanted <= ways
        assert {item.arch for item in proven if item.family == family} == {*ARCHITECTURES}
