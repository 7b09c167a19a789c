"""Ctrl-C and SIGTERM as exceptions that can't get lost.

Python raises KeyboardInterrupt wherever it happens to be, and drops it with a line on stderr where
that is a finaliser or a weak reference's callback (an import has many). So what came is
remembered, and raised again at the next step of a long command.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from toolkit.errors import Terminated

if TYPE_CHECKING:
    from types import FrameType

_came: list[type[BaseException]] = []
_holds: list[object] = []


def install() -> None:
    """Have both raised; a SIGINT that the process was started to ignore (nohup) stays ignored."""
    _came.clear()
    _holds.clear()
    with suppress(ValueError):  # not in the main thread: the embedding program has its own
        signal.signal(signal.SIGTERM, _terminate)
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, _interrupt)


def check() -> None:
    """Raise what came and was dropped, if anything. Called between the steps of long commands."""
    if _came:
        raise _came[0]


@contextmanager
def held() -> Iterator[None]:
    """Raise nothing inside but by `check`: what comes is raised at the end.

    For what must be done whole or undone whole: Ctrl-C in the middle of the undoing would leave
    halves. Keep it short, or call `check` where it can be undone.
    """
    _holds.append(None)
    try:
        yield
    finally:
        _holds.pop()
    if not _holds:
        check()


@contextmanager
def ending() -> Iterator[None]:
    """Take Ctrl-C as the wanted end of what is inside: of a server that serves until then."""
    try:
        yield
    except KeyboardInterrupt:
        while KeyboardInterrupt in _came:
            _came.remove(KeyboardInterrupt)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    _raise(KeyboardInterrupt)


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    """SIGTERM ends as an exception does: files half written and folders made are removed."""
    _raise(Terminated)


def _raise(kind: type[BaseException]) -> None:
    _came.append(kind)
    if not _holds:
        raise kind
