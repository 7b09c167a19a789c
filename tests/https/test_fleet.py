"""More workers where targets wait for the network, and no more than the processor can use."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from toolkit_https.check import Request, check
from toolkit_https.fleet import check_all
from toolkit_https.lab import Lab
from toolkit_https.model import Result
from toolkit_https.targets import Target, parse_target


@dataclass
class Gauge:
    """Counts how many checks run at once, and the most that did."""

    result: Result
    seconds: float
    busy: bool
    lock: threading.Lock = field(default_factory=threading.Lock)
    now: int = 0
    most: int = 0

    def __call__(self, _target: Target) -> Result:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        end = time.monotonic() + self.seconds
        while time.monotonic() < end:
            if not self.busy:
                time.sleep(self.seconds)
        with self.lock:
            self.now -= 1
        return self.result


def measured(lab: Lab, request: Request, count: int, seconds: float, *, busy: bool) -> Gauge:
    target = parse_target(lab.start("good").target)
    gauge = Gauge(check(target, request), seconds, busy)
    assert len(list(check_all([target] * count, gauge, workers=2))) == count
    return gauge


def test_idle_workers_are_joined_by_others(lab: Lab, request_: Request) -> None:
    assert measured(lab, request_, 100, 0.3, busy=False).most >= 16


def test_a_busy_processor_gets_no_more_workers(lab: Lab, request_: Request) -> None:
    assert measured(lab, request_, 40, 0.02, busy=True).most <= 4
