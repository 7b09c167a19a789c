"""Time limits on calls that have none of their own: name lookup, an HTTP library."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on the monotonic clock (seconds)."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """Return the deadline `seconds` from now."""
        return cls(time.monotonic() + seconds)

    def left(self) -> float:
        """Return the seconds left. Raises TimeoutError when there are none."""
        remaining = self.at - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        return remaining

    def share(self, parts: int) -> Deadline:
        """Return an earlier deadline: one of `parts` equal shares of what is left."""
        return Deadline(time.monotonic() + self.left() / max(parts, 1))


def within(deadline: Deadline, call: Callable[[], R]) -> R:
    """Return `call()`, or raise TimeoutError at the deadline.

    The call goes on in a daemon thread that nobody waits for: getaddrinfo can't be interrupted.
    """
    answers: list[R] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(call())
        except BaseException as error:  # noqa: BLE001  handed to the caller below
            failures.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(deadline.left())
    if failures:
        raise failures[0]
    if not answers:
        raise TimeoutError
    return answers[0]
