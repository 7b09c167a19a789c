"""`toolkit pxe init`: a commented site file to begin with, from six questions or none."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

from toolkit.errors import UsageError
from toolkit.files import write_atomic
from toolkit.session import Session
from toolkit.text import clean
from toolkit_pxe.site.values import Network, address_text, host_name, ipv4, network, word

V = TypeVar("V")
Asker = Callable[[str, str], str]
"""(question, default) → answer."""

_ROOM = 16
"""The smallest network (addresses) that has room for what the starter describes."""


@dataclass(frozen=True, slots=True)
class Answers:
    """The six answers."""

    name: str = "campus"
    subnet: str = "10.0.0.0/24"
    router: str = "10.0.0.1"
    domain: str = "example.org"
    server: str = "10.0.0.9"
    loader: str = "ipxe"


LOADERS = ("ipxe", "pxelinux", "grub", "shim", "wds")
_TARGETS = {
    "ipxe": """kind: ipxe
    files:                  # by architecture; names: toolkit pxe schema, docs/how-to/pxe.md
      bios: undionly.kpxe
      x64: ipxe.efi
    # What a client gets that already runs iPXE. Without it iPXE would load itself for ever.
    script: boot.ipxe""",
    "pxelinux": """kind: pxelinux
    files:
      bios: pxelinux.0""",
    "grub": """kind: grub
    files:
      x64: grubx64.efi""",
    "shim": """kind: shim              # Secure Boot: shim loads grubx64.efi from its own folder
    files:
      x64: shimx64.efi""",
    "wds": r"""kind: wds
    files:                  # backslashes as Windows has them; single quotes leave them be
      bios: 'boot\x64\wdsnbp.com'
      x64: 'boot\x64\wdsmgfw.efi'""",
}


def asked(ask: Asker) -> Answers:
    """Return the answers to the six questions. Raises UsageError for one that can't be."""
    usual = Answers()
    name = _valid(word, ask("Name of the site (a-z, 0-9, hyphens)?", usual.name))
    net = _valid(_roomy, ask("IPv4 subnet?", usual.subnet))
    router = _valid(_inside(net), ask("Default gateway?", address_text(4, net.first + 1)))
    domain = _valid(host_name, ask("Domain?", usual.domain))
    server = ask("IPv4 address of the TFTP server?", address_text(4, net.first + 9))
    _valid(ipv4, server)
    loader = ask(f"What boots? ({', '.join(LOADERS)})", usual.loader)
    if loader not in LOADERS:
        raise UsageError(f'"{clean(loader, limit=40)}" is none of: {", ".join(LOADERS)}')
    return Answers(name, net.text, router, domain, server, loader)


def _valid(parse: Callable[[str], V], text: str) -> V:
    try:
        return parse(text)
    except ValueError as error:
        raise UsageError(clean(str(error), limit=200), hint="run it again") from error


def _roomy(text: str) -> Network:
    found = network(text)
    if found.family != 4 or found.last - found.first < _ROOM:
        raise ValueError(f'"{text}" is no IPv4 network of 32 addresses or more')
    return found


def _inside(net: Network) -> Callable[[str], str]:
    def check(text: str) -> str:
        if not net.first < ipv4(text) < net.last:
            raise ValueError(f'"{text}" lies outside of {net.text}')
        return text

    return check


def starter(answers: Answers) -> str:
    """Return the text of a site file."""
    net = network(answers.subnet)
    half = net.first + (net.last - net.first + 1) // 2
    low, high = address_text(4, half), address_text(4, net.last - 2)
    host = next(
        address_text(4, number)
        for number in range(net.first + 10, half)
        if address_text(4, number) not in {answers.router, answers.server}
    )
    return f"""\
# A site of `toolkit pxe`. What may stand here: toolkit pxe schema
# Look at it:   toolkit pxe explain FILE --arch x64-uefi
# Write it:     toolkit pxe render FILE --for isc-dhcp --output out
name: {answers.name}

dhcp:
  domain: {answers.domain}
  dns_servers: [{answers.router}]
  lease_time: 8h            # seconds, or 90s, 15m, 8h, 1d, 2w
  # proxy: true             # another DHCP server gives addresses: only boot data comes from here

boot_servers:
  tftp: {answers.server}         # an address: the packet has no room for a name
  # http: http://{answers.server}/boot/

subnets:
- subnet: {answers.subnet}
  pools: [{low}-{high}]
  routers: [{answers.router}]
  # relays: [{answers.router}]     # if clients reach the server through a relay agent
  # profile: lab                # other boot rules than the site's

targets:
  {answers.loader}:
    {_TARGETS[answers.loader]}

profiles:
  standard:
    rules:                  # the first that holds decides
    - group: no-boot
      boot: none
    # - mac: '52:54:00'     # the first octets; quote what YAML could take for a number
    #   boot: {answers.loader}
    default: {answers.loader}           # a target, or none

groups: [no-boot]

reservations:
- name: printer
  mac: '52:54:00:12:34:56'
  address: {host}
  group: no-boot
# reservation_files: [hosts.csv]   # columns: name,mac,address,group
"""


def run(session: Session, file: Path, *, ask: bool) -> None:
    """Ask, and write the file. Raises UsageError if it is there already."""
    path = session.cwd / file
    if path.exists() or path.is_symlink():
        raise UsageError(f"{clean(str(file))} is there already", hint="name another file")
    answers = asked(_on(sys.stdin, sys.stderr)) if ask else Answers()
    write_atomic(path, starter(answers))
    session.output.say(f"{clean(str(file))}: written; next: toolkit pxe check {clean(str(file))}")


def _on(source: IO[str], voice: IO[str]) -> Asker:
    """Return an asker on a terminal, or for answers that come one a line."""

    def ask(question: str, default: str) -> str:
        voice.write(f"{question} [{default}] ")
        voice.flush()
        line = source.readline()
        if not line:
            raise UsageError("there is no answer", hint="--defaults asks nothing")
        return re.sub(r"[\r\n]+$", "", line).strip() or default

    return ask
