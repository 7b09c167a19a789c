"""From the options of `toolkit https snippet` to verified code for one place."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from toolkit.errors import ExitStatus, UsageError
from toolkit.session import Session
from toolkit.text import clean, did_you_mean
from toolkit_https.audit import CASES, Audit, Grade, Ground, Way, audit, prepared
from toolkit_https.audit import views as audit_views
from toolkit_https.audit.grade import status_of
from toolkit_https.audit_command import warn_of_names
from toolkit_https.clients.kinds import SAFE_PATH
from toolkit_https.snippets import SNIPPETS, Place, Snippet, Written, written
from toolkit_https.snippets.views import VIEW

PORTS = {"https": 443, "smtp": 587, "imap": 143, "pop3": 110, "ftp": 21}
NAMES = {"https": "shop.example", "smtp": "mail.example", "imap": "mail.example",
         "pop3": "mail.example", "ftp": "files.example"}  # fmt: skip
ALL = "all"


COMMANDS = {"sh": ("sh", "-c"), "perl": ("perl", "-e")}
SECONDS = 30.0
"""Time for one run of a snippet: its own time limit."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The command line; `python` "" is our own interpreter."""

    clients: tuple[str, ...]
    ca: Path | None
    url: str
    prove: bool = False
    python: str = ""


def run(session: Session, asked: Asked) -> ExitStatus:
    """Print the snippets, or prove them. Raises UsageError for what can't be had."""
    if asked.prove:
        return _prove(session, asked)
    if asked.python:
        raise UsageError("--python is the interpreter that --prove runs snippets by")
    session.output.check_format(VIEW)
    session.output.emit(snippets(asked.clients, _ca(session, asked.ca), asked.url), VIEW)
    return ExitStatus.OK


def _prove(session: Session, asked: Asked) -> ExitStatus:
    """Run snippets against every trap here; status 1 for one that accepts more than its limits."""
    session.output.check_format(audit_views.VIEW)
    if asked.ca or asked.url:
        message = "--prove runs the code against the laboratory: it has a URL and a CA of its own"
        raise UsageError(message, hint="leave --url and --ca out")
    chosen = [SNIPPETS[name] for name in _names(asked.clients)]
    seen: list[Audit] = []
    with prepared(session.environ, seconds=SECONDS) as ground:
        if not ground.sandbox.works:
            warn_of_names(session, ground, CASES)
        session.output.emit(_proofs(chosen, asked.python, ground, seen), audit_views.VIEW)
    return status_of(seen, str(Grade.LAX))


def _proofs(
    chosen: Sequence[Snippet], python: str, ground: Ground, seen: list[Audit]
) -> Iterator[Audit]:
    for snippet in chosen:
        found = audit(way_of(snippet, str(ground.ca), python), ground)
        seen.append(found)
        yield found


def way_of(snippet: Snippet, ca: str, python: str = "") -> Way:
    """Return a snippet as a client to be audited: its code as it is printed."""
    code = written(snippet, Place("{url}", "{host}", "{port}", ca)).code
    if snippet.language == "python":
        code = SAFE_PATH + code
    command = COMMANDS.get(snippet.language, (python or sys.executable, "-c"))
    return Way(
        f"snippet {snippet.client}", (*command, code), scheme=snippet.scheme,
        limits=frozenset(snippet.leaves),
    )  # fmt: skip


def _ca(session: Session, ca: Path | None) -> str:
    """Return the CA file as an absolute path: code is run from anywhere."""
    if ca is None:
        return ""
    path = session.cwd / ca
    if not str(path).isprintable():
        raise UsageError(f"{clean(str(path))}: such a name can't be written into code")
    try:
        raw = path.read_bytes()
    except OSError as error:
        message = f"{clean(str(ca))}: cannot be read: {error.strerror}"
        raise UsageError(message, hint="--ca names a file of certificates in PEM") from error
    if b"-----BEGIN CERTIFICATE-----" not in raw:
        raise UsageError(f"{clean(str(ca))}: holds no certificate in PEM")
    return str(path)


def snippets(clients: Sequence[str], ca: str, url: str) -> list[Written]:
    """Return the snippets of `clients` for `url` ("": an example) and a CA file ("": none)."""
    names = _names(clients)
    return [written(SNIPPETS[name], _place(SNIPPETS[name], ca, url)) for name in names]


def _names(clients: Sequence[str]) -> list[str]:
    names = list(SNIPPETS) if ALL in clients else [word.lower() for word in clients]
    for name in names:
        if name not in SNIPPETS:
            hint = did_you_mean(name, SNIPPETS) or f"choose of: {', '.join(SNIPPETS)}, all"
            raise UsageError(f'there is no snippet for "{clean(name, limit=40)}"', hint=hint)
    return names


def _place(snippet: Snippet, ca: str, url: str) -> Place:
    scheme = snippet.scheme
    port = PORTS[scheme]
    if not url:
        name = NAMES[scheme]
        return Place(f"{scheme}://{name}/", name, str(port), ca)
    shown = clean(url, limit=100)
    try:
        parts = urlsplit(url)
        host, given = parts.hostname or "", parts.port
    except ValueError as error:
        raise UsageError(f"--url {shown}: {error}") from error
    if parts.scheme != scheme or not host or not url.isprintable() or " " in url:
        message = f"--url {shown}: {snippet.client} is for {scheme} URLs"
        raise UsageError(message, hint=f"for example {scheme}://{NAMES[scheme]}/")
    return Place(url, host, str(given or port), ca)
