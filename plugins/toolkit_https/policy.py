"""The policy of a check: the same verification that `requests` does on this interpreter.

One OpenSSL context serves all targets: loading a trust store takes tens of milliseconds.
"""

from __future__ import annotations

import ssl
import sys
import threading
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import cryptography
from cryptography import x509
from OpenSSL import SSL, crypto

from toolkit.errors import UsageError
from toolkit.text import clean
from toolkit_https.model import Verifier
from toolkit_https.second import parsed
from toolkit_https.trust import TrustStore

if TYPE_CHECKING:
    from toolkit_https.identity import Identity

CIPHERS = (
    b"@SECLEVEL=2:ECDH+AESGCM:ECDH+CHACHA20:ECDH+AES:DHE+AES:!aNULL:!eNULL:!aDSS:!SHA1:!AESCCM"
)
"""The list of CPython's `ssl` (PY_SSL_DEFAULT_CIPHERS in Modules/_ssl.c), OpenSSL's level 2."""

STRICT = int(ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN)
LAX = int(ssl.VERIFY_X509_TRUSTED_FIRST)


def interpreter_flags() -> int:
    """Return the verify flags that urllib3 gives its contexts on this interpreter.

    Python 3.13 made `ssl.create_default_context` strict (gh-107361), and urllib3 2 followed. The
    numbers are OpenSSL's X509_V_FLAG_…, the same for `ssl` and pyOpenSSL.
    """
    flags = int(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).verify_flags)
    return flags | STRICT if sys.version_info >= (3, 13) else flags


@dataclass(slots=True)
class Observed:
    """What one handshake's callbacks saw: verification errors as (depth, code), and requests."""

    errors: list[tuple[int, int]] = field(default_factory=list)
    certificate_requested: bool = False
    staple: bytes = b""


@dataclass(frozen=True)
class Policy:
    """A trust store made ready: the context, its flags and who judges.

    `turn` is held by the one worker of a fleet that computes, never while it waits for a network.
    Each call into OpenSSL gives the interpreter's lock away and wants it back; with others in
    line for it that costs more than the call (4 workers: 64 changes of thread a host and 1.5 times
    the CPU time of one worker; with turns 8 and 1.1 times).
    """

    trust: TrustStore
    context: SSL.Context
    flags: int
    verifier: Verifier
    identity: Identity | None = None
    turn: threading.Lock = field(default_factory=threading.Lock)

    def anchors(self) -> tuple[x509.Certificate, ...]:
        """Return the store parsed for the second verifier: once, when first asked for."""
        return self._parsed

    def anchors_of(self, subject: bytes) -> tuple[x509.Certificate, ...]:
        """Return the anchors of a subject (its name in DER)."""
        return self._by_subject.get(subject, ())

    @cached_property
    def _by_subject(self) -> dict[bytes, tuple[x509.Certificate, ...]]:
        found: dict[bytes, tuple[x509.Certificate, ...]] = {}
        for anchor in self._parsed:
            name = anchor.subject.public_bytes()
            found[name] = (*found.get(name, ()), anchor)
        return found

    @cached_property
    def _parsed(self) -> tuple[x509.Certificate, ...]:
        return parsed(self.trust.ders)


def make_policy(
    trust: TrustStore, flags: int | None = None, identity: Identity | None = None
) -> Policy:
    """Return the policy for `trust`; `flags` default to this interpreter's.

    `identity` is shown to servers that ask for one. Raises UsageError when OpenSSL can't use the
    store's certificates.
    """
    chosen = interpreter_flags() if flags is None else flags
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_cipher_list(CIPHERS)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_verify(SSL.VERIFY_PEER, _verified)
    observe(context)
    _load(context, trust)
    if identity is not None:
        identity.apply(context)
    store = context.get_cert_store()
    if store is None:
        raise RuntimeError("a new context without a store")
    store.set_flags(chosen)
    return Policy(trust, context, chosen, _verifier(chosen), identity)


def observe(context: SSL.Context) -> None:
    """Let the handshakes of `context` note in their Observed what the server asks and staples."""
    context.set_info_callback(_state_changed)
    context.set_ocsp_client_callback(_stapled)


def _load(context: SSL.Context, trust: TrustStore) -> None:
    try:
        with trust.file() as path:
            context.load_verify_locations(path)
    except (SSL.Error, crypto.Error, ValueError) as error:
        message = f"{clean(trust.path)}: OpenSSL can't read a certificate of {trust.origin}"
        hint = "each must be whole, from BEGIN CERTIFICATE to END CERTIFICATE"
        raise UsageError(message, hint=hint) from error


def _verifier(flags: int) -> Verifier:
    return Verifier(
        openssl=SSL.SSLeay_version(SSL.SSLEAY_VERSION).decode("ascii", "replace"),
        python=sys.version.split()[0],
        python_openssl=ssl.OPENSSL_VERSION,
        cryptography=cryptography.__version__,
        strict=bool(flags & int(ssl.VERIFY_X509_STRICT)),
    )


def _verified(
    connection: SSL.Connection, _certificate: crypto.X509, code: int, depth: int, ok: int
) -> bool:
    """Collect every error and go on: the chain and all its faults are wanted, not the first one."""
    observed = connection.get_app_data()
    if not ok and isinstance(observed, Observed) and (depth, code) not in observed.errors:
        observed.errors.append((depth, code))
    return True


def _state_changed(connection: SSL.Connection, where: int, _value: int) -> None:
    if not where & SSL.SSL_CB_LOOP:
        return  # a call ends, or an alert: no message was read
    observed = connection.get_app_data()
    if isinstance(observed, Observed) and b"certificate request" in connection.get_state_string():
        observed.certificate_requested = True


def _stapled(connection: SSL.Connection, response: bytes, _data: object) -> bool:
    """Keep the stapled OCSP response; it is judged later, when the path is known."""
    observed = connection.get_app_data()
    if isinstance(observed, Observed):
        observed.staple = response
    return True
