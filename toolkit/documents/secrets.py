"""Values that are never shown: passwords, tokens and the like, by the name of their key."""

from __future__ import annotations

import re
from collections.abc import Sequence

MASK = "********"

_SECRET = re.compile(
    r"passw(or)?d|passphrase|token|secret|private_?key|credential|api_?key"
    r"|(^|_)auth(orization)?(_|$)"
)
_URL = re.compile(r"(?P<head>[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@]*):\S*@")
"""A URL with a password (RFC 3986, 3.2.1); up to the last "@", should the password hold one."""


def is_secret(path: Sequence[str | int]) -> bool:
    """Tell whether a key of `path` names a secret; what is below such a key is one, too."""
    return any(
        isinstance(part, str) and _SECRET.search(part.lower().replace("-", "_")) for part in path
    )


def masked(path: Sequence[str | int], value: object) -> object:
    """Return `value` (plain dict, list, scalars) with secrets replaced by a mask.

    An empty secret (None, "", []) stays: that nothing is set is worth knowing and no secret.
    """
    if is_secret(path) and value not in (None, "", [], {}):
        return MASK
    if isinstance(value, dict):
        return {key: masked((*path, str(key)), item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [masked(path, item) for item in value]
    return _URL.sub(rf"\g<head>:{MASK}@", value) if isinstance(value, str) else value
