"""The findings that few servers cause, each by a server or a file that does; and none without."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import crypto

from toolkit.testing import Run
from toolkit_https.check import Request, check
from toolkit_https.lab import Lab, Presented, Response
from toolkit_https.lab.pki import Authority, Instead, Subject, issue
from toolkit_https.lab.server import tls_context, tls_handler
from toolkit_https.lab.traps import NAME, TRAPS
from toolkit_https.lab.weak import tlv
from toolkit_https.model import Result, Verdict
from toolkit_https.registry import REGISTRY
from toolkit_https.targets import Target, parse_target

ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
PROXY_CERTIFICATE = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.14")
"""proxyCertInfo (RFC 3820): SEQUENCE { SEQUENCE { id-ppl-inheritAll } }."""
INHERIT_ALL = bytes.fromhex("300c300a06082b06010505071501")


def ids(result: Result) -> list[str]:
    return [found.id for found in result.findings if found.severity == "critical"]


def seen(lab: Lab, request: Request, *chain: Authority) -> Result:
    return check(parse_target(lab.present(Presented(chain)).target), request)


def edited(issuer: Authority, sound: Authority, edit: Callable[[bytes], bytes]) -> bytes:
    """Return the DER of `sound` with its tbsCertificate edited, and signed as it is then."""
    tbs = edit(sound.certificate.tbs_certificate_bytes)
    assert isinstance(issuer.key, ec.EllipticCurvePrivateKey)
    signature = issuer.key.sign(tbs, ec.ECDSA(hashes.SHA256()))
    return tlv(0x30, tbs + ECDSA_SHA256 + tlv(0x03, b"\0" + signature))


def with_extension(issuer: Authority, oid: x509.ObjectIdentifier, content: bytes) -> Authority:
    """Issue a leaf with one more, critical extension."""
    sound = issue(Subject(NAME, dns=[NAME]), issuer)
    old = sound.certificate
    builder = x509.CertificateBuilder(
        issuer.certificate.subject, old.subject, old.public_key(), old.serial_number,
        old.not_valid_before_utc, old.not_valid_after_utc,
    )  # fmt: skip
    for extension in old.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    builder = builder.add_extension(x509.UnrecognizedExtension(oid, content), critical=True)
    assert isinstance(issuer.key, ec.EllipticCurvePrivateKey)
    return Authority(builder.sign(issuer.key, hashes.SHA256()), sound.key)


def test_a_signature_by_another_key_of_the_same_name_is_bad(lab: Lab, request_: Request) -> None:
    impostor = issue(Subject("Trial Root", authority=True), None)
    leaf = issue(Subject(NAME, dns=[NAME], key_identifier=False), impostor)
    result = seen(lab, request_, leaf)
    assert ids(result) == ["bad-signature"]
    assert result.verdict is Verdict.UNTRUSTED


def test_an_unknown_critical_extension_is_unhandled(lab: Lab, request_: Request) -> None:
    leaf = with_extension(lab.pki.intermediate, x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    assert ids(seen(lab, request_, leaf, lab.pki.intermediate)) == ["unhandled-extension"]


def test_an_authority_below_one_that_allows_none_makes_the_path_too_long(
    lab: Lab, request_: Request
) -> None:
    none: Instead = {x509.BasicConstraints: (x509.BasicConstraints(ca=True, path_length=0), True)}
    last = issue(Subject("Last", authority=True, instead=none), lab.pki.root)
    below = issue(Subject("Below", authority=True), last)
    leaf = issue(Subject(NAME, dns=[NAME]), below)
    assert ids(seen(lab, request_, leaf, below, last)) == ["path-too-long"]


def test_a_date_that_is_none_makes_a_certificate_malformed(
    lab: Lab, request_: Request, tmp_path: Path
) -> None:
    def thirteenth_month(tbs: bytes) -> bytes:
        at = tbs.index(b"\x17\x0d", 40)  # the first UTCTime: notBefore (RFC 5280, 4.1.2.5.1)
        return tbs[: at + 4] + b"13" + tbs[at + 6 :]

    sound = lab.pki.leaf()
    raw = edited(lab.pki.intermediate, sound.chain[0], thirteenth_month)
    context = tls_context(TRAPS["good"], sound)
    (tmp_path / "leaf.der").write_bytes(raw)
    context.use_certificate_file(str(tmp_path / "leaf.der"), crypto.FILETYPE_ASN1)
    server = lab.run(tls_handler(lambda: context, Response(), []))
    result = check(parse_target(f"{NAME}@127.0.0.1:{server.port}"), request_)
    assert "malformed-certificate" in ids(result)
    assert result.verdict is Verdict.UNTRUSTED


def test_what_openssl_refuses_for_another_reason_is_told_in_its_words(
    lab: Lab, request_: Request
) -> None:
    leaf = with_extension(lab.pki.intermediate, PROXY_CERTIFICATE, INHERIT_ALL)
    result = seen(lab, request_, leaf, lab.pki.intermediate)
    assert "verification-failed" in ids(result)
    told = next(item for item in result.findings if item.id == "verification-failed")
    assert "proxy certificates not allowed" in told.message


def test_a_list_of_another_issuer_leaves_the_list_missing(
    lab: Lab, toolkit_run: Run, ca_file: Path, tmp_path: Path
) -> None:
    leaf = issue(Subject(NAME, dns=[NAME]), lab.pki.root)
    (tmp_path / "leaf.pem").write_bytes(leaf.certificate.public_bytes(Encoding.PEM))
    now = datetime.now(UTC)
    later = now + timedelta(days=1)
    stranger = lab.pki.stranger
    assert isinstance(stranger.key, ec.EllipticCurvePrivateKey)
    made = (
        x509.CertificateRevocationListBuilder(stranger.certificate.subject, now, later)
        .add_extension(x509.CRLNumber(1), critical=False)
        .sign(stranger.key, hashes.SHA256())
    )
    (tmp_path / "other.crl").write_bytes(made.public_bytes(Encoding.PEM))
    done = toolkit_run(
        "https", "verify", str(tmp_path / "leaf.pem"), "--host", NAME, "--ca", str(ca_file),
        "--crl", str(tmp_path / "other.crl"), "--format", "json",
    )  # fmt: skip
    assert done.status == 1
    assert json.loads(done.stdout)["results"][0]["ids"][0] == "crl-missing"


def test_the_second_verifier_abstains_where_it_has_too_much_to_do(
    lab: Lab, request_: Request
) -> None:
    crowd = [issue(Subject(f"Nobody {number}"), None) for number in range(130)]
    result = seen(lab, request_, *lab.pki.leaf().chain, *crowd)
    assert result.verdict is Verdict.TRUSTED
    assert "second-opinion-missing" in [item.id for item in result.findings]


def test_a_second_connection_that_presents_a_bad_certificate_is_untrusted(
    lab: Lab, request_: Request
) -> None:
    """One of two servers behind a balancer was forgotten: the first answers well."""
    contexts = [tls_context(TRAPS[name], TRAPS[name].build(lab.pki)) for name in
                ("expired", "good")]  # fmt: skip
    server = lab.run(tls_handler(contexts.pop, Response(), []))
    url = f"https://{NAME}:{server.port}/"
    result = check(Target(url, NAME, "127.0.0.1", server.port, url), request_)
    assert (result.verdict, ids(result)) == (Verdict.UNTRUSTED, ["http-untrusted"])


@pytest.mark.server("unshare")
def test_a_network_that_is_not_there_is_unreachable(ca_file: Path) -> None:
    """In a network namespace of its own, where not even loopback is up."""
    program = (
        "from toolkit_https.check import *; from toolkit_https.targets import *;"
        "from toolkit_https.policy import *; from toolkit_https.trust import *; import sys;"
        "request = Request(make_policy(load_trust(sys.argv[1], {})), timeout=5);"
        "print(*[found.id for found in check(parse_target('192.0.2.1'), request).findings])"
    )
    command = ["unshare", "-r", "-n", sys.executable, "-P", "-c", program, str(ca_file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.split() == ["network-unreachable"]


def test_every_finding_is_named_by_a_test() -> None:
    """A finding that no server, file or fault of these tests causes is a guess."""
    texts = [path.read_text() for path in Path(__file__).parent.rglob("*.py")]
    texts.append("".join(f'"{trap.finding}"' for trap in TRAPS.values()))
    assert [name for name in REGISTRY if not any(f'"{name}"' in text for text in texts)] == []


def test_a_strict_policy_needs_no_more_than_a_sound_server(lab: Lab, request_: Request) -> None:
    """The control of this page: none of these findings is there by itself."""
    result = seen(lab, replace(request_, strict=True), *lab.pki.leaf().chain)
    assert (result.verdict, ids(result)) == (Verdict.TRUSTED, [])
