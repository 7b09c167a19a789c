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
_PADDED = re.compile(r"(?:^|(?<=\.))(?:\+0*|-0*(?=0)|0+)(?=[0-9])")
"""What OpenSSL's sscanf("%d.%d.%d.%d") reads over in an IPv4 address and `ipaddress` refuses."""
MAX_LABEL = 63
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
    """Tell whether `reference` (A-labels or an IP address) is one of the `presented` names.

    Trailing dots and the zone of an address don't count: urllib3 takes them off before it hands
    the name to `ssl`. What `ssl` refuses to look for (an empty label, one over 63 characters) is
    no name, and matches nothing.
    """
    name = reference.rstrip(".")
    address = _address(name)
    if address is not None:
        return address in map(_address, presented.addresses)
    return _is_name(name) and any(_covers(pattern, name) for pattern in presented.dns)


def nearest_name(reference: str, presented: PresentedNames) -> str | None:
    """Return the presented name that the user may have meant, or None."""
    return nearest(reference, [*presented.dns, *presented.addresses])


def _is_name(name: str) -> bool:
    """Tell whether `ssl` would look for it: RFC 1035, 2.3.4, and no NUL, which ends a C string."""
    return "\0" not in name and all(0 < len(label) <= MAX_LABEL for label in name.split("."))


def _covers(pattern: str, name: str) -> bool:
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
    head, colon, tail = text.partition("%")[0].rpartition(":")
    quad = _PADDED.sub("", tail) if "." in tail else tail
    try:
        return ipaddress.ip_address(head + colon + quad)
    except ValueError:
        return None


def described(names: Iterable[str], limit: int = 5) -> str:
    """Return names as words for a sentence: the first few, and how many more."""
    listed = list(names)
    shown = ", ".join(listed[:limit])
    more = len(listed) - limit
    return f"{shown} and {more} more" if more > 0 else shown
