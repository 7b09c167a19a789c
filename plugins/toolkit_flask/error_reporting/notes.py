"""What the reporting has to say of itself: counted lines on stderr, never more than one a minute.

Not by `logging`: its records would come back here, and its handlers may be what has failed.
"""

from __future__ import annotations

import sys
import threading
import time

from .text import clean

QUIET_SECONDS = 60.0


class Notes:
    """Says the first of each kind at once, and then how many more there were."""

    def __init__(self) -> None:
        """Begin with nothing said."""
        self._lock = threading.Lock()
        self._said: dict[str, tuple[float, int]] = {}

    def say(self, kind: str, text: str) -> None:
        """Write one line, or count it if the last of its kind is less than a minute old."""
        with self._lock:
            now = time.monotonic()
            last, untold = self._said.get(kind, (now - QUIET_SECONDS, 0))
            if now - last < QUIET_SECONDS:
                self._said[kind] = (last, untold + 1)
                return
            self._said[kind] = (now, 0)
        more = f" ({untold} more since the last line)" if untold else ""
        _write(f"error_reporting: {clean(text, 1000)}{more}\n")

    def has(self, kind: str) -> bool:
        """Tell whether anything of a kind was said."""
        return kind in self._said

    def settle(self, kind: str) -> int:
        """Forget a kind, as its cause has gone; return how many of it were not told."""
        with self._lock:
            return self._said.pop(kind, (0.0, 0))[1]

    def close(self) -> None:
        """Tell what was only counted."""
        for kind in list(self._said):
            untold = self.settle(kind)
            if untold:
                _write(f"error_reporting: {untold} more of: {kind}\n")


def _write(line: str) -> None:
    try:
        sys.stderr.write(line)
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):
        return  # stderr is closed, full or absent: there is nobody left to tell
