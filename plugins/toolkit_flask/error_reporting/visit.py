"""A request as long as anything of it can still fail: also after Flask has let go of its context.

The end of a stream and a teardown come when Flask's `request` is no longer bound; so the objects of
the request are noted on the way in, and nothing is worked out from them until it is needed.
"""

from __future__ import annotations

import os
import re
import time
from contextvars import ContextVar
from typing import Any

from flask import g, has_request_context, request, session

_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@=+-]{0,127}")
ENVIRON_KEY = "error_reporting.visit"
current: ContextVar[Visit | None] = ContextVar("error_reporting.visit", default=None)


class Visit:
    """One request: its WSGI environment, its Flask objects, and what was reported of it."""

    __slots__ = ("_request_id", "environ", "g", "request", "session", "started", "status")

    def __init__(self, environ: dict[str, Any]) -> None:
        """Begin to measure."""
        self.started = time.perf_counter()
        self.environ = environ
        self.request: Any = None
        self.session: Any = None
        self.g: Any = None
        self.status: int | None = None
        self._request_id = ""

    def note_objects(self) -> None:
        """Keep the objects behind Flask's proxies, which are bound now and will not be later."""
        self.request = _behind(request)
        self.session = _behind(session)
        self.g = _behind(g)

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


def _behind(proxy: Any) -> Any:
    try:
        return proxy._get_current_object()  # noqa: SLF001  # as Werkzeug documents
    except Exception:  # what can't be opened must not hide the error that is reported
        return None


def find() -> Visit | None:
    """Return the visit being served here: also in a thread with a copied request context.

    Under a test's `app.test_request_context` there was no way in: then one is made of the context.
    """
    visit = current.get()
    if visit is not None or not has_request_context():
        return visit
    environ = request.environ
    visit = environ.get(ENVIRON_KEY)
    if visit is None:
        visit = environ[ENVIRON_KEY] = Visit(environ)
        visit.note_objects()
    return visit
