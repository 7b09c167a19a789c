"""From the options of `toolkit https snippet` to verified code for one place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from toolkit.errors import UsageError
from toolkit.session import Session
from toolkit.text import clean, did_you_mean
from toolkit_https.snippets import SNIPPETS, Place, Snippet, Written, written
from toolkit_https.snippets.views import VIEW

PORTS = {"https": 443, "smtp": 587, "imap": 143, "pop3": 110, "ftp": 21}
NAMES = {"https": "shop.example", "smtp": "mail.example", "imap": "mail.example",
         "pop3": "mail.example", "ftp": "files.example"}  # fmt: skip
ALL = "all"


def run(session: Session, clients: Sequence[str], ca: Path | None, url: str) -> None:
    """Print the snippets of `clients`. Raises UsageError for what can't be had."""
    session.output.check_format(VIEW)
    session.output.emit(snippets(clients, _ca(session, ca), url), VIEW)


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
    names = list(SNIPPETS) if ALL in clients else [word.lower() for word in clients]
    for name in names:
        if name not in SNIPPETS:
            hint = did_you_mean(name, SNIPPETS) or f"choose of: {', '.join(SNIPPETS)}, all"
            raise UsageError(f'there is no snippet for "{clean(name, limit=40)}"', hint=hint)
    return [written(SNIPPETS[name], _place(SNIPPETS[name], ca, url)) for name in names]


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
