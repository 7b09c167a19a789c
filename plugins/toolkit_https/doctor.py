"""What this machine has for checking HTTPS: the TLS libraries, the trust stores, real clients."""

from __future__ import annotations

import importlib.metadata
import ssl
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from toolkit.doctor import Probe, program
from toolkit.errors import ToolkitError
from toolkit.session import Session
from toolkit_https.trust import load_trust


def probes(session: Session) -> Iterable[Probe]:
    """Yield what `toolkit doctor` shows for this plugin."""
    yield from _libraries()
    yield _store("trust store: default", "", session.environ)
    yield _store("trust store: system", "system", session.environ)
    yield program("curl", package="curl", needed_for="comparing a verdict with curl's")
    yield program(
        "openssl", package="openssl", needed_for="looking closer by hand", version=("version",)
    )


def _libraries() -> Iterator[Probe]:
    from OpenSSL import SSL  # only a check or this probe needs it

    wheel = SSL.SSLeay_version(SSL.SSLEAY_VERSION).decode("ascii", "replace")
    bindings = importlib.metadata.version("pyOpenSSL")
    backend = importlib.metadata.version("cryptography")
    detail = f"{wheel} (pyOpenSSL {bindings}, cryptography {backend})"
    yield Probe("OpenSSL of checks", found=True, detail=detail, required=True)
    yield Probe("OpenSSL of Python", found=True, detail=ssl.OPENSSL_VERSION)
    strict = bool(ssl.create_default_context().verify_flags & ssl.VERIFY_X509_STRICT)
    kind = "strict (RFC 5280)" if strict else "lax: newer Pythons refuse more, a finding says so"
    yield Probe("verification of Python", found=True, detail=kind)


def _store(name: str, chosen: str, environ: Mapping[str, str]) -> Probe:
    remedy = "apt-get install ca-certificates"
    try:
        store = load_trust(chosen, environ)
    except ToolkitError as error:
        return Probe(
            name,
            found=False,
            detail=error.message,
            remedy=remedy,
            needed_for="--ca system",
            required=not chosen,
        )
    count = f"{store.count} certificates"
    return Probe(
        name,
        found=True,
        detail=f"{Path(store.path)}: {count} ({store.origin})",
        required=not chosen,
    )
