"""One report: all that is told of an exception, as plain data, without secrets."""

from __future__ import annotations

import os
import re
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from . import fields, request_data, trace
from .redaction import Redactor
from .text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .config import Settings
    from .visit import Visit

SCHEMA = "error_reporting.report.1"


def build(  # noqa: PLR0913  # what is known of one exception
    error: BaseException,
    visit: Visit | None,
    settings: Settings,
    secrets: frozenset[str],
    *,
    status: int | None = None,
    logged: str = "",
    marked: bool = False,
) -> dict[str, Any]:
    """Describe an exception.

    `status` is what the client gets, if known; `logged` the message under which a library logged
    it; `marked` reports are tests of the reporting. Request data come first: they tell the redactor
    what is secret in all the other texts.
    """
    redactor = Redactor(settings.redact, secrets)
    data = request_data.learn(visit, redactor) if visit else {}
    raised, own = trace.places(error)
    report: dict[str, Any] = {
        "schema": SCHEMA,
        "id": os.urandom(16).hex(),
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time())),
        "timestamp": time.time(),
        "application": clean(settings.name, 100),
        "fingerprint": trace.fingerprint(error),
        "type": trace.name_of(error),
        **fields.of_visit(visit, settings),
        "raised": raised,
        "own": own,
        "chain": trace.Trace(redactor, show_locals=settings.locals).chain(error),
        "request": data,
    }
    report["message"] = report["chain"][0]["message"]
    if status is not None:
        report["status"] = status
    if logged:
        report["logged"] = clean(redactor.text(logged), 1000)
    if marked:
        report["test"] = True
    for name in ("path", "user_agent", "user_name"):
        report[name] = redactor.text(str(report[name])[:2000])
    report["request_id"] = redactor.identity(str(report["request_id"]))
    return report


_CONFIGURED = re.compile(
    r"pass(?:w|$)|passphrase|secret|token|api_?key|private|credential|salt|dsn|_key$", re.IGNORECASE
)
_SHORTEST = 8
"""Configured words shorter than this (`session`, `admin`) hidden everywhere would blind readers."""


def secrets_of(config: Mapping[str, object], environ: Mapping[str, str]) -> frozenset[str]:
    """Return the values that the configuration and the environment hold under secrets' names.

    Of an address as `postgresql://user:password@host/name` the password counts.
    """
    found = _secrets({**environ, **config})
    return frozenset(value for value in found if len(value) >= _SHORTEST)


def _secrets(values: Mapping[str, object], depth: int = 3) -> Iterator[str]:
    for name, value in values.items():
        named = _CONFIGURED.search(str(name)) is not None
        if isinstance(value, dict) and depth:
            yield from _secrets(value, depth - 1)
        elif isinstance(value, (list, tuple)) and named:
            yield from (one for one in value if isinstance(one, str))
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        if isinstance(text, str) and "://" in text:
            yield from _login(text, whole=named)
        elif isinstance(text, str) and named and not _is_path(text):
            yield text


def _is_path(value: str) -> bool:
    """SSH_AUTH_SOCK and the like name files; a file's name is no secret."""
    return value.startswith(("/", "./", "~"))


def _login(url: str, *, whole: bool) -> Iterator[str]:
    """Return the password in an address; of a DSN, whose key is its user, that too."""
    try:
        found = urlsplit(url)
        yield from (part for part in (found.password, found.username if whole else None) if part)
    except ValueError:
        return
