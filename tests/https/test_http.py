"""For an https URL: the request by requests over a second connection, each redirect verified."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit_https.check import Request, check
from toolkit_https.http import parse_hsts
from toolkit_https.lab import Endpoint, Lab, Response
from toolkit_https.model import Result, Verdict
from toolkit_https.targets import Target


def visited(endpoint: Endpoint, request: Request, path: str = "/") -> Result:
    """Check the URL of a laboratory server: its name, its address."""
    url = f"https://{endpoint.name}:{endpoint.port}{path}"
    return check(Target(url, endpoint.name, endpoint.host, endpoint.port, url), request)


def ids(result: Result) -> list[str]:
    return [found.id for found in result.findings]


def test_status_and_hsts_are_reported(lab: Lab, request_: Request) -> None:
    header = {"Strict-Transport-Security": "max-age=31536000; includeSubDomains"}
    server = lab.start("good", response=Response(404, header))
    result = visited(server, request_)
    assert result.verdict is Verdict.TRUSTED
    assert result.http is not None
    assert [step.status for step in result.http.steps] == [404]
    assert (result.http.hsts, result.http.hsts_subdomains) == (31536000, True)
    assert ids(result) == []
    assert server.heard[0].startswith(b"GET / HTTP/1.1\r\n")
    assert f"Host: shop.example:{server.port}".encode() in server.heard[0]


def test_no_hsts_is_information(lab: Lab, request_: Request) -> None:
    assert ids(visited(lab.start("good"), request_)) == ["no-hsts"]


def test_without_a_url_no_request_is_made(lab: Lab, request_: Request) -> None:
    server = lab.start("good")
    check(Target("x", server.name, server.host, server.port), request_)
    assert b"".join(server.heard) == b""


def test_an_untrusted_server_gets_no_request(lab: Lab, request_: Request) -> None:
    server = lab.start("expired")
    assert visited(server, request_).http is None
    assert server.heard == []


def test_another_certificate_on_the_second_connection_is_a_finding(
    lab: Lab, request_: Request
) -> None:
    result = visited(lab.start("good", alternate=True), request_)
    assert result.verdict is Verdict.TRUSTED
    assert "different-certificate" in ids(result)


def test_a_redirect_is_followed_to_its_end(lab: Lab, request_: Request) -> None:
    end = lab.start("ip")
    server = lab.redirecting(f"https://127.0.0.1:{end.port}/there")
    result = visited(server, request_)
    assert result.http is not None
    assert [step.status for step in result.http.steps] == [301, 200]
    assert end.heard[-1].startswith(b"GET /there HTTP/1.1\r\n")


@pytest.mark.parametrize("trap", ["expired", "untrusted-root", "wrong-host"])
def test_a_redirect_to_a_server_that_clients_refuse_is_critical(
    trap: str, lab: Lab, request_: Request
) -> None:
    end = lab.start(trap)
    result = visited(lab.redirecting(f"https://127.0.0.1:{end.port}/"), request_)
    assert ids(result)[0] == "redirect-untrusted"
    assert end.heard == []


def test_a_redirect_to_http_is_critical_and_not_followed(lab: Lab, request_: Request) -> None:
    result = visited(lab.redirecting("http://127.0.0.1:1/"), request_)
    assert ids(result)[0] == "redirect-to-http"


def test_a_redirect_loop_ends(lab: Lab, request_: Request) -> None:
    server = lab.start("good", response=Response(302, {"Location": "/again"}))
    result = visited(server, request_)
    assert "too-many-redirects" in ids(result)
    assert result.http is not None
    assert len(result.http.steps) == 11


@pytest.mark.parametrize("location", ["https://[::zz]/", "https://\x1b[31m/", "https://u:p@x/"])
def test_a_redirect_to_nonsense_is_a_finding(location: str, lab: Lab, request_: Request) -> None:
    result = visited(lab.redirecting(location), request_)
    assert "http-failed" in ids(result) or "redirect-to-http" in ids(result)
    assert "\x1b" not in "".join(found.message for found in result.findings)


def test_a_response_that_never_comes_is_a_finding(lab: Lab, request_: Request) -> None:
    from dataclasses import replace

    server = lab.start("good", response=Response(delay=3))
    result = visited(server, replace(request_, timeout=0.5))
    assert result.verdict is Verdict.TRUSTED
    assert "http-failed" in ids(result)


@given(st.text())
def test_any_hsts_header_is_read_without_an_exception(header: str) -> None:
    age, _ = parse_hsts(header)
    assert age is None or age >= 0


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("max-age=1", (1, False)),
        ('MAX-AGE="60" ; includeSubDomains', (60, True)),
        ("includeSubDomains", (None, True)),
        ("max-age=-1", (None, False)),
        ("max-age=1; max-age=2", (1, False)),
        (None, (None, False)),
    ],
)
def test_hsts_is_read_as_rfc_6797_says(
    header: str | None, expected: tuple[int | None, bool]
) -> None:
    assert parse_hsts(header) == expected
