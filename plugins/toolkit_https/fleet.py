"""Many targets at once: results stream as they come, and a dead host delays nobody."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from toolkit.errors import ToolkitError
from toolkit.text import clean
from toolkit_https.model import Result
from toolkit_https.targets import Target

MAX_WORKERS = 512
STALL = 0.1
"""Seconds without a result after which another worker starts: the others wait for dead hosts."""


@dataclass(slots=True)
class _Fleet:
    """The queues between the workers and the caller."""

    waiting: queue.SimpleQueue[Target]
    done: queue.SimpleQueue[tuple[Target, Result | BaseException]] = field(
        default_factory=queue.SimpleQueue
    )
    one: Callable[[Target], Result] = field(kw_only=True)

    def start(self) -> None:
        """Start one worker. Daemon threads: Ctrl-C waits for none of them."""
        threading.Thread(target=self._work, daemon=True).start()

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


def check_all(
    targets: Sequence[Target], one: Callable[[Target], Result], workers: int = 32
) -> Iterator[Result]:
    """Yield the result of `one` for each target, in the order in which they finish.

    `workers` run at first; whenever none has finished for 0.1 s while targets wait, one more starts
    (at most 512). Raises ToolkitError at the end if a check itself failed; the others are complete.
    """
    fleet = _Fleet(queue.SimpleQueue(), one=one)
    for target in targets:
        fleet.waiting.put(target)
    running = min(len(targets), max(workers, 1))
    for _ in range(running):
        fleet.start()
    failures: list[tuple[Target, BaseException]] = []
    left = len(targets)
    while left:
        try:
            target, outcome = fleet.done.get(timeout=STALL)
        except queue.Empty:
            if running < MAX_WORKERS and not fleet.waiting.empty():
                fleet.start()
                running += 1
            continue
        left -= 1
        if isinstance(outcome, BaseException):
            failures.append((target, outcome))
        else:
            yield outcome
    if failures:
        target, error = failures[0]
        message = (
            f"{clean(target.text)}: the check failed: {type(error).__name__}: {clean(str(error))}"
        )
        raise ToolkitError(message, hint="run it again with --debug and report it") from error
