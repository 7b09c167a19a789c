"""One TLS handshake over a socket, with a byte limit and a deadline of our own.

pyOpenSSL talks to memory (BIO) and this module moves the bytes: so nothing waits longer than it
may, a server that never ends its certificates is cut off, and what isn't TLS can be named.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from OpenSSL import SSL
from OpenSSL.crypto import X509

from toolkit.text import clean
from toolkit_https.certificates import der
from toolkit_https.deadline import Deadline
from toolkit_https.model import Finding
from toolkit_https.policy import Observed, Policy
from toolkit_https.registry import finding

MAX_BYTES = 512 * 1024
CHUNK = 16384
FIRST_BYTES = 80
ALERT_WAIT = 1.0
"""Seconds a TLS 1.3 server gets to refuse the missing client certificate after the handshake."""

HANDSHAKE, ALERT = 0x16, 0x15
SERVER_HELLO = b"\x02"
OLD_PROTOCOL = {"unsupported protocol", "tlsv1 alert protocol version", "wrong version number",
                "wrong ssl version", "sslv3 alert protocol version"}  # fmt: skip
REFUSALS = {"handshake failure", "unrecognized name", "insufficient security", "no protocols",
            "access denied", "illegal parameter", "decode error", "internal error"}  # fmt: skip
CLIENT_CERTIFICATE = {"certificate required", "bad certificate", "handshake failure"}


@dataclass(slots=True)
class Shaken:
    """What a handshake showed. `failure` is None when it was completed.

    `presented` is what the server sent, `path` the path that OpenSSL built, `sent` and `built` are
    the same as DER, `errors` the path's faults as (depth, code).
    """

    observed: Observed
    failure: Finding | None = None
    presented: list[X509] = field(default_factory=list)
    path: list[X509] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)
    built: list[bytes] = field(default_factory=list)
    protocol: str = ""
    cipher: str = ""
    group: str = ""
    alpn: str = ""
    refused_client: bool = False

    @property
    def errors(self) -> list[tuple[int, int]]:
        """The verification errors in the order found."""
        return self.observed.errors


class _Closed(Exception):  # noqa: N818  an event of the conversation
    """The server closed the connection."""


class _NotTls(Exception):  # noqa: N818  an event of the conversation
    """The first bytes are no TLS record."""


@dataclass(slots=True)
class _Wire:
    """The socket side: bytes counted, the first ones kept."""

    connection: SSL.Connection
    sock: socket.socket
    turn: threading.Lock
    received: int = 0
    first: bytes = b""

    def step(self) -> tuple[bool, bytes]:
        """Go on with the handshake; return whether it is complete, and what is to be sent."""
        with self.turn:
            try:
                self.connection.do_handshake()
            except SSL.WantReadError:
                return False, self._waiting()
            return True, self._waiting()

    def flush(self, deadline: Deadline) -> None:
        """Send what OpenSSL has to say."""
        with self.turn:
            waiting = self._waiting()
        self.send(waiting, deadline)

    def send(self, waiting: bytes, deadline: Deadline) -> None:
        """Send `waiting`, if it is anything. Raises OSError or TimeoutError."""
        if waiting:
            self.sock.settimeout(deadline.left())
            self.sock.sendall(waiting)

    def _waiting(self) -> bytes:
        pieces = b""
        while True:
            try:
                pieces += self.connection.bio_read(CHUNK)
            except SSL.WantReadError:
                return pieces

    def fill(self, deadline: Deadline) -> None:
        """Give OpenSSL what the server says. Raises _Closed, _NotTls or TimeoutError."""
        self.sock.settimeout(deadline.left())
        chunk = self.sock.recv(CHUNK)
        if not chunk:
            raise _Closed
        if len(self.first) < FIRST_BYTES:
            self.first += chunk[:FIRST_BYTES]
        if self.first[0] not in {HANDSHAKE, ALERT}:
            raise _NotTls
        self.received += len(chunk)
        if self.received > MAX_BYTES:
            raise OverflowError
        with self.turn:
            self.connection.bio_write(chunk)


def shake(
    policy: Policy,
    sock: socket.socket,
    name: str,
    deadline: Deadline,
    alpn: Sequence[bytes] = (b"http/1.1",),
) -> Shaken:
    """Do one handshake, expecting `name` ("" sends no SNI: RFC 6066 forbids addresses there).

    `alpn` are the protocols offered; what isn't HTTP must offer none of it (vsftpd hangs up).
    """
    shaken = Shaken(Observed())
    with policy.turn:
        connection = _connection(policy, shaken.observed, name, alpn)
    wire = _Wire(connection, sock, policy.turn)
    shaken.failure = _drive(wire, shaken, deadline)
    with policy.turn:
        _take_chain(connection, shaken)
        if shaken.failure is None:
            _take_parameters(connection, shaken)
    if shaken.failure is None:
        if shaken.observed.certificate_requested:
            shaken.refused_client = _refused_later(wire, deadline)
        with suppress(SSL.Error, OSError):
            connection.shutdown()
            wire.flush(deadline)
    return shaken


def _connection(
    policy: Policy, observed: Observed, name: str, alpn: Sequence[bytes]
) -> SSL.Connection:
    connection = SSL.Connection(policy.context, None)
    if alpn:
        connection.set_alpn_protos(list(alpn))
    connection.set_app_data(observed)
    connection.set_connect_state()
    connection.request_ocsp()
    if name:
        connection.set_tlsext_host_name(name.removesuffix(".").encode("ascii"))
    return connection


def _take_parameters(connection: SSL.Connection, shaken: Shaken) -> None:
    shaken.protocol = connection.get_protocol_version_name()
    shaken.cipher = connection.get_cipher_name() or ""
    shaken.group = connection.get_group_name() or ""
    shaken.alpn = connection.get_alpn_proto_negotiated().decode("ascii", "replace")


def _drive(wire: _Wire, shaken: Shaken, deadline: Deadline) -> Finding | None:
    """Run the handshake to its end; return why it failed, or None."""
    try:
        while True:
            complete, waiting = wire.step()
            wire.send(waiting, deadline)
            if complete:
                return None
            wire.fill(deadline)
    except SSL.Error as error:
        with suppress(OSError):
            wire.flush(deadline)
        return _of_ssl_error(error, shaken, wire)
    except _NotTls:
        return _not_tls(wire.first)
    except OverflowError:
        message = (
            f"The server sent more than {MAX_BYTES >> 10} KiB without completing the handshake."
        )
        return finding("tls-error", message)
    except TimeoutError:
        return _silent(wire)
    except (_Closed, OSError) as error:
        return _hung_up(wire, shaken, error)


def _of_ssl_error(error: SSL.Error, shaken: Shaken, wire: _Wire) -> Finding:
    reason = _reason(error)
    asked = shaken.observed.certificate_requested
    if asked and any(text in reason for text in CLIENT_CERTIFICATE):
        shaken.refused_client = True
        return finding("client-certificate-required")
    if reason in OLD_PROTOCOL:
        return finding("protocol-too-old", _old_message(wire.first))
    if "alert" in reason or any(text in reason for text in REFUSALS):
        return finding("handshake-refused", f"The server refuses the handshake: {reason}.")
    message = f"The TLS conversation broke down: {reason or 'no reason given'}."
    return finding("tls-error", message)


def _reason(error: SSL.Error) -> str:
    queue = error.args[0] if error.args else []
    return clean(str(queue[-1][-1])) if isinstance(queue, list) and queue else ""


def _old_message(first: bytes) -> str:
    """Name the version that the server chose, if its ServerHello shows it (RFC 5246, 7.4.1.3)."""
    versions = {0x0300: "SSL 3.0", 0x0301: "TLS 1.0", 0x0302: "TLS 1.1"}
    if first[:1] == bytes([HANDSHAKE]) and first[5:6] == SERVER_HELLO:
        version = versions.get(int.from_bytes(first[9:11], "big"))
        if version:
            return f"The server chose {version}; clients speak TLS 1.2 or later."
    return "The server speaks no protocol that clients have: it refused TLS 1.2 and 1.3."


def _not_tls(first: bytes) -> Finding:
    if first[:5] in {b"HTTP/", b"<html", b"<!DOC"}:
        return finding("plain-http", "The port speaks plain HTTP: it answered with a page.")
    shown = clean(first[:40].decode("ascii", "backslashreplace").strip(), limit=60)
    message = f'The port doesn\'t speak TLS: it answered "{shown}".'
    scheme = _greeter(first)
    remedy = f"That is {scheme.upper()}, which starts TLS later: check {scheme}://HOST:PORT."
    return finding("not-tls", message, remedy=remedy if scheme else "")


def _greeter(first: bytes) -> str:
    """Return the scheme of the server that greets so, or ""."""
    if first.startswith((b"* OK", b"* PREAUTH", b"* BYE")):
        return "imap"
    if first.startswith((b"+OK", b"-ERR")):
        return "pop3"
    if first.startswith((b"220", b"421", b"554")):
        return "ftp" if b"ftp" in first.lower() else "smtp"
    return ""


def _silent(wire: _Wire) -> Finding:
    what = "stopped answering in the middle of" if wire.received else "didn't begin"
    return finding("timeout", f"The server accepted the connection but {what} the handshake.")


def _hung_up(wire: _Wire, shaken: Shaken, error: Exception) -> Finding:
    if shaken.observed.certificate_requested:
        shaken.refused_client = True
        return finding("client-certificate-required")
    how = "reset" if isinstance(error, ConnectionResetError) else "closed"
    when = "in the middle of the handshake" if wire.received else "without a byte of TLS"
    return finding("connection-closed", f"The server {how} the connection {when}.")


def _take_chain(connection: SSL.Connection, shaken: Shaken) -> None:
    """Keep both chains; a chain that OpenSSL can't hand out is an empty one."""
    with suppress(SSL.Error, ValueError):
        shaken.presented = list(connection.get_peer_cert_chain() or [])
    with suppress(SSL.Error, ValueError):
        shaken.path = list(connection.get_verified_chain() or [])
    shaken.sent = list(map(der, shaken.presented))
    shaken.built = list(map(der, shaken.path))


def _refused_later(wire: _Wire, deadline: Deadline) -> bool:
    """Wait for the alert with which a TLS 1.3 server refuses a client without certificate.

    In TLS 1.3 the client is done before the server has seen its (empty) certificate: RFC 8446, 4.4.
    """
    try:
        limit = Deadline(min(deadline.at, Deadline.after(ALERT_WAIT).at))
        while True:
            try:
                wire.connection.recv(1)
            except SSL.WantReadError:
                wire.flush(limit)
                wire.fill(limit)
            else:
                return False
    except (TimeoutError, OverflowError):
        return False
    except (SSL.Error, _Closed, _NotTls, OSError):
        return True
