"""What one application's reporting consists of in one process, and the way of a report through it.

File first, then spool: whoever got an error page has at least a line in the log. Nothing here may
raise into the application: a fault of the reporting is a line on stderr.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from . import config, gate, render, reports
from .logfile import LogFile
from .notes import Notes
from .sender import Sender
from .spool import Spool
from .text import clean
from .trace import chain_of, fingerprint, has_own_frame, name_of
from .visit import find

if TYPE_CHECKING:
    from flask import Flask

    from .visit import Visit

EXTENSION = "error_reporting"
MARK = "__error_reporting__"
_all: list[weakref.ref[Reporter]] = []
"""Those of all applications, the newest last; a test suite makes thousands, and lets them go."""
_deliveries: weakref.WeakSet[_Delivery] = weakref.WeakSet()
"""What is to be ended with the process: also of an application that is gone, while it delivers."""
_forks = 0
"""How often this process and its parents were forked: what holds locks is made anew after each."""


def _count_fork() -> None:
    global _forks  # noqa: PLW0603  # a process has one
    _forks += 1
    for reporter in _alive():
        reporter.begin_anew()


os.register_at_fork(after_in_child=_count_fork)
_busy: ContextVar[bool] = ContextVar("error_reporting.busy", default=False)
"""Set while a report is made: what the reporting itself logs or raises is not reported."""


class _Delivery:
    """What holds descriptors, locks and a thread: made anew after a fork, or as settings change."""

    def __init__(self, settings: config.Settings, notes: Notes) -> None:
        self.settings = settings
        self.notes = notes
        self.log = LogFile(str(settings.file))
        self.spool = Spool(str(settings.spool), settings.spool_entries)
        self.gate = gate.Gate(self.spool, settings)
        self.sender = Sender(self.spool, self.gate, settings, notes, holder=self)
        self.fork = _forks
        _deliveries.add(self)

    def write(self, made: dict[str, Any], encoded: bytes) -> None:
        """Write to the log, then to the spool; each fault is a counted line on stderr."""
        line = encoded
        if self.settings.format == "text":
            line = render.to_text(made).rstrip("\n").encode("utf-8", "backslashreplace")
            line = f"=== report {made['id']} {made['time']}\n".encode("ascii") + line + b"\n"
        if self.settings.file != os.devnull:
            self._guarded("log", self.settings.file, lambda: self.log.append(line))
        if self.settings.sinks:
            name = self._guarded(
                "spool", self.settings.spool, lambda: self.gate.admit(made, encoded)
            )
            self.sender.wake(at_once=name is not None)

    def _guarded(self, kind: str, path: str | None, act: Callable[[], object]) -> object:
        found = None
        try:
            found = act()
        except OSError as error:
            reason = error.strerror or str(error)
            self.notes.say(kind, f"reports can't be written to the {kind} {path}: {reason}")
        else:
            if self.notes.has(kind):
                untold = self.notes.settle(kind)
                self.notes.say(
                    f"{kind} again",
                    f"the {kind} can be written again; {untold} more reports could not",
                )
        return found

    def close(self, seconds: float | None = None) -> None:
        """Deliver what can be delivered in so many seconds, by default those of the settings."""
        self.sender.close(self.settings.exit_seconds if seconds is None else seconds)
        self.log.close()


def _close_all() -> None:
    """At the end of the process: all deliver together, each for as long as it may."""
    ours = [delivery for delivery in _deliveries if delivery.fork == _forks]
    started = time.monotonic()
    for delivery in ours:
        delivery.sender.end()
    for delivery in ours:
        left = delivery.settings.exit_seconds - (time.monotonic() - started)
        delivery.close(max(0.0, left))
        delivery.notes.close()


atexit.register(_close_all)


class Reporter:
    """Reports the exceptions of one application."""

    def __init__(self, app: Flask) -> None:
        """Remember the application; its configuration is read when it is first needed."""
        self.app = app
        self.notes = Notes()
        self._lock = threading.Lock()
        self._delivery: _Delivery | None = None
        self.has_begun = False
        """Whether this process has been seen before: every request asks."""
        self._fork = -1
        self._told: tuple[object, ...] = ()
        self._secrets: frozenset[str] = frozenset()

    @property
    def settings(self) -> config.Settings:
        """The settings as the configuration stands now."""
        return self.delivery().settings

    def delivery(self) -> _Delivery:
        """Return what delivers in this process, for the configuration as it stands now."""
        told = (*map(self.app.config.get, config.FIELDS), os.environ.get(config.OVERRIDE))
        if self._delivery is not None and self._fork == _forks and told == self._told:
            return self._delivery
        with self._lock:
            if self._fork != _forks:
                self.notes = Notes()  # its lock may have been held at the fork
            elif self._delivery is not None:
                self._delivery.close()
            settings = _complete(config.read(self.app.config, os.environ, self._note), self.app)
            self._secrets = reports.secrets_of(self.app.config, os.environ)
            self._delivery = _Delivery(settings, self.notes)
            self._told, self._fork, self.has_begun = told, _forks, True
            return self._delivery

    def __del__(self) -> None:
        """End the thread of an application that is gone: what it can't deliver stays spooled."""
        if self._delivery is not None and self._fork == _forks:
            self._delivery.sender.end()

    def begin_anew(self) -> None:
        """After a fork: the lock may have been held by a thread that is not here."""
        self._lock = threading.Lock()
        self.has_begun = False

    def _note(self, sentence: str) -> None:
        self.notes.say(sentence.partition(" ")[0], sentence)

    def begin(self) -> None:
        """At the first request of a process: deliver what an earlier one left behind."""
        try:
            delivery = self.delivery()
            if delivery.settings.sinks and delivery.spool.exists():
                delivery.sender.wake()
        except Exception as error:  # must not cost the request
            self.fail(error)

    def claim(self, error: BaseException, visit: Visit | None) -> bool:
        """Tell whether this exception is new here, and mark it: whoever claims it reports it.

        The mark names the request: an exception object made once and raised in each of many
        requests is reported in each. What is seen outside of any request with the mark of one has
        come out of it: the server logs it. With a reported exception in its context, one of its
        kind is Flask's second run of a broken `after_request`, and one without any frame of the
        application is a mere consequence, as when a session that was never opened is saved.
        """
        place = _place(visit)
        marks = [inner for inner, _ in chain_of(error) if _is_known(inner, place)]
        if any(inner is error for inner in marks):
            return False
        if marks and (not has_own_frame(error) or any(_are_alike(error, inner) for inner in marks)):
            return False
        for inner, _ in chain_of(error):
            _mark(inner, place)
        return not self.is_ignored(error)

    def is_ignored(self, error: BaseException) -> bool:
        """Tell whether the configuration names the exception's class or a parent of it."""
        ignored = self.settings.ignore
        return bool(ignored) and any(_dotted(kind) in ignored for kind in type(error).__mro__)

    def report(
        self,
        error: BaseException,
        visit: Visit | None,
        *,
        status: int | None = None,
        logged: str = "",
        more: dict[str, str] | None = None,
    ) -> str | None:
        """Report a claimed exception; return the report's id. Never raises an Exception."""
        if _busy.get():
            return None
        token = _busy.set(True)
        try:
            delivery = self.delivery()
            made = reports.build(
                error, visit, delivery.settings, self._secrets, status=status, logged=logged
            )
            made.update({key: clean(value) for key, value in (more or {}).items()})
            delivery.write(made, render.to_json(made))
            return str(made["id"])
        except Exception as fault:  # the application's own answer must not change
            self.fail(fault)
            return None
        finally:
            _busy.reset(token)

    def fail(self, fault: BaseException) -> None:
        """Tell a fault of the reporting itself."""
        kind = name_of(fault)
        self.notes.say(kind, f"an exception was not reported in full, {kind}: {_shown(fault)}")


def _complete(settings: config.Settings, app: Flask) -> config.Settings:
    """Fill in the defaults that depend on the application."""
    from dataclasses import replace

    path = settings.file or os.path.join(app.instance_path, "error-reports.log")
    beside = path if path.startswith("/") and not path.startswith("/dev/") else ""
    beside = beside or os.path.join(app.instance_path, "error-reports")
    if settings.file and not path.startswith(("/", "-")):
        path = beside = os.path.abspath(path)  # a daemon may change its folder
    spool = settings.spool or f"{beside}.spool"
    return replace(settings, file=path, spool=spool, name=settings.name or app.name)


def _is_known(error: BaseException, place: _Place) -> bool:
    mark = getattr(error, MARK, None)
    return mark is not None and (mark == place or place[0] == _THREAD)


_THREAD = "thread"
_Place = tuple[str, int, float]


def _place(visit: Visit | None) -> _Place:
    """Return what an exception is new in: a request, else a thread.

    A later request may lie at the same address, but did not begin at the same time.
    """
    if visit is None:
        return (_THREAD, threading.get_ident(), 0.0)
    return ("request", id(visit), visit.started)


def _mark(error: BaseException, place: _Place) -> None:
    with suppress(Exception):  # a class without room for it: it may be reported twice
        setattr(error, MARK, place)


def _are_alike(error: BaseException, earlier: BaseException) -> bool:
    return fingerprint(error) == fingerprint(earlier)


def _dotted(kind: type) -> str:
    return (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )


def _shown(fault: BaseException) -> str:
    try:
        return clean(str(fault), 300)
    except Exception:  # a stranger's __str__ may raise anything
        return "-"


def of_app(app: object) -> Reporter | None:
    """Return the reporter of an application, if it has one."""
    found = getattr(app, "extensions", {}).get(EXTENSION)
    return found if isinstance(found, Reporter) else None


def register(reporter: Reporter) -> None:
    """Make known the newest application: it reports what belongs to none."""
    _all[:] = [one for one in _all if one() is not None]
    _all.append(weakref.ref(reporter))


def _alive() -> list[Reporter]:
    return [reporter for one in _all if (reporter := one()) is not None]


def responsible() -> Reporter | None:
    """Return the reporter of the application at work here, else of the newest one."""
    from flask import current_app, has_app_context

    found = of_app(current_app._get_current_object()) if has_app_context() else None  # type: ignore[attr-defined]  # noqa: SLF001  # as Werkzeug documents
    return found or next((one for known in reversed(_all) if (one := known())), None)


def report_here(error: BaseException, **more: Any) -> str | None:
    """Claim and report an exception wherever this is; used by the hooks of the process."""
    if sys.is_finalizing() or _busy.get():
        return None
    reporter = responsible()
    if reporter is None:
        return None
    try:
        visit = find()
        return reporter.report(error, visit, **more) if reporter.claim(error, visit) else None
    except Exception as fault:  # as Reporter.report
        reporter.fail(fault)
        return None
