"""Targets as users write them: host, host:port, https URL, name@address:port, IPv6, IDN."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from toolkit.errors import UsageError
from toolkit.text import clean
from toolkit_https.names import to_ascii

DEFAULT_PORT, MAX_PORT = 443, 65535
STARTTLS_PORTS: Mapping[str, int] = {
    "smtp": 25, "imap": 143, "pop3": 110, "ftp": 21, "ldap": 389, "postgres": 5432,
}  # fmt: skip
"""Scheme → its port; a plaintext dialogue comes before TLS."""
DIRECT_PORTS: Mapping[str, int] = {
    "smtps": 465, "imaps": 993, "pop3s": 995, "ftps": 990, "ldaps": 636,
}  # fmt: skip
"""Scheme → its port; TLS from the first byte."""
ALIASES = {"postgresql": "postgres"}
MAX_NAME, MAX_DIGITS = 254, 10
FORMS = (
    "a target is host, host:port, https://host/path, name@address:port, [IPv6]:port, or "
    f"SCHEME://host with one of {', '.join((*STARTTLS_PORTS, *DIRECT_PORTS))}"
)
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect and whom to expect.

    `name` is the reference identity (A-label or IP address, RFC 9525), `address` the host to
    connect to (usually the same), `url` the https URL if one was given, `sni` the name sent in the
    handshake where it isn't `name`. `scheme` is https, or a key of STARTTLS_PORTS or DIRECT_PORTS.
    """

    text: str
    name: str
    address: str
    port: int
    url: str = ""
    sni: str = ""
    scheme: str = "https"

    @property
    def starttls(self) -> str:
        """The protocol whose dialogue comes before TLS, or ""."""
        return self.scheme if self.scheme in STARTTLS_PORTS else ""

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
    scheme, separator, rest = typed.partition("://")
    scheme = ALIASES.get(scheme.lower(), scheme.lower())
    port = {**STARTTLS_PORTS, **DIRECT_PORTS}.get(scheme)
    if not separator:
        return _from_place(typed, typed, DEFAULT_PORT, "https")
    if port is None:
        return _from_url(typed)
    return _from_place(typed, rest.removesuffix("/"), port, scheme)


def _from_place(typed: str, text: str, default: int, scheme: str) -> Target:
    name, at, place = text.rpartition("@")
    if ":" in name and not is_ip(name.strip("[]")):
        head = f"{scheme}://" if "://" in typed else ""
        raise _bad(f"{head}…@…", "a check doesn't log in; leave the credentials out")
    if "/" in place:
        raise _bad(typed, f"a path needs a URL: https://{place}")
    host, port = _split_port(typed, place, default)
    if at and not name:
        raise _bad(typed, "the name before @ is empty")
    address = _host(typed, host)
    expected = _host(typed, name.strip("[]")) if at else address
    return Target(typed, expected, address, port, scheme=scheme)


def _from_url(typed: str) -> Target:
    try:
        parts = urlsplit(typed)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise _bad(typed, str(error)) from error
    if parts.scheme.lower() != "https":
        raise _bad(typed, f'"{parts.scheme}" is no scheme of a target; it is no https URL')
    if parts.username is not None:
        raise _bad("https://…@…", "credentials in a URL are not sent by a check; leave them out")
    if not host:
        raise _bad(typed, "it names no host")
    if port == 0:
        raise _bad(typed, '"0" is no port (1 to 65535)')
    name = _host(typed, host)
    literal = f"[{name}]" if ":" in name else name
    place = literal if port in {None, DEFAULT_PORT} else f"{literal}:{port}"
    query = f"?{parts.query}" if parts.query else ""
    url = f"https://{place}{parts.path or '/'}{query}"
    return Target(typed, name, name, port or DEFAULT_PORT, url)


def _split_port(typed: str, place: str, default: int) -> tuple[str, int]:
    if place.startswith("["):
        host, bracket, rest = place[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise _bad(typed, "the bracket of the IPv6 address isn't closed")
        return host, _port(typed, rest[1:]) if rest else default
    if place.count(":") > 1:
        return place, default
    host, colon, digits = place.partition(":")
    return host, _port(typed, digits) if colon else default


def _port(typed: str, digits: str) -> int:
    whole = digits.isascii() and digits.isdigit() and len(digits) <= MAX_DIGITS
    if not (whole and 0 < int(digits) <= MAX_PORT):
        raise _bad(typed, f'"{digits}" is no port (1 to 65535)')
    return int(digits)


def _host(typed: str, host: str) -> str:
    if not host:
        raise _bad(typed, "it names no host")
    if is_ip(host):
        return host.lower()
    if ":" in host:
        raise _bad(typed, f'"{host}" is no IPv6 address')
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
