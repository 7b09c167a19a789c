"""What is heard from a process that may leave others behind, print megabytes, or say nothing more.

A process that the application forks inherits the ends of all pipes: so nothing here waits for the
end of a stream.
"""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import IO, Self

KEPT_BYTES = 65_536
_POLL_SECONDS = 0.1


class Pipe:
    """A pipe to be handed to another process: whoever uses an end here leaves the other alone."""

    def __init__(self) -> None:
        """Open it; `reader` and `writer` are descriptors."""
        self.reader, self.writer = os.pipe()

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close both ends."""
        os.close(self.reader)
        os.close(self.writer)

    def write(self, text: bytes) -> None:
        """Write a few bytes; nobody needs to be there to read them."""
        os.write(self.writer, text)

    def lines(self, is_over: Callable[[], bool]) -> Iterator[bytes]:
        """Yield the lines that come until `is_over`; what was written before is still read."""
        held = b""
        while True:
            over = is_over()  # before the look: what the writer wrote last is not missed
            ready, _, _ = select.select([self.reader], [], [], 0 if over else _POLL_SECONDS)
            if ready:
                *lines, held = (held + os.read(self.reader, KEPT_BYTES)).split(b"\n")
                yield from lines
            elif over:
                return


class Tail:
    """Reads all that a process prints, and keeps the end of it."""

    def __init__(self, stream: IO[bytes] | None) -> None:
        """Begin to read, in a thread that nobody waits for."""
        self._stream = stream
        self._held = b""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        if self._stream is None:
            return
        with suppress(OSError), self._stream as stream:
            while part := os.read(stream.fileno(), KEPT_BYTES):
                self._held = (self._held + part)[-KEPT_BYTES:]

    def lines(self) -> list[str]:
        """Return the last lines, once the process has ended or said nothing for a second."""
        self._thread.join(1)
        return self._held.decode("utf-8", "replace").strip().splitlines()
