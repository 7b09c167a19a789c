"""Many targets at once: results stream as they come, and a dead host delays nobody."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from toolkit import interrupts
from toolkit.errors import ToolkitError
from toolkit.text import clean
from toolkit_https.targets import Target

R = TypeVar("R")
MAX_WORKERS = 512
LOOK = 0.1
"""Seconds between two looks at how busy the process is."""
IDLE = 0.7
"""Below this share of a processor there is time for more workers."""


@dataclass(slots=True)
class _Fleet(Generic[R]):
    """The queues between the workers and the caller."""

    waiting: queue.SimpleQueue[Target]
    done: queue.SimpleQueue[tuple[Target, R | BaseException]] = field(
        default_factory=queue.SimpleQueue
    )
    one: Callable[[Target], R] = field(kw_only=True)

    def start(self, count: int) -> int:
        """Start `count` workers and return it. Daemon threads: Ctrl-C waits for none of them."""
        for _ in range(count):
            threading.Thread(target=self._work, daemon=True).start()
        return count

    def _work(self) -> None:
        while True:
            try:
                target = self.waiting.get_nowait()
            except queue.Empty:
                return
            try:
                self.done.put((target, self.one(target)))
            except BaseException as error:  # noqa: BLE001  raised in the caller, after the others
                self.done.put((target, error))


def _wanted() -> float:
    """Return the seconds in which our threads ran or were ready to: waited for a processor.

    On a machine that others keep busy a thread that only computes seems idle half the time.
    """
    waited = 0
    for path in Path("/proc/self/task").glob("*/schedstat"):  # proc(5); Linux' sched-stats
        with suppress(OSError, ValueError, IndexError):  # a thread that has just ended
            waited += int(path.read_text("ascii").split()[1])
    return time.process_time() + waited / 1e9


@dataclass(slots=True)
class Load:
    """How much processor this process wanted since the last look, as a share of one."""

    wall: float = field(default_factory=time.monotonic)
    wanted: float = field(default_factory=_wanted)

    def busy(self) -> float | None:
        """Return the share since the last look, or None if that was only just now."""
        wall = time.monotonic()
        if wall - self.wall < LOOK:
            return None
        wanted = _wanted()
        share = (wanted - self.wanted) / (wall - self.wall)
        self.wall, self.wanted = wall, wanted
        return share


def check_all(
    targets: Sequence[Target],
    one: Callable[[Target], R],
    workers: int = 4,
    busy: Callable[[], float | None] | None = None,
) -> Iterator[R]:
    """Yield the result of `one` for each target, in the order in which they finish.

    `workers` run at first. While targets wait and the processor is idle, because the others wait
    for the network or for dead hosts, their number doubles every 0.1 s (at most 512); more than the
    work needs would only fight for the interpreter's lock. `busy` tells how busy it is, by default
    `Load.busy`. Raises ToolkitError at the end if a check itself failed; the others are complete.
    """
    fleet: _Fleet[R] = _Fleet(queue.SimpleQueue(), one=one)
    for target in targets:
        fleet.waiting.put(target)
    running = fleet.start(min(len(targets), max(workers, 1)))
    failures: list[tuple[Target, BaseException]] = []
    left, busy = len(targets), busy or Load().busy
    while left:
        interrupts.check()
        with suppress(queue.Empty):
            target, outcome = fleet.done.get(timeout=LOOK)
            left -= 1
            if isinstance(outcome, BaseException):
                failures.append((target, outcome))
            else:
                yield outcome
        more = min(running, MAX_WORKERS - running, fleet.waiting.qsize())
        if more > 0 and (share := busy()) is not None and share < IDLE:
            running += fleet.start(more)
    if failures:
        target, error = failures[0]
        reason = f"{type(error).__name__}: {clean(str(error))}"
        message = f"{clean(target.text)}: the check failed: {reason}"
        raise ToolkitError(message, hint="run it again with --debug and report it") from error
