"""What a server saw of a client: whether it came, began TLS, and what it let be decrypted.

A client that refuses sends no application data; one that never came was not tested. Bytes that
came in plain text where TLS was expected are told apart from decrypted ones.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeAlias

from OpenSSL import SSL

from toolkit_https.lab.server import MAX_REQUEST, Response, Server

TLS_HANDSHAKE = 0x16
"""The first byte of a ClientHello: ContentType handshake (RFC 8446, 5.1)."""
ASK_AGAIN = 2
"""Seconds that a server waits for the rest of a request before it answers what it has."""
_SENTINEL_BYTE = b"\0"


@dataclass(slots=True)
class Witness:
    """What a server saw: of one connection, or of all of them.

    `decrypted` and `plain` hold the first bytes of each connection that sent any, `alerts` how
    handshakes ended that failed.
    """

    connections: int = 0
    hellos: int = 0
    handshakes: int = 0
    decrypted: list[bytes] = field(default_factory=list)
    plain: list[bytes] = field(default_factory=list)
    alerts: list[str] = field(default_factory=list)

    def add(self, other: Witness) -> None:
        """Add what was seen of another connection."""
        self.connections += other.connections
        self.hellos += other.hellos
        self.handshakes += other.handshakes
        self.decrypted += other.decrypted
        self.plain += other.plain
        self.alerts += other.alerts


Behaviour: TypeAlias = Callable[[socket.socket, Witness], None]
Report: TypeAlias = Callable[[str, Witness], None]
"""Called with a client's address and what was seen, when a connection ends."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where servers listen (`host`: "" is the loopback address of each) and to whom they report."""

    host: str = ""
    next_port: Callable[[], int] = lambda: 0
    report: Report | None = None


class Watched:
    """A server and its witness; it listens on `port` of `host`."""

    def __init__(self, host: str, behaviour: Behaviour, place: Place) -> None:
        """Listen at `place`, or on `host` if it names none. Raises OSError where that can't be."""
        self.witness = Witness()
        self.host = place.host or host
        self._behaviour = behaviour
        self._report = place.report
        self._token = _SENTINEL_BYTE + os.urandom(15)
        self._seen = threading.Event()
        self._lock = threading.Lock()
        self._server = Server(self.host, self._handle, place.next_port())
        self.port = self._server.port

    def settle(self, seconds: float) -> bool:
        """Wait until all that clients sent so far is read; False if it takes longer.

        Connections are accepted in order: once our own is, all earlier ones are.
        """
        with suppress(OSError), socket.create_connection((self.host, self.port), seconds) as own:
            own.sendall(self._token)
            self._seen.wait(seconds)
        return self._seen.is_set() and self._server.drain(seconds)

    def close(self) -> None:
        """End the server and its connections."""
        self._server.close()

    def _handle(self, sock: socket.socket) -> None:
        first = sock.recv(1, socket.MSG_PEEK)
        if first == _SENTINEL_BYTE and sock.recv(len(self._token)) == self._token:
            self._seen.set()
            return
        seen = Witness(connections=1)
        client = str(sock.getpeername()[0])  # now: a client that is gone has no name
        try:
            if first:
                self._behaviour(sock, seen)
        finally:
            with self._lock:
                self.witness.add(seen)
            if self._report:
                self._report(client, seen)


def watching_tls(context: Callable[[], SSL.Context], response: Response) -> Behaviour:
    """Return a server's behaviour: TLS, one request witnessed, one response."""

    def behave(sock: socket.socket, witness: Witness) -> None:
        if sock.recv(1, socket.MSG_PEEK)[0] != TLS_HANDSHAKE:
            hear_plain(sock, witness)
            return
        witness.hellos += 1
        connection = SSL.Connection(context(), sock)
        connection.set_accept_state()
        with shaking(connection, witness):
            _hear(connection, witness)
        connection.sendall(response.encode())
        with suppress(SSL.Error):
            connection.shutdown()

    return behave


@contextmanager
def shaking(connection: SSL.Connection, witness: Witness) -> Iterator[None]:
    """Do the handshake, and note why it, or what comes in the block, failed.

    In TLS 1.3 a client that refuses says so when the server's part of the handshake is over
    (RFC 8446, 2). Raises SSL.Error.
    """
    try:
        connection.do_handshake()
        witness.handshakes += 1
        yield
    except SSL.Error as error:
        witness.alerts.append(_reason(error))
        raise


def hear_plain(sock: socket.socket, witness: Witness) -> None:
    """Note a request that came without TLS, and answer it."""
    witness.plain.append(sock.recv(MAX_REQUEST))
    sock.sendall(Response().encode())


def refusing_tls(sock: socket.socket, witness: Witness) -> None:
    """A server's behaviour: no TLS, so that a client may be tempted to do without."""
    if sock.recv(1, socket.MSG_PEEK)[0] != TLS_HANDSHAKE:
        hear_plain(sock, witness)
        return
    witness.hellos += 1
    sock.recv(MAX_REQUEST)
    sock.sendall(Response(400, body=b"plain HTTP is spoken here\n").encode())


def _hear(connection: SSL.Connection, witness: Witness) -> None:
    """Note the first decrypted bytes as soon as they come; read on to the end of the request."""
    request = connection.recv(4096)
    witness.decrypted.append(request)
    # The socket must block for pyOpenSSL; SO_RCVTIMEO (socket(7)) ends a read that takes long.
    seconds = struct.pack("ll", ASK_AGAIN, 0)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, seconds)
    with suppress(SSL.WantReadError):
        while b"\r\n\r\n" not in request and len(request) < MAX_REQUEST:
            request += connection.recv(4096)


def _reason(error: SSL.Error) -> str:
    """Return OpenSSL's word for how it ended, "" where it has none: the client just went."""
    entries = error.args[0] if error.args else ()
    last = entries[-1] if isinstance(entries, list) and entries else ()
    return str(last[-1]) if isinstance(last, tuple) and last else ""
