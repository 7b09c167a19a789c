"""From the options of `toolkit https verify` to files read, and a passphrase from nobody's argv."""

from __future__ import annotations

import getpass
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from toolkit.errors import UsageError
from toolkit.session import Session
from toolkit.text import clean
from toolkit_https import names
from toolkit_https.check import Request
from toolkit_https.files import Ask, Loaded, load_file
from toolkit_https.model import Result
from toolkit_https.verify_files import Files, verify_files

VARIABLE = "TOOLKIT_HTTPS_PASSPHRASE"


@dataclass(frozen=True, slots=True)
class Asked:
    """The command line: files by path, the host, the time as typed ("" is now)."""

    certificate: Path
    chain: tuple[Path, ...]
    key: Path | None
    crls: tuple[Path, ...]
    host: str
    at: str


def run(session: Session, asked: Asked, request: Request) -> Result:
    """Read the files and return the result. Raises UsageError for what can't be read."""
    ask = asker(session)
    main = load_file(session.cwd / asked.certificate, ask)
    others = [load_file(session.cwd / path, ask) for path in asked.chain]
    key = load_file(session.cwd / asked.key, ask) if asked.key else Loaded()
    if asked.key and key.public_key is None:
        raise UsageError(f"{clean(str(asked.key))}: holds no private key")
    found = [item for loaded in (main, *others) for item in loaded.certificates]
    if not found:
        raise UsageError(f"{clean(str(asked.certificate))}: holds no certificate")
    files = Files(
        label=str(asked.certificate),
        loaded=Loaded(tuple(dict.fromkeys(found))),
        key=key.public_key or main.public_key,
        crls=tuple(_crl(session.cwd / path) for path in asked.crls),
        name=_host(asked.host),
        at=_time(asked.at),
    )
    return verify_files(files, request)


def asker(session: Session) -> Ask:
    """Return what asks for a passphrase: the environment, else the terminal."""

    def ask(path: Path) -> bytes:
        given = session.environ.get(VARIABLE)
        if given is not None:
            return given.encode()
        if not sys.stdin.isatty():
            message = f"{clean(str(path))}: is locked with a passphrase"
            raise UsageError(message, hint=f"run it on a terminal, or set {VARIABLE}")
        return getpass.getpass(f"Passphrase of {clean(path.name)}: ").encode()

    return ask


def _crl(path: Path) -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    try:
        raw = path.read_bytes()
        load = x509.load_pem_x509_crl if b"-----BEGIN" in raw else x509.load_der_x509_crl
        return load(raw).public_bytes(Encoding.PEM)
    except OSError as error:
        raise UsageError(f"{clean(str(path))}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{clean(str(path))}: holds no revocation list") from error


def _host(text: str) -> str:
    try:
        return names.to_ascii(text.strip("[]"))
    except UnicodeError as error:
        raise UsageError(f'"{clean(text, limit=80)}" is no host name') from error


def _time(text: str) -> datetime:
    if not text:
        return datetime.now(UTC)
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        message = f'"{clean(text, limit=40)}" is no time'
        raise UsageError(message, hint="write it like 2027-03-15 or 2027-03-15T12:00") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
