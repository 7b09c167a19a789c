"""What error_reporting costs an application: CPU of a request, and errors a second in a storm.

    python tests/benchmarks/flask_cost.py [ALTERNATIONS]

Two processes serve the same application, one without and one with error_reporting, and take turns:
500 alternations by default, of 20 requests each. Printed are medians of the CPU time of the serving
thread, so what else the machine does weighs on both alike. The storm counts requests a second of
the wall clock with mail going to a real SMTP server, against the log alone.

Aims: at most 5 µs for a request without an error, at most 1 ms for one with, and in a storm at
least 0.95 of what the log alone allows.
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
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


def serve(pipe: Connection, settings: dict[str, object] | None) -> None:
    """Answer each path that comes through the pipe with the CPU microseconds of one request."""
    call = caller(make_app(settings))
    for path in ("/fine", "/boom") * 50:
        call(path)
    pipe.send("ready")
    while (path := pipe.recv()) != "end":
        started = time.thread_time_ns()
        for _ in range(BATCH):
            call(path)
        pipe.send((time.thread_time_ns() - started) / BATCH / 1000)
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


def start(target: Callable[..., None], settings: dict[str, object] | None) -> Connection:
    """Start a process and return the pipe to it."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    context.Process(target=target, args=(theirs, settings), daemon=True).start()
    ours.recv()
    return ours


def measured(pipes: list[Connection], what: object, times: int) -> list[list[float]]:
    """Ask in turns; return each pipe's answers."""
    answers: list[list[float]] = [[] for _ in pipes]
    for turn in range(times):
        order = list(enumerate(pipes))
        for place, pipe in order if turn % 2 else reversed(order):
            pipe.send(what)
            answers[place].append(pipe.recv())
    return answers


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("alternations", nargs="?", type=int, default=500)
    times = parser.parse_args().alternations
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
        served = [start(serve, None), start(serve, log), start(serve, mail)]
        for path in ("/fine", "/boom"):
            bare, *others = (median(one) for one in measured(served, path, times))
            for name, value in zip(("log", "log and mail"), others, strict=True):
                print(f"{path:6} {name:13} {bare:8.1f} µs + {value - bare:7.1f} µs")
        bursts = [start(storm, log), start(storm, mail)]
        ratios = [
            b / a for a, b in zip(*measured(bursts, "storm", max(times // 20, 5)), strict=True)
        ]
        for pipe in (*served, *bursts):
            pipe.send("end")
        print(f"storm  mail / log    {median(ratios):.3f}   ({len(box.mails)} mails)")


if __name__ == "__main__":
    main()
