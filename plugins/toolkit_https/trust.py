"""Trust stores: the certificates that clients start from, and where the choice came from."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from toolkit.errors import UsageError
from toolkit.text import clean
from toolkit_https.model import TrustUsed

MAX_BYTES = 64 * 1024 * 1024
SEQUENCE = b"\x30"
LONG_FORM = 0x80
_PEM = re.compile(
    rb"-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----.+?"
    rb"-----END (?:TRUSTED |X509 )?CERTIFICATE-----",
    re.DOTALL,
)
_HASHED = re.compile(r"[0-9a-f]{8}\.\d+")
HINT = "--ca takes a PEM file, a folder of them, or the word system"


@dataclass(frozen=True)
class TrustStore:
    """A store as found: its PEM certificates in order, without duplicates.

    `plain` tells that it is one PEM file, which OpenSSL and requests read by themselves; `hashed`
    is False for a folder that OpenSSL's own lookup (and so curl, requests) can't use.
    """

    path: str
    origin: str
    pem: tuple[bytes, ...]
    sha256: str
    plain: bool = True
    hashed: bool = True

    @property
    def count(self) -> int:
        """How many certificates it holds."""
        return len(self.pem)

    @property
    def bundle(self) -> bytes:
        """All of it as one PEM text."""
        return b"\n".join(self.pem) + b"\n"

    @cached_property
    def ders(self) -> tuple[bytes, ...]:
        """The certificates as DER, without the trust settings that OpenSSL's own format adds."""
        return tuple(map(_der, self.pem))

    @contextmanager
    def file(self) -> Iterator[str]:
        """Yield a PEM file with all of it: what OpenSSL and requests take.

        A copy of what isn't one keeps each block, so that a certificate that OpenSSL's format
        (BEGIN TRUSTED CERTIFICATE) marks as rejected is rejected.
        """
        if self.plain:
            yield self.path
            return
        import tempfile

        with tempfile.TemporaryDirectory(prefix="toolkit-trust-") as folder:
            path = Path(folder, "trust.pem")
            path.write_bytes(self.bundle)
            yield str(path)

    @property
    def used(self) -> TrustUsed:
        """What a verdict says of it."""
        return TrustUsed(self.path, self.origin, self.count, self.sha256)


def load_trust(
    choice: str, environ: Mapping[str, str], *, origin: str = "--ca", cwd: Path | None = None
) -> TrustStore:
    """Return the store of `choice` (file, folder or `system`), or by default the one requests uses.

    That is REQUESTS_CA_BUNDLE, else CURL_CA_BUNDLE, else certifi
    (requests.sessions.Session.merge_environment_settings). `origin` says who chose. Raises
    UsageError for one that can't be read or holds no certificate.
    """
    if choice == "system":
        return _read(_system_path(), f"{origin} system")
    if choice:
        return _read((cwd or Path()) / choice, origin)
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        if environ.get(variable):
            return _read(Path(environ[variable]), variable)
    import certifi  # only where nothing else was chosen

    version = getattr(certifi, "__version__", "")
    return _read(Path(certifi.where()), f"certifi {version}, the default of requests")


@lru_cache(maxsize=1)
def public_roots() -> frozenset[bytes]:
    """Return the SHA-256 of each root that browsers trust, as certifi has them."""
    import certifi

    blocks = _certificates(Path(certifi.where()).read_bytes())
    return frozenset(hashlib.sha256(_der(block)).digest() for block in blocks)


def _system_path() -> Path:
    found = ssl.get_default_verify_paths()
    candidates = (
        found.cafile,
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/cert.pem",
        found.capath,
    )
    for path in candidates:
        if path and Path(path).exists():
            return Path(path)
    message = "this system has no trust store where OpenSSL or the distributions keep it"
    raise UsageError(message, hint="apt-get install ca-certificates, or name a file: --ca FILE")


def _read(path: Path, origin: str) -> TrustStore:
    shown = clean(str(path))
    try:
        pieces = list(_folder(path)) if path.is_dir() else [_file(path)]
    except OSError as error:
        message = f"{shown}: the trust store ({origin}) cannot be read: {error.strerror}"
        raise UsageError(message, hint=HINT) from error
    pem = tuple(dict.fromkeys(part for piece in pieces for part in _certificates(piece)))
    if not pem:
        kind = "folder" if path.is_dir() else "file"
        message = f"{shown}: the {kind} named by {origin} holds no certificate"
        raise UsageError(message, hint=HINT)
    digest = hashlib.sha256(b"".join(pem)).hexdigest()
    hashed = not path.is_dir() or any(_HASHED.fullmatch(item.name) for item in path.iterdir())
    plain = not path.is_dir() and not pieces[0].startswith(SEQUENCE)
    return TrustStore(str(path), origin, pem, digest, plain, hashed)


def _file(path: Path) -> bytes:
    with path.open("rb") as stream:
        raw = stream.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        message = f"{clean(str(path))}: larger than {MAX_BYTES >> 20} MiB: that is no trust store"
        raise UsageError(message, hint=HINT)
    return raw


def _folder(path: Path) -> Iterator[bytes]:
    for item in sorted(path.iterdir()):
        wanted = item.suffix in {".pem", ".crt", ".cer"} or _HASHED.fullmatch(item.name)
        if wanted and item.is_file() and os.access(item, os.R_OK):
            yield _file(item)


def _certificates(raw: bytes) -> Iterator[bytes]:
    """Yield the PEM certificates in `raw`; a DER certificate is turned into PEM."""
    if raw.startswith(SEQUENCE):
        yield ssl.DER_cert_to_PEM_cert(raw).encode()
        return
    for block in _PEM.finditer(raw):
        yield block.group().replace(b"\r\n", b"\n")


def _der(pem: bytes) -> bytes:
    """Return the certificate in a PEM block; OpenSSL's trust settings come after it in the DER.

    What can't be decoded gives b"": OpenSSL's own reading says what is wrong with it.
    """
    body = b"".join(line for line in pem.splitlines() if b":" not in line and b"--" not in line)
    try:
        raw = base64.b64decode(body, validate=True)
    except ValueError:
        return b""
    length = raw[1] if len(raw) > 1 else 0
    start = 2 + (length & ~LONG_FORM if length & LONG_FORM else 0)
    size = int.from_bytes(raw[2:start], "big") if length & LONG_FORM else length
    return raw[: start + size]
