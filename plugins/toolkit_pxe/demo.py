"""The scene: one site for three servers, and the bytes of the offer of a real one."""

from __future__ import annotations

import os

from toolkit.demo import Stage
from toolkit.files import write_atomic
from toolkit_pxe.lab.lab import PROGRAMS
from toolkit_pxe.programs import find

SITE = r"""# One site file for every server.
name: campus
boot_servers: {tftp: 10.77.0.9}
subnets:
- {subnet: 10.77.0.0/24, pools: [10.77.0.100-10.77.0.199], routers: [10.77.0.1]}
targets:
  wds: {kind: wds, file: 'boot\x64\wdsnbp.com', server: 10.77.0.8}
  ipxe: {kind: ipxe, files: {bios: undionly.kpxe, x64: ipxe.efi}, script: boot.ipxe}
profiles:
  standard:
    rules: [{group: windows, boot: wds}]
    default: ipxe
groups: [windows]
reservations:
- {name: pc1, mac: '52:54:00:00:00:01', address: 10.77.0.11, group: windows}
"""
WRONG = SITE.replace("10.77.0.11", "10.99.0.11").replace(", script: boot.ipxe", "")
SERVERS = ("isc-dhcp", "kea", "dnsmasq")


def scene(stage: Stage) -> None:
    """Explain, render and check a sample site; prove it where real servers can run."""
    write_atomic(stage.folder / "site.yaml", SITE)
    write_atomic(stage.folder / "wrong.yaml", WRONG)
    stage.say(
        "The boot file of Windows Deployment Services has backslashes, and each server has its own "
        "way to misread them. What to type, and what is then sent:"
    )
    stage.run("pxe", "bootfile", r"boot\x64\wdsnbp.com", "--for", "isc-dhcp", "--next-server",
              "10.77.0.8")  # fmt: skip
    stage.say("A site file with two mistakes, each told with its place and remedy.")
    stage.run("pxe", "explain", "wrong.yaml", expect=2)
    stage.say("The right one: what three servers will send a client of the group, and why.")
    chosen = [word for name in SERVERS for word in ("--for", name)]
    stage.run("pxe", "explain", "site.yaml", "--mac", "52:54:00:00:00:01", "--arch", "x86-bios",
              *chosen)  # fmt: skip
    stage.say("Written down for the three of them.")
    stage.run("pxe", "render", "site.yaml", *chosen, "--output", "out")
    lacking = [name for name in (*PROGRAMS, "dhcpd") if find(name) is None]
    lacking += [] if os.geteuid() == 0 else ["the rights of root"]
    if not lacking:
        stage.say("A real ISC dhcpd in a network of its own: the bytes of its offers.")
        stage.run("pxe", "prove", "--for", "isc-dhcp", "--target", "wds")
    else:
        stage.say(f"Real offers would prove it: that needs {', '.join(lacking)}.")
