"""The options of the commands: each an annotated type that typer reads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from toolkit.command import words

POLICIES, SEVERITIES = ("requests", "strict"), ("critical", "warning", "never")
MODES = ("off", "soft", "hard")
Targets = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[TARGET]…",
        help="host, host:port, https URL, name@address:port, [IPv6]:port, smtp:// imap:// pop3:// "
        "ftp:// ldap:// postgres:// (STARTTLS), smtps:// imaps:// pop3s:// ftps:// ldaps://; "
        "default: the configuration's `https.targets`.",
    ),
]
Ca = Annotated[
    str | None,
    typer.Option("--ca", metavar="FILE|DIR|system", help="Trust these; default: as requests."),
]
Timeout = Annotated[
    float | None, typer.Option("--timeout", metavar="SECONDS", help="Time for one target.")
]
Policy = Annotated[
    str | None,
    typer.Option(
        "--policy",
        metavar="POLICY",
        autocompletion=words(POLICIES),
        help="requests (its verification), or strict: refuse what either of two verifiers or a "
        "profile rule refuses.",
    ),
]
Warn = Annotated[
    str | None,
    typer.Option("--warn", metavar="30d|25%", help="When the certificate's end is a warning."),
]
Critical = Annotated[
    str | None,
    typer.Option("--critical", metavar="7d|10%", help="When it is a critical finding."),
]
FailOn = Annotated[
    str | None,
    typer.Option(
        "--fail-on",
        metavar="SEVERITY",
        autocompletion=words(SEVERITIES),
        help="Findings that are status 1: critical (default), warning or never.",
    ),
]
File = Annotated[
    Path | None,
    typer.Option("--file", metavar="FILE|-", help="More targets: one a line, or .csv."),
]
Ipv4 = Annotated[bool, typer.Option("-4", help="IPv4 addresses only.")]
Ipv6 = Annotated[bool, typer.Option("-6", help="IPv6 addresses only.")]
AllAddresses = Annotated[
    bool, typer.Option("--all-addresses", help="Check each address of a name.")
]
Sni = Annotated[str, typer.Option("--sni", metavar="NAME", help="Send this name in the handshake.")]
Proxy = Annotated[
    str | None,
    typer.Option(
        "--proxy",
        metavar="URL",
        help="http://, socks5:// or socks5h://[user:password@]host:port; default: HTTPS_PROXY, "
        "ALL_PROXY and NO_PROXY; '' is none.",
    ),
]
NoFetch = Annotated[
    bool, typer.Option("--no-fetch", help="Fetch nothing that certificates point at.")
]
Revocation = Annotated[
    str | None,
    typer.Option(
        "--revocation",
        metavar="MODE",
        autocompletion=words(MODES),
        help="off (default), soft: ask stapled OCSP, OCSP and CRL, or hard: refuse what isn't "
        "known as well.",
    ),
]
SaveChain = Annotated[
    Path | None,
    typer.Option("--save-chain", metavar="FILE", help="Write the chain to send."),
]
Protocols = Annotated[
    bool, typer.Option("--protocols", help="Probe TLS 1.0 to 1.3 and ALPN: 4 more connections.")
]
ClientCert = Annotated[
    Path | None,
    typer.Option("--client-cert", metavar="FILE", help="Our own certificate (PEM), if asked."),
]
ClientKey = Annotated[
    Path | None, typer.Option("--client-key", metavar="FILE", help="Its key, if not in that file.")
]
ExpectIssuer = Annotated[
    str, typer.Option("--expect-issuer", metavar="TEXT", help="Part of the issuer's name.")
]
ExpectFingerprint = Annotated[
    str,
    typer.Option("--expect-fingerprint", metavar="SHA256", help="Of the certificate, in hex."),
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write there, whole or not at all."),
]
AuditCommand = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[-- COMMAND…]",
        help="The client; {url} {ca} {host} {port} are replaced in its arguments.",
    ),
]
CheckClient = Annotated[
    list[str] | None,
    typer.Option("--client", metavar="NAME,…|all", help="Try real clients on it, too."),
]
AuditClient = Annotated[
    list[str] | None,
    typer.Option("--client", metavar="NAME,…|all", help="Ready-made clients instead."),
]
AuditPython = Annotated[
    list[str] | None,
    typer.Option("--python", metavar="PATH", help="The interpreters whose libraries to try."),
]
AuditTrap = Annotated[
    list[str] | None,
    typer.Option("--trap", metavar="ID,…", help="These servers only; default: all."),
]
AuditWeakened = Annotated[
    bool,
    typer.Option("--weakened", help="Also the ways in which people switch verification off."),
]
AuditFailOn = Annotated[
    str, typer.Option("--fail-on", metavar="GRADE", help="Status 1 for: dangerous, or lax as well.")
]
AuditTimeout = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", help="Time for one run of the client.")
]
AuditNamespace = Annotated[
    bool,
    typer.Option("--no-namespace", help="Make no namespace: servers for localhost alone."),
]
Starttls = Annotated[
    str,
    typer.Option("--starttls", metavar="PROTOCOL", help="smtp, imap, pop3 or ftp before TLS."),
]
LabListen = Annotated[
    str, typer.Option("--listen", metavar="ADDRESS", help="Where; default: loopback alone.")
]
LabPort = Annotated[
    int, typer.Option("--port", metavar="PORT", help="The first of the ports; default: free ones.")
]
LabName = Annotated[
    str, typer.Option("--name", metavar="NAME", help="The host that the certificates are for.")
]
LabHours = Annotated[
    float, typer.Option("--hours", metavar="HOURS", help="How long the trial CA lasts.")
]
LabCaOut = Annotated[
    Path | None, typer.Option("--ca-out", metavar="FILE", help="Write the trial CA there.")
]
LabList = Annotated[bool, typer.Option("--list", help="List the servers and start none.")]
VerifyCertificate = Annotated[Path, typer.Argument(metavar="CERT", help="PEM, DER or PKCS#12.")]
VerifyHost = Annotated[str, typer.Option("--host", metavar="NAME", help="The name it is for.")]
VerifyChain = Annotated[
    list[Path] | None, typer.Option("--chain", metavar="FILE", help="The issuers.")
]
VerifyKey = Annotated[
    Path | None, typer.Option("--key", metavar="FILE", help="Does this key belong to it?")
]
VerifyCrl = Annotated[
    list[Path] | None, typer.Option("--crl", metavar="FILE", help="A revocation list (PEM).")
]
VerifyAt = Annotated[
    str, typer.Option("--at", metavar="TIME", help="Verify for that time (ISO 8601, UTC).")
]
VerifyPolicy = Annotated[
    str | None, typer.Option("--policy", metavar="POLICY", help="requests or strict.")
]
