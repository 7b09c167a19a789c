"""Whether a certificate's names cover the name a client expects, as Python's `ssl` decides it.

That is OpenSSL's X509_check_host with X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS and
X509_CHECK_FLAG_NEVER_CHECK_SUBJECT (RFC 9525: only subjectAltName counts). A property test compares
it with real `ssl` handshakes.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

from toolkit.text import nearest

_PATTERN = re.compile(r"\*(\.(?!-)[a-z0-9-]*[a-z0-9]){2,}", re.IGNORECASE)
"""A wildcard that counts: a whole first label, at least two labels after it, none ending in "-"."""
_LABEL = re.compile(r"[a-z0-9-]+|\*", re.IGNORECASE)
"""What a wildcard stands for: one label, without underscore."""
_UPPER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


@dataclass(frozen=True, slots=True)
class PresentedNames:
    """The names of a certificate that count: dNSName patterns and iPAddress literals."""

    dns: tuple[str, ...]
    addresses: tuple[str, ...]

    def __bool__(self) -> bool:
        """Tell whether there is any."""
        return bool(self.dns or self.addresses)


def to_ascii(host: str) -> str:
    """Return `host` as clients look it up: lower case, internationalised labels as A-labels.

    As requests does it (IDNA 2008 after UTS 46 mapping). Raises UnicodeError (idna.IDNAError).
    """
    if host.isascii():
        return _lower(host)
    import idna  # only for such names

    return idna.encode(host, uts46=True).decode("ascii")


def matches(reference: str, presented: PresentedNames) -> bool:
    """Tell whether `reference` (A-labels or an IP address) is one of the `presented` names."""
    address = _address(reference)
    if address is not None:
        return address in map(_address, presented.addresses)
    name = reference.removesuffix(".")
    return any(_covers(pattern, name) for pattern in presented.dns)


def nearest_name(reference: str, presented: PresentedNames) -> str | None:
    """Return the presented name that the user may have meant, or None."""
    return nearest(reference, [*presented.dns, *presented.addresses])


def _covers(pattern: str, name: str) -> bool:
    if "\0" in pattern:
        return False
    lowered, wanted = _lower(pattern), _lower(name)
    if not _PATTERN.fullmatch(lowered):
        return lowered == wanted
    suffix = lowered[1:]
    first = wanted.removesuffix(suffix)
    return wanted.endswith(suffix) and bool(_LABEL.fullmatch(first))


def _lower(text: str) -> str:
    """ASCII case folding only: other letters are what they are (RFC 4343)."""
    return text.translate(_UPPER)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None


def described(names: Iterable[str], limit: int = 5) -> str:
    """Return names as words for a sentence: the first few, and how many more."""
    listed = list(names)
    shown = ", ".join(listed[:limit])
    more = len(listed) - limit
    return f"{shown} and {more} more" if more > 0 else shown
