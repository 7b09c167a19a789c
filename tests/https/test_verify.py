"""Files are verified before they are installed, with the verdict a server would get."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from toolkit.testing import Ended, Home, Run
from toolkit_https.lab.pki import Authority, ecdsa_key
from toolkit_https.lab.traps import TRAPS, Pki

PASSPHRASE = b"open sesame"


def pem(*authorities: Authority) -> str:
    return "".join(item.certificate.public_bytes(Encoding.PEM).decode() for item in authorities)


def key_pem(key: object, passphrase: bytes | None = None) -> str:
    lock = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    encode = getattr(key, "private_bytes")  # noqa: B009  any of the kinds of key
    raw: bytes = encode(Encoding.PEM, PrivateFormat.PKCS8, lock)
    return raw.decode()


class Desk:
    """A home with ca.pem, and the command run on files in it."""

    def __init__(self, home: Home, run: Run) -> None:
        self.home, self.run, self.pki = home, run, Pki()
        home.write("ca.pem", pem(self.pki.root))

    def verify(self, *argv: str, **environ: str) -> tuple[Ended, list[str]]:
        """Run `verify` for shop.example; return how it ended and the findings that matter."""
        ended = self.run(
            "https", "verify", *argv, "--host", "shop.example", "--ca", "ca.pem",
            "--format", "json", environ=environ,
        )  # fmt: skip
        if ended.status in {2, 3}:
            return ended, []
        (result,) = json.loads(ended.stdout)["results"]
        return ended, [item["id"] for item in result["findings"] if item["severity"] != "info"]


@pytest.fixture
def desk(toolkit_home: Home, toolkit_run: Run) -> Desk:
    return Desk(toolkit_home, toolkit_run)


def test_a_full_chain_with_its_key_is_trusted(desk: Desk) -> None:
    presented = desk.pki.leaf()
    desk.home.write("fullchain.pem", pem(*presented.chain))
    desk.home.write("key.pem", key_pem(presented.key))
    ended, found = desk.verify("fullchain.pem", "--key", "key.pem")
    assert (ended.status, found) == (0, [])


def test_the_chain_may_be_in_a_file_of_its_own_and_der(desk: Desk) -> None:
    leaf, middle = desk.pki.leaf().chain
    (desk.home.folder / "cert.der").write_bytes(leaf.certificate.public_bytes(Encoding.DER))
    desk.home.write("chain.pem", pem(middle))
    assert desk.verify("cert.der", "--chain", "chain.pem")[0].status == 0
    assert desk.verify("cert.der")[1] == ["incomplete-chain"]


@pytest.mark.parametrize(
    "trap",
    ["expired", "not-yet-valid", "wrong-host", "self-signed", "untrusted-root", "incomplete-chain",
     "cn-only", "client-auth-eku", "name-constraint-broken", "issuer-not-a-ca"],
)  # fmt: skip
def test_files_get_the_finding_that_their_server_would_get(trap: str, desk: Desk) -> None:
    desk.home.write("cert.pem", pem(*TRAPS[trap].build(desk.pki).chain))
    ended, found = desk.verify("cert.pem")
    assert ended.status == 1
    assert TRAPS[trap].finding in {*found, "wrong-purpose" if trap == "issuer-not-a-ca" else ""} | {
        "not-an-authority" if "wrong-purpose" in found else ""
    }


def test_a_strange_key_is_a_mismatch(desk: Desk) -> None:
    desk.home.write("fullchain.pem", pem(*desk.pki.leaf().chain))
    desk.home.write("key.pem", key_pem(ecdsa_key()))
    ended, found = desk.verify("fullchain.pem", "--key", "key.pem")
    assert (ended.status, found) == (1, ["key-mismatch"])


def test_a_wrong_order_is_told_and_the_verdict_stands(desk: Desk) -> None:
    desk.home.write("chain.pem", pem(*reversed(desk.pki.leaf().chain)))
    ended, found = desk.verify("chain.pem")
    assert (ended.status, found) == (0, ["wrong-order"])


def test_pkcs12_needs_its_passphrase_from_the_environment(desk: Desk) -> None:
    presented = desk.pki.leaf()
    leaf, middle = (item.certificate for item in presented.chain)
    lock = BestAvailableEncryption(PASSPHRASE)
    key: object = presented.key
    raw = pkcs12.serialize_key_and_certificates(b"x", key, leaf, [middle], lock)  # type: ignore[arg-type]  # of any kind
    (desk.home.folder / "shop.p12").write_bytes(raw)
    assert desk.verify("shop.p12", TOOLKIT_HTTPS_PASSPHRASE=PASSPHRASE.decode())[0].status == 0
    asked, _ = desk.verify("shop.p12")
    assert asked.status == 2
    assert "TOOLKIT_HTTPS_PASSPHRASE" in asked.stderr
    guess = {"TOOLKIT_HTTPS_PASSPHRASE": "geheim"}
    wrong, _ = desk.verify("shop.p12", **guess)
    assert wrong.status == 2
    assert "geheim" not in wrong.stderr


def test_a_locked_key_is_opened(desk: Desk) -> None:
    presented = desk.pki.leaf()
    desk.home.write("fullchain.pem", pem(*presented.chain))
    desk.home.write("key.pem", key_pem(presented.key, PASSPHRASE))
    argv = ["fullchain.pem", "--key", "key.pem"]
    assert desk.verify(*argv, TOOLKIT_HTTPS_PASSPHRASE=PASSPHRASE.decode())[0].status == 0
    assert desk.verify(*argv)[0].status == 2


def revocation_list(desk: Desk, *serials: int) -> str:
    now = datetime.now(UTC)
    issuer = desk.pki.intermediate
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(now - timedelta(hours=1))
        .next_update(now + timedelta(days=1))
        .add_extension(x509.CRLNumber(1), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()),
            critical=False,
        )
    )
    for serial in serials:
        revoked = x509.RevokedCertificateBuilder().serial_number(serial)
        builder = builder.add_revoked_certificate(revoked.revocation_date(now).build())
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def test_a_revocation_list_is_honoured(desk: Desk) -> None:
    presented = desk.pki.leaf()
    desk.home.write("fullchain.pem", pem(*presented.chain))
    serial = presented.chain[0].certificate.serial_number
    desk.home.write("revoked.pem", revocation_list(desk, serial))
    desk.home.write("clean.pem", revocation_list(desk))
    assert desk.verify("fullchain.pem", "--crl", "clean.pem")[0].status == 0
    ended, found = desk.verify("fullchain.pem", "--crl", "revoked.pem")
    assert (ended.status, found[0]) == (1, "revoked")


def test_the_time_can_be_chosen(desk: Desk) -> None:
    desk.home.write("fullchain.pem", pem(*desk.pki.leaf().chain))
    assert desk.verify("fullchain.pem", "--at", "2040-01-01")[1][0] == "expired"
    assert desk.verify("fullchain.pem", "--at", "tomorrow")[0].status == 2


@pytest.mark.parametrize("content", ["", "nothing\n", "-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_a_file_without_a_certificate_is_a_usage_error(content: str, desk: Desk) -> None:
    desk.home.write("cert.pem", content)
    ended, _ = desk.verify("cert.pem")
    assert ended.status == 2
    assert "cert.pem" in ended.stderr
