"""What this machine has for proving DHCP and boot: servers, checkers, networks of their own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable

from toolkit.doctor import Probe, program
from toolkit.session import Session
from toolkit_pxe.lab.lab import PROGRAMS
from toolkit_pxe.programs import search_path

SERVERS = (
    ("dhcpd", "isc-dhcp-server", "check and prove with isc-dhcp", ("--version",)),
    ("kea-dhcp4", "kea-dhcp4-server", "check and prove with kea, IPv4", ("-v",)),
    ("kea-dhcp6", "kea-dhcp6-server", "check and prove with kea, IPv6", ("-v",)),
    ("dnsmasq", "dnsmasq-base", "check and prove with dnsmasq", ("--version",)),
    ("named-checkconf", "bind9-utils", "checking bind's zones", ("-v",)),
    ("in.tftpd", "tftpd-hpa", "serving boot files by TFTP", ("-V",)),
    ("nginx", "nginx-light", "checking http-boot", ("-v",)),
)
"""Program, Debian package, what it is for, how it tells its version."""


def probes(session: Session) -> Iterable[Probe]:
    """Yield what `toolkit doctor` shows for this plugin."""
    path = search_path(session.environ)
    for name, package, needed_for, version in SERVERS:
        yield program(name, package=package, needed_for=needed_for, version=version, path=path)
    yield _namespaces(path)


def _namespaces(path: str) -> Probe:
    missing = [name for name in PROGRAMS if shutil.which(name, path=path) is None]
    name, needed_for = "network namespaces", "toolkit pxe prove"
    if missing:
        detail = f"{', '.join(missing)} not found"
        remedy = "apt-get install iproute2 util-linux"
        return Probe(name, found=False, detail=detail, remedy=remedy, needed_for=needed_for)
    if os.geteuid() != 0:
        detail = "only root can make them"
        return Probe(
            name, found=False, detail=detail, remedy="run it as root", needed_for=needed_for
        )
    return Probe(name, found=True, detail="can be made by root", needed_for=needed_for)
