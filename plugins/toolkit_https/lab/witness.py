"""What a server saw of a client: whether it came, began TLS, and what it let be decrypted.

A client that refuses sends no application data; one that never came was not tested. Bytes that
came in plain text where TLS was expected are told apart from decrypted ones.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from OpenSSL import SSL

from toolkit_https.lab.server import MAX_REQUEST, Handler, Response, Server

TLS_HANDSHAKE = 0x16
"""The first byte of a ClientHello: ContentType handshake (RFC 8446, 5.1)."""
ASK_AGAIN = 2.0
"""Seconds that a server waits for the rest of a request before it answers what it has."""
_SENTINEL_BYTE = b"\0"


@dataclass(slots=True)
class Witness:
    """What one server saw. `decrypted` and `plain` hold the first bytes of each connection."""

    connections: int = 0
    hellos: int = 0
    handshakes: int = 0
    decrypted: list[bytes] = field(default_factory=list)
    plain: list[bytes] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, what: str) -> None:
        """Add one to the number of connections, hellos or handshakes."""
        with self._lock:
            setattr(self, what, getattr(self, what) + 1)


class Watched:
    """A server and its witness, for one client; `port` is where it listens on `host`."""

    def __init__(self, host: str, behaviour: Callable[[socket.socket, Witness], None]) -> None:
        """Listen on a free port of `host`."""
        self.witness = Witness()
        self.host = host
        self._behaviour = behaviour
        self._token = _SENTINEL_BYTE + os.urandom(15)
        self._seen = threading.Event()
        self._server = Server(host, self._handle)
        self.port = self._server.port

    def settle(self, seconds: float) -> bool:
        """Wait until all that clients sent so far is read; False if it takes longer.

        Connections are accepted in order: once our own is, all earlier ones are.
        """
        with suppress(OSError), socket.create_connection((self.host, self.port), seconds) as own:
            own.sendall(self._token)
            self._seen.wait(seconds)
        return self._server.drain(seconds)

    def close(self) -> None:
        """End the server and its connections."""
        self._server.close()

    def _handle(self, sock: socket.socket) -> None:
        first = sock.recv(1, socket.MSG_PEEK)
        if first == _SENTINEL_BYTE and sock.recv(len(self._token)) == self._token:
            self._seen.set()
            return
        self.witness.count("connections")
        if first:
            self._behaviour(sock, self.witness)


def watching_tls(
    context: Callable[[], SSL.Context], response: Response
) -> Callable[[socket.socket, Witness], None]:
    """Return a server's behaviour: TLS, one request witnessed, one response."""

    def behave(sock: socket.socket, witness: Witness) -> None:
        if sock.recv(1, socket.MSG_PEEK)[0] != TLS_HANDSHAKE:
            hear_plain(sock, witness)
            return
        witness.count("hellos")
        connection = SSL.Connection(context(), sock)
        connection.set_accept_state()
        connection.do_handshake()
        witness.count("handshakes")
        _hear(connection, witness)
        connection.sendall(response.encode())
        with suppress(SSL.Error):
            connection.shutdown()

    return behave


def hear_plain(sock: socket.socket, witness: Witness, response: Response | None = None) -> None:
    """Note a request that came without TLS, and answer it."""
    witness.plain.append(sock.recv(MAX_REQUEST))
    sock.sendall((response or Response(400)).encode())


def refusing_tls(sock: socket.socket, witness: Witness) -> None:
    """A server's behaviour: no TLS, so that a client may be tempted to do without."""
    if sock.recv(1, socket.MSG_PEEK)[0] != TLS_HANDSHAKE:
        hear_plain(sock, witness, Response())
        return
    witness.count("hellos")
    sock.recv(MAX_REQUEST)
    sock.sendall(Response(400, body=b"plain HTTP is spoken here\n").encode())


def _hear(connection: SSL.Connection, witness: Witness) -> None:
    """Note the first decrypted bytes as soon as they come; read on to the end of the request."""
    request = connection.recv(4096)
    witness.decrypted.append(request)
    # The socket must block for pyOpenSSL; SO_RCVTIMEO (socket(7)) ends a read that takes long.
    seconds = struct.pack("ll", int(ASK_AGAIN), 0)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, seconds)
    with suppress(SSL.WantReadError):
        while b"\r\n\r\n" not in request and len(request) < MAX_REQUEST:
            request += connection.recv(4096)


__all__ = ["Handler", "Watched", "Witness", "refusing_tls", "watching_tls"]
