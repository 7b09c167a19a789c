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
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

import flask.globals
from flask import has_request_context, request
from flask.ctx import AppContext

_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@=+-]{0,127}")
_ON_REQUEST = "error_reporting_visit"
current: ContextVar[Visit | None] = ContextVar("error_reporting.visit", default=None)

# From 3.2 on there is one context for both, and to name the other one is deprecated.
_APP: Any = flask.globals.app_ctx
_REQUEST: Any = _APP if hasattr(AppContext, "request") else flask.globals.request_ctx


def _getter(proxy: Any, name: str) -> Any:
    """Return what gets the context behind `proxy`: its variable's own `get`, where Flask has it.

    That is ten times as fast, and asked at each request. The proxy's is what Werkzeug documents.
    """
    variable = getattr(flask.globals, name, None)
    return variable.get if isinstance(variable, ContextVar) else proxy._get_current_object  # noqa: SLF001


get_app_context = _getter(_APP, "_cv_app")
get_request_context = get_app_context if _REQUEST is _APP else _getter(_REQUEST, "_cv_request")


class Visit:
    """One request: its WSGI environment and its Flask contexts.

    `context` and `app_context` are bound while Flask serves, and not any more when a stream ends;
    so they are kept here by `enter`. `is_settled`: nothing of the response can fail any more.
    """

    __slots__ = (
        "_request_id",
        "_start",
        "app_context",
        "context",
        "environ",
        "is_settled",
        "started",
        "status_line",
    )

    def __init__(self, environ: dict[str, Any], start: Any = None) -> None:
        """Begin to measure."""
        self.started = time.perf_counter()
        self.environ = environ
        self._start = start
        self.context: Any = None
        self.app_context: Any = None
        self.is_settled = False
        self.status_line = self._request_id = ""

    def enter(self) -> None:
        """Keep the contexts that are bound now; Flask's request gets a way back to here.

        By that way a thread with a copy of the request's context finds the visit.
        """
        self.context = context = get_request_context()
        self.app_context = get_app_context()
        context.request.error_reporting_visit = self

    def leave(self) -> None:
        """Take that way away: visit and request would own each other until they are collected."""
        if self.context is not None:
            with suppress(AttributeError):  # a stranger's class of requests
                self.context.request.error_reporting_visit = None

    def start_response(self, status: str, headers: Any, exc_info: Any = None) -> Any:
        """Note the status, and pass it on: what an application gets as `start_response`."""
        self.status_line = status
        if exc_info is None:
            return self._start(status, headers)
        return self._start(status, headers, exc_info)

    @property
    def request(self) -> Any:
        """Flask's request, None if it did not come so far."""
        return None if self.context is None else self.context.request

    @property
    def session(self) -> Any:
        """The session if it was opened, else None."""
        held = vars(self.context) if self.context is not None else {}
        return held.get("_session") or held.get("session")

    @property
    def g(self) -> Any:
        """Flask's `g` of this request, if there was one."""
        return getattr(self.app_context, "g", None)

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
    with suppress(RuntimeError, LookupError):  # popped in between
        visit = vars(get_request_context().request).get(_ON_REQUEST) or Visit(request.environ)
        if visit.context is None:
            visit.enter()
    return visit
