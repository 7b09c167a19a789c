"""A conversation with a server that ends in time as a whole.

A time-out is for one step: a server that sends a byte now and then would keep the sender, and with
it all other reports, for as long as it likes.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Any

STEPS = 6
"""So many time-outs a whole conversation may take: a mail has ten steps, each of them quick."""


class Patience:
    """Cuts the connections made by `connect` when the time is over: what is read there then ends.

    What was read may look whole all the same: who asks afterwards is told by `is_over`.
    """

    def __init__(self, seconds: float) -> None:
        """Allow so many seconds from `with` on."""
        self._lock = threading.Lock()
        self._twins: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self.is_over = False

    def __enter__(self) -> Patience:  # noqa: PYI034  # Python 3.11 has Self, older ones have not
        """Begin."""
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End; nothing is cut any more."""
        self._timer.cancel()
        with self._lock:
            for twin in self._twins:
                twin.close()
            self._twins.clear()

    def connect(self, address: tuple[str, int], *more: Any) -> socket.socket:
        """Connect as `socket.create_connection` does.

        A twin of the descriptor is kept: TLS takes the socket itself away and hides it.
        """
        made = socket.create_connection(address, *more)
        with self._lock:
            self._twins.append(made.dup())
        return made

    def _cut(self) -> None:
        self.is_over = True
        with self._lock:
            for twin in self._twins:
                with suppress(OSError):
                    twin.shutdown(socket.SHUT_RDWR)
