"""The servers of one trial: one, or two where the first redirects to the second."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace

from toolkit_https.audit.cases import Case, Play
from toolkit_https.lab import Lab, Place, Response, Watched, Witness
from toolkit_https.lab.starttls import watched_starttls, watched_stripped
from toolkit_https.lab.witness import hear_plain, refusing_tls

LOOPBACK = "127.0.0.1"
HTTPS = "https"


@dataclass(frozen=True, slots=True)
class Scene:
    """Where the client is sent (`url`), and the servers in the order in which it should come."""

    name: str
    scheme: str
    servers: tuple[Watched, ...]

    @property
    def port(self) -> int:
        """The port of the first server."""
        return self.servers[0].port

    @property
    def url(self) -> str:
        """The URL of the first server."""
        return url(self.scheme, self.name, self.port)

    @property
    def first(self) -> Witness:
        """What the server that the client was sent to saw."""
        return self.servers[0].witness

    @property
    def last(self) -> Witness:
        """What the server saw whose acceptance is the question."""
        return self.servers[-1].witness

    def settle(self, seconds: float) -> bool:
        """Wait until all servers have read what was sent; False if one hasn't in time."""
        return all(server.settle(seconds) for server in self.servers)


@contextmanager
def scene(case: Case, lab: Lab, place: Place, scheme: str = HTTPS) -> Iterator[Scene]:
    """Start the servers of `case`, and end them. Raises OSError where they can't listen.

    With another `scheme` (of lab.starttls.PROTOCOLS) they speak that, up to STARTTLS; `case` is
    then one that `speakable` returned.
    """
    if scheme == HTTPS:
        with _web_scene(case, lab, place) as played:
            yield played
    elif case.play is Play.PLAIN:
        with watched_stripped(place, scheme) as server:
            yield Scene(lab.pki.name, scheme, (server,))
    else:
        with watched_starttls(lab, case.server, place, scheme) as (server, name):
            yield Scene(name, scheme, (server,))


def speakable(cases: Iterable[Case], scheme: str) -> list[Case]:
    """Return the cases that there are behind `scheme`: redirects are HTTP's alone."""
    without = {Play.DIRECT, Play.PLAIN}
    return [case for case in cases if scheme == HTTPS or case.play in without]


@contextmanager
def _web_scene(case: Case, lab: Lab, place: Place) -> Iterator[Scene]:
    quiet = replace(place, report=None)
    with ExitStack() as stack:
        if case.play is Play.PLAIN:
            plain = stack.enter_context(closing(Watched(LOOPBACK, refusing_tls, place)))
            yield Scene(lab.pki.name, HTTPS, (plain,))
        elif case.play is Play.DOWNGRADE:
            last = stack.enter_context(closing(Watched(LOOPBACK, hear_plain, place)))
            yield _redirecting(stack, lab, quiet, url("http", lab.pki.name, last.port), last)
        else:
            last, name = stack.enter_context(lab.watched(case.server, place))
            if case.play is Play.DIRECT:
                yield Scene(name, HTTPS, (last,))
            else:
                yield _redirecting(stack, lab, quiet, url(HTTPS, name, last.port), last)


def _redirecting(stack: ExitStack, lab: Lab, place: Place, location: str, last: Watched) -> Scene:
    """Put a sound server before `last` that redirects to it."""
    response = Response(302, {"Location": location})
    first, name = stack.enter_context(lab.watched("good", place, response))
    return Scene(name, HTTPS, (first, last))


def url(scheme: str, name: str, port: int) -> str:
    """Return the URL of the root of a server; an IPv6 address gets its brackets (RFC 3986)."""
    host = f"[{name}]" if ":" in name else name
    return f"{scheme}://{host}:{port}/"
