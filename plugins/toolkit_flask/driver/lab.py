"""One situation's application, token and requests; it runs in a process of its own."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Any

from flask import Flask

PREFIX = "/toolkit-proof"


class Proof(RuntimeError):  # noqa: N818  its name stands in the reports
    """What is raised to see whether it is reported."""


class Unreachable(Exception):  # noqa: N818  it is a result
    """The situation cannot be had in this application; the message says why."""


class Lab:
    """What a situation gets: the application, and ways to raise in it."""

    def __init__(self, app: Flask, situation: str) -> None:
        """Make the token that finds the situation's reports again."""
        self.app = app
        self.token = f"proof({situation})"
        self.path = f"{PREFIX}/{situation}"
        self.raised = 0
        self.status = ""
        self.escaped = ""

    def error(self) -> Proof:
        """Return the exception to raise, and count it."""
        self.raised += 1
        return Proof(self.token)

    def fail(self, *_: Any, **__: Any) -> Any:
        """Raise it."""
        raise self.error()

    def here(self) -> bool:
        """Tell whether the request being served is this situation's."""
        from flask import request

        return request.path.endswith(self.path)

    def view(self, function: Callable[..., Any] | None = None) -> None:
        """Serve the situation's path by `function`, or by a view that says "ok"."""
        self.app._got_first_request = False
        self.app.add_url_rule(self.path, self.token.replace("(", "_").strip(")"),
                              function or (lambda: "ok"))  # fmt: skip

    def request(self) -> None:
        """Make the request as a server does: what escapes is logged by the server's own logger."""
        from flask.testing import EnvironBuilder

        builder = EnvironBuilder(self.app, self.path, headers={"User-Agent": "toolkit flask prove"},
                                 environ_base={"REMOTE_ADDR": "127.0.0.1"})  # fmt: skip
        try:
            self._serve(builder.get_environ())
        except Exception as error:
            self.escaped = type(error).__name__
            logger = logging.getLogger("toolkit.prove.server")
            logger.propagate = False
            logger.addHandler(logging.StreamHandler())
            logger.exception("Error handling request %s", self.path)
        finally:
            builder.close()

    def _serve(self, environ: Any) -> None:
        def start(status: str, *_: Any) -> Callable[[bytes], object]:
            self.status = status
            return lambda _part: None

        body = self.app(environ, start)
        try:
            for _part in body:
                pass
        finally:
            getattr(body, "close", lambda: None)()

    def uncaught(self, act: Callable[[], object]) -> None:
        """Do it as a script's last act: what it raises ends in `sys.excepthook`."""
        try:
            act()
        except Exception:
            sys.excepthook(*sys.exc_info())
