"""The one thread of all an application's processes that talks to the network.

It begins with the first thing to deliver and ends when nothing is left, so an application without
errors has no thread. Of several processes one delivers, by a lock that dies with it.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from . import mail, render, sentry
from .outcome import Outcome, arrived, down

if TYPE_CHECKING:
    from .config import Settings
    from .gate import Gate
    from .notes import Notes
    from .spool import Spool

POLL_SECONDS = 1.0
"""How often is looked for entries of other processes, while there is something to wait for."""
DIGEST_SECONDS = 5.0
LONGEST_PAUSE = 300.0
MOST_ATTEMPTS = 20
"""So often one entry is tried that the server answers with "later"; outages do not count."""
Deliver = Callable[[Mapping[str, Any], "Settings"], Outcome]


def to_stderr(entry: Mapping[str, Any], settings: Settings) -> Outcome:
    """Write one entry to standard error."""
    report = {**entry["report"], "suppressed_before": entry.get("before", 0)}
    text = render.to_text(report) if settings.format == "text" else render.to_json(report).decode()
    try:
        sys.stderr.write(text.rstrip("\n") + "\n")
        sys.stderr.flush()
    except (OSError, ValueError) as error:
        return down(f"stderr: {error}")
    return arrived()


SINKS: dict[str, Deliver] = {"stderr": to_stderr, "mail": mail.send, "sentry": sentry.send}


class _Sink:
    """How one sink fares: when it may be tried again."""

    def __init__(self) -> None:
        self.failures = 0
        self.not_before = 0.0

    def fail(self, pause: float) -> float:
        self.failures += 1
        pause = max(pause, min(2.0 ** (self.failures - 1), LONGEST_PAUSE))
        self.not_before = time.monotonic() + pause
        return pause

    def is_paused(self) -> bool:
        return time.monotonic() < self.not_before


class Sender:
    """Delivers what waits in a spool; one for each process, made after the fork."""

    def __init__(
        self, spool: Spool, gate: Gate, settings: Settings, notes: Notes, holder: object = None
    ) -> None:
        """Remember; no thread is started before `wake`. `holder` lives as long as the thread."""
        self._holder = holder
        self._spool = spool
        self._gate = gate
        self._settings = settings
        self._notes = notes
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._ending = False
        self._sinks = {name: _Sink() for name in SINKS}
        self._entry_pauses: dict[str, float] = {}
        self._digest_at = 0.0

    def wake(self, *, at_once: bool = True) -> None:
        """Have the thread look at the spool, and start it if it does not run.

        For a report that was only counted it need not look at once: in a storm it would look all
        the time, and take the interpreter from those who serve.
        """
        if at_once:
            self._wake.set()
        with self._lock:
            if self._thread is None and not self._ending:
                self._thread = threading.Thread(
                    target=self._run, name="error_reporting", daemon=True
                )
                self._thread.start()

    def end(self) -> None:
        """Have the thread end after one more round."""
        self._ending = True
        self._wake.set()

    def close(self, seconds: float) -> None:
        """Deliver what can be delivered in so many seconds, at the end of the process."""
        self.end()
        thread = self._thread
        if thread is not None:
            thread.join(seconds)
            self._gate.flush()

    def _run(self) -> None:
        try:
            while not self._is_finished():
                self._wake.clear()
                self._turn()
                if self._ending:
                    break
                self._wake.wait(POLL_SECONDS)
        except Exception as error:  # must be told, and the next report starts a new thread
            self._notes.say("sender", f"the sender failed: {type(error).__name__}: {error}")
        finally:
            with self._lock:
                if self._thread is threading.current_thread():
                    self._thread = None

    def _is_finished(self) -> bool:
        """Tell whether nothing is left to wait for; then end, under the lock that `wake` takes."""
        with self._lock:
            if self._wake.is_set() or self._gate.has_counted():
                return False
            if self._spool.names() or self._gate.untold():
                return False
            self._thread = None
            return True

    def _turn(self) -> None:
        """Deliver all that can be delivered now, unless another process is at it."""
        self._gate.flush()
        held = self._spool.try_to_send()
        if held is None:
            return
        try:
            self._spool.sweep()
            self._tell_digest()
            for name in self._spool.names():
                if all(sink.is_paused() for sink in self._wanted()):
                    break
                self._deliver(name)
        finally:
            os.close(held)

    def _wanted(self) -> list[_Sink]:
        return [self._sinks[name] for name in self._settings.sinks]

    def _tell_digest(self) -> None:
        now = time.monotonic()
        if now >= self._digest_at:
            self._digest_at = now + DIGEST_SECONDS
            self._gate.digest()

    def _deliver(self, name: str) -> None:
        try:
            entry = self._spool.load(name)
        except ValueError:
            self._notes.say("broken", f"{name} in the spool can't be read, and is set aside")
            self._spool.set_broken_aside(name)
            return
        if entry is None or time.monotonic() < self._entry_pauses.get(name, 0.0):
            return
        for sink in tuple(entry["sinks"]):
            if sink not in self._sinks or not self._sinks[sink].is_paused():
                self._try(name, entry, sink)

    def _try(self, name: str, entry: dict[str, Any], sink: str) -> None:
        """Bring one entry to one sink, and write down how that ended."""
        if sink not in self._settings.sinks:
            outcome = Outcome("refused", f"{sink} is no longer configured")
        elif sink == "stderr":
            self._settle(name, entry, sink)  # first: local, and not to be repeated after a SIGKILL
            outcome = to_stderr(entry, self._settings)
            return
        else:
            outcome = SINKS[sink](entry, self._settings)
        if outcome.kind == "arrived":
            self._sinks[sink].failures = 0
            self._settle(name, entry, sink)
            if outcome.reason:
                self._notes.say(f"{sink} partly", f"{sink}: {outcome.reason}")
        elif outcome.kind == "refused":
            self._set_aside(name, entry, sink, outcome.reason)
        elif outcome.kind == "later":
            self._try_later(name, entry, sink, outcome.reason)
        else:
            pause = self._sinks[sink].fail(outcome.pause)
            self._notes.say(sink, f"{outcome.reason}; reports wait, next try in {pause:.0f} s")

    def _settle(self, name: str, entry: dict[str, Any], sink: str) -> None:
        entry["sinks"] = [other for other in entry["sinks"] if other != sink]
        self._spool.update(name, entry)

    def _set_aside(self, name: str, entry: dict[str, Any], sink: str, reason: str) -> None:
        self._notes.say(f"{sink} refused", f"{reason}; the report is set aside in failed/{name}")
        self._spool.set_aside(name, {**entry, "sinks": [sink]}, reason)
        self._settle(name, entry, sink)

    def _try_later(self, name: str, entry: dict[str, Any], sink: str, reason: str) -> None:
        entry["attempts"] = int(entry.get("attempts", 0)) + 1
        if entry["attempts"] >= MOST_ATTEMPTS:
            self._set_aside(name, entry, sink, f"{reason} ({MOST_ATTEMPTS} attempts)")
            return
        self._spool.update(name, entry)
        pause = min(2.0 ** entry["attempts"], LONGEST_PAUSE)
        self._entry_pauses[name] = time.monotonic() + pause
        self._notes.say(f"{sink} later", f"{reason}; next try in {pause:.0f} s")
