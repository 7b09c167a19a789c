"""Trap servers that speak plaintext first: SMTP, IMAP, POP3 and FTP up to STARTTLS, and after it.

Each does what real servers do as far as a client looks: it greets, tells that it has STARTTLS,
goes over to TLS, and says yes to what then comes. A server that is `stripped` has no STARTTLS, as
one has whose offer somebody on the way has taken out (RFC 3207, 6).
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass

from OpenSSL import SSL

from toolkit_https.lab import Lab, trap_of
from toolkit_https.lab.server import MAX_REQUEST
from toolkit_https.lab.witness import Behaviour, Place, Watched, Witness, shaking


@dataclass(frozen=True, slots=True)
class Protocol:
    """What a server says; `replies` are by the command's first word, {tag} is IMAP's.

    starts    the command that begins TLS
    secret    commands that tell something, or act: in plain text they are an acceptance
    """

    greeting: bytes
    starts: bytes
    okay: bytes
    refusal: bytes
    default: bytes
    secret: frozenset[bytes]
    replies: Mapping[bytes, bytes]
    tagged: bool = False


PROTOCOLS: Mapping[str, Protocol] = {
    "smtp": Protocol(  # RFC 5321, RFC 3207
        b"220 trial ESMTP\r\n", b"STARTTLS", b"220 go ahead\r\n", b"502 not implemented\r\n",
        b"250 well\r\n", frozenset({b"AUTH", b"MAIL", b"RCPT", b"DATA"}),
        {b"EHLO": b"250-trial\r\n250 STARTTLS\r\n", b"QUIT": b"221 bye\r\n"}),
    "imap": Protocol(  # RFC 9051
        b"* OK trial\r\n", b"STARTTLS", b"{tag} OK go ahead\r\n", b"{tag} BAD not here\r\n",
        b"{tag} OK well\r\n", frozenset({b"LOGIN", b"AUTHENTICATE"}),
        {b"CAPABILITY": b"* CAPABILITY IMAP4rev1 STARTTLS\r\n{tag} OK well\r\n",
         b"LOGOUT": b"* BYE bye\r\n{tag} OK well\r\n"}, tagged=True),
    "pop3": Protocol(  # RFC 1939, RFC 2449, RFC 2595
        b"+OK trial\r\n", b"STLS", b"+OK go ahead\r\n", b"-ERR not here\r\n", b"+OK well\r\n",
        frozenset({b"USER", b"PASS", b"APOP", b"AUTH"}),
        {b"CAPA": b"+OK well\r\nUSER\r\nSTLS\r\n.\r\n",
         **dict.fromkeys((b"LIST", b"UIDL", b"RETR"), b"+OK well\r\n.\r\n")}),
    "ftp": Protocol(  # RFC 959, RFC 4217
        b"220 trial\r\n", b"AUTH", b"234 go ahead\r\n", b"502 not implemented\r\n", b"200 well\r\n",
        frozenset({b"USER", b"PASS", b"STOR", b"PBSZ", b"PROT"}), {b"QUIT": b"221 bye\r\n"}),
}  # fmt: skip


class SpeakingFirst(Watched):
    """A server that greets a client before it has said anything."""

    def __init__(self, host: str, behaviour: Behaviour, place: Place, greeting: bytes) -> None:
        """Listen at `place`, or on `host` if it names none. Raises OSError where that can't be."""
        self._greeting = greeting  # first: connections come as soon as it listens
        super().__init__(host, behaviour, place)

    def _handle(self, sock: socket.socket) -> None:
        sock.sendall(self._greeting)
        super()._handle(sock)


@contextmanager
def watched_starttls(
    lab: Lab, identifier: str, place: Place, protocol: str
) -> Iterator[tuple[Watched, str]]:
    """Run a server that goes over to TLS as `identifier`: what it sees, and the name to ask for.

    `protocol` is a key of PROTOCOLS. Raises OSError if it can't listen at `place`.
    """
    speech, trap = PROTOCOLS[protocol], trap_of(identifier)

    def behave(sock: socket.socket, witness: Witness) -> None:
        if _until_starttls(sock, speech, witness, stripped=False):
            _tls(sock, speech, lab.context(identifier), witness)

    with closing(SpeakingFirst(trap.host, behave, place, speech.greeting)) as server:
        yield server, lab.name_of(trap)


@contextmanager
def watched_stripped(place: Place, protocol: str) -> Iterator[Watched]:
    """Run a server without STARTTLS: a client that goes on tells it everything in plain text."""
    speech = PROTOCOLS[protocol]

    def behave(sock: socket.socket, witness: Witness) -> None:
        _until_starttls(sock, speech, witness, stripped=True)

    with closing(SpeakingFirst("127.0.0.1", behave, place, speech.greeting)) as server:
        yield server


def _until_starttls(
    sock: socket.socket, speech: Protocol, witness: Witness, *, stripped: bool
) -> bool:
    """Answer in plain text; return whether TLS begins next. Secrets are noted as accepted.

    A client that asks a `stripped` server what it can do, and then leaves, has refused it.
    """
    while line := _line(sock):
        tag, command = _parsed(line, speech)
        witness.hellos += stripped and not witness.hellos
        if command == speech.starts and not stripped:
            sock.sendall(speech.okay.replace(b"{tag}", tag))
            return True
        if command in speech.secret and command != speech.starts:
            witness.plain.append(line)
        sock.sendall(_reply(speech, tag, command, stripped=stripped))
    return False


def _tls(sock: socket.socket, speech: Protocol, context: SSL.Context, witness: Witness) -> None:
    witness.hellos += 1
    connection = SSL.Connection(context, sock)
    connection.set_accept_state()
    with shaking(connection, witness):
        while line := connection.recv(MAX_REQUEST):
            witness.decrypted.append(line)
            connection.sendall(_reply(speech, *_parsed(line, speech), stripped=True))


def _reply(speech: Protocol, tag: bytes, command: bytes, *, stripped: bool) -> bytes:
    """Return the answer to a command; `stripped` of the offer to begin TLS."""
    reply = speech.replies.get(command, speech.default)
    if stripped and command == speech.starts:
        reply = speech.refusal
    elif stripped:
        offers = (b"250-trial\r\n250 STARTTLS\r\n", b" STARTTLS\r\n", b"STLS\r\n")
        for offer, without in zip(offers, (b"250 trial\r\n", b"\r\n", b""), strict=True):
            reply = reply.replace(offer, without)
    return reply.replace(b"{tag}", tag)


def _parsed(line: bytes, speech: Protocol) -> tuple[bytes, bytes]:
    """Return IMAP's tag ("" in other protocols) and the command in upper case."""
    words = line.split()
    tag = words.pop(0) if speech.tagged and words else b""
    return tag, words[0].upper() if words else b""


def _line(sock: socket.socket) -> bytes:
    """Return the next line, or nothing at the end; not a byte more: what follows is TLS."""
    line = b""
    while not line.endswith(b"\n") and len(line) < MAX_REQUEST:
        byte = sock.recv(1)
        if not byte:
            return b""
        line += byte
    return line
