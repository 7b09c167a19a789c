"""From OpenSSL's verification errors to findings; and what other clients' flags would have said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from OpenSSL import crypto
from OpenSSL.crypto import X509

from toolkit.text import clean
from toolkit_https import policy as policies
from toolkit_https.handshake import Shaken
from toolkit_https.model import Certificate, Finding
from toolkit_https.policy import Policy
from toolkit_https.registry import finding

CODES: Mapping[int, str] = {
    3: "crl-missing", 11: "crl-missing", 12: "crl-missing",
    2: "untrusted-root", 7: "bad-signature", 4: "bad-signature", 6: "bad-signature",
    9: "not-yet-valid", 10: "expired", 13: "malformed-certificate", 14: "malformed-certificate",
    18: "self-signed", 19: "untrusted-root", 20: "incomplete-chain", 21: "incomplete-chain",
    22: "path-too-long", 23: "revoked", 24: "not-an-authority", 25: "path-too-long",
    26: "wrong-purpose", 27: "untrusted-root", 28: "wrong-purpose", 32: "not-an-authority",
    34: "unhandled-extension", 37: "not-an-authority", 47: "name-constraint",
    48: "name-constraint", 49: "name-constraint", 51: "name-constraint", 52: "name-constraint",
    53: "name-constraint", 54: "name-constraint", 66: "weak-key", 67: "weak-key",
    68: "weak-signature", 72: "name-constraint", 76: "weak-signature", 77: "weak-signature",
    79: "not-an-authority",
    **dict.fromkeys(range(80, 96), "not-rfc5280"),
}  # fmt: skip
"""X509_V_ERR_… (openssl/x509_vfy.h) → the id of the finding."""

STRICT_ONLY = frozenset(range(80, 96))
ISSUER_NOT_FOUND, UNVERIFIED_LEAF = {2, 20}, 21
ISSUER_MISSING = {*ISSUER_NOT_FOUND, UNVERIFIED_LEAF}


def error_text(code: int) -> str:
    """Return OpenSSL's own words for a verification error code."""
    from cryptography.hazmat.bindings.openssl.binding import Binding

    library, ffi = Binding.lib, Binding.ffi
    raw: bytes = ffi.string(library.X509_verify_cert_error_string(code))
    return raw.decode("ascii", "replace")


def findings(errors: Sequence[tuple[int, int]], path: Sequence[Certificate]) -> Iterator[Finding]:
    """Yield one finding for each fault, the nearest to the server's certificate first.

    When the issuer is missing, OpenSSL also reports that the last signature couldn't be checked:
    that is the same fault and is told once.
    """
    codes = {code for _, code in errors}
    seen: set[str] = set()
    for depth, code in sorted(errors):
        if code == UNVERIFIED_LEAF and codes & ISSUER_NOT_FOUND:
            continue
        identifier = _identifier(depth, code)
        if identifier not in seen:
            seen.add(identifier)
            yield finding(identifier, _message(identifier, code, depth, path))


def _identifier(depth: int, code: int) -> str:
    """An issuer that is missing below the top is a chain not sent; at the top, an unknown root."""
    if code in ISSUER_MISSING:
        return "incomplete-chain" if depth == 0 else "untrusted-root"
    return CODES.get(code, "verification-failed")


def _message(identifier: str, code: int, depth: int, path: Sequence[Certificate]) -> str:
    if depth >= len(path):
        return f"OpenSSL: {error_text(code)} (certificate {depth} of the path)."
    certificate = path[depth]
    who = _who(certificate, depth)
    last = who[0].lower() + who[1:]
    issuer = clean(certificate.issuer, limit=100)
    day = f"{certificate.not_after:%Y-%m-%d %H:%M} UTC"
    start = f"{certificate.not_before:%Y-%m-%d %H:%M} UTC"
    messages = {
        "expired": f"{who} expired on {day}.",
        "not-yet-valid": f"{who} is valid only from {start}.",
        "self-signed": f"{who} is self-signed and not in the trust store.",
        "incomplete-chain": _incomplete(certificate, issuer),
        "untrusted-root": f"The chain ends at {last}, which the trust store doesn't have."
        if certificate.role == "root"
        else f"The chain ends at {last}, and the trust store doesn't have its issuer ({issuer}).",
        "weak-key": f"{who} has a key that is too short: {certificate.key}.",
        "weak-signature": f"{who} is signed with a broken digest: {certificate.signature}.",
    }
    return messages.get(identifier) or f"{who}: {error_text(code)}."


def _incomplete(certificate: Certificate, issuer: str) -> str:
    message = (
        f"The issuer of the server's certificate ({issuer}) is neither sent by the server nor in "
        "the trust store."
    )
    if not certificate.issuer_urls:
        return message
    where = clean(certificate.issuer_urls[0], limit=120)
    return f"{message} The certificate says where it is: {where}"


def _who(certificate: Certificate, depth: int) -> str:
    name = clean(certificate.subject, limit=100)
    return "The server's certificate" if depth == 0 else f"The {certificate.role} {name}"


def judge_again(
    path: Sequence[X509], presented: Sequence[X509], flags: int
) -> tuple[int, int] | None:
    """Verify a path that was accepted once more, offline, under other flags.

    The store is the path's own anchor alone, so that nothing is loaded twice. Returns the first
    error as (depth, code), or None when it is accepted.
    """
    store = crypto.X509Store()
    store.add_cert(path[-1])
    store.set_flags(flags)
    try:
        crypto.X509StoreContext(store, path[0], [*presented, *path[1:]]).verify_certificate()
    except crypto.X509StoreContextError as error:
        return (int(error.errors[1]), int(error.errors[0]))
    return None


def differences(shaken: Shaken, policy: Policy, chain: Sequence[Certificate]) -> Iterator[Finding]:
    """Yield what the clients of the other flags say of this path, where it isn't the same.

    Python 3.13 is strict and takes an intermediate as an anchor; before, it was neither.
    """
    if not shaken.path or (shaken.errors and not _by_flags(shaken, policy)):
        return
    other = policies.LAX if policy.verifier.strict else policies.LAX | policies.STRICT
    error = judge_again(shaken.path, shaken.presented, other)
    who, kind = (
        ("Python 3.12 and earlier", "refused-by-older-clients")
        if policy.verifier.strict
        else ("Python 3.13 and later", "refused-by-newer-clients")
    )
    if error is None and shaken.errors:
        yield finding("accepted-by-other-clients", f"{who} accept this path.")
    elif error is not None and not shaken.errors:
        depth, code = error
        whose = _who(chain[depth], depth) if depth < len(chain) else "A certificate"
        yield finding(kind, f"{who} refuse this path: {whose}: {error_text(code)}.")


def _by_flags(shaken: Shaken, policy: Policy) -> bool:
    """Tell whether the errors are of a kind that the other flags may not have."""
    codes = {code for _, code in shaken.errors}
    if policy.verifier.strict:
        return codes <= STRICT_ONLY
    return codes <= ISSUER_MISSING and shaken.built[-1] in policy.trust.ders
