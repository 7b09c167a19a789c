"""The laboratory on its own: every server up at once, and a word on each client that comes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from ipaddress import ip_address

from toolkit.errors import ToolkitError, UsageError
from toolkit.text import clean
from toolkit_https.audit.cases import CASES, Case
from toolkit_https.audit.scenes import HTTPS, scene
from toolkit_https.lab import Lab, Place, Witness

WILDCARD = "wildcard"
"""The control of the cases about wildcards."""


@dataclass(frozen=True, slots=True)
class Served:
    """One server that is up: what a client is to be given, and what it should do.

    `grade` is what accepting it means, "" for a sound server.
    """

    id: str
    url: str
    expect: str
    grade: str
    group: str
    meaning: str
    ca: str
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Seen:
    """A client that came: its address, and whether it sent anything that could be read."""

    id: str
    client: str
    accepted: bool
    judgement: str
    reason: str


def is_loopback(listen: str) -> bool:
    """Whether nobody but this machine can come to the address. Raises UsageError for a name."""
    try:
        return ip_address(listen).is_loopback
    except ValueError as error:
        message = f'"{clean(listen, limit=60)}" is no IP address'
        raise UsageError(message, hint="--listen takes an address of this machine") from error


def servable(case: Case, lab: Lab, listen: str) -> str:
    """Return why `case` has no meaning where the laboratory is, "" if it has one."""
    name = lab.name_of(case.trap)
    if (name[0].isdigit() or ":" in name) and not is_loopback(listen):
        return "made for the loopback address"
    return ""


def _roomy(lab: Lab) -> Lab:
    """Return a laboratory for wildcards: one below a top-level domain is for `wildcard-top` alone.

    Browsers and curl take every name below localhost for this machine (RFC 6761, 6.3).
    """
    return lab if "." in lab.pki.name else lab.named(f"shop.{lab.pki.name}")


@dataclass(frozen=True, slots=True)
class Stand:
    """Where and how to serve: on ports from `first_port` (0: free ones), with the CA in file `ca`.

    `tell` is called for each client that comes, by several threads; `scheme` is what they speak.
    """

    lab: Lab
    listen: str
    first_port: int
    ca: str
    tell: Callable[[Seen], None]
    scheme: str = HTTPS


@contextmanager
def serving(stand: Stand, cases: Sequence[Case] = CASES) -> Iterator[list[Served]]:
    """Start the servers of `cases`, and end them all.

    Raises ToolkitError where one can't listen; one for an IPv6 address is left out if there is no
    IPv6.
    """
    listen, wild = stand.listen, _roomy(stand.lab)
    ports = itertools.count(stand.first_port) if stand.first_port else itertools.repeat(0)
    found: list[Served] = []
    with ExitStack() as stack:
        for case in cases:
            lab = wild if WILDCARD in {case.id, case.control} else stand.lab
            name = lab.name_of(case.trap)
            host = "" if name[0].isdigit() or ":" in name else listen
            place = Place(host, lambda: next(ports), _reporter(case, stand.tell))
            try:
                played = stack.enter_context(scene(case, lab, place, stand.scheme))
            except OSError as error:
                if ":" in name:
                    continue
                raise _cannot(listen, error) from error
            found.append(
                Served(
                    case.id, played.url, "accept" if case.accept else "refuse",
                    str(case.grade or ""), case.group, case.meaning, stand.ca, host or name,
                    played.port,
                )
            )  # fmt: skip
        yield found


def _cannot(listen: str, error: OSError) -> ToolkitError:
    reason = error.strerror or type(error).__name__
    return ToolkitError(
        f"cannot listen on {listen}: {reason}",
        hint="choose another --listen or --port; each server takes one port, some two",
    )


def _reporter(case: Case, tell: Callable[[Seen], None]) -> Callable[[str, Witness], None]:
    def report(client: str, seen: Witness) -> None:
        accepted = bool(seen.decrypted or seen.plain)
        reason = seen.alerts[-1] if seen.alerts else ""
        if seen.hellos or accepted:
            tell(Seen(case.id, client, accepted, _judgement(case, accepted=accepted), reason))

    return report


def _judgement(case: Case, *, accepted: bool) -> str:
    if accepted == case.accept:
        return "right"
    return str(case.grade) if case.grade else "it should have accepted"
