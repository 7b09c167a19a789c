"""Whatever answers, or doesn't: each is a clear result in time, and the others go on."""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from dataclasses import replace

import pytest

from toolkit.errors import ToolkitError
from toolkit_https.check import Request, check
from toolkit_https.connect import Address, resolve
from toolkit_https.fleet import check_all
from toolkit_https.lab import Lab
from toolkit_https.model import Result, Verdict
from toolkit_https.reach import Way
from toolkit_https.targets import Target, parse_target


def one(target: str, request: Request, timeout: float = 1.0) -> Result:
    return check(parse_target(target), replace(request, timeout=timeout))


@pytest.mark.parametrize(
    ("server", "finding", "words"),
    [
        ("hang-up", "connection-closed", "closed the connection without a byte of TLS"),
        ("half-record", "connection-closed", "closed the connection in the middle"),
        ("garbage", "not-tls", 'answered "\\x1b[2J220 mail.example'),
        ("plain-http", "plain-http", "plain HTTP"),
        ("silent", "timeout", "didn't begin the handshake"),
        ("drip", "timeout", "stopped answering in the middle"),
        ("endless", "tls-error", "more than 512 KiB"),
    ],
)
def test_a_misbehaving_server_is_unreachable_with_its_own_finding(
    server: str, finding: str, words: str, lab: Lab, request_: Request
) -> None:
    started = time.monotonic()
    result = one(lab.start(server).target, request_)
    assert time.monotonic() - started < 3
    assert result.verdict is Verdict.UNREACHABLE
    assert [found.id for found in result.findings] == [finding]
    assert words in result.findings[0].message
    assert result.findings[0].remedy


def test_a_closed_port_is_refused(lab: Lab, request_: Request) -> None:
    result = one(f"127.0.0.1:{lab.closed_port()}", request_)
    assert [found.id for found in result.findings] == ["connection-refused"]


def test_an_unknown_name_is_named(request_: Request) -> None:
    result = one("no-such-host.invalid", request_, timeout=5)
    assert [found.id for found in result.findings] == ["unknown-host"]
    assert "no-such-host.invalid" in result.findings[0].message


def test_a_full_backlog_times_out(request_: Request) -> None:
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        for filler in (first, second):
            filler.setblocking(False)  # noqa: FBT003  socket's signature
            filler.connect_ex(("127.0.0.1", port))
        result = one(f"127.0.0.1:{port}", request_, timeout=0.5)
    assert [found.id for found in result.findings] == ["timeout"]


def test_a_hanging_name_lookup_ends_with_the_time_limit(request_: Request) -> None:
    def hang(_host: str, _port: int) -> Sequence[Address]:
        time.sleep(5)
        return []

    started = time.monotonic()
    result = check(parse_target("slow.example"), replace(request_, timeout=0.3, way=Way(hang)))
    assert time.monotonic() - started < 2
    assert [found.id for found in result.findings] == ["timeout"]
    assert "name lookup" in result.findings[0].message


def test_the_next_address_is_tried_when_one_is_dead(lab: Lab, request_: Request) -> None:
    good = lab.start("good")

    def two(_host: str, port: int) -> Sequence[Address]:
        return [(socket.AF_INET6, "::1"), *resolve("127.0.0.1", port)]

    target = Target("shop.example", "shop.example", "shop.example", good.port)
    result = check(target, replace(request_, way=Way(two)))
    assert (result.verdict, result.address) == (Verdict.TRUSTED, "127.0.0.1")


def test_one_dead_host_delays_none_of_the_others(lab: Lab, request_: Request) -> None:
    silent, good = lab.start("silent"), lab.start("good")
    request = replace(request_, timeout=2)
    targets = [parse_target(silent.target)] * 40 + [parse_target(good.target)] * 20
    started = time.monotonic()
    results = check_all(targets, lambda target: check(target, request), workers=4)
    order = [(result.verdict, time.monotonic() - started) for result in results]
    verdicts = [verdict for verdict, _ in order]
    assert verdicts.count(Verdict.TRUSTED) == 20
    assert verdicts.count(Verdict.UNREACHABLE) == 40
    assert order[-1][1] < 10  # forty times two seconds, were they in line


def test_results_stream_as_they_come(lab: Lab, request_: Request) -> None:
    targets = [parse_target(lab.start(name).target) for name in ("silent", "good")]
    request = replace(request_, timeout=1)
    first = next(iter(check_all(targets, lambda target: check(target, request))))
    assert first.verdict is Verdict.TRUSTED


def test_a_bug_in_one_check_surfaces_after_the_others_are_done(lab: Lab, request_: Request) -> None:
    good = parse_target(lab.start("good").target)
    bad = parse_target("bug.example")

    def checked(target: Target) -> Result:
        if target is bad:
            raise ZeroDivisionError("a bug")
        return check(target, request_)

    seen = []
    results = check_all([bad, good], checked)
    seen.append(next(results))
    with pytest.raises(ToolkitError, match=r"bug\.example: the check failed: ZeroDivisionError"):
        next(results)
    assert [result.verdict for result in seen] == [Verdict.TRUSTED]
