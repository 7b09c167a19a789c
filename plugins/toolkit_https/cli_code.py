"""`toolkit https scan` and `snippet`: the commands that are about source code.

They are registered by `toolkit_https.cli`, like all others.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from toolkit.errors import ExitStatus
from toolkit.session import Session

SCAN = (
    ("Where does this project switch verification off?", "toolkit https scan ."),
    ("For a code host", "toolkit https scan src --format sarif --output scan.sarif"),
    ("Without the tests", "toolkit https scan . --exclude tests --exclude '*_pb2.py'"),
)
SNIPPET = (
    ("A request that is verified, with what each line is for", "toolkit https snippet requests"),
    ("With an authority of your own, ready to run",
     "toolkit https snippet curl --ca /etc/ssl/certs/ca-certificates.crt "
     "--url https://intranet.example/"),
    ("STARTTLS, which verifies nothing without a context", "toolkit https snippet smtplib"),
    ("Does it hold with the versions of this machine?", "toolkit https snippet curl --prove"),
)  # fmt: skip
Clients = Annotated[
    list[str],
    typer.Argument(
        metavar="CLIENT…",
        help="requests, urllib, pycurl, httpx, aiohttp, curl, wget, lwp, smtplib, imaplib, poplib, "
        "ftplib, or all.",
    ),
]
CaFile = Annotated[
    Path | None, typer.Option("--ca", metavar="FILE", help="Trust the authorities of this file.")
]
Url = Annotated[str, typer.Option("--url", metavar="URL", help="Where the code connects to.")]
Prove = Annotated[
    bool, typer.Option("--prove", help="Run the code against the traps instead of printing it.")
]
Python = Annotated[
    str, typer.Option("--python", metavar="PATH", help="The interpreter for --prove.")
]
Paths = Annotated[
    list[Path], typer.Argument(metavar="PATH…", help="Files, and folders with all below them.")
]
Exclude = Annotated[
    list[str] | None,
    typer.Option("--exclude", metavar="PATTERN", help="Pass over such names or paths; repeatable."),
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write the findings there, as a whole."),
]


def scan(
    session: Session, paths: Paths, exclude: Exclude = None, output: Output = None
) -> ExitStatus:
    """Find disabled verification in Python, shell, Dockerfiles, Makefiles and YAML.

    Nothing is run. A comment `# tls: ignore[rule] reason` on the line, or alone above it, accepts a
    finding. Exit status: 0 nothing to mend, 1 an error or warning, 4 none, but a file could not be
    read. Symbolic links below PATH are not followed.
    """
    from toolkit_https.scan_command import run

    return run(session, paths, exclude or [], output)


def snippet(
    session: Session,
    clients: Clients,
    ca: CaFile = None,
    url: Url = "",
    prove: Prove = False,
    python: Python = "",
) -> ExitStatus:
    """Print the shortest verified code for a client, with what each line is for.

    The output is the program itself, comments included; -q leaves the comments out. What the client
    cannot be told to refuse is said in them. With --prove the code is run against every trap of
    `toolkit https lab`, and the result is as that of `toolkit https audit`: status 1 for a trap
    that is accepted and not among those limits.
    """
    from toolkit_https.snippet_command import Asked, run

    return run(session, Asked(tuple(clients), ca, url, prove, python))
