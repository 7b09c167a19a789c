"""Which proxy, and the tunnel through it: CONNECT and SOCKS5, obliging and hostile."""

from __future__ import annotations

import base64
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from requests.utils import should_bypass_proxies

from toolkit.errors import UsageError
from toolkit_https.deadline import Deadline
from toolkit_https.proxy import Proxy, ProxyError, parse_proxy, proxy_for, tunnel

USER, SECRET = "anna", "hunter2/#?"
HTTP, HTTP_LOGIN = Proxy("http", "p.example", 3128), Proxy("http", "p.example", 3128, USER, SECRET)
SOCKS, SOCKS_LOGIN = Proxy("socks5h", "::1", 1080), Proxy("socks5", "::1", 1080, USER, SECRET)
BOUND = b"\5\0\0\1\0\0\0\0\0\0"
TOKEN = base64.b64encode(f"{USER}:{SECRET}".encode())


def play(sock: socket.socket, steps: list[bytes], heard: list[bytes]) -> None:
    """Answer what was said with the next step."""
    with suppress(OSError):
        for step in steps:
            heard.append(sock.recv(4096))
            sock.sendall(step)


@contextmanager
def server(act: Callable[[socket.socket], None], *, hold: bool = True) -> Iterator[socket.socket]:
    """Yield a client's socket, connected to a server that acts, and then waits (or hangs up)."""
    done = threading.Event()

    def run() -> None:
        connection, _ = listener.accept()
        with connection:
            act(connection)
            if hold:
                done.wait(30)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=run)
        thread.start()
        try:
            with socket.create_connection(listener.getsockname()) as client:
                yield client
        finally:
            done.set()
            thread.join(30)


def through(
    proxy: Proxy, steps: list[bytes], host: str = "web.example", *, hold: bool = True
) -> list[bytes]:
    """Return what a proxy that answers `steps` was asked."""
    heard: list[bytes] = []
    with server(lambda sock: play(sock, steps, heard), hold=hold) as client:
        tunnel(client, proxy, host, 443, Deadline.after(10))
    return heard


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://p.example:3128", Proxy("http", "p.example", 3128)),
        ("p.example:3128", Proxy("http", "p.example", 3128)),
        ("HTTP://P.example/", Proxy("http", "p.example", 80)),
        ("socks5://[::1]", Proxy("socks5", "::1", 1080)),
        ("socks5h://b%C3%BC:p%40%3A%2F@h:1", Proxy("socks5h", "h", 1, "bü", "p@:/")),
        ("http://bücher.example:1", Proxy("http", "xn--bcher-kva.example", 1)),
    ],
)
def test_a_proxy_is_read(url: str, expected: Proxy) -> None:
    assert parse_proxy(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "https://anna:hunter2@p.example",
        "socks4://anna:hunter2@p.example",
        "hunter2://p.example",
        "http://anna:hunter2@",
        "http://anna:hunter2@p.example:0",
        "http://anna:hunter2@p.example:99999",
        "http://anna:hunter2@p.example:port",
        "http://anna:hunter2/x@p.example:3128",
        "http://hunter2/x@p.example:3128",
        "http://p.example:1?hunter2",
        "http://anna:hunter2@[::1",
        "http://anna:hunter2\u2100@p.example",
        "http://anna:hunter2@p example",
        "http://anna:hunter2@p\x00.example",
    ],
)
def test_a_bad_proxy_is_refused_without_a_word_of_its_credentials(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_proxy(url, "--proxy")
    assert "hunter2" not in f"{caught.value!r} {caught.value}"
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    assert str(caught.value).startswith("--proxy: ")


def test_an_https_proxy_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="https proxies are not supported"):
        parse_proxy("https://p.example")


def test_a_proxy_is_shown_without_credentials() -> None:
    assert SOCKS_LOGIN.shown == "socks5://[::1]:1080"
    assert USER not in repr(SOCKS_LOGIN)
    assert SECRET not in f"{SOCKS_LOGIN!r} {SOCKS_LOGIN}"


@pytest.mark.parametrize(
    ("environ", "explicit", "host"),
    [
        ({}, None, None),
        ({"HTTPS_PROXY": "a:1"}, None, "a"),
        ({"https_proxy": "b:1", "HTTPS_PROXY": "a:1"}, None, "b"),
        ({"https_proxy": "", "HTTPS_PROXY": "a:1"}, None, None),
        ({"ALL_PROXY": "socks5://c"}, None, "c"),
        ({"all_proxy": "socks5://c", "HTTPS_PROXY": "a:1"}, None, "a"),
        ({"HTTP_PROXY": "a:1"}, None, None),
        ({"HTTPS_PROXY": "a:1", "NO_PROXY": "web.example"}, None, None),
        ({"HTTPS_PROXY": "a:1", "no_proxy": "*"}, None, None),
        ({"HTTPS_PROXY": "a:1", "NO_PROXY": "*"}, "d:1", "d"),
        ({"HTTPS_PROXY": "a:1"}, "", None),
    ],
)
def test_the_proxy_chosen(environ: dict[str, str], explicit: str | None, host: str | None) -> None:
    chosen = proxy_for("web.example", 443, environ, explicit)
    assert (chosen.host if chosen else None) == host


def test_a_bad_variable_is_named() -> None:
    with pytest.raises(UsageError, match=r"^ALL_PROXY: "):
        proxy_for("web.example", 443, {"ALL_PROXY": "gopher://x"})


HOSTS = ["web.example", "Web.Example", "notweb.example", "10.1.2.3", "192.168.0.7", "::1", "a"]
ENTRIES = ["example", ".example", "web.example", "WEB.EXAMPLE", "web.example:443", "*",
           "web.example:8443", "10.0.0.0/8", "10.1.2.3", "192.168.0.0/29", "0.0.0.0/0", "10/8",
           "10.1.2.3/33", "10.1.2.3/x",
           "::1", "fe80::/10", " a ", "", ".", "10.1.2.3:443"]  # fmt: skip


@settings(max_examples=400)
@given(
    host=st.sampled_from(HOSTS),
    port=st.sampled_from([443, 8443]),
    entries=st.lists(st.sampled_from(ENTRIES), max_size=4),
)
def test_no_proxy_means_what_requests_takes_it_for(
    host: str, port: int, entries: list[str]
) -> None:
    environ = {"HTTPS_PROXY": "a:1", "NO_PROXY": ",".join(entries)}
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", environ["NO_PROXY"])
        expected = should_bypass_proxies(f"https://{place}/", None)
    assert (proxy_for(host, port, environ) is None) == bool(expected)


def test_connect() -> None:
    asked = through(HTTP, [b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n"])
    assert asked == [b"CONNECT web.example:443 HTTP/1.1\r\nHost: web.example:443\r\n\r\n"]
    asked = through(HTTP_LOGIN, [b"HTTP/1.1 100 Wait\r\n\r\nHTTP/1.0 204\r\n\r\n"], "2001:db8::1")
    assert asked[0].startswith(b"CONNECT [2001:db8::1]:443 HTTP/1.1\r\n")
    assert b"\r\nProxy-Authorization: Basic " + TOKEN + b"\r\n\r\n" in asked[0]


def test_socks() -> None:
    wanted = b"\5\1\0\3\x0bweb.example\1\xbb"
    assert through(SOCKS, [b"\5\0", BOUND]) == [b"\5\1\0", wanted]
    login = b"\1\4anna\x0a" + SECRET.encode()
    asked = through(SOCKS_LOGIN, [b"\5\2", b"\1\0", b"\5\0\0\3\2ab\0\0"])
    assert asked == [b"\5\2\0\2", login, wanted]
    assert through(SOCKS_LOGIN, [b"\5\0", b"\5\0\0\4" + bytes(18)], "192.0.2.1") == [
        b"\5\2\0\2",
        b"\5\1\0\1\xc0\0\2\1\1\xbb",
    ]
    assert through(SOCKS, [b"\5\0", BOUND], "::2")[1] == b"\5\1\0\4" + bytes(15) + b"\2\1\xbb"


@pytest.mark.parametrize(
    ("proxy", "steps"),
    [(HTTP, [b"HTTP/1.1 200 OK\r\n\r\n220 mx\r\n"]), (SOCKS, [b"\5\0", BOUND + b"220 mx\r\n"])],
)
def test_what_follows_the_answer_stays_unread(proxy: Proxy, steps: list[bytes]) -> None:
    with server(lambda sock: play(sock, steps, [])) as client:
        tunnel(client, proxy, "mx.example", 25, Deadline.after(10))
        assert client.recv(100) == b"220 mx\r\n"


REFUSALS = [
    (HTTP, [b"HTTP/1.1 407 Auth\r\n\r\n"], r"wants credentials \(407\)"),
    (HTTP_LOGIN, [b"HTTP/1.1 407 Auth\r\n\r\n"], r"refuses the credentials \(407\)"),
    (HTTP, [b"HTTP/1.1 403 No\r\n\r\n"], r"refuses to connect to web.example:443 \(403\)"),
    (HTTP, [b"HTTP/1.1 502 No\r\n\r\n"], r"can't reach web.example:443 \(502\)"),
    (HTTP, [b"HTTP/1.1 418 Tea\x1b[2J\r\n\r\n"], r'answered 418 "Tea\\x1b\[2J"'),
    (HTTP, [b"\x15\3\1\0\2\2\x46\n"], "doesn't speak the protocol"),
    (HTTP, [b"HTTP/1.1 100 x\r\n\r\n" * 500], "sends too much"),
    (HTTP, [b"HTTP/1.1 200 x\r\n" + b"A: b\r\n" * 500], "sends too much"),
    (HTTP, [b"HTTP/1.1 200 " + b"x" * 9000], "a line of more than"),
    (HTTP_LOGIN, [b"HTTP/1.1 400 anna:hunter2/#? " + TOKEN + b"\r\n\r\n"], r"answered 400\."),
    (HTTP_LOGIN, [b"anna:hunter2/#? " + TOKEN + b"\r\n"], "doesn't speak the protocol"),
    (SOCKS, [b"\5\xff"], "wants credentials"),
    (SOCKS, [b"\5\2"], "doesn't speak the protocol"),
    (SOCKS, [b"HT"], "doesn't speak the protocol"),
    (SOCKS_LOGIN, [b"\5\xff"], "accepts no login of ours"),
    (SOCKS_LOGIN, [b"\5\2", b"\1\1"], "refuses the credentials"),
    (SOCKS, [b"\5\0", b"\5\2\0\1"], "not allowed by its rules"),
    (SOCKS, [b"\5\0", b"\5\x63\0\1"], "reply 99"),
    (SOCKS, [b"\5\0", b"\4\0\0\1"], "doesn't speak SOCKS5"),
    (SOCKS, [b"\5\0", b"\5\0\0\7"], "unknown kind of address"),
]


@pytest.mark.parametrize(("proxy", "steps", "reason"), REFUSALS)
def test_a_refusal_says_what_it_is(proxy: Proxy, steps: list[bytes], reason: str) -> None:
    with pytest.raises(ProxyError, match=reason) as caught:
        through(proxy, steps)
    message = str(caught.value)
    assert message.startswith(f"The proxy {proxy.shown} ")
    assert message.isprintable()
    assert not any(word in message for word in (USER, SECRET, TOKEN.decode()))


def test_a_host_or_credentials_that_cannot_be_sent() -> None:
    with pytest.raises(ProxyError, match="is no host"):
        through(HTTP, [], "a\r\nX: y")
    with pytest.raises(ProxyError, match="too long") as caught:
        through(Proxy("socks5", "p", 1, "anna", "x" * 256), [])
    assert "xx" not in str(caught.value)


@pytest.mark.parametrize("proxy", [HTTP, SOCKS])
def test_a_proxy_that_hangs_up(proxy: Proxy) -> None:
    with pytest.raises(ProxyError, match=r"closed the connection|reset the connection"):
        through(proxy, [], hold=False)


@pytest.mark.parametrize(
    ("proxy", "start"), [(HTTP, b"HTTP/1.1 200 "), (SOCKS, b"\5\0\5\0\0\3\xff")]
)
def test_a_drip_ends_at_the_deadline(proxy: Proxy, start: bytes) -> None:
    def act(sock: socket.socket) -> None:
        with suppress(OSError):
            sock.sendall(start)
            while True:
                sock.sendall(b"x")
                time.sleep(0.05)

    began = time.monotonic()
    with server(act, hold=False) as client, pytest.raises(TimeoutError):
        tunnel(client, proxy, "web.example", 443, Deadline.after(0.5))
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("proxy", [HTTP, HTTP_LOGIN, SOCKS, SOCKS_LOGIN])
@settings(max_examples=200)
@given(stream=st.lists(st.one_of(st.sampled_from(
    [b"HTTP/1.1 200 x\r\n", b"\r\n", b"\5\0", b"\5\2", b"\1\0", BOUND]
), st.binary(max_size=30)), max_size=6))  # fmt: skip
def test_garbage_raises_nothing_else(proxy: Proxy, stream: list[bytes]) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"".join(stream))
        theirs.shutdown(socket.SHUT_WR)
        with suppress(ProxyError, OSError):
            tunnel(ours, proxy, "web.example", 443, Deadline.after(5))


@contextmanager
def tinyproxy(folder: Path, *lines: str) -> Iterator[int]:
    """Run the real program on a free port of loopback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
    configuration = folder / "tinyproxy.conf"
    text = [f"Port {port}", "Listen 127.0.0.1", "Timeout 20", "MaxClients 10", *lines, ""]
    configuration.write_text("\n".join(text))
    command = ["tinyproxy", "-d", "-c", str(configuration)]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=quiet, stderr=quiet, cwd=folder) as process:
        try:
            _wait_for(port)
            yield port
        finally:
            process.terminate()


def _wait_for(port: int) -> None:
    deadline = Deadline.after(20)
    while True:
        deadline.left()
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)


def ask(port: int, proxy: Proxy, to: int) -> socket.socket:
    """Return a socket that the proxy on `port` has connected."""
    sock = socket.create_connection(("127.0.0.1", port), 10)
    try:
        tunnel(sock, proxy, "127.0.0.1", to, Deadline.after(20))
    except BaseException:
        sock.close()
        raise
    return sock


@pytest.mark.server("tinyproxy")
def test_through_a_real_proxy(tmp_path: Path) -> None:
    with (
        tinyproxy(tmp_path, f"BasicAuth {USER} secret") as port,
        socket.create_server(("127.0.0.1", 0)) as listener,
    ):
        to = listener.getsockname()[1]
        with ask(port, Proxy("http", "127.0.0.1", port, USER, "secret"), to) as sock:
            far, _ = listener.accept()
            with far:
                far.sendall(b"220 hello\r\n")
                assert sock.recv(100) == b"220 hello\r\n"
        with pytest.raises(ProxyError, match="407"):
            ask(port, Proxy("http", "127.0.0.1", port), to)
        with pytest.raises(ProxyError, match=r"refuses the credentials|401|407"):
            ask(port, Proxy("http", "127.0.0.1", port, USER, "wrong"), to)


@pytest.mark.server("tinyproxy")
def test_a_real_proxy_that_does_not_allow_the_port(tmp_path: Path) -> None:
    with tinyproxy(tmp_path, "ConnectPort 443") as port, pytest.raises(ProxyError, match="403"):
        ask(port, Proxy("http", "127.0.0.1", port), 25)
    assert [item.name for item in tmp_path.iterdir()] == ["tinyproxy.conf"]
