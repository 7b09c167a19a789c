"""The fields of a report and of every log record: who asked for what, and where it was served.

Each field is guarded on its own: one that can't be had is "-", and the others stand.
"""

from __future__ import annotations

import os
import re
import socket
import sys
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from . import agents
from .text import clean, shown

if TYPE_CHECKING:
    from .config import Settings
    from .visit import Visit

NONE = "-"
FIELDS = (
    "path",
    "method",
    "endpoint",
    "client_address",
    "user_agent",
    "platform",
    "browser",
    "browser_version",
    "user_name",
    "request_id",
    "trace_id",
    "status",
    "duration",
    "host",
    "process",
    "release",
)
_SESSION_KEYS = ("user_name", "username", "user", "user_id", "_user_id", "email")
_USER_ATTRIBUTES = ("username", "user_name", "name")
_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
)
"""W3C Trace Context, section 3.2."""
_ADDRESS = re.compile(r"[0-9A-Fa-f.:]{2,45}(?:%[\w.-]+)?")


def of_visit(visit: Visit | None, settings: Settings) -> dict[str, object]:
    """Return all fields; of a request those that are known, else "-"."""
    found: dict[str, object] = dict.fromkeys(FIELDS, NONE)
    found.update(host=_host(), process=os.getpid(), release=clean(settings.release) or NONE)
    found["trace_id"] = _guarded(lambda: _trace_id(visit))
    if visit is None:
        return found
    environ = visit.environ
    header = clean(str(environ.get("HTTP_USER_AGENT", "")))
    agent = _guarded(lambda: agents.parse(header), agents.UNKNOWN)
    found["path"] = _guarded(lambda: clean(path_of(environ)))
    found["method"] = clean(str(environ.get("REQUEST_METHOD", NONE)), 20)
    found["endpoint"] = _guarded(lambda: shown(visit.request.endpoint or NONE))
    found["client_address"] = _guarded(lambda: client_address(environ, settings.trusted_hops))
    found["user_agent"] = header or NONE
    found["platform"], found["browser"], found["browser_version"] = map(clean, agent)
    found["user_name"] = _guarded(lambda: user_name(visit, settings.user))
    found["request_id"] = visit.request_id
    found["status"] = visit.status or NONE
    found["duration"] = round(visit.duration, 6)
    return found


def _guarded(read: Callable[[], Any], otherwise: Any = NONE) -> Any:
    """Return a field, or what stands for it: strangers' sessions, users and headers are read."""
    try:
        return read()
    except Exception:  # whatever a stranger's code raises costs this one field
        return otherwise


@lru_cache(maxsize=1)
def _host() -> str:
    return clean(socket.gethostname(), 255)


def path_of(environ: Mapping[str, Any]) -> str:
    """Return the path without the query, as text; PEP 3333 hands bytes as Latin-1."""
    raw = str(environ.get("SCRIPT_NAME", "")) + str(environ.get("PATH_INFO", ""))
    return raw.encode("latin-1", "replace").decode("utf-8", "backslashreplace") or "/"


def client_address(environ: Mapping[str, Any], hops: int) -> str:
    """Return the client's address, trusting exactly `hops` entries of X-Forwarded-For.

    Each trusted proxy appended the address that it saw, so the entry `hops` from the right is the
    client's; what stands left of it anybody may have written. Fewer entries than proxies: the
    header did not come the trusted way. Where Werkzeug's ProxyFix was at work, its result stands.
    """
    peer = clean(str(environ.get("REMOTE_ADDR") or NONE), 60)
    if hops == 0 or "werkzeug.proxy_fix.orig" in environ:
        return peer
    entries = [part.strip() for part in str(environ.get("HTTP_X_FORWARDED_FOR", "")).split(",")]
    if len(entries) < hops or not _ADDRESS.fullmatch(entries[-hops]):
        return peer
    return entries[-hops]


def user_name(visit: Visit, wanted: str | Callable[[], object] | None) -> str:
    """Return who is logged in: what was configured, else by flask-login, else by the session.

    No user is loaded for it: a loader that fails, or asks the database that has just failed, would
    raise while the error is being reported.
    """
    if callable(wanted):
        return shown(wanted() or NONE, 200)
    if wanted:
        return shown(_of_session(visit, wanted) or NONE, 200)
    user = getattr(visit.g, "_login_user", None)
    if user is not None:
        loaded = getattr(user, "__dict__", {})
        name = next((loaded[key] for key in _USER_ATTRIBUTES if loaded.get(key)), None)
        name = name or _guarded(user.get_id, None)
        if name:
            return shown(name, 200)
    named = (_of_session(visit, key) for key in _SESSION_KEYS)
    return shown(next((name for name in named if isinstance(name, (str, int)) and name), NONE), 200)


def _of_session(visit: Visit, key: str) -> Any:
    """Return a value of the session, and leave no trace: reading makes Flask vary by cookie."""
    session = visit.session
    if session is None:
        return None
    if isinstance(session, dict):
        return dict.get(session, key)
    accessed = session.accessed
    try:
        return session.get(key)
    finally:
        session.accessed = accessed


def _trace_id(visit: Visit | None) -> str:
    """Return the trace's id by OpenTelemetry, if it is in use, else by the header `traceparent`."""
    telemetry = sys.modules.get("opentelemetry.trace")
    if telemetry is not None:
        context = telemetry.get_current_span().get_span_context()
        if context.is_valid:
            return f"{context.trace_id:032x}"
    header = str(visit.environ.get("HTTP_TRACEPARENT", "")) if visit else ""
    found = _TRACEPARENT.fullmatch(header)
    return found[1] if found else NONE
