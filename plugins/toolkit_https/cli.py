"""`toolkit https …`: options and configuration → a request → results → output."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import typer

from toolkit.command import application, command
from toolkit.errors import ExitStatus, UsageError
from toolkit.session import Session
from toolkit.text import clean, did_you_mean
from toolkit_https import cli_code, options
from toolkit_https.settings import Settings

app = application("Check HTTPS servers as their clients do: verdict, reason and remedy.")

GRADES = ("dangerous", "lax")
MAX_SECONDS = 3600
VERIFY = (
    ("Is the new certificate right for shop.example?",
     "toolkit https verify fullchain.pem --key key.pem --host shop.example --ca ca.pem"),
)  # fmt: skip
EXPLAIN = (("What it means, and how to mend it", "toolkit https explain incomplete-chain"),)
AUDIT = (
    ("Does this command verify?", "toolkit https audit -- curl -sS --cacert {ca} {url}"),
    (
        "A program that takes the CA from its environment",
        "toolkit https audit -- sh -c 'curl -sS {url}'",
    ),
    ("All ready-made clients on this machine", "toolkit https audit --client all"),
    (
        "urllib of another interpreter",
        "toolkit https audit --client urllib --python python3 --trap expired,wrong-host",
    ),
    (
        "A mail client, through STARTTLS",
        "toolkit https audit --starttls smtp -- curl -sS --ssl-reqd --cacert {ca} {url}",
    ),
)
LAB = (
    ("Every sound server and every trap, on loopback", "toolkit https lab --ca-out ca.pem"),
    ("For a device in the network", "toolkit https lab --listen 0.0.0.0 --name lab.example"),
    ("A mail server of each kind of certificate", "toolkit https lab --starttls imap"),
    ("What there is", "toolkit https lab --list"),
)
EXAMPLES = (
    ("Is this certificate accepted, and until when?", "toolkit https check shop.example"),
    ("With the HTTP request, its redirects and HSTS", "toolkit https check https://shop.example/"),
    ("One of several servers: connect there, verify as shop.example",
     "toolkit https check shop.example@127.0.0.1:8443 --ca ca.pem"),
    ("A mail server, through STARTTLS", "toolkit https check smtp://mx.example:587"),
    ("And will these clients accept it?", "toolkit https check shop.example --client curl,urllib"),
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
    revocation: options.Revocation = None,
    no_fetch: options.NoFetch = False,
    save_chain: options.SaveChain = None,
    protocols: options.Protocols = False,
    client_cert: options.ClientCert = None,
    client_key: options.ClientKey = None,
    expect_issuer: options.ExpectIssuer = "",
    expect_fingerprint: options.ExpectFingerprint = "",
    client: options.CheckClient = None,
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
        revocation=revocation, fetch=False if no_fetch else None,
    )  # fmt: skip
    from toolkit_https.check_command import Asked, run  # typer's help needs none of this

    asked = Asked(
        targets=tuple(targets or ()), file=file, sni=sni, all_addresses=all_addresses, ipv4=ipv4,
        ipv6=ipv6, proxy=proxy, expect_issuer=expect_issuer, protocols=protocols,
        expect_fingerprint=expect_fingerprint, save_chain=save_chain, output=output,
        client_cert=client_cert, client_key=client_key, ca_named=ca is not None,
        clients=tuple(client or ()),
    )  # fmt: skip
    return run(session, settings, asked)


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
    from toolkit_https.check_command import make_request
    from toolkit_https.statuses import status_of, worst
    from toolkit_https.verify_command import Asked, run
    from toolkit_https.views import VIEW

    settings = _chosen(session.config.section("https", Settings), ca=ca, policy=policy)
    session.output.check_format(VIEW)
    asked = Asked(certificate, tuple(chain or ()), key, tuple(crl or ()), host, at)
    result = run(session, asked, make_request(session, settings, ca is not None))
    session.output.emit([result], VIEW)
    chosen = session.output.format
    return worst([status_of(result, settings.fail_on, chosen)], chosen)


@command(app, "audit", examples=AUDIT, formats=("markdown",))
def audit(
    session: Session,
    argv: options.AuditCommand = None,
    client: options.AuditClient = None,
    python: options.AuditPython = None,
    trap: options.AuditTrap = None,
    weakened: options.AuditWeakened = False,
    fail_on: options.AuditFailOn = "dangerous",
    timeout: options.AuditTimeout = 10.0,
    no_namespace: options.AuditNamespace = False,
    starttls: options.Starttls = "",
) -> ExitStatus:
    """Try whether a client verifies: run it against sound servers and traps on loopback.

    Accepted means: the trap decrypted what the client sent. Exit status: 0 no trap was dangerous, 1
    one was, 4 none was, but something could not be tested. The client finds the trial CA in {ca},
    in SSL_CERT_FILE and its like, and in the place of the system's bundle.
    """
    from toolkit_https.audit_command import Asked, run

    asked = Asked(
        command=tuple(argv or ()), clients=tuple(client or ()), pythons=tuple(python or ()),
        traps=tuple(trap or ()), weakened=weakened, fail_on=_grade(fail_on),
        seconds=_seconds(timeout), namespace=not no_namespace, starttls=starttls,
    )  # fmt: skip
    return run(session, asked)


@command(app, "lab", examples=LAB)
def lab(
    session: Session,
    listen: options.LabListen = "127.0.0.1",
    port: options.LabPort = 0,
    name: options.LabName = "localhost",
    hours: options.LabHours = 6.0,
    ca_out: options.LabCaOut = None,
    trap: options.AuditTrap = None,
    listed: options.LabList = False,
    starttls: options.Starttls = "",
) -> ExitStatus:
    """Serve sound servers and traps until Ctrl-C, for trying programs and devices by hand.

    A table tells the URL of each and what a client should do; what each client that comes does is
    told as it comes. The trial CA is made anew for each run and is good for NAME, `example`,
    `localhost` and loopback only; its key stays in memory.
    """
    import threading

    from toolkit_https.lab_command import Asked, run

    asked = Asked(listen, port, name, hours, ca_out, tuple(trap or ()), listed, starttls)
    return run(session, asked, threading.Event())


command(app, "scan", examples=cli_code.SCAN, formats=("sarif",))(cli_code.scan)
command(app, "snippet", examples=cli_code.SNIPPET)(cli_code.snippet)


def _grade(text: str) -> str:
    if text not in GRADES:
        word = clean(text, limit=40)
        raise UsageError(f'--fail-on "{word}" is none of: {", ".join(GRADES)}')
    return text


def _seconds(seconds: float) -> float:
    if not 0 < seconds <= MAX_SECONDS:
        raise UsageError(
            f"{seconds:g} s is no time limit", hint=f"--timeout takes 0.1 to {MAX_SECONDS}"
        )
    return seconds


def _identifiers(incomplete: str) -> list[str]:
    from toolkit_https.registry import REGISTRY

    return [identifier for identifier in REGISTRY if identifier.startswith(incomplete)]


@command(app, "explain", examples=EXPLAIN)
def explain(
    session: Session,
    findings: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FINDING]…", help="Ids; default: all of them.", autocompletion=_identifiers
        ),
    ] = None,
) -> ExitStatus:
    """Explain findings: what they mean, who refuses, and how to mend it on common servers."""
    from toolkit_https.explain import VIEW, chosen

    session.output.emit(chosen(findings or []), VIEW)
    return ExitStatus.OK


def _chosen(settings: Settings, **given_options: object) -> Settings:
    """Return the settings with the options that were given; a wrong one is a usage error."""
    given = {name: value for name, value in given_options.items() if value is not None}
    for name, known in (
        ("policy", options.POLICIES),
        ("fail_on", options.SEVERITIES),
        ("revocation", options.MODES),
    ):
        if name in given and given[name] not in known:
            word = clean(str(given[name]), limit=40)
            option = f"--{name.replace('_', '-')}"
            raise UsageError(f'{option} "{word}" is none of: {", ".join(known)}',
                             hint=did_you_mean(word, known))  # fmt: skip
    changed: Any = given
    return replace(settings, **changed)
