"""Targets as users write them: host, host:port, https URL, name@address:port, IPv6, IDN."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from toolkit.errors import UsageError
from toolkit.text import clean
from toolkit_https.names import to_ascii

DEFAULT_PORT, MAX_PORT = 443, 65535
MAX_NAME = 254
FORMS = "a target is host, host:port, https://host/path, name@address:port or [IPv6]:port"
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect and whom to expect.

    `name` is the reference identity (A-label or IP address, RFC 9525), `address` the host to
    connect to (usually the same), `url` the https URL if one was given, `sni` the name sent in the
    handshake where it isn't `name`.
    """

    text: str
    name: str
    address: str
    port: int
    url: str = ""
    sni: str = ""

    @property
    def is_ip(self) -> bool:
        """Tell whether the server is to be verified by its address: then no SNI is sent."""
        return is_ip(self.name)


def is_ip(host: str) -> bool:
    """Tell whether `host` is a literal IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def parse_target(text: str) -> Target:
    """Return the target that `text` describes. Raises UsageError saying what is wrong with it."""
    typed = text.strip()
    if "://" in typed:
        return _from_url(typed)
    name, at, place = typed.rpartition("@")
    host, port = _split_port(typed, place)
    if at and not name:
        raise _bad(typed, "the name before @ is empty")
    address = _host(typed, host)
    return Target(typed, _host(typed, name.strip("[]")) if at else address, address, port)


def _from_url(typed: str) -> Target:
    try:
        parts = urlsplit(typed)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise _bad(typed, str(error)) from error
    if parts.scheme.lower() != "https":
        raise _bad(typed, f'"{parts.scheme}" is no https URL')
    if parts.username is not None:
        raise _bad("https://…@…", "credentials in a URL are not sent by a check; leave them out")
    if not host:
        raise _bad(typed, "it names no host")
    name = _host(typed, host)
    literal = f"[{name}]" if ":" in name else name
    place = literal if port in {None, DEFAULT_PORT} else f"{literal}:{port}"
    query = f"?{parts.query}" if parts.query else ""
    url = f"https://{place}{parts.path or '/'}{query}"
    return Target(typed, name, name, port or DEFAULT_PORT, url)


def _split_port(typed: str, place: str) -> tuple[str, int]:
    if place.startswith("["):
        host, bracket, rest = place[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise _bad(typed, "the bracket of the IPv6 address isn't closed")
        return host, _port(typed, rest[1:]) if rest else DEFAULT_PORT
    if place.count(":") > 1:
        return place, DEFAULT_PORT
    host, colon, digits = place.partition(":")
    return host, _port(typed, digits) if colon else DEFAULT_PORT


def _port(typed: str, digits: str) -> int:
    if not (digits.isascii() and digits.isdigit() and 0 < int(digits[:6]) <= MAX_PORT):
        raise _bad(typed, f'"{digits}" is no port (1 to 65535)')
    return int(digits)


def _host(typed: str, host: str) -> str:
    if not host:
        raise _bad(typed, "it names no host")
    if is_ip(host):
        return host.lower()
    if ":" in host:
        raise _bad(typed, f'"{host}" is no IPv6 address')
    if "/" in host:
        raise _bad(typed, "a path needs a URL: https://" + host)
    try:
        name = to_ascii(host)
    except UnicodeError as error:
        raise _bad(typed, f'"{host}" is no host name ({error})') from error
    labels = name.removesuffix(".").split(".")
    if len(name) > MAX_NAME or not all(map(_LABEL.fullmatch, labels)):
        raise _bad(typed, f'"{host}" is no host name')
    if labels[-1].isdigit():
        raise _bad(typed, f'"{host}" is no IPv4 address')
    return name


def _bad(typed: str, reason: str) -> UsageError:
    shown = clean(typed, limit=120)
    return UsageError(f'"{shown}": {clean(reason, limit=200)}', hint=FORMS)
