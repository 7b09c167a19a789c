"""Error reports that always arrive: what broke, for whom and where, once, and without a secret.

    from . import error_reporting
    error_reporting.init_app(app)

Configuration: see `config`. `flask report-test` tries all of it. Licence: MIT-0, in LICENSE beside
this file. Needs Flask 2.2 or newer on a POSIX system, and nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

__all__ = ["__version__", "init_app", "report"]
__version__ = "1.0.0"


def init_app(app: Flask) -> None:
    """Report this application's exceptions; a second call changes nothing.

    The configuration may be set later: it is read when it is first needed.
    """
    from . import command, hooks, process, reporter

    if reporter.of_app(app) is not None:
        return
    made = app.extensions[reporter.EXTENSION] = reporter.Reporter(app)
    reporter.register(made)
    hooks.install(app, made)
    process.install()
    command.register(app, made)


def report(error: BaseException) -> str | None:
    """Report an exception that you caught, with the request's fields; return the report's id.

    None if it was reported before, or is ignored.
    """
    from .reporter import report_here

    return report_here(error)
