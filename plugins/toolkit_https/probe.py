"""What else a server accepts: each version of TLS on a connection of its own, and ALPN."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from OpenSSL import SSL

from toolkit_https.connect import Unreachable
from toolkit_https.deadline import Deadline
from toolkit_https.handshake import Shaken, shake
from toolkit_https.model import Finding, ProtocolProbe
from toolkit_https.policy import observe
from toolkit_https.reach import reach
from toolkit_https.registry import finding
from toolkit_https.targets import Target

if TYPE_CHECKING:
    from toolkit_https.check import Request

VERSIONS: Mapping[str, int] = {
    "TLSv1": SSL.TLS1_VERSION, "TLSv1.1": SSL.TLS1_1_VERSION, "TLSv1.2": SSL.TLS1_2_VERSION,
    "TLSv1.3": SSL.TLS1_3_VERSION,
}  # fmt: skip
"""Version as OpenSSL names it → its number; SSL 2 and 3 no OpenSSL of today speaks."""
OLD = {"TLSv1", "TLSv1.1"}
ALPN = (b"h2", b"http/1.1")
REFUSED = {"protocol-too-old", "handshake-refused", "connection-closed", "tls-error"}
CIPHERS = b"ALL:@SECLEVEL=0"


def probe(target: Target, request: Request) -> tuple[tuple[ProtocolProbe, ...], str]:
    """Return which versions the server accepts, and the ALPN protocol that it chooses ("" none).

    Nothing is verified here: whether a version is accepted has to do with no certificate. Each has
    the time of a check.
    """
    probes: list[ProtocolProbe] = []
    alpn = ""
    for name, version in VERSIONS.items():
        shaken = _shaken(target, request, version, Deadline.after(request.timeout))
        if shaken is None:
            probes.append(ProtocolProbe(name, None))
            continue
        probes.append(ProtocolProbe(name, _accepted(shaken), shaken.cipher))
        alpn = shaken.alpn or alpn
    return tuple(probes), alpn


def _shaken(target: Target, request: Request, version: int, deadline: Deadline) -> Shaken | None:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(version)
    context.set_max_proto_version(version)
    context.set_cipher_list(CIPHERS)
    observe(context)
    try:
        sock, _ = reach(target, request.way, deadline)
    except (Unreachable, TimeoutError):
        return None
    with sock:
        name = target.sni or ("" if target.is_ip else target.name)
        alpn = ALPN if target.scheme == "https" else ()
        return shake(replace(request.policy, context=context), sock, name, deadline, alpn)


def _accepted(shaken: Shaken) -> bool | None:
    if shaken.failure is None or shaken.failure.id == "client-certificate-required":
        return True
    return False if shaken.failure.id in REFUSED else None


def findings(probes: Sequence[ProtocolProbe]) -> Iterator[Finding]:
    """Yield what is worth changing among the versions."""
    accepted = {item.version for item in probes if item.accepted}
    if old := sorted(accepted & OLD):
        message = f"The server still accepts {' and '.join(old)} (RFC 8996)."
        yield finding("old-protocol-accepted", message)
    if accepted and "TLSv1.3" not in accepted:
        yield finding("no-tls1.3")
