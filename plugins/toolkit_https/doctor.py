"""What this machine has for checking HTTPS: the TLS libraries, the trust stores, real clients."""

from __future__ import annotations

import importlib.metadata
import ssl
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from toolkit.doctor import Probe
from toolkit.errors import ToolkitError
from toolkit.session import Session
from toolkit_https.trust import load_trust


def probes(session: Session) -> Iterable[Probe]:
    """Yield what `toolkit doctor` shows for this plugin."""
    yield from _libraries()
    yield _store("trust store: default", "", session.environ)
    yield _store("trust store: system", "system", session.environ)
    yield _namespace(session.environ)
    yield from _clients(session.environ)


def _namespace(environ: Mapping[str, str]) -> Probe:
    """Tell whether clients under audit can have names of their own."""
    from toolkit_https.audit.sandbox import make_sandbox  # no check needs it

    needed = "names for clients under audit, and --client on name@address"
    with tempfile.TemporaryDirectory(prefix="toolkit-doctor-") as name:
        ca = Path(name, "ca.pem")
        ca.touch()
        sandbox = make_sandbox(Path(name), ["shop.example"], ca, environ)
    remedy = "allow users to make namespaces: user_namespaces(7), or run as root"
    return Probe("namespace", found=sandbox.works, detail=sandbox.detail, remedy=remedy,
                 needed_for=needed)  # fmt: skip


def _clients(environ: Mapping[str, str]) -> Iterator[Probe]:
    """Yield every client that `audit --client` and `check --client` know."""
    from toolkit_https.clients import Absent, Machine  # no check needs them
    from toolkit_https.clients.registry import clients

    machine = Machine(environ)
    for name, client in clients().items():
        answer = client.find(machine)
        needed = f"https audit --client {name}, https check --client {name}"
        if isinstance(answer, Absent):
            yield Probe(f"client {name}", found=False, detail=answer.reason, remedy=answer.remedy,
                        needed_for=needed)  # fmt: skip
        else:
            yield Probe(f"client {name}", found=True, detail=answer.version, needed_for=needed)


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
