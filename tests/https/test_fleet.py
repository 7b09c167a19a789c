"""More workers where targets wait for the network, and no more than the processor can use."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from toolkit_https.check import Request, check
from toolkit_https.fleet import Load, check_all
from toolkit_https.lab import Lab
from toolkit_https.model import Result
from toolkit_https.targets import Target, parse_target


@dataclass
class Gauge:
    """Counts how many checks run at once, and the most that did."""

    result: Result
    seconds: float
    lock: threading.Lock = field(default_factory=threading.Lock)
    now: int = 0
    most: int = 0

    def __call__(self, _target: Target) -> Result:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(self.seconds)
        with self.lock:
            self.now -= 1
        return self.result


def measured(
    lab: Lab, request: Request, count: int, busy: Callable[[], float | None] | None = None
) -> Gauge:
    """Run `count` checks that wait 0.3 s each, with 2 workers at first."""
    target = parse_target(lab.start("good").target)
    gauge = Gauge(check(target, request), 0.3)
    assert len(list(check_all([target] * count, gauge, workers=2, busy=busy))) == count
    return gauge


def test_idle_workers_are_joined_by_others(lab: Lab, request_: Request) -> None:
    assert measured(lab, request_, 100).most >= 16


def test_a_busy_processor_gets_no_more_workers(lab: Lab, request_: Request) -> None:
    assert measured(lab, request_, 8, lambda: 0.9).most == 2


def test_a_process_is_busy_that_computes_or_waits_for_a_processor() -> None:
    """On a loaded machine, where it runs half the time, as on an idle one."""
    load, wall = Load(), time.monotonic()
    assert load.busy() is None  # only just now
    while time.monotonic() < wall + 0.3:
        pass
    share = load.busy()
    assert share is not None
    assert share > 0.8
    time.sleep(0.3)
    idle = load.busy()
    assert idle is not None
    assert idle < 0.5
