"""A chain judged without a connection: OpenSSL, the second verifier, the profile, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.bindings.openssl.binding import Binding
from OpenSSL import crypto

from toolkit.text import clean
from toolkit_https import names, policy, second, verify
from toolkit_https.certificates import names_of
from toolkit_https.profile import examine
from toolkit_https.profile_base import Breach
from toolkit_https.second import Abstained, Opinion, Question

PURPOSE_SERVER = 2
"""X509_PURPOSE_SSL_SERVER (openssl/x509v3.h)."""
CRL_CHECK = 0x4


@dataclass(frozen=True, slots=True)
class Judged:
    """Three opinions: `openssl` and `other` are refusals ("" accepts), None is no opinion.

    `error` is OpenSSL's, as (depth, code), where it is about the path; `path` is empty then.
    """

    openssl: str
    other: str | None
    breaches: tuple[Breach, ...]
    path: tuple[x509.Certificate, ...]
    error: tuple[int, int] | None = None

    @property
    def accepted(self) -> bool:
        """What clients do: OpenSSL's verdict."""
        return not self.openssl

    @property
    def strictly_accepted(self) -> bool:
        """What `--policy strict` says: nobody refuses, and no rule is broken."""
        return not self.openssl and not self.other and not self.breaches


def judge(question: Question, *, flags: int | None = None, crls: Sequence[bytes] = ()) -> Judged:
    """Return the three opinions on `question`; `flags` are OpenSSL's verify flags.

    `crls` (PEM) are used by OpenSSL for the certificates whose issuers they are of.
    """
    chosen = policy.interpreter_flags() if flags is None else flags
    refused, path, error = _openssl(question, chosen, crls)
    other: Opinion | None = None
    with suppress(Abstained):
        other = second.opinion(question)
    # Where the verifiers took different paths, the better one counts: a client needs one.
    paths = [found for found in (path, other.path if other else ()) if found]
    examined = [examine(found) for found in paths or [(question.leaf,)]]
    return Judged(refused, other.refusal if other else None, min(examined, key=len), path, error)


def _openssl(
    question: Question, flags: int, crls: Sequence[bytes]
) -> tuple[str, tuple[x509.Certificate, ...], tuple[int, int] | None]:
    try:
        store = _store(question, flags, crls)
        leaf = crypto.X509.from_cryptography(question.leaf)
        others = [crypto.X509.from_cryptography(item) for item in question.intermediates]
        context = crypto.X509StoreContext(store, leaf, others)
        path = tuple(item.to_cryptography() for item in context.get_verified_chain())
    except crypto.X509StoreContextError as error:
        code, depth = int(error.errors[0]), int(error.errors[1])
        return verify.error_text(code), (), (depth, code)
    except (crypto.Error, ValueError, TypeError, UnsupportedAlgorithm) as error:
        return f"can't be read: {clean(str(error), limit=120)}", (), None
    return _after(question, path), path, None


def _after(question: Question, path: tuple[x509.Certificate, ...]) -> str:
    """Return what OpenSSL's path validation leaves to its caller: the name and the depth."""
    if not names.matches(question.name, names_of(question.leaf)):
        return "the certificate is for other names"
    if question.depth is not None:
        counted = [item for item in path[1:-1] if item.subject != item.issuer]
        if len(counted) > question.depth:
            return "the path is longer than allowed"
    return ""


def _sound_crl(crl: x509.CertificateRevocationList) -> x509.CertificateRevocationList:
    """Return `crl`; raise ValueError where its number is missing or critical (RFC 5280, 5.2.3)."""
    try:
        number = crl.extensions.get_extension_for_class(x509.CRLNumber)
    except x509.ExtensionNotFound as error:
        message = "the CRL has no number"
        raise ValueError(message) from error
    if number.critical:
        message = "the CRL marks its number critical"
        raise ValueError(message)
    return crl


def _store(question: Question, flags: int, crls: Sequence[bytes]) -> crypto.X509Store:
    store = crypto.X509Store()
    for anchor in question.anchors:
        store.add_cert(crypto.X509.from_cryptography(anchor))
    for pem in crls:
        store.add_crl(_sound_crl(x509.load_pem_x509_crl(pem)))
    store.set_flags(flags | (CRL_CHECK if crls else 0))
    store.set_time(question.at)
    # pyOpenSSL has no method for the purpose; its own handshakes set it inside OpenSSL.
    Binding.lib.X509_STORE_set_purpose(store._store, PURPOSE_SERVER)  # noqa: SLF001
    return store
