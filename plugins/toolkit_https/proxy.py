"""Through a proxy: which one (HTTPS_PROXY, ALL_PROXY, NO_PROXY), and the tunnel to the server.

Credentials appear in no message and no repr. An error raised while an URL is read drops its cause,
because the messages of urllib.parse quote what they couldn't read.
"""

from __future__ import annotations

import base64
import ipaddress
import re
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

from toolkit.errors import UsageError
from toolkit.text import clean
from toolkit_https.deadline import Deadline
from toolkit_https.names import to_ascii
from toolkit_https.starttls import Wire, said
from toolkit_https.targets import Target, is_ip

PORTS: Mapping[str, int] = {"http": 80, "socks5": 1080, "socks5h": 1080}
FORM = "a proxy is http://[user:password@]host:port, or socks5:// or socks5h:// likewise"
KNOWN_ELSEWHERE = ("https", "socks4", "socks4a", "ftp")
MAX_SOCKS_TEXT = 255
MAX_PREFIX = 32
SOCKS, SOCKS_LOGIN = 5, 1
NO_LOGIN, LOGIN, NONE_OF_THESE = 0, 2, 0xFF
CONNECT, IPV4, DOMAIN, IPV6 = 1, 1, 3, 4
SOCKS_REPLIES: Mapping[int, str] = {
    1: "general failure", 2: "not allowed by its rules", 3: "network unreachable",
    4: "host unreachable", 5: "connection refused", 6: "time to live expired",
    7: "CONNECT isn't supported", 8: "this kind of address isn't supported",
}  # fmt: skip
_STATUS = re.compile(r"HTTP/1\.[01] ([0-9]{3})(?: (.*))?", re.DOTALL)
_PLAIN = re.compile(r"[A-Za-z0-9._:%-]{1,255}")


class ProxyError(Exception):
    """The proxy gives no tunnel; the message is one sentence, safe to show."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy; `scheme` is http, socks5 or socks5h."""

    scheme: str
    host: str
    port: int
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @property
    def shown(self) -> str:
        """Its URL without the credentials."""
        return clean(f"{self.scheme}://{_place(self.host, self.port)}", limit=300)

    @property
    def has_credentials(self) -> bool:
        """Tell whether there is something to log in with."""
        return bool(self.username or self.password)


def parse_proxy(url: str, source: str = "the proxy") -> Proxy:
    """Return the proxy that `url` describes. Raises UsageError, which never quotes the URL.

    Without a scheme it is http, as requests takes it. `source` says where the URL is from.
    """
    typed = url.strip()
    parts, port = _split(typed if "://" in typed else f"http://{typed}", source)
    if parts.scheme not in PORTS:
        known = f"{parts.scheme} " if parts.scheme in KNOWN_ELSEWHERE else "such "
        raise _bad(source, f"{known}proxies are not supported")
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise _bad(source, "nothing may follow the port; in credentials write / ? # as %2F %3F %23")
    if not parts.hostname:
        raise _bad(source, "its URL names no host")
    try:
        host = parts.hostname if is_ip(parts.hostname) else to_ascii(parts.hostname)
    except UnicodeError:
        host = ""
    if not _PLAIN.fullmatch(host):
        raise _bad(source, "its URL names no valid host")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Proxy(parts.scheme, host, PORTS[parts.scheme] if port is None else port, user, password)


def _split(url: str, source: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _bad(source, "its URL can't be read") from None
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise _bad(source, "the port in its URL is none (1 to 65535)") from None
    return parts, port


def _bad(source: str, reason: str) -> UsageError:
    return UsageError(f"{source}: {reason}", hint=FORM)


VARIABLES = ("HTTPS_PROXY", "ALL_PROXY")


def proxy_for(
    name: str,
    port: int,
    environ: Mapping[str, str],
    explicit: str | None = None,
    variables: Sequence[str] = VARIABLES,
) -> Proxy | None:
    """Return the proxy on the way to `name`, or None, as requests decides for an https URL.

    An explicit one wins over the environment and NO_PROXY; an explicit "" means none.
    """
    proxy = _configured(environ, explicit, variables)
    if proxy is None or (explicit is None and _bypassed(name, port, environ)):
        return None
    return proxy


def _configured(
    environ: Mapping[str, str], explicit: str | None, variables: Sequence[str]
) -> Proxy | None:
    if explicit is not None:
        return parse_proxy(explicit, "--proxy") if explicit.strip() else None
    for variable in variables:
        url = environ.get(variable.lower(), environ.get(variable, ""))
        if url.strip():
            return parse_proxy(url, variable)
    return None


def chooser(environ: Mapping[str, str], explicit: str | None) -> Callable[[Target], Proxy | None]:
    """Return what finds the proxy of a target. Raises UsageError for one that can't be used.

    HTTPS_PROXY is for https; ALL_PROXY, as curl takes it, for the other schemes as well.
    """
    _configured(environ, explicit, VARIABLES)

    def choose(target: Target) -> Proxy | None:
        variables = VARIABLES if target.scheme == "https" else VARIABLES[1:]
        return proxy_for(target.address, target.port, environ, explicit, variables)

    return choose


def _bypassed(name: str, port: int, environ: Mapping[str, str]) -> bool:
    """Tell what should_bypass_proxies of requests 2.34 tells, with the port always written out."""
    # Only behind a proxy. It has no place in the type stubs, but requests relies on it as well.
    from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

    value = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    entries = [entry for entry in value.replace(" ", "").split(",") if entry]
    host = name.lower()
    if _ipv4(host) is not None:
        direct = any(entry == host or _in_network(host, entry) for entry in entries)
    else:
        ends = (f".{host}", f".{host}:{port}")
        direct = any(end.endswith(f".{entry.lstrip('.')}") for entry in entries for end in ends)
    return direct or bool(proxy_bypass_environment(host, {"no": value} if value else {}))


def _ipv4(text: str) -> int | None:
    try:
        return int.from_bytes(socket.inet_aton(text), "big")
    except (OSError, ValueError):
        return None


def _in_network(host: str, entry: str) -> bool:
    network, _, digits = entry.partition("/")
    first, address = _ipv4(network), _ipv4(host)
    if first is None or address is None or not re.fullmatch("[0-9]{1,2}", digits):
        return False
    if not 1 <= int(digits) <= MAX_PREFIX:
        return False
    return (first ^ address) >> (MAX_PREFIX - int(digits)) == 0


def tunnel(sock: socket.socket, proxy: Proxy, host: str, port: int, deadline: Deadline) -> None:
    """Have the proxy connect `sock`, which is connected to it, to `host`; it resolves the name.

    Nothing is read past its answer. Raises ProxyError, and TimeoutError at the deadline.
    """
    if not _PLAIN.fullmatch(host):
        raise ProxyError(f'"{said(host)}" is no host that a proxy could be asked for.')
    wire = Wire(sock, deadline, f"The proxy {proxy.shown}", ProxyError)
    if proxy.scheme == "http":
        _connect(wire, proxy, _place(host, port))
    else:
        _log_in(wire, proxy)
        _socks(wire, host, port)


def _place(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _connect(wire: Wire, proxy: Proxy, place: str) -> None:
    """RFC 9110, 9.3.6: a 2xx answer has no body, the tunnel begins after its empty line."""
    lines = [f"CONNECT {place} HTTP/1.1", f"Host: {place}"]
    if proxy.has_credentials:
        pair = f"{proxy.username}:{proxy.password}".encode("utf-8", "surrogateescape")
        lines.append(f"Proxy-Authorization: Basic {base64.b64encode(pair).decode()}")
    wire.send("\r\n".join([*lines, "", ""]).encode())
    status, reason = "100", ""
    while status.startswith("1"):
        status, reason = _http_answer(wire, proxy)
    if not status.startswith("2"):
        raise _http_refusal(wire, proxy, place, status, reason)


def _http_answer(wire: Wire, proxy: Proxy) -> tuple[str, str]:
    first = wire.line()
    match = _STATUS.fullmatch(first)
    if not match:
        raise _not_the_protocol(wire, proxy, first)
    while wire.line():
        pass
    return match[1], match[2] or ""


def _not_the_protocol(wire: Wire, proxy: Proxy, text: str) -> Exception:
    """Return the error, quoting the proxy only where it can't repeat credentials of ours."""
    if proxy.has_credentials:
        return ProxyError(f"{wire.who} doesn't speak the protocol.")
    return wire.garbage(text)


def _http_refusal(wire: Wire, proxy: Proxy, place: str, status: str, reason: str) -> ProxyError:
    if status == "407":
        what = "refuses the credentials" if proxy.has_credentials else "wants credentials"
        return ProxyError(f"{wire.who} {what} (407).")
    if status == "403":
        return ProxyError(f"{wire.who} refuses to connect to {place} (403).")
    if status in {"502", "503", "504"}:
        return ProxyError(f"{wire.who} can't reach {place} ({status}).")
    shown = "" if proxy.has_credentials or not reason else f' "{said(reason)}"'
    return ProxyError(f"{wire.who} doesn't connect to {place}: it answered {status}{shown}.")


def _log_in(wire: Wire, proxy: Proxy) -> None:
    """RFC 1928, 3, and RFC 1929."""
    methods = [NO_LOGIN, LOGIN] if proxy.has_credentials else [NO_LOGIN]
    pair = [text.encode("utf-8", "surrogateescape") for text in (proxy.username, proxy.password)]
    if max(map(len, pair)) > MAX_SOCKS_TEXT:
        raise ProxyError(f"The credentials for {proxy.shown} are too long for SOCKS5 (255 bytes).")
    wire.send(bytes([SOCKS, len(methods), *methods]))
    version, method = wire.exactly(2)
    if version == SOCKS and method == NONE_OF_THESE:
        what = "accepts no login of ours" if proxy.has_credentials else "wants credentials"
        raise ProxyError(f"{wire.who} {what}.")
    if version != SOCKS or method not in methods:
        raise _not_the_protocol(wire, proxy, bytes([version, method]).decode("latin-1"))
    if method == LOGIN:
        wire.send(bytes([SOCKS_LOGIN]) + b"".join(bytes([len(part)]) + part for part in pair))
        if wire.exactly(2)[1] != 0:
            raise ProxyError(f"{wire.who} refuses the credentials.")


def _socks(wire: Wire, host: str, port: int) -> None:
    """RFC 1928, 4 to 6: the answer ends with an address of its own, which is read to its end."""
    wire.send(bytes([SOCKS, CONNECT, 0]) + _socks_address(host) + port.to_bytes(2, "big"))
    version, reply, _, kind = wire.exactly(4)
    if version != SOCKS:
        raise ProxyError(f"{wire.who} doesn't speak SOCKS5.")
    if reply:
        reason = SOCKS_REPLIES.get(reply, f"reply {reply}")
        raise ProxyError(f"{wire.who} doesn't connect to {_place(host, port)}: {reason}.")
    if kind not in {IPV4, DOMAIN, IPV6}:
        raise ProxyError(f"{wire.who} answers with an unknown kind of address ({kind}).")
    length = wire.exactly(1)[0] if kind == DOMAIN else {IPV4: 4, IPV6: 16}[kind]
    wire.exactly(length + 2)


def _socks_address(host: str) -> bytes:
    if is_ip(host):
        packed = ipaddress.ip_address(host.partition("%")[0]).packed
        return bytes([IPV6 if ":" in host else IPV4]) + packed
    name = host.encode("ascii")
    return bytes([DOMAIN, len(name)]) + name
