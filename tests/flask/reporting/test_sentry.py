"""Events for Sentry: received by a real server, and judged rightly when one does not take them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from reporting_lab.bugsink import Bugsink
from reporting_lab.served import MakeSite, wait_until
from toolkit_flask.error_reporting.sentry import parse_dsn


@pytest.fixture(scope="module")
def bugsink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bugsink]:
    """The server, with an empty project."""
    made = Bugsink(tmp_path_factory.mktemp("bugsink"))
    made.install()
    with made.serving():
        yield made


@pytest.mark.timeout(300)  # its first test installs the server
def test_a_real_server_receives_the_events(bugsink: Bugsink, make_site: MakeSite) -> None:
    site = make_site(sentry_dsn=bugsink.dsn, dedup_seconds=0, release="1.2.3")
    site.start()
    for path in ("/plain/view", "/plain/view", "/plain/chained", "/plain/group"):
        site.get(path)
    wait_until(lambda: site.waiting() == [] and len(site.reports()) == 4)
    site.stop()
    stored = bugsink.stored()
    reports = {report["id"]: report for report in site.reports()}
    events = {event["event_id"].replace("-", ""): event for event in stored["events"]}
    assert set(events) == set(reports)
    assert stored["issues"] == 3
    for identity, event in events.items():
        report = reports[identity]
        assert event["fingerprint"] == [report["fingerprint"]]
        assert event["exception"]["values"][-1]["type"] == report["type"].rpartition(".")[2]
        assert event["release"] == "1.2.3"
        assert event["user"] == {"ip_address": "127.0.0.1", "username": "ann"}
        assert event["request"]["url"] == report["path"]
        frames = event["exception"]["values"][-1]["stacktrace"]["frames"]
        assert frames[-1]["in_app"]
        assert frames[-1]["lineno"] == report["raised"]["line"]


@contextmanager
def answering(
    status: int, headers: dict[str, str] | None = None
) -> Iterator[tuple[int, list[str]]]:
    """Serve one answer to everything; yields the port and the paths asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()

        do_GET = do_POST  # noqa: N815  # as http.server calls it

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1], asked
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("status", "headers", "waiting"),
    [
        (400, {}, 0),  # the event is at fault: set aside
        (403, {}, 1),  # the key is: it waits for a better one
        (503, {}, 1),
        (429, {"Retry-After": "600"}, 1),
        (302, {"Location": "/elsewhere"}, 1),  # nothing is followed
    ],
)
def test_a_refusal_is_judged(
    make_site: MakeSite, status: int, headers: dict[str, str], waiting: int
) -> None:
    with answering(status, headers) as (port, asked):
        site = make_site(sentry_dsn=f"http://key@127.0.0.1:{port}/7")
        site.start()
        site.get("/plain/view")
        wait_until(lambda: str(status) in site.words)
        site.stop()
    assert set(asked) == {"/api/7/envelope/"}
    assert len(site.waiting()) == waiting
    assert len(list((site.spool / "failed").iterdir())) == 1 - waiting


@pytest.mark.parametrize("text", ["", "https://host/1", "ftp://key@host/1", "https://key@host/"])
def test_what_is_no_dsn_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(ValueError, match="is not https://KEY@HOST/PROJECT") as caught:
        parse_dsn(text)
    assert "key@" not in str(caught.value)


def test_a_dsn_may_have_a_prefix_and_a_port() -> None:
    assert parse_dsn("https://k@h:8000/a/b/42").url == "https://h:8000/a/b/api/42/envelope/"
