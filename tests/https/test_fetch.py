"""What certificates make us fetch: from outside only, bounded, and never more than was asked."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit_https.connect import Address, resolve
from toolkit_https.fetch import MAX_REQUESTS, Fetcher, FetchError, may_reach, zone
from toolkit_https.fetching import Fetching
from toolkit_https.lab import Lab, Site

LIMIT = 64 * 1024


@pytest.fixture(scope="module")
def site(lab: Lab) -> Site:
    return lab.site()


def near(seconds: float = 10) -> Fetcher:
    """For a server on loopback, which the laboratory's are."""
    return Fetching(resolve).fetcher("127.0.0.1", seconds)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("8.8.8.8", "public"),
        ("2606:4700::1111", "public"),
        ("10.1.2.3", "private"),
        ("172.16.0.1", "private"),
        ("192.168.1.1", "private"),
        ("100.64.0.1", "private"),
        ("192.0.2.1", "private"),
        ("fd00::1", "private"),
        ("fec0::1", "private"),
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("0.0.0.0", "loopback"),  # noqa: S104  connecting there reaches this machine
        ("::", "loopback"),
        ("::1", "loopback"),
        ("169.254.169.254", "link-local"),
        ("fe80::1%lo", "link-local"),
        ("224.0.0.1", "reserved"),
        ("ff02::1", "reserved"),
        ("240.0.0.1", "private"),
        ("::ffff:127.0.0.1", "loopback"),
        ("::ffff:169.254.169.254", "link-local"),
        ("::ffff:8.8.8.8", "public"),
        ("2002:7f00:1::", "loopback"),
        ("2002:a9fe:a9fe::1", "link-local"),
        ("64:ff9b::7f00:1", "loopback"),
        ("64:ff9b::808:808", "public"),
        ("64:ff9b:1::a00:1", "private"),
    ],
)
def test_an_address_is_as_near_as_it_leads(address: str, expected: str) -> None:
    assert zone(address) == expected


@pytest.mark.parametrize(
    ("address", "target", "allowed"),
    [
        ("8.8.8.8", "public", True),
        ("8.8.8.8", "link-local", True),
        ("10.0.0.1", "public", False),
        ("10.0.0.1", "private", True),
        ("10.0.0.1", "loopback", True),
        ("127.0.0.1", "private", False),
        ("127.0.0.1", "loopback", True),
        ("169.254.169.254", "private", False),
        ("169.254.169.254", "loopback", False),
        ("169.254.1.1", "link-local", True),
        ("224.0.0.1", "reserved", False),
    ],
)
def test_nobody_is_led_nearer_than_the_target_is(
    address: str, target: str, allowed: object
) -> None:
    assert may_reach(address, target) is allowed


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "127.1"])  # noqa: S104
def test_a_public_server_leads_nobody_to_loopback(host: str, site: Site) -> None:
    before = len(site.requests)
    fetcher = Fetching(resolve).fetcher("203.0.113.1", 5)
    fetcher.zone = "public"
    with pytest.raises(FetchError):
        fetcher.get(f"http://{host}:{site.port}/secret", LIMIT)
    assert len(site.requests) == before


def test_the_address_that_counts_is_the_one_connected_to(site: Site) -> None:
    """A name server that answers differently the second time gets nothing by it."""
    answers: list[Sequence[Address]] = [
        [(socket.AF_INET, "127.0.0.1")],
        [(socket.AF_INET, "8.8.8.8")],
    ]
    fetcher = Fetching(lambda _host, _port: answers.pop(0)).fetcher("8.8.8.8", 2)
    with pytest.raises(FetchError, match=r"127\.0.0.1, a loopback address"):
        fetcher.get(f"http://rebound.example:{site.port}/", LIMIT)
    assert len(answers) == 1


def test_a_redirect_inwards_is_refused(site: Site, lab: Lab) -> None:
    inner = lab.site()
    site.redirects = {"/in": inner.url("/secret"), "/far": "http://169.254.169.254/latest/"}
    with pytest.raises(FetchError, match=r"169.254.169.254, a link-local address"):
        near().get(site.url("/far"), LIMIT)
    inner.answers = {"/secret": b"x"}
    assert near().get(site.url("/in"), LIMIT) == b"x"  # as near as the target itself


@pytest.mark.parametrize(
    "url",
    ["ftp://h.example/x", "file:///etc/passwd", "ldap://h.example/", "//h.example/x", "http://",
     "http://a:b@h.example/", "http://h.example:0/", "http://h.example:99999/", "http://h\r\nX: y/",
     "http://h.example/a b", "http://[::1/", "gopher://x", "http://\u2100.example/",
     "http://x/" + "y" * 3000, "javascript:alert(1)", ""],
)  # fmt: skip
def test_what_is_no_http_url_is_refused_in_a_sentence(url: str) -> None:
    with pytest.raises(FetchError) as caught:
        near().get(url, LIMIT)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


def test_what_is_fetched_is_posted_and_returned(site: Site) -> None:
    site.answers = {"/echo": lambda body: body[::-1], "/empty": b"", "/large": bytes(LIMIT + 1)}
    assert near().get(site.url("/echo"), LIMIT, b"abc", "text/plain") == b"cba"
    with pytest.raises(FetchError, match="larger than 64 KiB"):
        near().get(site.url("/large"), LIMIT)
    with pytest.raises(FetchError, match="answered with nothing"):
        near().get(site.url("/empty"), LIMIT)
    with pytest.raises(FetchError, match="answered 404"):
        near().get(site.url("/nowhere"), LIMIT)


def test_redirects_and_requests_are_counted(site: Site) -> None:
    site.redirects = {"/loop": "/loop"}
    fetcher = near()
    with pytest.raises(FetchError, match="redirects more than 3 times"):
        fetcher.get(site.url("/loop"), LIMIT)
    assert fetcher.left == MAX_REQUESTS - 4
    fetcher.left = 1
    with pytest.raises(FetchError, match="more than 16 requests"):
        fetcher.get(site.url("/loop"), LIMIT)


@contextmanager
def speaking(act: Callable[[socket.socket], None]) -> Iterator[str]:
    """Yield the URL of a server that answers a request by `act`."""

    def run() -> None:
        with suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                act(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        listener.close()
        thread.join(10)


def repeat(piece: bytes, pause: float = 0.0) -> Callable[[socket.socket], None]:
    def act(sock: socket.socket) -> None:
        while True:
            sock.sendall(piece)
            time.sleep(pause)

    return act


@pytest.mark.parametrize(
    "act",
    [
        repeat(b"x", 0.05),
        repeat(b"HTTP/1.1 100 Continue\r\n\r\n", 0.01),
        lambda sock: (sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n"), repeat(b"x", 0.05)(sock)),
        lambda sock: (sock.sendall(b"HTTP/1.1 200 OK\r\nX: "), repeat(b"x", 0.05)(sock)),
    ],
)
def test_a_drip_ends_at_the_deadline(act: Callable[[socket.socket], None]) -> None:
    began = time.monotonic()
    with speaking(act) as url, pytest.raises(FetchError, match="didn't answer in time"):
        near(0.5).get(url, LIMIT)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "act",
    [
        repeat(b"x" * 65536),
        lambda sock: (sock.sendall(b"HTTP/1.1 200 OK\r\n"), repeat(b"A: b\r\n" * 99)(sock)),
        lambda sock: (sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n"), repeat(b"x" * 65536)(sock)),
        lambda sock: (
            sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
            repeat(b"ffff\r\n" + b"x" * 65535 + b"\r\n")(sock),
        ),
        lambda sock: sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort"),
        lambda sock: sock.sendall(b"\0" * 100),
        lambda sock: sock.close(),
    ],
)
def test_floods_and_garbage_are_cut_off(act: Callable[[socket.socket], None]) -> None:
    began = time.monotonic()
    with speaking(act) as url, pytest.raises(FetchError) as caught:
        near(5).get(url, LIMIT)
    assert time.monotonic() - began < 4
    assert str(caught.value).isprintable()


@settings(max_examples=60)
@given(st.binary(max_size=200))
def test_any_answer_is_content_or_a_sentence(answer: bytes) -> None:
    with speaking(lambda sock: sock.sendall(answer)) as url:
        try:
            near(5).get(url, LIMIT)
        except FetchError as error:
            assert str(error).isprintable()  # noqa: PT017  one of two outcomes


def test_an_https_url_is_verified_against_the_public_roots(lab: Lab) -> None:
    server = lab.start("good")
    with pytest.raises(FetchError, match="certificate verify failed"):
        near().get(f"https://127.0.0.1:{server.port}/", LIMIT)
    assert server.heard == []
