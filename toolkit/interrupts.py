"""Ctrl-C, SIGTERM and SIGHUP as exceptions that can't get lost.

Python raises KeyboardInterrupt wherever it happens to be, and drops it with a line on stderr where
that is a finaliser or a weak reference's callback (an import has many). So what came is
remembered, and raised again at the next step of a long command.
"""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from toolkit.errors import HungUp, Terminated

if TYPE_CHECKING:
    from concurrent.futures import Future
    from threading import Event
    from types import FrameType

LOOK = 0.25
"""Seconds between two looks of what waits for threads."""
T = TypeVar("T")
_came: list[type[BaseException]] = []
_holds: list[object] = []


def install() -> None:
    """Have all raised; a SIGINT or SIGHUP that is ignored from the start (nohup) stays so."""
    _came.clear()
    _holds.clear()
    with suppress(ValueError):  # not in the main thread: the embedding program has its own
        signal.signal(signal.SIGTERM, _terminate)
        if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
            signal.signal(signal.SIGHUP, _hang_up)
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
def temporary_folder(prefix: str, *, keep: bool = False) -> Iterator[Path]:
    """Yield a new folder that is removed at the end, also by a signal that comes as it is made.

    (Between the making of a folder and the `try` that removes it there is room for a signal.)
    """
    import shutil  # few commands need a folder
    import tempfile

    folder: Path | None = None
    try:
        with held():
            folder = Path(tempfile.mkdtemp(prefix=prefix))
        yield folder
    finally:
        if folder is not None and not keep:
            shutil.rmtree(folder, ignore_errors=True)


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


def _hang_up(_signal: int, _frame: FrameType | None) -> None:
    """A connection that broke off leaves no folders and servers behind either."""
    _raise(HungUp)


def _raise(kind: type[BaseException]) -> None:
    _came.append(kind)
    if not _holds:
        raise kind
