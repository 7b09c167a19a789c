"""Each trap is what it says, by real clients: refused for its own fault, and sound but for it."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL, crypto

from toolkit.testing import Run
from toolkit_https.lab import TRAPS, Endpoint, Lab
from toolkit_https.lab.pki import Subject
from toolkit_https.lab.traps import HOSTILE_LABEL, NAME, Presented

VERIFY_CODES = {
    "expired": 10,
    "not-yet-valid": 9,
    "wrong-host": 62,
    "self-signed": 18,
    "untrusted-root": 19,
    "incomplete-chain": 20,
    "cn-only": 62,
    "client-auth-eku": 26,
    "name-constraint-broken": 47,
    "issuer-not-a-ca": 79,
    "rsa-1024": 66,
    "sha1": 68,
}
"""Trap → X509_V_ERR_… (openssl/x509_vfy.h): the first error of a client that verifies."""
NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME (openssl/x509_vfy.h), which `ssl` has no name for."""
OLD = {"tls1.0": SSL.TLS1_VERSION, "tls1.1": SSL.TLS1_1_VERSION}
CLIENT_CERTIFICATE = {"client-certificate-1.2", "client-certificate-1.3"}
PEER_FAILED_VERIFICATION, SSL_CONNECT_ERROR, RECV_ERROR = 60, 35, 56
"""Exit statuses of curl(1)."""


def refusal(
    endpoint: Endpoint, ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> requests.exceptions.RequestException | None:
    """Return the error that requests gives, or None; only the look-up of the name is arranged."""
    real = socket.getaddrinfo

    def lookup(host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        return real(endpoint.host if host == endpoint.name else host, port, *args, **kwargs)

    with monkeypatch.context() as patched, requests.Session() as session:
        patched.setattr(socket, "getaddrinfo", lookup)
        session.trust_env = False
        try:
            session.get(endpoint.url, verify=str(ca_file), timeout=5).close()
        except requests.exceptions.RequestException as error:
            return error
    return None


def verify_code(error: BaseException | None) -> int:
    """Return OpenSSL's verification error behind an error of requests, 0 if there is none."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return int(error.verify_code)
        error = error.__cause__ or error.__context__
    return 0


def test_every_trap_has_a_reason_to_be_refused() -> None:
    traps = {name for name, trap in TRAPS.items() if not trap.accept}
    assert traps == {*VERIFY_CODES, *OLD, *CLIENT_CERTIFICATE}


@pytest.mark.parametrize("trap", VERIFY_CODES)
def test_requests_refuses_a_certificate_for_its_own_fault_and_sends_nothing(
    trap: str, lab: Lab, ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = lab.start(trap)
    error = refusal(endpoint, ca_file, monkeypatch)
    assert isinstance(error, requests.exceptions.SSLError)
    assert verify_code(error) == VERIFY_CODES[trap], error
    assert endpoint.heard == []


@pytest.mark.parametrize("trap", [name for name, trap in TRAPS.items() if trap.accept])
def test_requests_accepts_a_control_and_the_server_hears_the_request(
    trap: str, lab: Lab, ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = lab.start(trap)
    assert refusal(endpoint, ca_file, monkeypatch) is None
    assert [request.split(b"\r\n")[0] for request in endpoint.heard] == [b"GET / HTTP/1.1"]


@pytest.mark.parametrize("trap", [*sorted(OLD), *sorted(CLIENT_CERTIFICATE)])
def test_requests_gets_nothing_from_a_server_it_shares_no_protocol_or_certificate_with(
    trap: str, lab: Lab, ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = lab.start(trap)
    error = refusal(endpoint, ca_file, monkeypatch)
    assert error is not None
    assert verify_code(error) == 0, "the certificate itself is sound"
    assert endpoint.heard == []


def lax_client(endpoint: Endpoint) -> ssl.SSLContext:
    """Return a client that verifies as urllib3's, for a test to take one check away."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.hostname_checks_common_name = False
    context.load_verify_locations(cadata=endpoint.ca_pem.decode())
    return context


def _no_clock(context: ssl.SSLContext, _lab: Lab, _sent: str) -> None:
    context.verify_flags |= ssl.VerifyFlags(NO_CHECK_TIME)


def _trust_what_is_sent(context: ssl.SSLContext, _lab: Lab, sent: str) -> None:
    context.load_verify_locations(cadata=sent)


def _trust_the_stranger(context: ssl.SSLContext, lab: Lab, _sent: str) -> None:
    context.load_verify_locations(cadata=_pem(lab.pki.stranger.certificate))


def _know_the_intermediate(context: ssl.SSLContext, lab: Lab, _sent: str) -> None:
    context.load_verify_locations(cadata=_pem(lab.pki.intermediate.certificate))


def _read_the_common_name(context: ssl.SSLContext, _lab: Lab, _sent: str) -> None:
    context.hostname_checks_common_name = True


def _take_weak_ones(context: ssl.SSLContext, _lab: Lab, _sent: str) -> None:
    context.set_ciphers("ALL:@SECLEVEL=0")


def _no_name(context: ssl.SSLContext, _lab: Lab, _sent: str) -> None:
    context.check_hostname = False


def _pem(certificate: Any) -> str:
    return str(certificate.public_bytes(Encoding.PEM).decode())


OVERLOOKING: dict[str, Callable[[ssl.SSLContext, Lab, str], None]] = {
    "expired": _no_clock,
    "not-yet-valid": _no_clock,
    "wrong-host": _no_name,
    "self-signed": _trust_what_is_sent,
    "untrusted-root": _trust_the_stranger,
    "incomplete-chain": _know_the_intermediate,
    "cn-only": _read_the_common_name,
    "rsa-1024": _take_weak_ones,
    "sha1": _take_weak_ones,
}


@pytest.mark.parametrize("trap", OVERLOOKING)
def test_a_client_that_overlooks_the_one_fault_finds_no_other(trap: str, lab: Lab) -> None:
    endpoint = lab.start(trap)
    context = lax_client(endpoint)
    sent = ssl.get_server_certificate((endpoint.host, endpoint.port), timeout=5)
    OVERLOOKING[trap](context, lab, sent)
    with (
        socket.create_connection((endpoint.host, endpoint.port), timeout=5) as sock,
        context.wrap_socket(sock, server_hostname=endpoint.name) as connection,
    ):
        assert connection.getpeercert()


def test_the_certificate_for_clients_is_sound_for_clients(lab: Lab) -> None:
    leaf, *rest = _presented("client-auth-eku", lab).chain
    store = crypto.X509Store()
    store.add_cert(crypto.X509.from_cryptography(lab.pki.root.certificate))
    middle = [crypto.X509.from_cryptography(authority.certificate) for authority in rest]
    own = crypto.X509.from_cryptography(leaf.certificate)
    crypto.X509StoreContext(store, own, middle).verify_certificate()  # for no purpose in particular


def _presented(trap: str, lab: Lab) -> Presented:
    return TRAPS[trap].build(lab.pki)


@pytest.mark.parametrize("trap", OLD)
def test_a_server_of_an_old_protocol_does_speak_it(trap: str, lab: Lab) -> None:
    """To a client that still does: then the certificate is sound."""
    endpoint = lab.start(trap)
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_cipher_list(b"ALL:@SECLEVEL=0")
    context.set_min_proto_version(SSL.TLS1_VERSION)
    root = crypto.X509.from_cryptography(lab.pki.root.certificate)
    store = context.get_cert_store()
    assert store is not None
    store.add_cert(root)
    context.set_verify(SSL.VERIFY_PEER, lambda *verdict: bool(verdict[-1]))
    with closing(socket.create_connection((endpoint.host, endpoint.port), timeout=5)) as sock:
        sock.settimeout(None)
        connection = SSL.Connection(context, sock)
        connection.set_connect_state()
        connection.do_handshake()
        assert connection.get_protocol_version() == OLD[trap]


@pytest.mark.parametrize("name", ["bank.test", "example.com", "notexample"])
def test_the_trial_root_is_no_good_for_other_names(
    name: str, lab: Lab, ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A root that somebody trusted by mistake must harm nobody."""
    original = TRAPS["good"]

    def sound_elsewhere(pki: Any) -> Presented:
        made: Presented = pki.leaf(Subject(name, dns=[name]))
        return made

    trap = type(original)("another's name", sound_elsewhere, name=name)
    monkeypatch.setattr("toolkit_https.lab.TRAPS", {"elsewhere": trap})
    endpoint = lab.start("elsewhere")
    assert verify_code(refusal(endpoint, ca_file, monkeypatch)) == 47


def test_hostile_names_are_in_the_certificates_as_they_are(lab: Lab) -> None:
    subject = _presented("hostile-names", lab).chain[0].certificate.subject.rfc4514_string()
    assert "\x1b" in subject
    assert "\u202e" in subject
    leaf = _presented("hostile-alt-names", lab).chain[0].certificate
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [NAME, HOSTILE_LABEL + NAME]


@pytest.mark.parametrize("layout", ["table", "json", "jsonl", "csv"])
def test_a_hostile_alternative_name_reaches_no_reader_raw(
    layout: str, lab: Lab, ca_file: Path, toolkit_run: Run
) -> None:
    argv = ["https", "check", lab.start("hostile-alt-names").target, "--ca", str(ca_file), "-v"]
    ended = toolkit_run(*argv, "--format", layout)
    shown = ended.stdout + ended.stderr
    assert "trusted" in shown
    assert not set("\x1b\x07") & set(shown)
    assert "\r" not in shown.replace("\r\n", "\n")


def test_the_sha1_certificate_is_signed_with_sha1(lab: Lab) -> None:
    leaf = _presented("sha1", lab).chain[0].certificate
    assert leaf.signature_algorithm_oid.dotted_string == "1.2.840.113549.1.1.5"  # RFC 8017, A.2.4


@pytest.mark.server("curl")
@pytest.mark.parametrize("trap", TRAPS)
def test_curl_refuses_for_the_reason_that_is_the_trap_and_takes_a_common_name(
    trap: str, lab: Lab, ca_file: Path
) -> None:
    server = lab.start(trap)
    curl = shutil.which("curl") or "curl"
    place = f"[{server.host}]" if ":" in server.host else server.host
    done = subprocess.run(
        [curl, "-q", "-sS", "--noproxy", "*", "--cacert", ca_file, "--connect-to", f"::{place}:",
         server.url],
        capture_output=True, check=False, timeout=20, env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    assert done.returncode in curl_statuses(trap), done.stderr
    assert bool(server.heard) == (done.returncode == 0)


def curl_statuses(trap: str) -> set[int]:
    """Return how curl may end; a client certificate asked for in TLS 1.3 is missed afterwards."""
    if TRAPS[trap].accept or trap == "cn-only":
        return {0}
    if trap in CLIENT_CERTIFICATE:
        return {SSL_CONNECT_ERROR, RECV_ERROR}
    return {SSL_CONNECT_ERROR} if trap in OLD else {PEER_FAILED_VERIFICATION}
