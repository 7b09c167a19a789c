"""A report as an event of the Sentry protocol, for Sentry itself, bugsink, GlitchTip and others.

The protocol: https://develop.sentry.dev/sdk/data-model/envelopes/ and …/event-payloads/.
"""

from __future__ import annotations

import json
import ssl
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPHandler, HTTPRedirectHandler, HTTPSHandler, Request, build_opener

from .outcome import Outcome, arrived, down, refused
from .patience import STEPS, Patience
from .text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .config import Settings

_TAGS = (
    "endpoint",
    "method",
    "platform",
    "browser",
    "browser_version",
    "request_id",
    "host",
    "status",
)
_OURS = frozenset({400, 413})
"""The event itself is at fault; all else is the server's, the network's or the configuration's."""
TOO_MANY = 429
CLIENT = "error_reporting/1"


class Dsn(NamedTuple):
    """Where events go, and the public key that lets them in."""

    url: str
    key: str


def parse_dsn(text: str) -> Dsn:
    """Read `https://KEY@HOST[:PORT][/PREFIX]/PROJECT`; ValueError without quoting the key."""
    found = urlsplit(text)
    prefix, _, project = found.path.rstrip("/").rpartition("/")
    if (
        found.scheme not in {"http", "https"}
        or not found.username
        or not found.hostname
        or not project
    ):
        raise ValueError("ERROR_REPORTING_SENTRY_DSN is not https://KEY@HOST/PROJECT")
    host = found.netloc.rpartition("@")[2]
    return Dsn(f"{found.scheme}://{host}{prefix}/api/{project}/envelope/", found.username)


def event_of(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return the event of a report; the report's id is the event's, so a repetition is known."""
    known = {key: str(report[key])[:200] for key in _TAGS if report.get(key) not in {None, "-", ""}}
    event: dict[str, Any] = {
        "event_id": report["id"],
        "timestamp": report["timestamp"],
        "platform": "python",
        "level": "error",
        "logger": "error_reporting",
        "server_name": report["host"],
        "tags": known | ({"test": "true"} if report.get("test") else {}),
        "exception": {"values": list(_exceptions(report))},
        "fingerprint": [report["fingerprint"]],
        "extra": {
            key: report[key]
            for key in ("duration", "process", "raised", "own", "logged")
            if key in report
        },
        "contexts": {"browser": {"name": report["browser"], "version": report["browser_version"]}},
    }
    if report["release"] != "-":
        event["release"] = report["release"]
    if report["endpoint"] != "-":
        event["transaction"] = report["endpoint"]
    if report["trace_id"] != "-":
        event["contexts"]["trace"] = {
            "trace_id": report["trace_id"],
            "span_id": str(report["id"])[:16],
        }
    if report["path"] != "-":
        event["request"] = _request(report)
        event["user"] = {"ip_address": report["client_address"], "username": report["user_name"]}
    return event


def _request(report: Mapping[str, Any]) -> dict[str, Any]:
    sent = report["request"]
    return {
        "url": report["path"],
        "method": report["method"],
        "headers": {**sent.get("headers", {}), "User-Agent": report["user_agent"]},
        "query_string": sent.get("query", {}),
        "cookies": sent.get("cookies", {}),
        "data": sent.get("form") or sent.get("json") or {},
    }


def _exceptions(report: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the chain as Sentry wants it: the first cause first, the one raised last at the end."""
    for link in reversed(report["chain"]):
        yield from (_exception(member) for member in reversed(link.get("group", [])))
        yield _exception(link)


def _exception(link: Mapping[str, Any]) -> dict[str, Any]:
    module, _, name = link["type"].rpartition(".")
    frames = [
        {
            "filename": frame["file"],
            "abs_path": frame["file"],
            "lineno": frame["line"],
            "function": frame["function"],
            "module": frame["module"],
            "in_app": frame["own"],
            "context_line": frame.get("source", ""),
            **({"vars": frame["locals"]} if frame.get("locals") else {}),
        }
        for frame in link["frames"]
    ]
    described: dict[str, Any] = {
        "type": name,
        "value": link["message"],
        "module": module or "builtins",
    }
    if frames:
        described["stacktrace"] = {"frames": frames}
    return described


class _NoRedirect(HTTPRedirectHandler):
    """Follows nothing: an event is for the server of the DSN, and nobody else."""

    def redirect_request(self, *_arguments: object) -> None:
        return


class _Http(HTTPHandler):
    """Connects with patience."""

    def __init__(self, patience: Patience) -> None:
        super().__init__()
        self._patience = patience

    def http_open(self, req: Request) -> HTTPResponse:
        """As in urllib, with a connection of our own."""
        return self.do_open(_connection(HTTPConnection, self._patience), req)


class _Https(HTTPSHandler):
    """The same over TLS, verified by the context."""

    def __init__(self, patience: Patience, context: ssl.SSLContext) -> None:
        super().__init__(context=context)
        self._patience = patience
        self._verified = context

    def https_open(self, req: Request) -> HTTPResponse:
        """As in urllib, with a connection of our own."""
        made = _connection(HTTPSConnection, self._patience)
        return self.do_open(made, req, context=self._verified)


def _connection(kind: type[HTTPConnection], patience: Patience) -> Any:
    """Return what makes a connection of a class; it connects by `_create_connection`."""

    def make(host: str, **more: Any) -> HTTPConnection:
        made = kind(host, **more)
        made._create_connection = patience.connect  # type: ignore[attr-defined]  # noqa: SLF001  # the only way
        return made

    return make


def send(entry: Mapping[str, Any], settings: Settings) -> Outcome:
    """Deliver one entry, or say why not."""
    event = event_of(entry["report"])
    try:
        dsn = parse_dsn(settings.sentry_dsn)
        request = _envelope(dsn, event)
        with Patience(settings.timeout * STEPS) as patience:
            opener = build_opener(
                _NoRedirect,
                _Http(patience),
                _Https(patience, _tls(settings.sentry_ca)),
            )
            with opener.open(request, timeout=settings.timeout) as answer:
                answer.read(1000)
        if patience.is_over:
            return down("Sentry server: took too long")
    except HTTPError as error:
        return _judge(error)
    except URLError as error:
        return down(f"Sentry server: {clean(str(error.reason), 300)}")
    except (OSError, ValueError, HTTPException) as error:
        return down(f"Sentry server: {clean(str(error), 300)}")
    return arrived()


def _envelope(dsn: Dsn, event: Mapping[str, Any]) -> Request:
    payload = json.dumps(event).encode("ascii")
    head = json.dumps({"event_id": event["event_id"]}).encode("ascii")
    item = json.dumps({"type": "event", "length": len(payload)}).encode("ascii")
    headers = {
        "Content-Type": "application/x-sentry-envelope",
        "User-Agent": CLIENT,
        "X-Sentry-Auth": f"Sentry sentry_version=7, sentry_client={CLIENT}, sentry_key={dsn.key}",
    }
    body = b"\n".join([head, item, payload, b""])
    return Request(dsn.url, data=body, headers=headers)  # noqa: S310  # parse_dsn lets HTTP(S) through only


def _tls(authorities: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if authorities:
        context.load_verify_locations(cafile=authorities)
    return context


def _judge(error: HTTPError) -> Outcome:
    with error:
        reason = f"Sentry server: {error.code} {clean(str(error.reason), 100)}"
        if error.code in _OURS:
            return refused(reason)
        asked = str(error.headers.get("Retry-After", ""))
        return down(reason, float(asked) if error.code == TOO_MANY and asked.isdigit() else 0.0)
