"""The hooks of the process: for what fails outside of a request's way, and for log records.

- `logging.Logger.callHandlers`: every record that is to be handled passes here, once, after the
  filters of its logger and before any handler or queue. So the fields are in every record of every
  handler, also of one added later; a logged exception is reported although its logger may have only
  a NullHandler; and no handler of ours is in the way of `logging.basicConfig`. (sentry-sdk hooks
  the same place. A log record factory would clash with `extra`, as it comes before it.)
- `threading.excepthook` and `sys.excepthook`: uncaught in a thread, in a script, in a CLI command.
- `ThreadPoolExecutor.submit`: an exception goes into the future, and if nobody asks it for its
  result, nowhere. As asyncio does for its tasks, such a one is told when the future goes.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from . import fields
from .reporter import report_here, responsible
from .visit import Visit, current, find

LEVELS = {"error": logging.ERROR, "critical": logging.CRITICAL, "off": sys.maxsize}
_installed = threading.Lock()


def install() -> None:
    """Set the hooks, once a process; each calls the one that was there before."""
    if not _installed.acquire(blocking=False):
        return
    _hook_logging()
    _hook_threads()
    _hook_interpreter()
    _hook_executors()


def _hook_logging() -> None:
    original = logging.Logger.callHandlers

    def call_handlers(self: logging.Logger, record: logging.LogRecord) -> None:
        try:
            _see(record)
        except Exception as fault:  # logging must go on
            reporter = responsible()
            if reporter is not None:
                reporter.fail(fault)
        original(self, record)

    logging.Logger.callHandlers = call_handlers  # type: ignore[method-assign]  # the hook


def _see(record: logging.LogRecord) -> None:
    """Give a record its fields, and report the exception in it."""
    reporter = responsible()
    if reporter is None:
        return
    visit = find()
    error = record.exc_info[1] if record.exc_info else None
    if visit is None and error is None and not reporter.has_begun:
        found: dict[str, object] = dict.fromkeys(
            fields.FIELDS, fields.NONE
        )  # configuration may still come
    else:
        found = fields.of_visit(visit, reporter.settings)
    for name, value in found.items():
        record.__dict__.setdefault(name, value)
    if error is not None and record.levelno >= LEVELS[reporter.settings.level]:
        report_here(error, logged=_message(record), more={"logger": record.name})


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # wrong arguments: the handlers will say so
        return str(record.msg)


def _hook_threads() -> None:
    original = threading.excepthook

    def excepthook(arguments: Any) -> None:
        error = arguments.exc_value
        if error is not None and not isinstance(error, SystemExit):
            report_here(error, more={"thread": getattr(arguments.thread, "name", "-")})
        original(arguments)

    threading.excepthook = excepthook


def _hook_interpreter() -> None:
    original = sys.excepthook

    def excepthook(kind: type[BaseException], error: BaseException, trace: Any) -> None:
        if isinstance(error, Exception):
            report_here(error, more={"command": " ".join(sys.argv[:1])})
        original(kind, error, trace)

    sys.excepthook = excepthook


class _WatchedFuture(Future):  # type: ignore[type-arg]  # the type of a result is the caller's business
    """A future that tells of its exception if nobody ever asked for it."""

    _error_reporting_seen = False
    _error_reporting_visit: Visit | None = None
    _error_reporting_app: Any = None

    def result(self, timeout: float | None = None) -> Any:
        self._error_reporting_seen = True
        return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        self._error_reporting_seen = True
        return super().exception(timeout)

    def __del__(self) -> None:
        error = self._exception
        if error is None or self._error_reporting_seen or sys.is_finalizing():
            return
        token = current.set(self._error_reporting_visit)
        try:
            report_here(error, more={"thread": threading.current_thread().name})
        finally:
            current.reset(token)


def _hook_executors() -> None:
    original: Callable[..., Future[Any]] = ThreadPoolExecutor.submit

    def submit(self: ThreadPoolExecutor, /, fn: Any, *args: Any, **kwargs: Any) -> Future[Any]:
        future = original(self, fn, *args, **kwargs)
        if type(future) is Future:
            future.__class__ = _WatchedFuture
            future._error_reporting_visit = find()  # type: ignore[attr-defined]  # noqa: SLF001  # of the class just given
        return future

    ThreadPoolExecutor.submit = submit  # type: ignore[method-assign,assignment]  # the hook
