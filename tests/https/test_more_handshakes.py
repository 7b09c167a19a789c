"""Client certificates, and probes of what else a server accepts."""

from __future__ import annotations

import socket
import ssl
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from toolkit.errors import UsageError
from toolkit.testing import Run
from toolkit_https.check import Request, check
from toolkit_https.identity import Identity, load_identity
from toolkit_https.lab import Lab
from toolkit_https.lab.pki import CLIENT, Authority, Subject, issue
from toolkit_https.model import Result, Verdict
from toolkit_https.policy import make_policy
from toolkit_https.probe import probe
from toolkit_https.targets import parse_target

SECRET = b"hunter2"


@pytest.fixture
def client(lab: Lab) -> Authority:
    return issue(Subject("client", usage=[CLIENT]), lab.pki.intermediate)


def written(folder: Path, client: Authority, passphrase: bytes = b"") -> tuple[Path, Path]:
    lock = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    certificate, key = folder / "client.pem", folder / "client.key"
    certificate.write_bytes(client.certificate.public_bytes(Encoding.PEM))
    key.write_bytes(client.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock))
    return certificate, key


def nobody(_path: Path) -> bytes:
    pytest.fail("nobody is to be asked")


def seen(target: str, request: Request, identity: Identity | None) -> Result:
    policy = make_policy(request.policy.trust, identity=identity)
    return check(parse_target(target), replace(request, policy=policy))


def ids(result: Result) -> set[str]:
    return {item.id for item in result.findings}


@pytest.mark.parametrize(
    "trap", ["client-certificate-1.2", "client-certificate-1.3", "client-certificate-optional"]
)
@pytest.mark.parametrize("passphrase", [b"", SECRET])
def test_a_server_that_asks_gets_our_certificate(
    trap: str, passphrase: bytes, lab: Lab, client: Authority, request_: Request, tmp_path: Path
) -> None:
    identity = load_identity(*written(tmp_path, client, passphrase), lambda _: passphrase)
    result = seen(lab.start(trap).target, request_, identity)
    assert result.verdict is Verdict.TRUSTED
    (asked,) = (item for item in result.findings if item.id == "client-certificate-requested")
    assert "took the one given" in asked.message
    assert SECRET.decode() not in repr(identity)


def test_a_certificate_that_the_server_refuses_is_told(
    lab: Lab, request_: Request, tmp_path: Path
) -> None:
    """The laboratory's own servers take any."""
    folder = tmp_path / "server"
    folder.mkdir()
    presented = lab.pki.leaf()
    pem = b"".join(item.certificate.public_bytes(Encoding.PEM) for item in presented.chain)
    (folder / "chain.pem").write_bytes(pem)
    key = presented.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "chain.pem", folder / "key.pem")
    context.load_verify_locations(cadata=lab.ca_pem.decode())
    context.verify_mode = ssl.CERT_REQUIRED
    stranger = issue(Subject("client", usage=[CLIENT]), lab.pki.stranger)
    identity = load_identity(*written(tmp_path, stranger), nobody)

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            try:
                context.wrap_socket(connection, server_side=True).recv(1)
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        target = f"shop.example@127.0.0.1:{listener.getsockname()[1]}"
        result = seen(target, request_, identity)
        thread.join(10)
    assert "client-certificate-refused" in ids(result)
    assert result.verdict is Verdict.UNVERIFIABLE


@pytest.mark.parametrize("passphrase", [b"", SECRET])
def test_the_http_request_shows_it_as_well(
    passphrase: bytes, lab: Lab, client: Authority, request_: Request, tmp_path: Path
) -> None:
    identity = load_identity(*written(tmp_path, client, passphrase), lambda _: passphrase)
    server = lab.start("client-certificate-1.2")
    policy = make_policy(request_.policy.trust, identity=identity)
    target = replace(parse_target(server.url), address=server.host)
    result = check(target, replace(request_, policy=policy))
    assert result.http is not None
    assert result.http.steps[0].status == 200


def test_files_that_make_no_identity_are_refused_in_a_sentence(
    lab: Lab, client: Authority, tmp_path: Path
) -> None:
    certificate, key = written(tmp_path, client)
    other = tmp_path / "other.key"
    stranger = lab.pki.stranger.key
    other.write_bytes(stranger.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    for chain, owned, words in (
        (certificate, None, "holds no private key"),
        (certificate, other, "isn't that of the certificate"),
        (key, key, "holds no certificate"),
        (tmp_path / "nowhere", None, "cannot be read"),
    ):
        with pytest.raises(UsageError, match=words):
            load_identity(chain, owned, nobody)
    both = tmp_path / "both.pem"
    both.write_bytes(certificate.read_bytes() + key.read_bytes())
    assert load_identity(both, None, nobody).key == both


def test_the_command_takes_a_locked_key(
    lab: Lab, client: Authority, toolkit_run: Run, ca_file: Path, tmp_path: Path
) -> None:
    certificate, key = written(tmp_path, client, SECRET)
    command = ("https", "check", lab.start("client-certificate-1.3").target, "--ca", str(ca_file))
    files = ("--client-cert", str(certificate), "--client-key", str(key))
    given = {"TOOLKIT_HTTPS_PASSPHRASE": SECRET.decode()}
    done = toolkit_run(*command, *files, environ=given)
    assert done.status == 0, done.stdout
    wrong = toolkit_run(*command, *files, environ={"TOOLKIT_HTTPS_PASSPHRASE": "guess"})
    assert (wrong.status, "client.key: can't be read" in wrong.stderr) == (2, True)
    locked = toolkit_run(*command, *files)
    assert (locked.status, "locked with a passphrase" in locked.stderr) == (2, True)
    alone = toolkit_run(*command, "--client-key", str(key))
    assert (alone.status, "--client-cert, which is missing" in alone.stderr) == (2, True)


VERSIONS = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]


@pytest.mark.parametrize(
    ("trap", "accepted"),
    [
        ("good", [False, False, True, True]),
        ("tls1.0", [True, False, False, False]),
        ("tls1.1", [False, True, False, False]),
        ("tls1.2", [False, False, True, False]),
        ("client-certificate-1.3", [False, False, False, True]),
        ("client-certificate-1.2", [False, False, True, False]),
    ],
)
def test_each_version_is_probed(
    trap: str, accepted: list[bool], lab: Lab, request_: Request
) -> None:
    probes, alpn = probe(parse_target(lab.start(trap).target), request_)
    assert [item.version for item in probes] == VERSIONS
    assert [item.accepted for item in probes] == accepted
    assert all(bool(item.cipher) for item in probes if item.accepted and "client" not in trap)
    assert alpn == ""


def test_old_versions_are_a_finding(lab: Lab, request_: Request) -> None:
    context_of_old = replace(request_, protocols=True)
    result = check(parse_target(lab.start("tls1.0").target), context_of_old)
    assert {"protocol-too-old", "old-protocol-accepted"} <= ids(result)
    assert "accepts TLSv1 " in next(
        item.message for item in result.findings if item.id == "old-protocol-accepted"
    )
    newer = check(parse_target(lab.start("tls1.2").target), context_of_old)
    assert "no-tls1.3" in ids(newer)


def test_what_nobody_answers_is_unknown(lab: Lab, request_: Request) -> None:
    impatient = replace(request_, timeout=0.3)
    probes, _ = probe(parse_target(lab.start("silent").target), impatient)
    assert [item.accepted for item in probes] == [None] * 4
    closed = f"shop.example@127.0.0.1:{lab.closed_port()}"
    assert {item.accepted for item in probe(parse_target(closed), request_)[0]} == {None}


def test_alpn_is_what_the_server_chooses(lab: Lab, request_: Request) -> None:
    presented = lab.pki.leaf()
    server = lab.present(presented, alpn=(b"h2",))
    _, alpn = probe(parse_target(server.target), request_)
    assert alpn == "h2"


def test_the_command_shows_what_it_probed(lab: Lab, toolkit_run: Run, ca_file: Path) -> None:
    target = lab.start("good").target
    done = toolkit_run("https", "check", target, "--ca", str(ca_file), "--protocols", "-v")
    wanted = "accepts: TLSv1 no, TLSv1.1 no, TLSv1.2 yes, TLSv1.3 yes; ALPN none"
    assert (done.status, wanted in done.stdout) == (0, True)
