"""Error reports that always arrive: what broke, for whom and where, once, and without a secret.

    from . import error_reporting
    error_reporting.init_app(app)

Configuration: see `config`. Licence: MIT-0, in LICENSE beside this file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

__all__ = ["__version__", "init_app", "report"]
__version__ = "1.0.0"


def init_app(app: Flask) -> None:
    """Report this application's exceptions; a second call changes nothing."""
    app.extensions.setdefault("error_reporting", None)


def report(error: BaseException) -> str | None:
    """Report an exception that you caught, with the request's fields; return the report's id.

    None if it was reported before, or is ignored.
    """
    raise NotImplementedError
