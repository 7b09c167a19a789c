"""Nothing leaves the machine, and no mail but ours: an audit hook (PEP 578); none can remove it.

It sees what Python code does, whoever wrote it. What a library in C or another program connects to
it does not see; programs that send mail are not started.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import sys
from typing import Any

MAIL_PORTS = {25, 465, 587, 1025, 2525}
"""RFC 5321, 8314 and 6409, and what relays and mail catchers use."""
MAILERS = {
    "sendmail",
    "mail",
    "mailx",
    "s-nail",
    "mutt",
    "msmtp",
    "ssmtp",
    "exim",
    "exim4",
    "swaks",
}
NEAR = {"", "localhost", "localhost.localdomain", "ip6-localhost"}


class Guard:
    """Refuses connections; writes what it refused to a file, one line each."""

    def __init__(self, log: str, port: int) -> None:
        """Allow mail to `port` on loopback only."""
        self._port = port
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def install(self) -> None:
        """Begin; there is no end but the process's."""
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in {"socket.connect", "socket.sendto"}:
            self._connection(arguments[0], arguments[1])
        elif event == "smtplib.connect":
            self._mail(str(arguments[1]), arguments[2])
        elif event == "os.system":
            for word in re.split(r"[\s;|&()/]+", os.fsdecode(arguments[0])):
                self._program(word)
        elif event == "socket.getaddrinfo":
            self._lookup(arguments[0])
        elif event in {"subprocess.Popen", "os.exec", "os.posix_spawn"}:
            self._program(arguments[0])

    def _connection(self, connection: Any, address: Any) -> None:
        if getattr(connection, "family", None) not in {socket.AF_INET, socket.AF_INET6}:
            return
        host, port = str(address[0]), int(address[1])
        mail = port in MAIL_PORTS and port != self._port
        if mail or not _is_near(host):
            self._note(f"a connection to {host} port {port}")
            raise ConnectionRefusedError("held back by `toolkit flask prove`")

    def _mail(self, host: str, port: Any) -> None:
        if port != self._port:
            self._note(f"mail to the server {host} port {port}")
            raise ConnectionRefusedError("held back by `toolkit flask prove`")

    def _lookup(self, host: Any) -> None:
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host or "")
        if name not in {*NEAR, socket.gethostname()} and not _is_address(name):
            self._note(f"a look-up of {name}")
            raise socket.gaierror(socket.EAI_NONAME, "held back by `toolkit flask prove`")

    def _program(self, program: Any) -> None:
        name = os.path.basename(os.fsdecode(program or ""))
        if name in MAILERS:
            self._note(f"the program {name}")
            raise PermissionError("held back by `toolkit flask prove`")

    def _note(self, text: str) -> None:
        os.write(self._log, text.encode("utf-8", "backslashreplace")[:300] + b"\n")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True


def _is_near(host: str) -> bool:
    if host in NEAR:
        return True
    if not _is_address(host):
        return False
    address = ipaddress.ip_address(host.partition("%")[0])
    return address.is_loopback or address.is_unspecified
