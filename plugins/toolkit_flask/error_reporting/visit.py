"""A request as long as anything of it can still fail: also after Flask has let go of its context.

The end of a stream and a teardown come when Flask's `request` is no longer bound; so the contexts
of the request are noted on the way in, and nothing is worked out from them until it is needed.

Flask's proxy `session` is never used: to ask it marks the session as accessed, which adds `Vary:
Cookie` to the response.
"""

from __future__ import annotations

import os
import re
import time
import weakref
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

import flask.globals
from flask import has_request_context, request
from flask.ctx import AppContext

_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@=+-]{0,127}")
ENVIRON_KEY = "error_reporting.visit"
current: ContextVar[Visit | None] = ContextVar("error_reporting.visit", default=None)

# From 3.2 on there is one context for both, and to name the other one is deprecated.
_APP: Any = flask.globals.app_ctx
_REQUEST: Any = _APP if hasattr(AppContext, "request") else flask.globals.request_ctx
_get_app, _get_request = _APP._get_current_object, _REQUEST._get_current_object  # noqa: SLF001  # as Werkzeug documents


class Visit:
    """One request: its WSGI environment and its Flask contexts."""

    __slots__ = (
        "__weakref__",
        "_app",
        "_context",
        "_request_id",
        "environ",
        "is_settled",
        "started",
        "status_line",
    )

    def __init__(self, environ: dict[str, Any]) -> None:
        """Begin to measure; the environment gets a way back that keeps nothing alive."""
        self.started = time.perf_counter()
        self.environ = environ
        self.status_line = ""
        self.is_settled = False
        self._app: Any = None
        self._context: Any = None
        self._request_id = ""
        environ[ENVIRON_KEY] = weakref.ref(self)

    def note_contexts(self) -> None:
        """Keep the contexts, which are bound now and will not be later."""
        if self._context is None:
            self._context = _get_request()
            self._app = _get_app()

    @property
    def request(self) -> Any:
        """Flask's request, None if it did not come so far."""
        return None if self._context is None else self._context.request

    @property
    def session(self) -> Any:
        """The session if it was opened, else None."""
        held = vars(self._context) if self._context is not None else {}
        return held.get("_session") or held.get("session")

    @property
    def g(self) -> Any:
        """Flask's `g` of this request, if there was one."""
        return getattr(self._app, "g", None)

    @property
    def status(self) -> int | None:
        """The status that the server was given, None if it was not given one yet."""
        return int(self.status_line[:3]) if self.status_line else None

    @property
    def duration(self) -> float:
        """Seconds since the request came in."""
        return time.perf_counter() - self.started

    @property
    def request_id(self) -> str:
        """The X-Request-ID of the request if it is well-formed, else one made here."""
        if not self._request_id:
            given = str(self.environ.get("HTTP_X_REQUEST_ID", ""))
            self._request_id = given if _REQUEST_ID.fullmatch(given) else os.urandom(16).hex()
        return self._request_id


def find() -> Visit | None:
    """Return the visit being served here: also in a thread with a copied request context.

    Under a test's `app.test_request_context` there was no way in: then one is made of the context.
    """
    visit = current.get()
    if visit is not None or not has_request_context():
        return visit
    environ = request.environ
    known = environ.get(ENVIRON_KEY)
    visit = known() if known is not None else None
    if visit is None:
        visit = Visit(environ)
        with suppress(RuntimeError):  # popped in between
            visit.note_contexts()
            visit.request.__dict__["error_reporting.visit"] = visit  # lives as long as the request
    return visit
