"""`toolkit https …`: options and configuration → a request → results → output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import StringIO
from typing import TYPE_CHECKING, Annotated, Any

import typer

from toolkit.command import application, command
from toolkit.errors import ExitStatus, UsageError
from toolkit.files import write_atomic
from toolkit.session import Session
from toolkit.text import clean, did_you_mean
from toolkit_https import options
from toolkit_https.settings import Settings

if TYPE_CHECKING:
    from toolkit_https.check import Request
    from toolkit_https.model import Result
    from toolkit_https.targets import Target

app = application("Check HTTPS servers as their clients do: verdict, reason and remedy.")

POLICIES, SEVERITIES = ("requests", "strict"), ("critical", "warning", "never")
VERIFY = (
    ("Is the new certificate right for shop.example?",
     "toolkit https verify fullchain.pem --key key.pem --host shop.example --ca ca.pem"),
)  # fmt: skip
EXPLAIN = (("What it means, and how to mend it", "toolkit https explain incomplete-chain"),)
MIN_SECONDS, MAX_SECONDS = 0.1, 3600
EXAMPLES = (
    ("Is this certificate accepted, and until when?", "toolkit https check shop.example"),
    ("With the HTTP request, its redirects and HSTS", "toolkit https check https://shop.example/"),
    ("One of several servers: connect there, verify as shop.example",
     "toolkit https check shop.example@127.0.0.1:8443 --ca ca.pem"),
    ("A mail server, through STARTTLS", "toolkit https check smtp://mx.example:587"),
    ("For a script", "toolkit https check shop.example --format jsonl"),
    ("For Nagios", "toolkit https check shop.example --format nagios --warn 14d"),
    ("For Prometheus' textfile collector",
     "toolkit https check shop.example --format prometheus --output https.prom"),
)  # fmt: skip


@command(app, "check", examples=EXAMPLES, formats=("nagios", "prometheus"))
def check(
    session: Session,
    targets: options.Targets = None,
    ca: options.Ca = None,
    timeout: options.Timeout = None,
    policy: options.Policy = None,
    warn: options.Warn = None,
    critical: options.Critical = None,
    fail_on: options.FailOn = None,
    file: options.File = None,
    ipv4: options.Ipv4 = False,
    ipv6: options.Ipv6 = False,
    all_addresses: options.AllAddresses = False,
    sni: options.Sni = "",
    proxy: options.Proxy = None,
    expect_issuer: options.ExpectIssuer = "",
    expect_fingerprint: options.ExpectFingerprint = "",
    output: options.Output = None,
) -> ExitStatus:  # fmt: skip
    """Check whether clients accept the certificate of each TARGET, until when, and if not, why.

    One TLS handshake for each, verified as the Python library requests does it; for an https URL
    also the HTTP request. Exit status: 0 all are trusted, 1 one is not or has a critical finding, 2
    wrong usage, 4 none is untrusted, but one couldn't be checked. With --format nagios it is
    Nagios' own 0 to 3.
    """
    settings = _chosen(
        session.config.section("https", Settings),
        ca=ca, timeout=timeout, policy=policy, warn=warn, critical=critical, fail_on=fail_on,
    )  # fmt: skip
    from toolkit_https.gather import Wanted, gather  # typer's help needs none of this
    from toolkit_https.pins import make_pins
    from toolkit_https.proxy import chooser
    from toolkit_https.reach import Way
    from toolkit_https.views import VIEW

    session.output.check_format(VIEW)
    wanted = Wanted(tuple(targets or ()), file, settings.targets, sni, all_addresses, ipv4, ipv6)
    request = replace(
        _request(session, settings, named=ca is not None),
        pins=make_pins(expect_issuer, expect_fingerprint),
        way=Way(wanted.lookup, chooser(session.environ, proxy)),
    )
    seen: list[Result] = []
    results = _run(gather(wanted, session.cwd), request, settings.workers, seen)
    if output is None:
        session.output.emit(results, VIEW)
    else:
        buffer = StringIO()
        replace(session.output, stdout=buffer, color="never").emit(results, VIEW)
        write_atomic(session.cwd / output, buffer.getvalue())
    return exit_status(seen, settings.fail_on, session.output.format)


@command(app, "verify", examples=VERIFY, formats=("nagios", "prometheus"))
def verify(
    session: Session,
    certificate: options.VerifyCertificate,
    host: options.VerifyHost,
    chain: options.VerifyChain = None,
    key: options.VerifyKey = None,
    crl: options.VerifyCrl = None,
    ca: options.Ca = None,
    at: options.VerifyAt = "",
    policy: options.VerifyPolicy = None,
) -> ExitStatus:
    """Verify files before they are installed: the verdict and findings that a server would get.

    A passphrase is asked for on the terminal, or taken from TOOLKIT_HTTPS_PASSPHRASE.
    """
    from toolkit_https.verify_command import Asked, run
    from toolkit_https.views import VIEW

    settings = _chosen(session.config.section("https", Settings), ca=ca, policy=policy)
    session.output.check_format(VIEW)
    asked = Asked(certificate, tuple(chain or ()), key, tuple(crl or ()), host, at)
    result = run(session, asked, _request(session, settings, named=ca is not None))
    session.output.emit([result], VIEW)
    return exit_status([result], settings.fail_on, session.output.format)


@command(app, "explain", examples=EXPLAIN)
def explain(
    session: Session,
    findings: Annotated[
        list[str] | None, typer.Argument(metavar="[FINDING]…", help="Ids; default: all of them.")
    ] = None,
) -> ExitStatus:
    """Explain findings: what they mean, who refuses, and how to mend it on common servers."""
    from toolkit_https.explain import VIEW, chosen

    session.output.emit(chosen(findings or []), VIEW)
    return ExitStatus.OK


def _chosen(settings: Settings, **options: object) -> Settings:
    """Return the settings with the options that were given; a wrong one is a usage error."""
    given = {name: value for name, value in options.items() if value is not None}
    for name, known in (("policy", POLICIES), ("fail_on", SEVERITIES)):
        if name in given and given[name] not in known:
            word = clean(str(given[name]), limit=40)
            option = f"--{name.replace('_', '-')}"
            raise UsageError(f'{option} "{word}" is none of: {", ".join(known)}',
                             hint=did_you_mean(word, known))  # fmt: skip
    changed: Any = given
    return replace(settings, **changed)


def _run(
    targets: Sequence[Target], request: Request, workers: int, seen: list[Result]
) -> Iterator[Result]:
    from toolkit_https.check import check as check_one
    from toolkit_https.fleet import check_all
    from toolkit_https.gather import differing

    for result in check_all(targets, lambda target: check_one(target, request), workers):
        told = differing(result, seen)
        seen.append(told)
        yield told


def _request(session: Session, settings: Settings, *, named: bool) -> Request:
    from toolkit_https.check import Request
    from toolkit_https.expiry import CRITICAL, WARN, Thresholds, parse_threshold
    from toolkit_https.policy import make_policy
    from toolkit_https.trust import load_trust

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
    return Request(make_policy(trust), settings.timeout, thresholds, strict)


def exit_status(results: Sequence[Result], fail_on: str, chosen: str) -> ExitStatus:
    """Return the status for `results`: what is wrong decides, then what couldn't be checked."""
    if chosen == "nagios":
        from toolkit_https.monitors import nagios_state, worst_state

        return ExitStatus(worst_state(map(nagios_state, results)))
    statuses = {_status(result, fail_on) for result in results}
    for status in (ExitStatus.NOT_OK, ExitStatus.UNCHECKED):
        if status in statuses:
            return status
    return ExitStatus.OK


def _status(result: Result, fail_on: str) -> ExitStatus:
    from toolkit_https.model import Severity, Verdict

    if fail_on == "never":
        return ExitStatus.OK
    if result.verdict in {Verdict.UNREACHABLE, Verdict.UNVERIFIABLE}:
        return ExitStatus.UNCHECKED
    grave = {Severity.CRITICAL} | ({Severity.WARNING} if fail_on == "warning" else set())
    found = any(item.severity in grave for item in result.findings)
    untrusted = result.verdict is Verdict.UNTRUSTED
    return ExitStatus.NOT_OK if untrusted or found else ExitStatus.OK
