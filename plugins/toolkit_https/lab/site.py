"""A plain HTTP server on loopback for what certificates point at: issuers, OCSP, CRLs."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeAlias

from toolkit_https.lab.server import MAX_REQUEST

Answer: TypeAlias = bytes | Callable[[bytes], bytes]
"""The body of a response, or what makes it of the request's body."""


@dataclass(slots=True)
class Site:
    """What is where: path → answer; and the requests that came. Change `answers` at any time."""

    answers: Mapping[str, Answer] = field(default_factory=dict)
    redirects: Mapping[str, str] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    port: int = 0

    def url(self, path: str) -> str:
        """Return the URL of `path`."""
        return f"http://127.0.0.1:{self.port}{path}"

    def handle(self, sock: socket.socket) -> None:
        """Answer one request."""
        head, _, body = _received(sock).partition(b"\r\n\r\n")
        path = head.split(b" ")[1].decode("latin-1")
        self.requests.append(path)
        if path in self.redirects:
            location = self.redirects[path]
            sock.sendall(_response(302, b"", f"Location: {location}"))
            return
        answer = self.answers.get(path)
        if answer is None:
            sock.sendall(_response(404, b""))
            return
        with suppress(BrokenPipeError, ConnectionResetError):  # a client that has had enough
            sock.sendall(_response(200, answer if isinstance(answer, bytes) else answer(body)))


def _received(sock: socket.socket) -> bytes:
    request = b""
    while len(request) < MAX_REQUEST and (part := sock.recv(65536)):
        request += part
        head, end, body = request.partition(b"\r\n\r\n")
        if end and len(body) >= _length(head):
            break
    return request


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


def _response(status: int, body: bytes, *lines: str) -> bytes:
    head = [f"HTTP/1.1 {status} Trial", *lines, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(head).encode("latin-1") + body
