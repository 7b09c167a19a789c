"""Loopback servers: one TLS server for a trap, and servers that misbehave below TLS."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from OpenSSL import SSL

from toolkit_https.lab.traps import Presented, Trap

Handler = Callable[[socket.socket], None]
MAX_REQUEST = 65536
LINGER = 0.5
"""Seconds that a connection waits for the client's end once the server has said all."""


@dataclass(frozen=True, slots=True)
class Response:
    """What a trap server answers to any HTTP request; `delay` seconds before it does."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"ok\n"
    delay: float = 0.0

    def encode(self) -> bytes:
        """Return the response as bytes."""
        lines = [f"HTTP/1.1 {self.status} Trial"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        lines += [f"Content-Length: {len(self.body)}", "Connection: close", "", ""]
        return "\r\n".join(lines).encode("latin-1") + self.body


class Server:
    """A listening socket and a thread for each connection; `close` ends all of them."""

    def __init__(self, host: str, handler: Handler, port: int = 0) -> None:
        """Listen on `port` of `host` (0: a free one) and hand each connection to `handler`."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self._handler = handler
        self._open: set[socket.socket] = set()
        self._busy: set[socket.socket] = set()
        self._lock = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def close(self) -> None:
        """Stop listening, end the open connections and wait for the threads."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join(timeout=5)  # first: from here on no connection joins those to be ended
        self._listener.close()
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(timeout=5)

    def drain(self, seconds: float) -> bool:
        """Wait until the handler is done with all that was accepted; False if it takes longer."""
        with self._lock:
            return self._lock.wait_for(lambda: not self._busy, seconds)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._open.add(connection)
                self._busy.add(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads = [item for item in self._threads if item.is_alive()] + [thread]
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with suppress(OSError, SSL.Error):
                self._handler(connection)
            self._done(connection)
            with suppress(OSError):
                _linger(connection)
        finally:
            self._done(connection)
            with self._lock:
                self._open.discard(connection)
            connection.close()

    def _done(self, connection: socket.socket) -> None:
        with self._lock:
            self._busy.discard(connection)
            self._lock.notify_all()


def _linger(connection: socket.socket) -> None:
    """End our half and read what the client still sends, as nginx's lingering_close does.

    A socket closed with bytes unread answers with a reset, and that can overtake the last thing
    said: a client whose certificate is missing would see a reset or the alert, as chance has it.
    """
    connection.shutdown(socket.SHUT_WR)
    connection.settimeout(LINGER)
    unread = MAX_REQUEST
    while unread > 0 and (got := connection.recv(unread)):
        unread -= len(got)


def tls_context(trap: Trap, presented: Presented) -> SSL.Context:
    """Return the context of a trap's server; its key stays in memory."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_cipher_list(trap.ciphers)
    lowest, highest = trap.protocol
    context.set_min_proto_version(lowest)
    context.set_max_proto_version(highest)
    leaf, *rest = presented.chain
    context.use_certificate(leaf.certificate)
    for authority in rest:
        context.add_extra_chain_cert(authority.certificate)
    context.use_privatekey(presented.key)
    if trap.client_certificate:
        required = trap.client_certificate == "required"
        mode = SSL.VERIFY_PEER | (SSL.VERIFY_FAIL_IF_NO_PEER_CERT if required else 0)
        context.set_verify(mode, lambda *_: True)
        context.set_session_id(b"trial")
    return context


def tls_handler(
    context: Callable[[], SSL.Context], response: Response, heard: list[bytes]
) -> Handler:
    """Return a handler that does TLS, notes the decrypted request in `heard` and answers it."""

    def handle(sock: socket.socket) -> None:
        connection = SSL.Connection(context(), sock)
        connection.set_accept_state()
        connection.do_handshake()
        request = b""
        while b"\r\n\r\n" not in request and len(request) < MAX_REQUEST:
            request += connection.recv(4096)
        heard.append(request)
        _pause(sock, response.delay)
        connection.sendall(response.encode())
        with suppress(SSL.Error):
            connection.shutdown()

    return handle


def _pause(sock: socket.socket, seconds: float) -> None:
    """Wait, but no longer than `sock` is open: a server that is closed must not sleep on."""
    poller = select.poll()
    poller.register(sock, 0)  # no event asked for: POLLHUP is reported always, see poll(2)
    poller.poll(seconds * 1000)


def _hang_up(_sock: socket.socket) -> None:
    """Close at once."""


def _garbage(sock: socket.socket) -> None:
    sock.sendall(b"\x1b[2J220 mail.example ESMTP \xff\xfe\r\n")
    sock.recv(4096)


def _plain_http(sock: socket.socket) -> None:
    sock.recv(4096)
    sock.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


def _silent(sock: socket.socket) -> None:
    while sock.recv(4096):
        pass


def _drip(sock: socket.socket) -> None:
    """Send a TLS record that never ends, byte by byte."""
    sock.sendall(b"\x16\x03\x03\x40\x00\x02\x00\x3f\x00")
    while True:
        sock.sendall(b"\0")
        time.sleep(0.05)


def _endless(sock: socket.socket) -> None:
    """Send handshake records as fast as they are taken."""
    while True:
        sock.sendall(b"\x16\x03\x03\x40\x00" + b"\0" * 0x4000)


def _half_record(sock: socket.socket) -> None:
    sock.recv(4096)
    sock.sendall(b"\x16\x03\x03\x40")


MISBEHAVING: Mapping[str, Handler] = {
    "hang-up": _hang_up,
    "garbage": _garbage,
    "plain-http": _plain_http,
    "silent": _silent,
    "drip": _drip,
    "endless": _endless,
    "half-record": _half_record,
}
"""Id → what a server below TLS does; also arguments of `Lab.start`."""
