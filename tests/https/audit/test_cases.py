"""The traps themselves: each is refused by OpenSSL for its own fault, and sound but for it."""

from __future__ import annotations

import socket
import ssl
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from OpenSSL import SSL

from toolkit_https.audit import CASES, Case, Grade
from toolkit_https.audit.cases import BY_ID, SERVERS, Play, with_controls
from toolkit_https.audit.ground import TRIAL_DAYS
from toolkit_https.lab import TRAPS, Lab
from toolkit_https.lab.tricks import TRICKS

NAME_MISMATCH, ADDRESS_MISMATCH = 62, 64
VERIFY_CODES = {
    "upper-case": 0,
    "constrained": 0,
    "tls1.3": 0,
    "redirect": 0,
    "expired-intermediate": 10,
    "parent-name": NAME_MISMATCH,
    "suffix-name": NAME_MISMATCH,
    "prefix-name": NAME_MISMATCH,
    "other-name-types": NAME_MISMATCH,
    "cn-beside-san": NAME_MISMATCH,
    "null-in-san": NAME_MISMATCH,
    "null-in-cn": NAME_MISMATCH,
    "wildcard-parent": NAME_MISMATCH,
    "wildcard-deep": NAME_MISMATCH,
    "wildcard-middle": NAME_MISMATCH,
    "wildcard-partial": NAME_MISMATCH,
    "wildcard-top": NAME_MISMATCH,
    "wildcard-ip": ADDRESS_MISMATCH,
    "wrong-ip": ADDRESS_MISMATCH,
    "ip-as-dns-name": ADDRESS_MISMATCH,
    "ip-in-cn": ADDRESS_MISMATCH,
    "impersonated-root": 19,
    "forged-signature": 7,
    "forged-intermediate": 7,
    "no-basic-constraints": 79,
    "path-length": 25,
    "no-cert-sign": 79,
    "excluded-name": 48,
    "other-network": 47,
    "root-constraint": 47,
    "unknown-critical": 34,
    "leaf-is-a-ca": 0,
    "code-signing-eku": 26,
    "issuer-eku": 26,
    "no-digital-signature": 0,
    "md5": 68,
    "sha1-intermediate": 68,
}
"""Trick → X509_V_ERR_… (openssl/x509_vfy.h) of Python's ssl, which refuses for that first."""
CIPHERS = {"anonymous": b"aNULL:@SECLEVEL=0", "no-encryption": b"eNULL:@SECLEVEL=0"}


def verify_code(trick: str, lab: Lab) -> int:
    server = lab.start(trick)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=server.ca_pem.decode())
    with socket.create_connection((server.host, server.port), timeout=5) as plain:
        try:
            context.wrap_socket(plain, server_hostname=server.name).close()
        except ssl.SSLCertVerificationError as error:
            return int(error.verify_code)
    return 0


@pytest.mark.parametrize("trick", VERIFY_CODES)
def test_a_trick_is_refused_for_its_own_fault(trick: str, lab: Lab) -> None:
    assert verify_code(trick, lab) == VERIFY_CODES[trick]


def test_every_trick_has_its_reason_above() -> None:
    assert set(TRICKS) == {*VERIFY_CODES, *CIPHERS}


@pytest.mark.parametrize("trick", CIPHERS)
def test_a_server_of_bad_ciphers_talks_to_a_client_that_offers_them(trick: str, lab: Lab) -> None:
    server = lab.start(trick)
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_cipher_list(CIPHERS[trick])
    with closing(socket.create_connection((server.host, server.port), timeout=5)) as plain:
        plain.settimeout(None)
        connection = SSL.Connection(context, plain)
        connection.set_connect_state()
        connection.do_handshake()
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 200 ")
        assert bool(connection.get_peer_certificate()) == (trick == "no-encryption")


def test_there_are_thirty_traps_and_more_and_sound_servers_beside_them() -> None:
    traps = [case for case in CASES if not case.accept]
    assert len(traps) >= 30
    assert len({case.id for case in CASES}) == len(CASES)
    groups = {case.group for case in traps}
    assert groups == {"validity", "name", "trust", "chain", "purpose", "strength", "protocol",
                      "http"}  # fmt: skip
    sound = {case.id for case in CASES if case.accept}
    assert {"good", "wildcard", "ip", "cross-signed", "deep", "ecdsa", "rsa", "ed25519"} <= sound


@pytest.mark.parametrize("case", [case for case in CASES if not case.accept], ids=lambda c: c.id)
def test_a_trap_says_what_accepting_it_means_and_differs_from_a_sound_server(case: Case) -> None:
    assert case.danger.endswith(".")
    assert BY_ID[case.control].accept


def test_every_server_that_check_refuses_is_a_case_or_about_the_clients_own_certificate() -> None:
    served = {case.server for case in CASES if case.play is Play.DIRECT}
    refused = {name for name, trap in TRAPS.items() if not trap.accept}
    assert refused - served == {"client-certificate-1.2", "client-certificate-1.3"}
    assert set(TRICKS) - served == {"redirect"}
    assert served <= set(SERVERS)


def test_a_selection_brings_the_sound_servers_that_it_differs_from() -> None:
    chosen = with_controls([BY_ID["wrong-ip"], BY_ID["expired"]])
    assert [case.id for case in chosen] == ["good", "ip", "wrong-ip", "expired"]


def test_only_what_newer_clients_refuse_is_lax() -> None:
    """Weakness by age or leniency; who is fooled about who answers is in danger."""
    lax = {case.id for case in CASES if case.grade is Grade.LAX}
    assert {"cn-only", "sha1", "no-authority-key-id", "tls1.0"} <= lax
    assert not {"wrong-host", "self-signed", "expired", "issuer-not-a-ca", "null-in-san"} & lax


def test_the_authority_of_an_audit_lasts_hours_and_is_bound_to_trial_names() -> None:
    root = Lab(days=TRIAL_DAYS).pki.root.certificate
    assert root.not_valid_after_utc < datetime.now(UTC) + timedelta(hours=13)
    found = root.extensions.get_extension_for_class(x509.NameConstraints)
    permitted = {str(item.value) for item in found.value.permitted_subtrees or ()}
    assert found.critical
    assert permitted == {"example", "localhost", "0.0.1", "shop.example", "127.0.0.0/8", "::1/128"}


def test_two_laboratories_have_two_authorities() -> None:
    assert Lab().ca_pem != Lab().ca_pem
