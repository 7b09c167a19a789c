"""Which reports leave: one of a kind in a while, so many an hour; the rest are counted and told.

For each kind (fingerprint) `windows/` holds a small file: since when its window is open and how
many more came since. The processes of an application share all of it, under the spool's lock,
and timed by the machine's monotonic clock, so that a step of the wall clock opens or shuts nothing.
"""

from __future__ import annotations

import json
import os
import struct
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from .logfile import open_or_make
from .render import place, title

if TYPE_CHECKING:
    from .config import Settings
    from .spool import Spool

_WINDOW = struct.Struct("<16sdQ")
"""The boot that the clock belongs to, the window's start, how many are untold; a title follows."""
_RATE = struct.Struct("<16sdd")
"""The boot, when the bucket was filled last, how many reports it holds."""
FORGOTTEN_AFTER = 86_400.0
MOST_IN_DIGEST = 100


@lru_cache(maxsize=1)
def _boot() -> bytes:
    """Return what tells one run of the machine's clock from the next."""
    try:
        with open("/proc/sys/kernel/random/boot_id", "rb") as stream:
            return stream.read(64).replace(b"-", b"")[:16]
    except OSError:
        return b"unknown boot id."


class Gate:
    """Decides over reports, for all processes that share a spool."""

    def __init__(
        self, spool: Spool, settings: Settings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Read the time from a clock that all processes share and nobody sets."""
        self._spool = spool
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._shut: dict[str, list[float]] = {}  # by fingerprint: until when, and how many untold

    def admit(self, report: Mapping[str, Any], encoded: bytes) -> str | None:
        """Spool the report, or count it; return the entry's name, or None if it was counted.

        The entry is written before the window is opened: a process that is killed in between costs
        one report more, and none less. While a window is known to be open, reports are counted in
        memory, for speed, and `flush` writes the numbers down.
        """
        kind = str(report["fingerprint"])
        with self._lock:
            known = self._shut.get(kind)
            if known is not None and self._clock() < known[0]:
                known[1] += 1
                return None
        with self._spool.locked():
            self._flush(kind)
            return self._decide(kind, report, encoded)

    def _decide(self, kind: str, report: Mapping[str, Any], encoded: bytes) -> str | None:
        path = self._spool.path("windows", kind)
        started, untold, _ = self._read(path)
        now, name = self._clock(), None
        if started is not None and self._is_open(started, now):
            self._write(path, started, untold + 1, report)
        elif not self._take_token(now):
            started = now
            self._write(path, now, untold + 1, report)
        else:
            name = self._spool.put(str(report["id"]), _entry(self._settings.sinks, encoded, untold))
            started = now
            self._write(path, now, 0, report)
        with self._lock:
            raced = self._shut.get(kind, [0, 0])[1]
            self._shut[kind] = [started + self._settings.dedup_seconds, raced]
        return name

    def has_counted(self) -> bool:
        """Tell whether anything was counted in memory that `flush` has not written down."""
        with self._lock:
            return any(untold for _, untold in self._shut.values())

    def flush(self) -> None:
        """Write down what was counted in memory; called every second, and at the end."""
        with self._lock:
            kinds = [kind for kind, (_, untold) in self._shut.items() if untold]
        if kinds:
            with self._spool.locked():
                for kind in kinds:
                    self._flush(kind)

    def _flush(self, kind: str) -> None:
        """Add a kind's numbers to its window; under the spool's lock."""
        with self._lock:
            known = self._shut.get(kind)
            if known is None or not known[1]:
                return
            counted, known[1] = int(known[1]), 0
        path = self._spool.path("windows", kind)
        started, untold, _ = self._read(path)
        start = self._clock() - self._settings.dedup_seconds if started is None else started
        _overwrite(path, _WINDOW.pack(_boot(), start, untold + counted))

    def _is_open(self, started: float | None, now: float) -> bool:
        return started is not None and 0 <= now - started < self._settings.dedup_seconds

    def _take_token(self, now: float) -> bool:
        """Tell whether one more report may leave: a bucket that fills in an hour, and the spool."""
        if self._spool.is_full():
            return False
        most = float(self._settings.rate)
        if not most:
            return True
        path = self._spool.path("rate")
        boot, filled, held = _unpacked(_RATE, _content(path), (b"", 0.0, most))
        if boot != _boot() or filled > now:
            filled, held = now, most
        held = min(most, held + (now - filled) * most / 3600)
        _overwrite(path, _RATE.pack(_boot(), now, held - 1 if held >= 1 else held))
        return bool(held >= 1)

    def untold(self) -> int:
        """Return how many reports were counted and not told yet."""
        return sum(self._read(path)[1] for path in self._paths())

    def digest(self) -> str | None:
        """Spool one mail on all windows that have ended with something untold in them.

        At most one in the length of a window; without mail there is nobody to tell.
        """
        with self._spool.locked():
            now = self._clock()
            last, _, _ = self._read(self._spool.path("digest"))
            if self._is_open(last, now):
                return None
            ended = self._ended(now)
            if not ended:
                return None
            name = None
            if "mail" in self._settings.sinks:
                name = self._spool.put(os.urandom(16).hex(), _digest(ended))
            self._write(self._spool.path("digest"), now, 0, None)
            for path, _count, told in ended:
                self._write(path, now, 0, told)
            return name

    def _ended(self, now: float) -> list[tuple[str, int, dict[str, Any]]]:
        """Return the windows to tell of; forget those that are long over and told."""
        found = []
        for path in self._paths():
            started, untold, told = self._read(path)
            if self._is_open(started, now):
                continue
            if untold:
                found.append((path, untold, told))
            elif started is None or now - started > FORGOTTEN_AFTER:
                with suppress(FileNotFoundError):
                    os.unlink(path)
        return found

    def _paths(self) -> list[str]:
        try:
            names = os.listdir(self._spool.path("windows"))
        except FileNotFoundError:
            return []
        return [self._spool.path("windows", name) for name in sorted(names)]

    def _read(self, path: str) -> tuple[float | None, int, dict[str, Any]]:
        """Return a window's start (None: not of this boot), its count and what it is about."""
        content = _content(path)
        boot, started, untold = _unpacked(_WINDOW, content, (b"", 0.0, 0))
        told: dict[str, Any] = {}
        with suppress(ValueError):
            told = json.loads(content[_WINDOW.size :] or b"{}")
        return (started if boot == _boot() else None), untold, told

    def _write(self, path: str, start: float, untold: int, about: Mapping[str, Any] | None) -> None:
        """Write a window; what it is about is written with its first occurrence only."""
        head = _WINDOW.pack(_boot(), start, untold)
        if untold > 1 or about is None or "chain" not in about:
            _overwrite(path, head)
            return
        told = {
            "title": title(about),
            "place": place(about["own"] or about["raised"]),
            "fingerprint": about["fingerprint"],
            "time": about["time"],
        }
        _overwrite(path, head + json.dumps(told).encode("ascii"), cut=True)


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read(4096)
    except FileNotFoundError:
        return b""


def _unpacked(form: struct.Struct, content: bytes, otherwise: tuple[Any, ...]) -> tuple[Any, ...]:
    return form.unpack_from(content) if len(content) >= form.size else otherwise


def _overwrite(path: str, content: bytes, *, cut: bool = False) -> None:
    """Write at the start of a file: one call, which a signal does not interrupt half-way."""
    descriptor = open_or_make(path, os.O_WRONLY | os.O_NOFOLLOW, 0o600)
    try:
        if os.pwrite(descriptor, content, 0) < len(content):
            raise OSError(f"{path} could not be written whole")
        if cut:
            os.ftruncate(descriptor, len(content))
    finally:
        os.close(descriptor)


def _entry(sinks: tuple[str, ...], encoded: bytes, suppressed: int) -> bytes:
    """Return an entry's text around a report that is JSON already."""
    head = json.dumps({"kind": "report", "sinks": sinks, "attempts": 0, "before": suppressed})
    return head[:-1].encode("ascii") + b',"report":' + encoded + b"}"


def probe_entry(sinks: tuple[str, ...], encoded: bytes) -> bytes:
    """Return an entry that no gate has decided over: that of `flask report-test`."""
    return _entry(sinks, encoded, 0)


def _digest(ended: list[tuple[str, int, dict[str, Any]]]) -> bytes:
    ordered = sorted(ended, key=lambda one: -one[1])
    kinds = [{**told, "count": count} for _, count, told in ordered[:MOST_IN_DIGEST]]
    digest = {
        "id": os.urandom(16).hex(),
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time())),
        "total": sum(count for _, count, _ in ended),
        "kinds": kinds,
        "more_kinds": max(0, len(ended) - MOST_IN_DIGEST),
    }
    entry = {"kind": "digest", "sinks": ["mail"], "attempts": 0, "digest": digest}
    return json.dumps(entry).encode("ascii")
