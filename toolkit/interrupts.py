"""Ctrl-C and SIGTERM as exceptions that can't get lost.

Python raises KeyboardInterrupt wherever it happens to be, and drops it with a line on stderr where
that is a finaliser or a weak reference's callback (an import has many). So what came is
remembered, and raised again at the next step of a long command.
"""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NoReturn, TypeVar

from toolkit.errors import Terminated

if TYPE_CHECKING:
    from concurrent.futures import Future
    from threading import Event
    from types import FrameType

LOOK = 0.25
"""Seconds between two looks of what waits for threads."""
T = TypeVar("T")
_came: list[type[BaseException]] = []


def install() -> None:
    """Have both raised; a SIGINT that the process was started to ignore (nohup) stays ignored."""
    _came.clear()
    with suppress(ValueError):  # not in the main thread: the embedding program has its own
        signal.signal(signal.SIGTERM, _terminate)
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, _interrupt)


def check() -> None:
    """Raise what came and was dropped, if anything. Called between the steps of long commands."""
    if _came:
        raise _came[0]


def results(futures: Iterable[Future[T]]) -> Iterator[T]:
    """Yield the results in the order of `futures`, and look every so often whether to stop.

    Raises what a future raises; what is then done with the others is the caller's.
    """
    from concurrent.futures import wait  # who has futures has it

    for future in futures:
        while not future.done():
            check()
            wait([future], LOOK)
        yield future.result()


def pause(event: Event) -> None:
    """Wait until `event` is set. Raises as `check` does."""
    while not event.wait(LOOK):
        check()


@contextmanager
def ending() -> Iterator[None]:
    """Take Ctrl-C as the wanted end of what is inside: of a server that serves until then."""
    try:
        yield
    except KeyboardInterrupt:
        while KeyboardInterrupt in _came:
            _came.remove(KeyboardInterrupt)


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    _came.append(KeyboardInterrupt)
    raise KeyboardInterrupt


def _terminate(_signal: int, _frame: FrameType | None) -> NoReturn:
    """SIGTERM ends as an exception does: files half written and folders made are removed."""
    _came.append(Terminated)
    raise Terminated
