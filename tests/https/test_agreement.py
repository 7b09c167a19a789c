"""The verdict is what the real `requests` of this interpreter does, for every trap and control."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives.serialization import Encoding
from urllib3.util.ssl_ import create_urllib3_context

from toolkit_https.check import Request, check
from toolkit_https.lab import TRAPS, Endpoint, Lab
from toolkit_https.lab.traps import INTERPRETER_DEPENDENT
from toolkit_https.model import Verdict
from toolkit_https.policy import LAX, STRICT, interpreter_flags, make_policy
from toolkit_https.targets import parse_target
from toolkit_https.trust import load_trust

EVERY = {**TRAPS, **INTERPRETER_DEPENDENT}
ALSO = {
    "issuer-not-a-ca": {"wrong-purpose"},
    "rsa-1024": {"verifiers-disagree"},  # the second verifier takes short keys
}
REASONS = {
    "expired": "certificate has expired",
    "not-yet-valid": "certificate is not yet valid",
    "wrong-host": "doesn't match|mismatch|not valid for",
    "self-signed": "self-signed certificate",
    "untrusted-root": "self-signed certificate in certificate chain",
    "incomplete-chain": "unable to get local issuer certificate",
    "cn-only": "no appropriate subjectAltName|doesn't match|mismatch",
    "client-auth-eku": "unsuitable certificate purpose|unsupported certificate purpose",
    "name-constraint-broken": "permitted subtree violation",
    "issuer-not-a-ca": "invalid CA certificate|CA cert|purpose",
    "rsa-1024": "EE certificate key too weak",
    "sha1": "CA signature digest algorithm too weak|CA certificate key|digest",
    "tls1.0": "version|protocol|alert",
    "tls1.1": "version|protocol|alert",
    "client-certificate-1.2": "handshake failure|reset|aborted|certificate required|alert",
    "client-certificate-1.3": "certificate required|reset|aborted|alert|EOF",
}


def asked(endpoint: Endpoint, ca_file: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return "" if requests accepts the server, else its error; only the lookup is arranged."""
    real = socket.getaddrinfo

    def lookup(host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        return real(endpoint.host if host == endpoint.name else host, port, *args, **kwargs)

    with monkeypatch.context() as patched, requests.Session() as session:
        patched.setattr(socket, "getaddrinfo", lookup)
        session.trust_env = False
        try:
            session.get(endpoint.url, verify=str(ca_file), timeout=5).close()
        except requests.exceptions.RequestException as error:
            return str(error)
    return ""


@pytest.mark.parametrize("trap", EVERY)
def test_the_verdict_is_that_of_requests(
    trap: str, lab: Lab, ca_file: Path, request_: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = lab.start(trap)
    refusal = asked(endpoint, ca_file, monkeypatch)
    heard = len(endpoint.heard)
    result = check(parse_target(endpoint.target), request_)
    assert (result.verdict is Verdict.TRUSTED) == (refusal == ""), refusal
    assert heard == (0 if refusal and "client-certificate" not in trap else heard)


@pytest.mark.parametrize("trap", TRAPS)
def test_each_server_is_what_it_says(
    trap: str, lab: Lab, ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests accepts exactly the controls, and refuses each trap for the trap's own reason."""
    refusal = asked(lab.start(trap), ca_file, monkeypatch)
    assert (refusal == "") == TRAPS[trap].accept, refusal
    if refusal:
        words = REASONS[trap].split("|")
        assert any(word in refusal for word in words), refusal


@pytest.mark.parametrize("trap", TRAPS)
def test_the_finding_names_the_fault_and_no_other(trap: str, lab: Lab, request_: Request) -> None:
    result = check(parse_target(lab.start(trap).target), request_)
    serious = {found.id for found in result.findings if found.severity != "info"}
    expected = {TRAPS[trap].finding} - {""}
    assert serious == expected | ALSO.get(trap, set())


def test_a_difference_between_interpreters_is_a_finding(lab: Lab, request_: Request) -> None:
    result = check(parse_target(lab.start("no-authority-key-id").target), request_)
    ids = {found.id for found in result.findings} - {"profile-breach", "verifiers-disagree"}
    strict = {"not-rfc5280", "accepted-by-other-clients"}
    assert ids == (strict if result.verifier.strict else {"refused-by-newer-clients"})


@pytest.mark.parametrize("strict", [True, False])
def test_an_intermediate_as_anchor_is_accepted_by_newer_clients_only(
    strict: object, lab: Lab, tmp_path: Path
) -> None:
    path = tmp_path / "intermediate.pem"
    path.write_bytes(lab.pki.intermediate.certificate.public_bytes(Encoding.PEM))
    flags = LAX | STRICT if strict else LAX
    request = Request(make_policy(load_trust(str(path), {}), flags), timeout=5)
    result = check(parse_target(lab.start("good").target), request)
    ids = {found.id for found in result.findings}
    assert result.verdict is (Verdict.TRUSTED if strict else Verdict.UNTRUSTED)
    assert ("refused-by-older-clients" if strict else "accepted-by-other-clients") in ids


def test_what_only_the_strict_flags_refuse_is_accepted_by_others(lab: Lab, ca_file: Path) -> None:
    request = Request(make_policy(load_trust(str(ca_file), {}), LAX | STRICT), timeout=5)
    result = check(parse_target(lab.start("no-authority-key-id").target), request)
    assert {"not-rfc5280", "accepted-by-other-clients"} <= {item.id for item in result.findings}
    assert result.verdict is Verdict.UNTRUSTED


def test_the_flags_are_those_that_urllib3_gives_its_contexts() -> None:
    assert interpreter_flags() == int(create_urllib3_context().verify_flags)


def test_the_result_records_what_verified_it(lab: Lab, request_: Request) -> None:
    result = check(parse_target(lab.start("good").target), request_)
    assert result.verifier.openssl.startswith("OpenSSL ")
    assert result.verifier.python_openssl == ssl.OPENSSL_VERSION
    assert result.trust.origin == "--ca"
    assert result.trust.certificates == 1
