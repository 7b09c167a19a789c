"""What a certificate makes us fetch (issuers, OCSP, CRLs) is hostile: bounded, and from outside.

The certificate of a stranger names these URLs, so they could make a check knock at doors that only
this machine can reach (server-side request forgery). Hence: http and https only; size, number,
redirects and time bounded; and an address that the name resolves to must be public, unless the
server that is checked is itself as near.
"""

from __future__ import annotations

import base64
import io
import ipaddress
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse
from urllib.parse import SplitResult, urljoin, urlsplit

from toolkit.text import clean
from toolkit_https.connect import Address, Unreachable, connect
from toolkit_https.deadline import Deadline
from toolkit_https.fetching import Fetching
from toolkit_https.names import to_ascii
from toolkit_https.proxy import Proxy, ProxyError, proxy_for, tunnel
from toolkit_https.targets import is_ip

MAX_REDIRECTS, MAX_REQUESTS, MAX_URL = 3, 16, 2048
REDIRECTS = {301, 302, 303, 307, 308}
OK = 200
NEARNESS = {"public": 0, "private": 1, "loopback": 2}
NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))
MAX_PORT = 65535


class FetchError(Exception):
    """Nothing was fetched; the message is one sentence, safe to show."""


def zone(address: str) -> str:
    """Return how near `address` is: public, private, loopback, link-local or reserved.

    An IPv4 address inside of an IPv6 one (mapped, 6to4, NAT64) counts as itself.
    """
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        if any(found in network for network in NAT64):
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None:
            return zone(str(inner))
    if found.is_loopback or found.is_unspecified:
        return "loopback"
    if found.is_link_local:
        return "link-local"
    if found.is_multicast or (found.is_reserved and not found.is_private):
        return "reserved"
    if isinstance(found, ipaddress.IPv6Address) and found.is_site_local:
        return "private"
    return "public" if found.is_global else "private"


def may_reach(address: str, target: str) -> bool:
    """Tell whether a certificate of the server at zone `target` may send us to `address`."""
    near = zone(address)
    if near in NEARNESS and target in NEARNESS:
        return NEARNESS[near] <= NEARNESS[target]
    return near == "public" or (near == target and near != "reserved")


def make_fetcher(fetching: Fetching, address: str, seconds: float) -> Fetcher:
    """Return what fetches for the server at `address`; for a name, as for a public one."""
    near = zone(address) if is_ip(address) else "public"
    return Fetcher(fetching, near, Deadline.after(seconds))


@dataclass(slots=True)
class Fetcher:
    """Fetches for one target; `zone` is how near that is, `left` how many requests may follow."""

    fetching: Fetching
    zone: str
    deadline: Deadline
    left: int = MAX_REQUESTS

    def get(self, url: str, limit: int, body: bytes | None = None, kind: str = "") -> bytes:
        """Return what is at `url`, at most `limit` bytes; with a `body` of media type `kind`, POST.

        Raises FetchError.
        """
        shown = clean(url, limit=120)
        try:
            for _ in range(MAX_REDIRECTS + 1):
                status, location, content = self._once(url, limit, body, kind)
                if status not in REDIRECTS or not location:
                    break
                url = urljoin(url, location)
            else:
                raise FetchError(f"{shown} redirects more than {MAX_REDIRECTS} times")
        except Unreachable as error:
            raise FetchError(f"{shown}: {error.finding.message.rstrip('.')}") from error
        except TimeoutError as error:
            raise FetchError(f"{shown} didn't answer in time") from error
        except (OSError, HTTPException, ProxyError, ValueError) as error:
            reason = clean(str(error), limit=120).rstrip(".") or type(error).__name__
            raise FetchError(f"{shown}: {reason}") from error
        if status != OK:
            raise FetchError(f"{shown} answered {status}")
        if not content:
            raise FetchError(f"{shown} answered with nothing")
        return content

    def _once(self, url: str, limit: int, body: bytes | None, kind: str) -> tuple[int, str, bytes]:
        if self.left <= 0:
            raise FetchError(f"more than {MAX_REQUESTS} requests would be needed")
        self.left -= 1
        parts = _parts(url)
        proxy = _proxy_of(self.fetching, parts)
        sock = self._connected(parts, proxy)
        try:
            connection = HTTPConnection(parts.hostname or "")
            connection.sock = _Timed(sock, self.deadline)
            path = url if _asks_proxy(parts, proxy) else _path(parts)
            connection.request(
                "GET" if body is None else "POST", path, body, _headers(parts, proxy, kind)
            )
            response = connection.getresponse()
            return response.status, response.headers.get("Location", ""), _content(response, limit)
        finally:
            sock.close()

    def _connected(self, parts: SplitResult, proxy: Proxy | None) -> socket.socket:
        host, port = parts.hostname or "", parts.port or _default_port(parts)
        if proxy is None:
            sock, _ = connect(host, port, self.deadline, self._permitted)
        else:
            self._refuse_nearness(host, port)
            sock, _ = connect(proxy.host, proxy.port, self.deadline, self.fetching.lookup)
        try:
            if proxy is not None and not _asks_proxy(parts, proxy):
                tunnel(sock, proxy, host, port, self.deadline)
            return _with_tls(sock, host, self.deadline) if parts.scheme == "https" else sock
        except BaseException:
            sock.close()
            raise

    def _permitted(self, host: str, port: int) -> Sequence[Address]:
        found = self.fetching.lookup(host, port)
        permitted = [item for item in found if may_reach(item[1], self.zone)]
        if found and not permitted:
            near = f"{clean(host, limit=80)} is at {found[0][1]}, a {zone(found[0][1])} address"
            raise FetchError(f"{near}, where a certificate has no business")
        return permitted

    def _refuse_nearness(self, host: str, port: int) -> None:
        """Refuse what is known to be near; a name that only the proxy can resolve is its affair."""
        try:
            self._permitted(host, port)
        except OSError:
            return


@dataclass(frozen=True, slots=True)
class _Timed:
    """A socket as http.client uses one, with every wait inside of the deadline."""

    sock: socket.socket
    deadline: Deadline

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Raw(self.sock, self.deadline))

    def sendall(self, data: bytes) -> None:
        self.sock.settimeout(self.deadline.left())
        self.sock.sendall(data)

    def close(self) -> None:
        """The fetcher closes it."""


class _Raw(io.RawIOBase):
    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._sock, self._deadline = sock, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # what BufferedReader gives
        self._sock.settimeout(self._deadline.left())
        return self._sock.recv_into(buffer)


def _parts(url: str) -> SplitResult:
    if len(url) > MAX_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise FetchError(f"{clean(url, limit=80)} is no URL")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"}:
        raise FetchError(f"{clean(url, limit=80)} is neither http nor https")
    host = parts.hostname or ""
    if parts.username is not None or not host or not 0 < (parts.port or 1) <= MAX_PORT:
        raise FetchError(f"{clean(url, limit=80)} is no URL to fetch from")
    if not is_ip(host):
        to_ascii(host)  # raises UnicodeError, a ValueError
    return parts


def _proxy_of(fetching: Fetching, parts: SplitResult) -> Proxy | None:
    """Return the proxy on the way to a URL, as requests chooses it."""
    variables = (f"{parts.scheme.upper()}_PROXY", "ALL_PROXY")
    port = parts.port or _default_port(parts)
    return proxy_for(parts.hostname or "", port, fetching.environ, fetching.proxy, variables)


def _default_port(parts: SplitResult) -> int:
    return 443 if parts.scheme == "https" else 80


def _asks_proxy(parts: SplitResult, proxy: Proxy | None) -> bool:
    """Tell whether the proxy fetches (http); through CONNECT and SOCKS we do so ourselves."""
    return proxy is not None and proxy.scheme == "http" and parts.scheme == "http"


def _path(parts: SplitResult) -> str:
    return f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"


def _headers(parts: SplitResult, proxy: Proxy | None, kind: str) -> dict[str, str]:
    headers = {
        "Host": parts.netloc,
        "User-Agent": "sysadmin-toolkit",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }
    if kind:
        headers["Content-Type"] = kind
    if proxy is not None and _asks_proxy(parts, proxy) and proxy.has_credentials:
        pair = f"{proxy.username}:{proxy.password}".encode("utf-8", "surrogateescape")
        headers["Proxy-Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    return headers


def _content(response: HTTPResponse, limit: int) -> bytes:
    if response.status != OK:
        return b""
    content = response.read(limit + 1)
    if len(content) > limit:
        raise FetchError(f"the answer is larger than {limit >> 10} KiB")
    if response.length:
        raise FetchError(f"the answer breaks off {response.length} bytes before its end")
    return content


def _with_tls(sock: socket.socket, host: str, deadline: Deadline) -> socket.socket:
    """Return `sock` with TLS, verified against the public roots: an https URL promises that."""
    import certifi

    context = ssl.create_default_context(cafile=certifi.where())
    sock.settimeout(deadline.left())
    return context.wrap_socket(sock, server_hostname=host)


Get = Callable[[str, int], bytes]
"""What fetches a URL, up to a number of bytes. Raises FetchError."""
