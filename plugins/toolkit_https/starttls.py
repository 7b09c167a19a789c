"""The plaintext dialogue before TLS: SMTP, IMAP, POP3, FTP, LDAP and PostgreSQL.

Nothing is read past its end, for what follows belongs to TLS. Bytes that wait there already are
an error: a server that has agreed to TLS is silent until the client's hello, so somebody has
slipped them in, or the server takes plaintext for protected (CVE-2011-0411).
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from toolkit.text import clean
from toolkit_https.deadline import Deadline

MAX_BYTES, MAX_LINE, MAX_LINES = 64 * 1024, 8 * 1024, 200
SHOWN = 120
LDAP_OID = b"1.3.6.1.4.1.1466.20037"
LDAP_REQUEST = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x16" + LDAP_OID
SEQUENCE, INTEGER, OCTETS, ENUMERATED, EXTENDED_RESPONSE = 0x30, 0x02, 0x04, 0x0A, 0x78
LONG_FORM, MAX_LENGTH_BYTES = 0x80, 4
PROTOCOL_ERROR = 2
POSTGRES_REQUEST = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")
_REPLY = re.compile(r"([0-9]{3})(?:([ -])(.*))?", re.DOTALL)


class StarttlsError(Exception):
    """The server doesn't go over to TLS; the message is one sentence, safe to show."""


@dataclass(slots=True)
class Wire:
    """A connection that is read up to limits and never past what is asked for.

    `who` names the other side in messages and `error` is what they are raised as.
    """

    sock: socket.socket
    deadline: Deadline
    who: str
    error: type[Exception]
    room: int = MAX_BYTES
    lines: int = MAX_LINES

    def send(self, data: bytes) -> None:
        """Send it all before the deadline."""
        self.sock.settimeout(self.deadline.left())
        try:
            self.sock.sendall(data)
        except ConnectionError as error:
            raise self.error(f"{self.who} closed the connection.") from error

    def exactly(self, count: int) -> bytes:
        """Return the next `count` bytes."""
        if count > self.room:
            raise self.error(f"{self.who} sends too much: more than {MAX_BYTES} bytes.")
        self.room -= count
        data = bytearray()
        while len(data) < count:
            data += self._receive(count - len(data))
        return bytes(data)

    def line(self) -> str:
        """Return the next line without its end; peeking finds the end, so no more is taken."""
        self.lines -= 1
        if self.lines < 0:
            raise self.error(f"{self.who} sends too much: more than {MAX_LINES} lines.")
        data = bytearray()
        while not data.endswith(b"\n"):
            ahead = self._receive(MAX_LINE, socket.MSG_PEEK)
            data += self.exactly(ahead.find(b"\n") + 1 or len(ahead))
            if len(data) > MAX_LINE:
                raise self.error(f"{self.who} sends a line of more than {MAX_LINE} bytes.")
        return data.decode("utf-8", "backslashreplace").removesuffix("\n").removesuffix("\r")

    def silent(self) -> None:
        """Raise the error if a byte waits to be read; it is left where it is."""
        before = self.sock.gettimeout()
        self.sock.settimeout(0)
        try:
            waiting = self.sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return
        finally:
            self.sock.settimeout(before)
        if waiting:
            raise self.error(
                f"{self.who} sends plaintext after agreeing to TLS: it may have been injected."
            )

    def garbage(self, text: str) -> Exception:
        """Return the error for an answer that isn't of the protocol."""
        return self.error(f'{self.who} doesn\'t speak the protocol: it answered "{said(text)}".')

    def _receive(self, count: int, flags: int = 0) -> bytes:
        self.sock.settimeout(self.deadline.left())
        try:
            data = self.sock.recv(count, flags)
        except ConnectionError as error:
            raise self.error(f"{self.who} reset the connection.") from error
        if not data:
            raise self.error(f"{self.who} closed the connection.")
        return data


def said(text: str) -> str:
    """Return the other side's text for a message."""
    return clean(text.strip(), limit=SHOWN)


def upgrade(sock: socket.socket, protocol: str, name: str, deadline: Deadline) -> None:
    """Bring the connection to where the TLS handshake begins.

    `protocol` is a key of `targets.STARTTLS_PORTS`; `name` is the server's in messages. Raises
    StarttlsError, and TimeoutError at the deadline.
    """
    wire = Wire(sock, deadline, clean(name, limit=SHOWN), StarttlsError)
    _DIALOGUES[protocol](wire)
    wire.silent()


def _refused(wire: Wire, text: str) -> StarttlsError:
    return StarttlsError(f'{wire.who} refuses to start TLS: "{said(text)}".')


def _turned_away(wire: Wire, text: str) -> StarttlsError:
    return StarttlsError(f'{wire.who} refuses the connection: "{said(text)}".')


def _not_offered(wire: Wire, what: str = "STARTTLS") -> StarttlsError:
    return StarttlsError(f"{wire.who} doesn't offer {what}.")


def _smtp(wire: Wire) -> None:
    """RFC 3207; replies by RFC 5321, 4.2."""
    code, texts = _smtp_reply(wire)
    if code != "220":
        raise _turned_away(wire, f"{code} {texts[-1]}")
    wire.send(f"EHLO {_own_literal(wire.sock)}\r\n".encode())
    code, texts = _smtp_reply(wire)
    if code != "250":
        raise _turned_away(wire, f"{code} {texts[-1]}")
    if "STARTTLS" not in {text.strip().upper() for text in texts[1:]}:
        raise _not_offered(wire)
    wire.send(b"STARTTLS\r\n")
    code, texts = _smtp_reply(wire)
    if code != "220":
        raise _refused(wire, f"{code} {texts[-1]}")


def _own_literal(sock: socket.socket) -> str:
    """Return our address as EHLO takes it (RFC 5321, 4.1.3): a name would need a lookup."""
    if sock.family == socket.AF_INET6:
        address = str(sock.getsockname()[0]).partition("%")[0]
        return f"[IPv6:{address}]"
    return f"[{sock.getsockname()[0]}]" if sock.family == socket.AF_INET else "[127.0.0.1]"


def _smtp_reply(wire: Wire) -> tuple[str, list[str]]:
    first, texts = "", []
    while True:
        line = wire.line()
        match = _REPLY.fullmatch(line)
        if not match or (first and match[1] != first):
            raise wire.garbage(line)
        first = match[1]
        texts.append(match[3] or "")
        if match[2] != "-":
            return first, texts


def _ftp(wire: Wire) -> None:
    """RFC 4217, 4; the reply's inner lines are free text (RFC 959, 4.2)."""
    code, text = _ftp_reply(wire)
    if code != "220":
        raise _turned_away(wire, text)
    wire.send(b"AUTH TLS\r\n")
    code, text = _ftp_reply(wire)
    if code in {"500", "502", "504"}:
        raise _not_offered(wire, "AUTH TLS")
    if code != "234":
        raise _refused(wire, text)


def _ftp_reply(wire: Wire) -> tuple[str, str]:
    line = wire.line()
    match = _REPLY.fullmatch(line)
    if not match:
        raise wire.garbage(line)
    code = match[1]
    if match[2] == "-":
        while not (line == code or line.startswith(f"{code} ")):
            line = wire.line()
    return code, line


def _imap(wire: Wire) -> None:
    """RFC 9051, 6.2.1 (as RFC 3501)."""
    greeting = wire.line()
    kind = greeting[:9].upper()
    if kind == "* PREAUTH":
        raise StarttlsError(f"{wire.who} greets as authenticated already: TLS can't start then.")
    if kind.startswith("* BYE"):
        raise _turned_away(wire, greeting[2:])
    if not kind.startswith("* OK"):
        raise wire.garbage(greeting)
    wire.send(b"a1 CAPABILITY\r\n")
    status, text, capabilities = _imap_answer(wire, "a1")
    if status != "OK":
        raise _turned_away(wire, text)
    if "STARTTLS" not in capabilities:
        raise _not_offered(wire)
    wire.send(b"a2 STARTTLS\r\n")
    status, text, _ = _imap_answer(wire, "a2")
    if status != "OK":
        raise _refused(wire, text)


def _imap_answer(wire: Wire, tag: str) -> tuple[str, str, set[str]]:
    """Return the tagged status, its line, and the capabilities told on the way."""
    capabilities: set[str] = set()
    while True:
        line = wire.line()
        words = line.upper().split()
        if words[:2] == ["*", "BYE"]:
            raise _turned_away(wire, line[2:])
        if words[:2] == ["*", "CAPABILITY"]:
            capabilities.update(words[2:])
        elif words[:1] == [tag.upper()] and words[1:2] and words[1] in {"OK", "NO", "BAD"}:
            return words[1], line[len(tag) :], capabilities
        elif words[:1] != ["*"]:
            raise wire.garbage(line)


def _pop3(wire: Wire) -> None:
    """RFC 2595, 4; a server without CAPA (RFC 2449) is asked for STLS all the same."""
    okay, text = _pop3_status(wire)
    if not okay:
        raise _turned_away(wire, text)
    wire.send(b"CAPA\r\n")
    if _pop3_status(wire)[0]:
        capabilities = set()
        while (line := wire.line()) != ".":
            capabilities.add(line.strip().upper())
        if "STLS" not in capabilities:
            raise _not_offered(wire, "STLS")
    wire.send(b"STLS\r\n")
    okay, text = _pop3_status(wire)
    if not okay:
        raise _refused(wire, text)


def _pop3_status(wire: Wire) -> tuple[bool, str]:
    line = wire.line()
    word = line.partition(" ")[0].upper()
    if word not in {"+OK", "-ERR"}:
        raise wire.garbage(line)
    return word == "+OK", line


def _ldap(wire: Wire) -> None:
    """RFC 4511, 4.14: one extended request, one response; BER as its section 5.1 restricts it."""
    wire.send(LDAP_REQUEST)
    head = wire.exactly(2)
    more = head[1] - LONG_FORM if head[1] & LONG_FORM else 0
    if head[0] != SEQUENCE or more > MAX_LENGTH_BYTES or head[1] == LONG_FORM:
        raise wire.garbage(head.decode("latin-1"))
    body = wire.exactly(int.from_bytes(wire.exactly(more), "big") if more else head[1])
    try:
        number, rest = _element(body, INTEGER)
        response, _controls = _element(rest, EXTENDED_RESPONSE)
        code, rest = _element(response, ENUMERATED)
        _matched, rest = _element(rest, OCTETS)
        text, _ = _element(rest, OCTETS)
    except ValueError as error:
        raise wire.garbage(body[:SHOWN].decode("latin-1")) from error
    result = int.from_bytes(code, "big")
    if result == PROTOCOL_ERROR:
        raise _not_offered(wire)
    if result or number != b"\x01":  # 0 numbers a notice of disconnection (RFC 4511, 4.4.1)
        raise _refused(wire, f"{result} {text.decode('utf-8', 'backslashreplace')}")


def _element(data: bytes, tag: int) -> tuple[bytes, bytes]:
    """Return the content of the first BER element, and what follows it. Raises ValueError."""
    start = 2
    if len(data) < start or data[0] != tag or data[1] == LONG_FORM:
        raise ValueError
    length = data[1]
    if length & LONG_FORM:
        start += length - LONG_FORM
        length = int.from_bytes(data[2:start], "big")
    if not len(data) >= start + length:
        raise ValueError
    return data[start : start + length], data[start + length :]


def _postgres(wire: Wire) -> None:
    """PostgreSQL's protocol, "SSL Session Encryption": one byte answers the SSLRequest."""
    wire.send(POSTGRES_REQUEST)
    answer = wire.exactly(1)
    if answer == b"N":
        raise _not_offered(wire, "TLS")
    if answer == b"E":  # no version of it, or no room: the server says so in an ErrorResponse
        raise _turned_away(wire, _postgres_error(wire))
    if answer != b"S":
        raise wire.garbage(answer.decode("latin-1"))


def _postgres_error(wire: Wire) -> str:
    length = int.from_bytes(wire.exactly(4), "big")
    fields = wire.exactly(max(length - 4, 0)).split(b"\0")
    text = next((field[1:] for field in fields if field.startswith(b"M")), b"")
    return text.decode("utf-8", "backslashreplace")


_DIALOGUES: Mapping[str, Callable[[Wire], None]] = {
    "smtp": _smtp, "imap": _imap, "pop3": _pop3, "ftp": _ftp, "ldap": _ldap, "postgres": _postgres,
}  # fmt: skip
