"""What the client sent, redacted: query, form, JSON, headers, cookies.

Only what the application has already read is shown: to read a body here could block the request,
and would take it from whoever reads it next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from .redaction import HIDDEN, Redactor
from .text import clean

if TYPE_CHECKING:
    from .visit import Visit

MOST = 50
_NOT_SHOWN = frozenset({"HTTP_COOKIE", "HTTP_USER_AGENT"})
_MARKS = {"CONTENT_TYPE": "Content-Type", "CONTENT_LENGTH": "Content-Length"}


def learn(visit: Visit, redactor: Redactor) -> dict[str, object]:
    """Return the redacted data of a request; afterwards the redactor knows the request's secrets.

    To be called before any other text of the report is redacted.
    """
    parts: dict[str, Callable[[], object]] = {
        "view_args": lambda: _pairs(getattr(visit.request, "view_args", None) or {}, redactor),
        "cookies": lambda: _cookies(visit.environ, redactor),
        "form": lambda: _parsed(visit, "form", redactor),
        "json": lambda: _json(visit, redactor),
        "query": lambda: _query(visit.environ, redactor),
        "headers": lambda: _headers(visit.environ, redactor),
    }
    found: dict[str, object] = {}
    for name, read in parts.items():
        try:
            value = read()
        except Exception:  # malformed input must not cost the report
            value = "<can't be read>"
        if value:
            found[name] = value
    return found


def _shown(value: object) -> object:
    if isinstance(value, Mapping):
        return {clean(str(key), 100): _shown(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_shown(inner) for inner in value]
    return clean(value) if isinstance(value, str) else value


def _pairs(pairs: Mapping[str, object], redactor: Redactor) -> dict[str, object]:
    return {clean(k, 100): _shown(redactor.named(k, v)) for k, v in list(pairs.items())[:MOST]}


def _query(environ: Mapping[str, Any], redactor: Redactor) -> dict[str, object]:
    return _multiple(
        parse_qsl(str(environ.get("QUERY_STRING", "")), keep_blank_values=True), redactor
    )


def _multiple(pairs: list[tuple[str, Any]], redactor: Redactor) -> dict[str, object]:
    """Return a multi-dict's pairs; a name that comes again holds a list."""
    values: dict[str, list[object]] = {}
    for name, value in pairs[:MOST]:
        values.setdefault(name, []).append(value)
    return _pairs({k: v if len(v) > 1 else v[0] for k, v in values.items()}, redactor)


def _cookies(environ: Mapping[str, Any], redactor: Redactor) -> dict[str, object]:
    """Return the cookies' names; a cookie's value is a secret whatever its name."""
    found: dict[str, object] = {}
    for part in str(environ.get("HTTP_COOKIE", "")).split(";")[:MOST]:
        name, _, value = part.strip().partition("=")
        if name:
            redactor.learn(value.strip('"'))
            found[clean(redactor.text(name), 100)] = HIDDEN
    return found


def _parsed(visit: Visit, name: str, redactor: Redactor) -> dict[str, object]:
    """Return the form if Werkzeug has parsed it: then it stands in the request's own dictionary."""
    form = vars(visit.request).get(name)
    return {} if form is None else _multiple(list(form.items(multi=True)), redactor)


def _json(visit: Visit, redactor: Redactor) -> object:
    """Return the JSON body if the application has asked for it."""
    for cached in vars(visit.request).get("_cached_json", ()):
        if isinstance(cached, Mapping):
            return _pairs(cached, redactor)
        if isinstance(cached, list):
            return _shown(redactor.named("json", cached))
    return None


def _headers(environ: Mapping[str, Any], redactor: Redactor) -> dict[str, object]:
    found: dict[str, object] = {}
    for key in [k for k in environ if k.startswith("HTTP_") or k in _MARKS][:MOST]:
        if key in _NOT_SHOWN:
            continue
        name = _MARKS.get(key) or key[5:].replace("_", "-").title()
        value = str(environ[key])
        if name.endswith("Authorization"):
            _, _, credentials = value.partition(" ")
            for part in {credentials, *_basic(credentials)}:
                redactor.learn(part)
        found[clean(name, 100)] = clean(str(redactor.named(name, value)))
    return found


def _basic(credentials: str) -> list[str]:
    """Return the password inside Basic credentials (RFC 7617), to be hidden wherever it stands."""
    import base64
    import binascii

    try:
        login = base64.b64decode(credentials, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return []
    return [login, login.partition(":")[2]]
