"""From the options of `toolkit https check` to results, written where they are wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.errors import ExitStatus, UsageError
from toolkit.session import Session
from toolkit.text import clean
from toolkit_https.addresses import compared
from toolkit_https.check import Request, check
from toolkit_https.expiry import CRITICAL, WARN, Thresholds, parse_threshold
from toolkit_https.fetching import Fetching
from toolkit_https.fleet import check_all
from toolkit_https.gather import Wanted, gather
from toolkit_https.model import Result
from toolkit_https.pins import make_pins
from toolkit_https.policy import make_policy
from toolkit_https.reach import Way, proxies
from toolkit_https.settings import Settings
from toolkit_https.statuses import status_of, worst
from toolkit_https.targets import Target
from toolkit_https.trust import load_trust
from toolkit_https.views import VIEW

if TYPE_CHECKING:
    from toolkit_https.cache import Cache
    from toolkit_https.identity import Identity

MIN_SECONDS, MAX_SECONDS = 0.1, 3600


@dataclass(frozen=True, slots=True)
class Asked:
    """The command line, but for what the configuration may say as well."""

    targets: tuple[str, ...]
    file: Path | None
    sni: str
    all_addresses: bool
    ipv4: bool
    ipv6: bool
    proxy: str | None
    expect_issuer: str
    expect_fingerprint: str
    protocols: bool
    save_chain: Path | None
    output: Path | None
    client_cert: Path | None
    client_key: Path | None
    ca_named: bool
    clients: tuple[str, ...] = ()


@dataclass(slots=True)
class _Seen:
    """What a run keeps of its results: little, so that memory is bounded for any fleet."""

    statuses: set[int] = field(default_factory=set)
    chain_pem: str = ""


def run(session: Session, settings: Settings, asked: Asked) -> ExitStatus:
    """Check, write the results as they come and return the status of all.

    Raises UsageError before the first.
    """
    session.output.check_format(VIEW)
    wanted = Wanted(
        asked.targets, asked.file, settings.targets, asked.sni, asked.all_addresses, asked.ipv4,
        asked.ipv6, str(session.config.origin("https.targets")), settings.timeout,
    )  # fmt: skip
    request = _full_request(session, settings, asked, wanted)
    targets = gather(wanted, session.cwd)
    if asked.save_chain and len(targets) != 1:
        raise UsageError(f"--save-chain is for one target, and here are {len(targets)}")
    if asked.save_chain:
        _check_chain_place(session.cwd / asked.save_chain)
    seen, chosen = _Seen(), session.output.format
    results = _run(
        compared(check_all(targets, _checker(session, request, asked), settings.workers), targets),
        seen,
        lambda result: status_of(result, settings.fail_on, chosen),
    )
    session.output.emit_to(asked.output, results, VIEW)
    if asked.save_chain:
        _save_chain(session, seen.chain_pem, asked.save_chain)
    return worst(seen.statuses, chosen)


def _full_request(session: Session, settings: Settings, asked: Asked, wanted: Wanted) -> Request:
    environ = session.environ
    identity = _identity(session, asked.client_cert, asked.client_key)
    return replace(
        make_request(session, settings, asked.ca_named, identity),
        pins=make_pins(asked.expect_issuer, asked.expect_fingerprint),
        way=Way(wanted.lookup, proxies(environ, asked.proxy)),
        fetching=Fetching(wanted.lookup, environ, asked.proxy) if settings.fetch else None,
        revocation=settings.revocation,
        cache=_cache(session) if settings.revocation != "off" else None,
        save_chain=asked.save_chain is not None,
        protocols=asked.protocols,
    )


def _cache(session: Session) -> Cache | None:
    from toolkit_https.cache import user_cache

    return user_cache(session.environ)


def _check_chain_place(path: Path) -> None:
    """Raise UsageError where no chain can be written, or something else would be lost by it."""
    from toolkit.files import check_place  # where a file is wanted

    check_place(path)
    try:
        before = path.read_bytes() if path.is_file() else b""
    except OSError:
        before = b"?"  # what can't be read is not ours
    if before and (b"PRIVATE KEY" in before or b"BEGIN CERTIFICATE" not in before):
        message = f"{clean(str(path))}: is there, and holds something else than certificates alone"
        raise UsageError(message, hint="name another file; a chain of certificates is replaced")


def _checker(session: Session, request: Request, asked: Asked) -> Callable[[Target], Result]:
    """Return what is done for one target. Raises UsageError for an unknown client."""
    if not asked.clients:
        return lambda target: check(target, request)
    from toolkit_https.beside import make_beside  # what few checks need, they pay for

    beside = make_beside(asked.clients, session.environ, request.policy.trust, request.timeout)
    return lambda target: beside.add(check(target, request), target)


def _run(
    results: Iterable[Result], seen: _Seen, status: Callable[[Result], int]
) -> Iterator[Result]:
    for result in results:
        seen.statuses.add(status(result))
        seen.chain_pem += result.chain_pem
        yield result


def _save_chain(session: Session, pem: str, path: Path) -> None:
    if not pem:
        session.output.warn(
            f"{clean(str(path))}: not written: there is no chain that clients would accept",
            "the finding above says what is missing",
        )
        return
    from toolkit.files import write_atomic  # where a file is wanted

    write_atomic(session.cwd / path, pem)
    count = pem.count("BEGIN CERTIFICATE")
    which = "1 certificate" if count == 1 else f"{count} certificates"
    session.output.say(f"{clean(str(path))}: {which}, for the server to send")


def _identity(session: Session, certificate: Path | None, key: Path | None) -> Identity | None:
    if certificate is None:
        if key is not None:
            raise UsageError("--client-key is for --client-cert, which is missing")
        return None
    from toolkit_https.identity import load_identity
    from toolkit_https.verify_command import asker

    place = session.cwd / key if key else None
    return load_identity(session.cwd / certificate, place, asker(session))


def make_request(
    session: Session, settings: Settings, named: object, identity: Identity | None = None
) -> Request:
    """Return what the settings ask for: trust store, thresholds, policy. Raises UsageError.

    `named` tells that the store was named on the command line.
    """
    if not MIN_SECONDS <= settings.timeout <= MAX_SECONDS:
        message = f"{settings.timeout:g} s is no time limit"
        raise UsageError(message, hint="--timeout takes 0.1 to 3600")
    thresholds = Thresholds(
        parse_threshold(settings.warn, WARN), parse_threshold(settings.critical, CRITICAL)
    )
    origin = "--ca" if named else f"https.ca, {session.config.origin('https.ca')}"
    # A path in a file is relative to the file, one on the command line to the working directory.
    folder = None if named else session.config.folder_of("https.ca")
    trust = load_trust(settings.ca, session.environ, origin=origin, cwd=folder or session.cwd)
    strict = settings.policy == "strict"
    return Request(make_policy(trust, identity=identity), settings.timeout, thresholds, strict)
