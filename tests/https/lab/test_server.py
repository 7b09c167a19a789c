"""The servers themselves: they answer, misbehave as they say, and end when the laboratory does."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from toolkit.errors import ToolkitError
from toolkit_https.lab import MISBEHAVING, TRAPS, Endpoint, Lab, Response


@contextmanager
def connected(endpoint: Endpoint) -> Iterator[ssl.SSLSocket]:
    """Connect as a client that verifies."""
    context = ssl.create_default_context(cadata=endpoint.ca_pem.decode())
    with (
        socket.create_connection((endpoint.host, endpoint.port), timeout=5) as sock,
        context.wrap_socket(sock, server_hostname=endpoint.name) as connection,
    ):
        yield connection


def answer(endpoint: Endpoint) -> bytes:
    """Send a request and return all that comes."""
    with connected(endpoint) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n")
        return b"".join(iter(lambda: connection.recv(4096), b""))


def raw_answer(endpoint: Endpoint, limit: int) -> bytes:
    """Say hello in plain text and return up to `limit` bytes of what comes within a second."""
    got = b""
    with socket.create_connection((endpoint.host, endpoint.port), timeout=1) as sock:
        try:
            sock.sendall(b"hello\r\n")
            while len(got) < limit and (more := sock.recv(4096)):
                got += more
        except (TimeoutError, ConnectionError):
            pass
    return got


def test_the_response_is_the_one_asked_for() -> None:
    wanted = Response(418, {"Strict-Transport-Security": "max-age=1"}, b"tea")
    with Lab() as lab:
        head, body = answer(lab.start("good", response=wanted)).split(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 418 ")
    assert b"\r\nStrict-Transport-Security: max-age=1\r\n" in head
    assert body == b"tea"


def test_a_redirect_names_its_location() -> None:
    with Lab() as lab:
        assert b"\r\nLocation: https://a.example/\r\n" in answer(
            lab.redirecting("https://a.example/")
        )


def test_all_servers_start_each_on_a_port_of_its_own() -> None:
    with Lab() as lab:
        endpoints = lab.start_all()
        assert list(endpoints) == list(TRAPS)
        assert len({(server.host, server.port) for server in endpoints.values()}) == len(TRAPS)


def test_an_alternating_server_shows_another_certificate_each_time() -> None:
    with Lab() as lab:
        server = lab.start("good", alternate=True)
        seen = set()
        for _ in range(3):
            with connected(server) as connection:
                seen.add(connection.getpeercert(binary_form=True))
    assert len(seen) == 3


def test_an_ipv6_server_is_written_with_brackets() -> None:
    server = Endpoint("ip6", "::1", "::1", 443, b"")
    assert (server.target, server.url) == ("::1@[::1]:443", "https://[::1]:443/")


def test_an_unknown_server_is_named_with_what_was_meant() -> None:
    with Lab() as lab, pytest.raises(ToolkitError, match='no server "expird"') as raised:
        lab.start("expird")
    assert raised.value.hint == 'did you mean "expired"?'


def test_many_clients_at_once_are_all_served() -> None:
    with Lab() as lab, ThreadPoolExecutor(20) as pool:
        server = lab.start("good")
        answers = list(pool.map(answer, [server] * 60))
    assert all(text.startswith(b"HTTP/1.1 200 ") for text in answers)
    assert len(server.heard) == 60


@pytest.mark.parametrize(
    ("server", "begins", "atleast"),
    [
        ("hang-up", b"", 0),
        ("silent", b"", 0),
        ("garbage", b"\x1b[2J220 ", 20),
        ("plain-http", b"HTTP/1.1 400 ", 20),
        ("half-record", b"\x16\x03\x03\x40", 4),
        ("drip", b"\x16\x03\x03\x40\x00\x02\x00\x3f\x00", 12),
        ("endless", b"\x16\x03\x03\x40\x00", 1_000_000),
    ],
)
def test_a_misbehaving_server_does_what_it_says(server: str, begins: bytes, atleast: int) -> None:
    with Lab() as lab:
        got = raw_answer(lab.start(server), max(atleast, 1))
    assert got.startswith(begins)
    assert len(got) >= atleast
    assert bool(got) == bool(begins)


def open_files() -> int:
    """Return the number of file descriptors of this process (proc(5))."""
    return len(list(Path("/proc/self/fd").iterdir()))


def test_everything_ends_within_a_second_whatever_clients_are_doing() -> None:
    threads, files = threading.active_count(), open_files()
    with ExitStack() as clients:
        with Lab() as lab:
            servers = [lab.start(name) for name in (*MISBEHAVING, "good")]
            for server in servers:
                place = (server.host, server.port)
                clients.enter_context(socket.create_connection(place, timeout=5))
            slow = lab.start("good", response=Response(delay=30))
            clients.enter_context(connected(slow)).sendall(b"GET / HTTP/1.1\r\n\r\n")
            while not slow.heard:
                time.sleep(0.01)
            before = time.monotonic()
        assert time.monotonic() - before < 1
        assert threading.active_count() == threads
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((slow.host, slow.port), timeout=5)
    assert open_files() == files


def test_a_client_that_connects_while_the_server_closes_is_let_go() -> None:
    threads = threading.active_count()
    for _ in range(20):
        with ExitStack() as clients:
            with Lab() as lab:
                server = lab.start("silent")
                place = (server.host, server.port)
                clients.enter_context(socket.create_connection(place, timeout=5))
                before = time.monotonic()
            assert time.monotonic() - before < 1
    assert threading.active_count() == threads
