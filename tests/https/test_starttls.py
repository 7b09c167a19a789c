"""The dialogues before TLS, with servers that refuse, babble, drip, inject and hang up."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit_https.deadline import Deadline
from toolkit_https.starttls import LDAP_OID, StarttlsError, upgrade
from toolkit_https.targets import STARTTLS_PORTS

LDAP_OK = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00"
GOOD: dict[str, list[bytes]] = {
    "smtp": [
        b"220-mx.example\r\n220 ESMTP\r\n",
        b"250-mx.example\r\n250-SIZE 1\r\n250 starttls\r\n",
        b"220 2.0.0 go\r\n",
    ],
    "imap": [
        b"* OK ready\r\n",
        b"* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\na1 OK done\r\n",
        b"* OK still here\r\na2 OK begin\r\n",
    ],
    "pop3": [b"+OK\r\n", b"+OK list\r\nUSER\r\nSTLS\r\n.\r\n", b"+OK begin\r\n"],
    "ftp": [b"220-hello\r\n 500 no reply\r\nfree text\r\n220 ready\r\n", b"234 go\r\n"],
    "ldap": [b"", LDAP_OK],
    "postgres": [b"", b"S"],
}


def play(sock: socket.socket, steps: list[bytes], heard: list[bytes]) -> None:
    """Send the first step, and each further one after something was said."""
    with suppress(OSError):
        for at, step in enumerate(steps):
            if at:
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


def talk(protocol: str, steps: list[bytes], *, hold: bool = True) -> list[bytes]:
    """Return what the client said to a server that says `steps`."""
    heard: list[bytes] = []
    with server(lambda sock: play(sock, steps, heard), hold=hold) as client:
        upgrade(client, protocol, "mx.example", Deadline.after(10))
    return heard


@pytest.mark.parametrize("protocol", STARTTLS_PORTS)
def test_each_dialogue_ends_where_tls_begins(protocol: str) -> None:
    heard: list[bytes] = []

    def act(sock: socket.socket) -> None:
        play(sock, GOOD[protocol], heard)
        with suppress(OSError):
            sock.sendall(b"TLS:" + sock.recv(5))

    with server(act) as client:
        upgrade(client, protocol, "mx.example", Deadline.after(10))
        client.sendall(b"hello")
        assert client.recv(100) == b"TLS:hello"
    assert len(heard) == len(GOOD[protocol]) - 1


def test_what_the_client_says() -> None:
    assert talk("smtp", GOOD["smtp"]) == [b"EHLO [127.0.0.1]\r\n", b"STARTTLS\r\n"]
    assert talk("imap", GOOD["imap"]) == [b"a1 CAPABILITY\r\n", b"a2 STARTTLS\r\n"]
    assert talk("pop3", GOOD["pop3"]) == [b"CAPA\r\n", b"STLS\r\n"]
    assert talk("ftp", GOOD["ftp"]) == [b"AUTH TLS\r\n"]
    assert talk("ldap", GOOD["ldap"]) == [b"\x30\x1d\x02\x01\x01\x77\x18\x80\x16" + LDAP_OID]
    assert talk("postgres", GOOD["postgres"]) == [bytes.fromhex("0000000804d2162f")]


def test_a_pop3_server_without_capa_is_asked_all_the_same() -> None:
    assert talk("pop3", [b"+OK\r\n", b"-ERR what?\r\n", b"+OK\r\n"]) == [b"CAPA\r\n", b"STLS\r\n"]


def ldap(code: int, text: bytes, number: int = 1) -> bytes:
    body = bytes([0x0A, 1, code, 4, 0, 4, len(text)]) + text
    message = bytes([2, 1, number, 0x78, 0x81, len(body)]) + body
    return bytes([0x30, 0x82, 0, len(message)]) + message


REFUSALS = [
    ("smtp", [b"554 no\x1b[2J service\r\n"], 'refuses the connection: "554 no\\x1b[2J service"'),
    ("smtp", [b"220 x\r\n", b"502 EHLO?\r\n"], "refuses the connection"),
    ("smtp", [b"220 x\r\n", b"250-STARTTLS\r\n250 XSTARTTLS\r\n"], "doesn't offer STARTTLS"),
    ("smtp", [*GOOD["smtp"][:2], b"454 not now\r\n"], 'refuses to start TLS: "454 not now"'),
    ("smtp", [b"SSH-2.0-OpenSSH\r\n"], "doesn't speak the protocol"),
    ("smtp", [b"220-a\r\n221 b\r\n"], "doesn't speak the protocol"),
    ("imap", [b"* PREAUTH hi\r\n"], "authenticated already"),
    ("imap", [b"* BYE overloaded\r\n"], 'refuses the connection: "BYE overloaded"'),
    ("imap", [b"+OK pop\r\n"], "doesn't speak the protocol"),
    ("imap", [b"* OK\r\n", b"* CAPABILITY IMAP4rev1\r\na1 OK\r\n"], "doesn't offer STARTTLS"),
    ("imap", [b"* OK\r\n", b"a1 BAD x\r\n"], "refuses the connection"),
    ("imap", [b"* OK\r\n", b"* BYE x\r\n"], "refuses the connection"),
    ("imap", [b"* OK\r\n", b"a7 OK x\r\n"], "doesn't speak the protocol"),
    ("imap", [*GOOD["imap"][:2], b"a2 NO x\r\n"], "refuses to start TLS"),
    ("pop3", [b"-ERR full\r\n"], 'refuses the connection: "-ERR full"'),
    ("pop3", [b"* OK\r\n"], "doesn't speak the protocol"),
    ("pop3", [b"+OK\r\n", b"+OK\r\nUSER\r\n.\r\n"], "doesn't offer STLS"),
    ("pop3", [*GOOD["pop3"][:2], b"-ERR x\r\n"], "refuses to start TLS"),
    ("ftp", [b"421 too many\r\n"], "refuses the connection"),
    ("ftp", [b"220 x\r\n", b"502 what\r\n"], "doesn't offer AUTH TLS"),
    ("ftp", [b"220 x\r\n", b"530 log in first\r\n"], 'refuses to start TLS: "530 log in first"'),
    ("ftp", [b"hello\r\n"], "doesn't speak the protocol"),
    ("ldap", [b"", ldap(2, b"unsupported")], "doesn't offer STARTTLS"),
    ("ldap", [b"", ldap(52, b"no key")], 'refuses to start TLS: "52 no key"'),
    ("ldap", [b"", ldap(0, b"bye", number=0)], "refuses to start TLS"),
    ("ldap", [b"", b"\x30\x80\x02\x01"], "doesn't speak the protocol"),
    ("ldap", [b"", b"\x30\x03\x02\x01\x01"], "doesn't speak the protocol"),
    ("ldap", [b"", b"HTTP/1.1 400"], "doesn't speak the protocol"),
    ("ldap", [b"", b"\x30\x84\xff\xff\xff\xff"], "sends too much"),
    ("postgres", [b"", b"N"], "doesn't offer TLS"),
    ("postgres", [b"", b"E\0\0\0\x0eSFATAL\0Mx\0\0"[:1] + b"\0\0\0\x0fSFATAL\0Mx\0\0"], '"x"'),
    ("postgres", [b"", b"E\xff\xff\xff\xff"], "sends too much"),
    ("postgres", [b"", b"H"], "doesn't speak the protocol"),
]


@pytest.mark.parametrize(("protocol", "steps", "reason"), REFUSALS)
def test_a_refusal_says_what_it_is(protocol: str, steps: list[bytes], reason: str) -> None:
    with pytest.raises(StarttlsError) as caught:
        talk(protocol, steps)
    message = str(caught.value)
    assert message.startswith("mx.example ")
    assert message.endswith(".")
    assert reason in message
    assert message.isprintable()


@pytest.mark.parametrize("protocol", STARTTLS_PORTS)
def test_plaintext_after_the_answer_is_an_error_and_stays_unread(protocol: str) -> None:
    steps = [*GOOD[protocol][:-1], GOOD[protocol][-1] + b"250 injected\r\n"]
    with server(lambda sock: play(sock, steps, [])) as client:
        with pytest.raises(StarttlsError, match="may have been injected"):
            upgrade(client, protocol, "mx.example", Deadline.after(10))
        assert client.recv(100) == b"250 injected\r\n"


@pytest.mark.parametrize("protocol", STARTTLS_PORTS)
@pytest.mark.parametrize("keep", [0, 1])
def test_a_server_that_hangs_up(protocol: str, keep: int) -> None:
    with pytest.raises(StarttlsError, match=r"closed the connection|reset the connection"):
        talk(protocol, GOOD[protocol][:keep], hold=False)


def flood(piece: bytes) -> Callable[[socket.socket], None]:
    def act(sock: socket.socket) -> None:
        with suppress(OSError):
            while True:
                sock.sendall(piece)

    return act


@pytest.mark.parametrize("protocol", ["smtp", "imap", "pop3", "ftp"])
@pytest.mark.parametrize("piece", [b"x" * 4096, b"\0" * 4096])
def test_an_endless_line_is_cut_off(protocol: str, piece: bytes) -> None:
    with (
        server(flood(piece), hold=False) as client,
        pytest.raises(StarttlsError, match="a line of more than 8192 bytes"),
    ):
        upgrade(client, protocol, "mx.example", Deadline.after(10))


@pytest.mark.parametrize(
    ("protocol", "piece"),
    [
        ("smtp", b"220-again\r\n"),
        ("smtp", b"220-" + b"x" * 8000 + b"\r\n"),
        ("ftp", b"220-again\r\n"),
        ("imap", b"* OK again\r\n"),
        ("pop3", b"+OK again\r\n"),
    ],
)
def test_endless_lines_are_cut_off(protocol: str, piece: bytes) -> None:
    with (
        server(flood(piece), hold=False) as client,
        pytest.raises(StarttlsError, match="sends too much"),
    ):
        upgrade(client, protocol, "mx.example", Deadline.after(10))


@pytest.mark.parametrize(
    ("protocol", "start"),
    [("smtp", b"220-"), ("imap", b"* OK "), ("pop3", b"+OK "), ("ftp", b"220-"),
     ("ldap", b"\x30\x7f"), ("postgres", b"E\0\0\1\0")],
)  # fmt: skip
def test_a_drip_ends_at_the_deadline(protocol: str, start: bytes) -> None:
    def act(sock: socket.socket) -> None:
        with suppress(OSError):
            sock.sendall(start)
            while True:
                sock.sendall(b"x")
                time.sleep(0.05)

    began = time.monotonic()
    with server(act, hold=False) as client, pytest.raises(TimeoutError):
        upgrade(client, protocol, "mx.example", Deadline.after(0.5))
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("protocol", STARTTLS_PORTS)
def test_silence_ends_at_the_deadline(protocol: str) -> None:
    with server(lambda _: None) as client, pytest.raises(TimeoutError):
        upgrade(client, protocol, "mx.example", Deadline.after(0.3))


PIECES = sorted({piece for steps in GOOD.values() for piece in steps} | {b"\r\n", b"\0", b"250 "})
STREAMS = st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=40)), max_size=8)


@pytest.mark.parametrize("protocol", STARTTLS_PORTS)
@settings(max_examples=300)
@given(stream=STREAMS)
def test_garbage_raises_nothing_else(protocol: str, stream: list[bytes]) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"".join(stream))
        theirs.shutdown(socket.SHUT_WR)
        with suppress(StarttlsError, OSError):
            upgrade(ours, protocol, "mx.example", Deadline.after(5))
