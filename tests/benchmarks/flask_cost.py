"""What error_reporting costs an application: CPU of a request, and errors a second in a storm.

    python tests/benchmarks/flask_cost.py [ALTERNATIONS]
    python tests/benchmarks/flask_cost.py --instructions    # by valgrind; two minutes

The same application is served without error_reporting, with a log, and with a log and mail; these
take turns, 500 times by default, with 20 requests each. Counted is the CPU time of the thread that
serves, so what else the machine does weighs on all alike.

A request without an error costs so little more that two processes differ by more than that, by how
their memory lies alone: there one process serves all three, and printed is the median of the
differences within each turn, with the interval in which that median lies by 95 %, and quartiles. A
request with an error has processes of their own, as the reports of one must not wait for
another's. `--instructions` counts what the processor executes for a request without an error,
which no other load changes: of runs with 200 and 700 requests the difference, by callgrind.

The storm counts requests a second of the wall clock with mail going to a real SMTP
server, against the log alone.

Aims: at most 5 µs for a request without an error, at most 1 ms for one with, and in a storm at
least 0.95 of what the log alone allows.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import logging
import math
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median, quantiles
from typing import Any

BATCH = 20
STORM = 400
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


def make_app(settings: dict[str, object] | None) -> Any:
    """Return a small application; without settings, without error_reporting."""
    from flask import Flask, session

    app = Flask("cost")
    app.config["SECRET_KEY"] = "of the benchmark"  # noqa: S105  # it guards nothing
    app.logger.handlers = [logging.FileHandler(os.devnull)]
    if settings is not None:
        from toolkit_flask import error_reporting

        app.config.update(settings)
        error_reporting.init_app(app)

    @app.get("/fine")
    def fine() -> str:
        return "fine"

    @app.get("/boom")
    def boom() -> str:
        session["user_name"] = "ann"
        return os.environ["ABSENT"]

    return app


def caller(app: Any) -> Callable[[str], None]:
    """Return a function that sends one request through the WSGI application."""
    from werkzeug.test import EnvironBuilder

    headers = {"User-Agent": AGENT, "Accept": "*/*", "Cookie": "a=b"}
    environs = {
        path: EnvironBuilder(path, query_string="page=2", headers=headers.items()).get_environ()
        for path in ("/fine", "/boom")
    }

    def call(path: str) -> None:
        body = app(dict(environs[path]), lambda *_: None)
        for _ in body:
            pass
        body.close()

    return call


def timed(call: Callable[[str], None], path: str) -> float:
    """Return the CPU microseconds of one request, of a batch of them."""
    started = time.thread_time_ns()
    for _ in range(BATCH):
        call(path)
    return (time.thread_time_ns() - started) / BATCH / 1000


def serve(pipe: Connection, settings: dict[str, object] | None) -> None:
    """Answer each path that comes through the pipe with the CPU microseconds of one request."""
    call = caller(make_app(settings))
    for path in ("/fine", "/boom") * 50:
        call(path)
    pipe.send("ready")
    while (path := pipe.recv()) != "end":
        pipe.send(timed(call, path))
    os._exit(0)


def serve_all(pipe: Connection, settings: list[dict[str, object] | None]) -> None:
    """Answer "turn" with the CPU microseconds of one /fine of each, in another order each time."""
    calls = [caller(make_app(one)) for one in settings]
    for call in calls * 100:
        call("/fine")
    pipe.send("ready")
    orders = itertools.cycle(itertools.permutations(range(len(calls))))
    while pipe.recv() != "end":
        turn = {place: timed(calls[place], "/fine") for place in next(orders)}
        pipe.send([turn[place] for place in range(len(calls))])
    os._exit(0)


def storm(pipe: Connection, settings: dict[str, object]) -> None:
    """Answer with the requests a second of one burst of errors."""
    call = caller(make_app(settings))
    call("/boom")
    pipe.send("ready")
    while pipe.recv() != "end":
        started = time.perf_counter()
        for _ in range(STORM):
            call("/boom")
        pipe.send(STORM / (time.perf_counter() - started))
    os._exit(0)


def start(target: Callable[..., None], settings: object) -> Connection:
    """Start a process and return the pipe to it."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    context.Process(target=target, args=(theirs, settings), daemon=True).start()
    ours.recv()
    return ours


def measured(pipes: list[Connection], what: object, times: int) -> list[list[Any]]:
    """Ask in turns; return each pipe's answers."""
    answers: list[list[Any]] = [[] for _ in pipes]
    for turn in range(times):
        order = list(enumerate(pipes))
        for place, pipe in order if turn % 2 else reversed(order):
            pipe.send(what)
            answers[place].append(pipe.recv())
    return answers


def print_difference(name: str, bare: Sequence[float], other: Sequence[float]) -> None:
    """Print how much more a request takes: of paired differences the median, and their spread.

    The interval of the median is that of order statistics: ranks n/2 ± 0.98 √n of n differences.
    """
    found = sorted(b - a for a, b in zip(bare, other, strict=True))
    half, reach = len(found) // 2, math.ceil(0.98 * math.sqrt(len(found)))
    low, high = found[max(half - reach, 0)], found[min(half + reach, len(found) - 1)]
    first, _, third = quantiles(found, n=4)
    print(f"/fine  {name:13} {median(bare):8.1f} µs + {median(found):7.2f} µs   "
          f"(95 %: {low:.2f} to {high:.2f}; quartiles {first:.2f} and {third:.2f})")  # fmt: skip


def counted(settings: str, requests: int) -> int:
    """Return how many instructions a process executes that serves so many /fine."""
    with tempfile.NamedTemporaryFile() as out:
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out.name}", sys.executable,
             __file__, "--serve", settings, str(requests)],
            env={**os.environ, "PYTHONHASHSEED": "0"}, capture_output=True, text=True, check=True,
        )  # fmt: skip
    found = re.search(r"Collected : (\d+)", done.stderr)
    if found is None:
        raise RuntimeError(done.stderr)
    return int(found[1])


def serve_alone(settings: str, requests: int) -> None:
    """Serve as `counted` asks, with the garbage of the start out of the way."""
    call = caller(make_app({"ERROR_REPORTING_FILE": os.devnull} if settings == "log" else None))
    for _ in range(300):
        call("/fine")
    gc.collect()
    gc.freeze()
    for _ in range(requests):
        call("/fine")
    os._exit(0)


def print_instructions() -> None:
    """Print how many instructions a request without an error takes, and how many more with us."""
    bare, log = ((counted(name, 700) - counted(name, 200)) // 500 for name in ("bare", "log"))
    print(f"/fine  log           {bare:8} instructions + {log - bare:7}   ({log / bare - 1:.1%})")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("alternations", nargs="?", type=int, default=500)
    parser.add_argument("--instructions", action="store_true")
    parser.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        serve_alone(asked.serve[0], int(asked.serve[1]))
    elif asked.instructions:
        print_instructions()
    else:
        print_times(asked.alternations)


def print_times(times: int) -> None:
    """Print CPU time a request, and the storm."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "flask"))
    from reporting_lab.mailbox import Mailbox, mail_server

    box = Mailbox()
    with tempfile.TemporaryDirectory() as folder, mail_server(box) as port:
        log: dict[str, object] = {"ERROR_REPORTING_FILE": f"{folder}/log"}
        mail: dict[str, object] = {
            "ERROR_REPORTING_FILE": f"{folder}/mailed",
            "ERROR_REPORTING_MAIL_TO": "ops@example.org",
            "ERROR_REPORTING_MAIL_SERVER": f"127.0.0.1:{port}",
            "ERROR_REPORTING_MAIL_SECURITY": "none",
        }
        names = ("log", "log and mail")
        together = start(serve_all, [None, log, mail])
        (turns,) = measured([together], "turn", times)
        together.send("end")
        bare, *others = zip(*turns, strict=True)
        for name, other in zip(names, others, strict=True):
            print_difference(name, bare, other)
        served = [start(serve, None), start(serve, log), start(serve, mail)]
        without, *with_it = (median(one) for one in measured(served, "/boom", times))
        for name, value in zip(names, with_it, strict=True):
            print(f"/boom  {name:13} {without:8.1f} µs + {value - without:7.1f} µs")
        bursts = [start(storm, log), start(storm, mail)]
        ratios = [
            b / a for a, b in zip(*measured(bursts, "storm", max(times // 20, 5)), strict=True)
        ]
        for pipe in (*served, *bursts):
            pipe.send("end")
        print(f"storm  mail / log    {median(ratios):.3f}   ({len(box.mails)} mails)")


if __name__ == "__main__":
    main()
