"""Answers of OCSP responders and CRLs kept on disk; what they say is judged anew at each use."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from toolkit.errors import ToolkitError
from toolkit.files import write_atomic

KEPT = 14 * 86400.0
"""Seconds after which an answer is deleted; none counts for longer than about ten days."""


@dataclass(frozen=True, slots=True)
class Cache:
    """A folder of answers by URL and request. One that can't be written keeps nothing."""

    folder: Path

    def read(self, url: str, body: bytes, limit: int) -> bytes | None:
        """Return the answer kept for a request, or None."""
        with suppress(OSError), self._path(url, body).open("rb") as stream:
            raw = stream.read(limit + 1)
            return raw if len(raw) <= limit else None
        return None

    def write(self, url: str, body: bytes, answer: bytes) -> None:
        """Keep an answer, and delete old ones. A full disk is no reason to fail a check."""
        with suppress(OSError, ToolkitError):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_atomic(self._path(url, body), answer, mode=0o600)
            for path in self.folder.glob("*.der"):
                if path.stat().st_mtime < time.time() - KEPT:
                    path.unlink()

    def _path(self, url: str, body: bytes) -> Path:
        digest = hashlib.sha256(url.encode("utf-8", "replace") + b"\0" + body).hexdigest()
        return self.folder / f"{digest}.der"


def user_cache(environ: Mapping[str, str]) -> Cache | None:
    """Return the user's cache (XDG Base Directory: XDG_CACHE_HOME, else ~/.cache).

    Without a home (a container's user often has none) there is none.
    """
    chosen, home = environ.get("XDG_CACHE_HOME", ""), environ.get("HOME", "")
    if not chosen.startswith("/"):
        if not home:
            return None
        chosen = f"{home}/.cache"
    return Cache(Path(chosen) / "sysadmin-toolkit" / "revocation")
