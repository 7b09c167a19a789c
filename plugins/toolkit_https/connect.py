"""From a host to a connected socket, within a deadline."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Sequence
from typing import TypeAlias

from toolkit.text import clean
from toolkit_https.deadline import Deadline, within
from toolkit_https.model import Finding
from toolkit_https.registry import finding
from toolkit_https.targets import is_ip

Address: TypeAlias = tuple[socket.AddressFamily, str]
Resolve: TypeAlias = Callable[[str, int], Sequence[Address]]
"""(host, port) → addresses in the order to be tried. Raises OSError (socket.gaierror)."""

UNREACHABLE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}


class Unreachable(Exception):  # noqa: N818  a result on its way, no error of the program
    """There is no connection to judge; `finding` says why."""

    def __init__(self, found: Finding) -> None:
        """Keep the finding."""
        super().__init__(found.message)
        self.finding = found


def resolve(host: str, port: int) -> Sequence[Address]:
    """Return the addresses of `host` in the system's order (RFC 6724), without duplicates."""
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys((answer[0], str(answer[4][0])) for answer in answers))


def connect(host: str, port: int, deadline: Deadline, lookup: Resolve) -> tuple[socket.socket, str]:
    """Return a connected socket and the address it reached; each address gets a share of the time.

    Raises Unreachable.
    """
    addresses = _look_up(host, port, deadline, lookup)
    last: OSError = TimeoutError()
    for at, (family, address) in enumerate(addresses):
        try:
            limit = deadline.share(len(addresses) - at)
            return _open(family, address, port, limit), address
        except OSError as error:
            last = error
    shown = ", ".join(address for _, address in addresses)
    raise Unreachable(_failure(f"{shown} port {port}", last)) from last


def _look_up(host: str, port: int, deadline: Deadline, lookup: Resolve) -> Sequence[Address]:
    shown = clean(host)
    try:
        # With an address there is nothing to wait for, so no thread.
        known = is_ip(host)
        found = lookup(host, port) if known else within(deadline, lambda: lookup(host, port))
    except TimeoutError as error:
        message = f"The name lookup of {shown} took longer than the time limit."
        raise Unreachable(finding("timeout", message)) from error
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        message = f"{shown} doesn't resolve: {clean(reason)}."
        raise Unreachable(finding("unknown-host", message)) from error
    if not found:
        raise Unreachable(finding("unknown-host", f"{shown} has no address."))
    return found


def _open(family: socket.AddressFamily, address: str, port: int, limit: Deadline) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(limit.left())
        sock.connect((address, port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        sock.close()
        raise
    return sock


def _failure(place: str, error: OSError) -> Finding:
    if isinstance(error, ConnectionRefusedError):
        return finding("connection-refused", f"{place} refuses the connection.")
    if isinstance(error, TimeoutError):
        return finding("timeout", f"{place} doesn't answer.")
    reason = clean(error.strerror or type(error).__name__)
    if error.errno in UNREACHABLE:
        return finding("network-unreachable", f"{place} can't be reached: {reason}.")
    return finding("connection-closed", f"{place}: {reason}.")
