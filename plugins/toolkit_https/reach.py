"""From a target to where its TLS begins: connected, through a proxy or not, and past STARTTLS."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolkit.text import clean
from toolkit_https.connect import Resolve, Unreachable, connect
from toolkit_https.deadline import Deadline
from toolkit_https.registry import finding
from toolkit_https.targets import Target

if TYPE_CHECKING:
    from toolkit_https.proxy import Proxy

LOCAL_LOOKUP = "socks5"
"""With this scheme the name is looked up here, with socks5h by the proxy: curl, requests."""


def direct(_target: Target) -> Proxy | None:
    """Return no proxy, for any target."""
    return None


def proxies(environ: Mapping[str, str], explicit: str | None) -> Callable[[Target], Proxy | None]:
    """Return what finds the proxy of a target; see `proxy.chooser`. Raises UsageError."""
    if explicit is None and not any(
        environ.get(name) or environ.get(name.lower()) for name in ("HTTPS_PROXY", "ALL_PROXY")
    ):
        return direct
    from toolkit_https.proxy import chooser

    return chooser(environ, explicit)


@dataclass(frozen=True, slots=True)
class Way:
    """How to get to a target: the name lookup, and the proxy to go through (None: directly)."""

    lookup: Resolve
    proxy: Callable[[Target], Proxy | None] = direct


def reach(target: Target, way: Way, deadline: Deadline) -> tuple[socket.socket, str]:
    """Return a socket on which TLS can begin, and the address that it is connected to.

    Behind a proxy the address is "": the proxy knows it. Raises Unreachable, and TimeoutError at
    the deadline.
    """
    proxy = way.proxy(target)
    sock, address = (
        connect(target.address, target.port, deadline, way.lookup)
        if proxy is None
        else (_through(proxy, target, way.lookup, deadline), "")
    )
    try:
        if target.starttls:
            _upgrade(sock, target, deadline)
    except BaseException:
        sock.close()
        raise
    return sock, address


def _through(proxy: Proxy, target: Target, lookup: Resolve, deadline: Deadline) -> socket.socket:
    from toolkit_https.proxy import ProxyError, tunnel

    try:
        sock, _ = connect(proxy.host, proxy.port, deadline, lookup)
    except Unreachable as error:
        message = f"The proxy {proxy.shown} can't be reached: {error.finding.message}"
        raise Unreachable(finding("proxy-failed", message)) from error
    try:
        host = target.address
        if (
            proxy.scheme == LOCAL_LOOKUP
        ):  # as curl and requests: socks5 looks up here, socks5h there
            host = next(iter(lookup(host, target.port)))[1]
        tunnel(sock, proxy, host, target.port, deadline)
    except TimeoutError as error:
        sock.close()
        message = f"The proxy {proxy.shown} gave no tunnel to {clean(target.address)} in time."
        raise Unreachable(finding("proxy-failed", message)) from error
    except (ProxyError, OSError, StopIteration) as error:
        sock.close()
        raise Unreachable(finding("proxy-failed", _reason(proxy, error))) from error
    except BaseException:
        sock.close()
        raise
    return sock


def _reason(proxy: Proxy, error: Exception) -> str:
    from toolkit_https.proxy import ProxyError

    if isinstance(error, ProxyError):
        return str(error)
    reason = getattr(error, "strerror", None) or type(error).__name__
    return f"On the way through {proxy.shown}: {clean(str(reason))}."


def _upgrade(sock: socket.socket, target: Target, deadline: Deadline) -> None:
    from toolkit_https.starttls import StarttlsError, upgrade

    try:
        upgrade(sock, target.starttls, target.name, deadline)
    except StarttlsError as error:
        raise Unreachable(finding("starttls-failed", str(error))) from error
    except TimeoutError as error:
        kind = target.starttls.upper()
        message = f"{clean(target.name)} didn't answer as a server of {kind} in time."
        raise Unreachable(finding("timeout", message)) from error
    except OSError as error:
        reason = clean(error.strerror or type(error).__name__)
        message = f"The connection broke before TLS: {reason}."
        raise Unreachable(finding("connection-closed", message)) from error
