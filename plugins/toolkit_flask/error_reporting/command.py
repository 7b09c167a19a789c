"""`flask report-test`: one marked report through every sink, as the application would send it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click
from flask.cli import with_appcontext

from . import gate, render, reports
from .outcome import Outcome
from .sender import SINKS
from .spool import PROBE
from .text import clean

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from .reporter import Reporter
    from .spool import Spool


class ReportTest(Exception):  # noqa: N818  # it is no error: its name stands in the subject
    """Raised by `flask report-test` to be reported."""


def register(app: Flask, reporter: Reporter) -> None:
    """Add the command to the application."""

    @app.cli.command("report-test")
    @with_appcontext
    def report_test() -> None:
        """Send one marked report through every sink, and tell how each took it."""
        raise SystemExit(0 if run(reporter, click.echo) else 1)


def run(reporter: Reporter, say: Callable[[str], object]) -> bool:
    """Bring a marked report to the log, the spool and each sink; tell whether all went well."""
    delivery = reporter.delivery()
    settings = delivery.settings
    made = reports.build(_raised(), None, settings, frozenset(), marked=True)
    encoded = render.to_json(made)
    say(f"report {made['id']}")
    well = settings.file == os.devnull or _told(
        "log", str(settings.file), lambda: delivery.log.append(encoded), say
    )
    entry = gate.probe_entry(settings.sinks, encoded)
    names: list[str] = []
    if settings.sinks:
        well &= _told(
            "spool", str(settings.spool), lambda: names.append(_spooled(delivery.spool, entry)), say
        )
    else:
        say("no sink is configured: reports stand in the log only")
    for sink in settings.sinks:
        outcome = SINKS[sink]({"kind": "report", "report": made}, settings)
        well &= outcome.kind == "arrived"
        say(f"{sink:<7} {_verdict(outcome)}")
    for name in names:
        delivery.spool.remove(name)
    return well


def _raised() -> ReportTest:
    try:
        raise ReportTest("This is a test of error reporting; nothing is wrong.")  # noqa: TRY301  # for its traceback
    except ReportTest as error:
        return error


def _spooled(spool: Spool, entry: bytes) -> str:
    with spool.locked():
        return spool.put(os.urandom(16).hex(), entry, prefix=PROBE)


def _told(name: str, path: str, act: Callable[[], object], say: Callable[[str], object]) -> bool:
    try:
        act()
    except OSError as error:
        say(f"{name:<7} FAILED  {clean(path)}: {error.strerror or error}")
        return False
    say(f"{name:<7} written {clean(path)}")
    return True


def _verdict(outcome: Outcome) -> str:
    if outcome.kind == "arrived":
        return f"accepted {outcome.reason}".rstrip()
    return f"FAILED  {outcome.reason}"
