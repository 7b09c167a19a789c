"""`toolkit https …`: options and configuration → a request → results → output."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from toolkit.command import application, command
from toolkit.errors import ExitStatus, UsageError
from toolkit.session import Session
from toolkit_https.settings import Settings

if TYPE_CHECKING:
    from toolkit_https.check import Request
    from toolkit_https.model import Result

app = application("Check HTTPS servers as their clients do: verdict, reason and remedy.")

MIN_SECONDS, MAX_SECONDS = 0.1, 3600
EXAMPLES = (
    ("Is this certificate accepted, and until when?", "toolkit https check shop.example"),
    ("With the HTTP request, its redirects and HSTS", "toolkit https check https://shop.example/"),
    ("One of several servers: connect there, verify as shop.example",
     "toolkit https check shop.example@127.0.0.1:8443 --ca ca.pem"),
    ("For a script", "toolkit https check shop.example --format jsonl"),
)  # fmt: skip


@command(app, "check", examples=EXAMPLES)
def check(
    session: Session,
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TARGET]…",
            help="host, host:port, https URL, name@address:port, [IPv6]:port; default: the "
            "configuration's `https.targets`.",
        ),
    ] = None,
    ca: Annotated[
        str | None,
        typer.Option("--ca", metavar="FILE|DIR|system", help="Trust these; default: as requests."),
    ] = None,
    timeout: Annotated[
        float | None, typer.Option("--timeout", metavar="SECONDS", help="Time for one target.")
    ] = None,
) -> ExitStatus:
    """Check whether clients accept the certificate of each TARGET, until when, and if not, why.

    One TLS handshake for each, verified as the Python library requests does it; for an https URL
    also the HTTP request. Exit status: 0 all are trusted, 1 one is not or has a critical finding, 2
    wrong usage, 4 none is untrusted, but one couldn't be checked.
    """
    settings = session.config.section("https", Settings)
    wanted = list(targets or settings.targets)
    if not wanted:
        hint = "name one, or set https.targets in toolkit.yaml"
        raise UsageError("there is no target to check", hint=hint)
    from toolkit_https.views import VIEW  # typer's help needs none of this

    session.output.check_format(VIEW)
    statuses: list[ExitStatus] = []
    session.output.emit(_run(session, settings, wanted, ca, timeout, statuses), VIEW)
    return _worst(statuses)


def _run(
    session: Session,
    settings: Settings,
    wanted: Sequence[str],
    ca: str | None,
    timeout: float | None,
    statuses: list[ExitStatus],
) -> Iterator[Result]:
    from toolkit_https.check import check as check_one
    from toolkit_https.fleet import check_all
    from toolkit_https.targets import parse_target

    parsed = [parse_target(text) for text in dict.fromkeys(wanted)]
    request = _request(session, settings, ca, timeout)
    for result in check_all(parsed, lambda target: check_one(target, request), settings.workers):
        statuses.append(_status(result))
        yield result


def _request(
    session: Session, settings: Settings, ca: str | None, timeout: float | None
) -> Request:
    from toolkit_https.check import Request
    from toolkit_https.policy import make_policy
    from toolkit_https.trust import load_trust

    seconds = settings.timeout if timeout is None else timeout
    if not MIN_SECONDS <= seconds <= MAX_SECONDS:
        raise UsageError(f"{seconds:g} s is no time limit", hint="--timeout takes 0.1 to 3600")
    chosen = settings.ca if ca is None else ca
    origin = "--ca" if ca is not None else f"https.ca, {session.config.origin('https.ca')}"
    # A path in a file is relative to the file, one on the command line to the working directory.
    folder = session.config.folder_of("https.ca") if ca is None else None
    trust = load_trust(chosen, session.environ, origin=origin, cwd=folder or session.cwd)
    return Request(make_policy(trust), seconds, settings.warn_days, settings.critical_days)


def _status(result: Result) -> ExitStatus:
    from toolkit_https.model import Severity, Verdict

    if result.verdict in {Verdict.UNREACHABLE, Verdict.UNVERIFIABLE}:
        return ExitStatus.UNCHECKED
    critical = any(found.severity is Severity.CRITICAL for found in result.findings)
    untrusted = result.verdict is Verdict.UNTRUSTED
    return ExitStatus.NOT_OK if untrusted or critical else ExitStatus.OK


def _worst(statuses: Iterable[ExitStatus]) -> ExitStatus:
    """One that is wrong decides, then one that couldn't be checked."""
    found = set(statuses)
    for status in (ExitStatus.NOT_OK, ExitStatus.UNCHECKED):
        if status in found:
            return status
    return ExitStatus.OK
