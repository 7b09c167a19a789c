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
from flask import has_request_context
from flask.ctx import AppContext

_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@=+-]{0,127}")
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
    """One request: its WSGI environment, its Flask contexts, its response.

    The contexts are bound while Flask serves, and not any more when a stream ends; so they are kept
    here. `is_settled`: nothing of the response can fail any more. `started` is by `perf_counter`.
    There is no constructor, because every request would pay for its call: who makes a visit sets
    `environ` and `started`, as `begin` does.
    """

    environ: dict[str, Any]
    started: float
    context: Any = None
    app_context: Any = None
    response: Any = None
    is_settled = False
    _status_line = ""
    _request_id = ""

    def noting(self, start_response: Any) -> Any:
        """Return `start_response` so that the status is noted which an application gives it."""

        def start(status: str, headers: Any, exc_info: Any = None) -> Any:
            self._status_line = status
            if exc_info is None:
                return start_response(status, headers)
            return start_response(status, headers, exc_info)

        return start

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
        """The status of the response, None as long as there is none."""
        if self._status_line:
            return int(self._status_line[:3])
        return getattr(self.response, "status_code", None)

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


def begin(environ: dict[str, Any]) -> Visit:
    """Return a visit that begins now, of what is bound now.

    Flask's request gets a way back to it: by that a thread with a copied context finds it.
    """
    visit = Visit()
    visit.environ, visit.started = environ, time.perf_counter()
    visit.context, visit.app_context = get_request_context(), get_app_context()
    visit.context.request.error_reporting_visit = visit
    return visit


def find() -> Visit | None:
    """Return the visit being served here: also in a thread with a copied request context.

    Under a test's `app.test_request_context` there was no way in: then one is made of the context.
    """
    visit = current.get()
    if visit is not None or not has_request_context():
        return visit
    with suppress(RuntimeError, LookupError):  # popped in between
        bound = get_request_context().request
        visit = vars(bound).get("error_reporting_visit") or begin(bound.environ)
    return visit
