"""A laboratory of real TLS servers on loopback: sound ones, wrong ones, and ones that misbehave.

    with Lab() as lab:
        endpoint = lab.start("expired")

Used by `toolkit demo` and by the tests. Keys live in memory only; the end of the block ends all.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL

from toolkit.errors import ToolkitError
from toolkit.text import clean, did_you_mean
from toolkit_https.lab.pki import LIFETIME_DAYS
from toolkit_https.lab.server import (
    MISBEHAVING,
    Handler,
    Response,
    Server,
    tls_context,
    tls_handler,
)
from toolkit_https.lab.site import Site
from toolkit_https.lab.traps import INTERPRETER_DEPENDENT, NAME, TRAPS, Pki, Presented, Trap
from toolkit_https.lab.tricks import TRICKS
from toolkit_https.lab.witness import Place, Watched, Witness, watching_tls

__all__ = [
    "MISBEHAVING",
    "TRAPS",
    "Endpoint",
    "Lab",
    "Place",
    "Presented",
    "Response",
    "Site",
    "Trap",
    "Watched",
    "Witness",
]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A running server: connect to `host` and `port`, expect `name`, trust `ca_pem`.

    `heard` collects the requests that it decrypted: a client that refused has sent none.
    """

    trap: str
    name: str
    host: str
    port: int
    ca_pem: bytes
    heard: list[bytes] = field(default_factory=list)

    @property
    def target(self) -> str:
        """The server as a target of `toolkit https check`."""
        address = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.name}@{address}:{self.port}"

    @property
    def url(self) -> str:
        """Its https URL, with the name it is to be verified as."""
        name = f"[{self.name}]" if ":" in self.name else self.name
        return f"https://{name}:{self.port}/"


class Lab:
    """Starts servers and ends them all; one trial authority signs for all of them."""

    def __init__(self, name: str = NAME, days: float = LIFETIME_DAYS) -> None:
        """Make nothing yet: keys are made when a server needs them.

        The servers are for `name`, their certificates last `days`.
        """
        self.pki = Pki(name, days)
        self._servers: list[Server] = []
        self._contexts: dict[str, SSL.Context] = {}
        self._making = threading.Lock()

    def named(self, name: str) -> Lab:
        """Return a laboratory for another name whose clients trust the same root."""
        other = Lab(name, self.pki.days)
        other.pki = self.pki.named(name)
        return other

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End every server."""
        while self._servers:
            self._servers.pop().close()

    @property
    def ca_pem(self) -> bytes:
        """The trial root, as clients are given it."""
        return self.pki.root.certificate.public_bytes(Encoding.PEM)

    def present(
        self, presented: Presented, *, staple: bytes = b"", alpn: Sequence[bytes] = ()
    ) -> Endpoint:
        """Start a sound server that presents what it is given.

        It staples that OCSP response, and chooses by ALPN the first of `alpn` that it is offered.
        """
        context = tls_context(TRAPS["good"], presented)
        if staple:
            context.set_ocsp_server_callback(lambda _connection, _data: staple)
        if alpn:
            context.set_alpn_select_callback(lambda _, offered: _choice(alpn, offered))
        heard: list[bytes] = []
        server = self.run(tls_handler(lambda: context, Response(), heard))
        return Endpoint("good", self.pki.name, "127.0.0.1", server.port, self.ca_pem, heard)

    def site(self) -> Site:
        """Start a plain HTTP server, empty at first, for what certificates point at."""
        site = Site()
        site.port = self.run(site.handle).port
        return site

    def start(
        self, identifier: str, *, response: Response | None = None, alternate: bool = False
    ) -> Endpoint:
        """Start the server `identifier` (of TRAPS or MISBEHAVING) and return where it is.

        `alternate` makes each connection get a new certificate, as a careless load balancer does.
        Raises ToolkitError for an identifier that is none.
        """
        if identifier in MISBEHAVING:
            server = self.run(MISBEHAVING[identifier])
            return Endpoint(identifier, self.pki.name, "127.0.0.1", server.port, self.ca_pem)
        trap = trap_of(identifier)
        context = tls_context(trap, trap.build(self.pki))
        heard: list[bytes] = []
        handler = tls_handler(
            (lambda: tls_context(trap, trap.build(self.pki))) if alternate else lambda: context,
            response or Response(),
            heard,
        )
        server = self.run(handler, trap.host)
        return Endpoint(identifier, self.name_of(trap), trap.host, server.port, self.ca_pem, heard)

    def start_all(self) -> dict[str, Endpoint]:
        """Start every server of TRAPS, traps and accept controls, and return them by id."""
        return {identifier: self.start(identifier) for identifier in TRAPS}

    def name_of(self, trap: Trap) -> str:
        """Return the name that a client of `trap` must ask for in this laboratory."""
        return trap.name.replace(NAME, self.pki.name)

    @contextmanager
    def watched(
        self, identifier: str, place: Place, response: Response | None = None
    ) -> Iterator[tuple[Watched, str]]:
        """Run the server `identifier` until the block ends: what it sees, and the name it is for.

        Raises OSError if it can't listen at `place`.
        """
        trap = trap_of(identifier)
        behaviour = watching_tls(lambda: self.context(identifier), response or Response())
        watched = Watched(trap.host, behaviour, place)
        try:
            yield watched, self.name_of(trap)
        finally:
            watched.close()

    def context(self, identifier: str) -> SSL.Context:
        """Return the server's context, made once: keys take longer than handshakes."""
        with self._making:
            if identifier not in self._contexts:
                trap = trap_of(identifier)
                self._contexts[identifier] = tls_context(trap, trap.build(self.pki))
            return self._contexts[identifier]

    def redirecting(self, location: str, **headers: str) -> Endpoint:
        """Start a sound server that redirects to `location`."""
        return self.start("good", response=Response(301, {"Location": location, **headers}))

    def closed_port(self) -> int:
        """Return a port of 127.0.0.1 where nothing listens."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            return int(listener.getsockname()[1])

    def run(self, handler: Handler, host: str = "127.0.0.1") -> Server:
        """Start a server that hands each connection to `handler`."""
        server = Server(host, handler)
        self._servers.append(server)
        return server


def _choice(known: Sequence[bytes], offered: Sequence[bytes]) -> bytes:
    return next((name for name in known if name in offered), b"")


def trap_of(identifier: str) -> Trap:
    """Return the server `identifier`. Raises ToolkitError if there is none."""
    known = {**TRAPS, **INTERPRETER_DEPENDENT, **TRICKS}
    if identifier not in known:
        message = f'the laboratory has no server "{clean(identifier, limit=60)}"'
        raise ToolkitError(message, hint=did_you_mean(identifier, [*known, *MISBEHAVING]))
    return known[identifier]
