"""Certificates made to break a reader: broken anywhere, enormous, or with thousands of names."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toolkit.testing import Run
from toolkit_https.aia import certificates_in, missing_issuers
from toolkit_https.certificates import crl_urls, describe_ders, must_staple, names_of, ocsp_urls
from toolkit_https.check import Request, check, name_fault
from toolkit_https.crl import judge as judge_crl
from toolkit_https.fetch import FetchError
from toolkit_https.lab import Lab, Presented
from toolkit_https.lab.pki import Authority, Subject, issue
from toolkit_https.ocsp import Unusable
from toolkit_https.ocsp import judge as judge_ocsp
from toolkit_https.opinions import breaches
from toolkit_https.paths import find_paths, with_roles
from toolkit_https.second import Abstained, Question, opinion
from toolkit_https.targets import parse_target

NAME = "shop.example"


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def nothing(_url: str, _limit: int) -> bytes:
    raise FetchError("nothing here")


def read_all(raw: bytes, above: Sequence[x509.Certificate]) -> None:
    """Do with a certificate all that a check does."""
    assert describe_ders([raw], [])
    found = certificates_in(raw)
    if not found:
        return
    leaf, chain = found[0], [found[0], *above]
    names_of(leaf)
    name_fault(NAME, leaf)
    breaches(chain)
    assert (ocsp_urls(leaf), crl_urls(leaf), must_staple(leaf)) is not None
    paths = find_paths(chain, [], lambda _: above[-1:])
    with_roles(describe_ders([raw], [raw]), chain, paths, lambda _: above[-1:])
    missing_issuers([leaf], lambda _: False, nothing)
    at = above[0].not_valid_before_utc
    with suppress(Abstained):
        opinion(Question(leaf, tuple(above[:1]), tuple(above[-1:]), NAME, at))
    for judge in (judge_ocsp, judge_crl):
        with suppress(Unusable):
            judge(raw, leaf, above[0], at)


@pytest.fixture(scope="module")
def pointing(lab: Lab) -> bytes:
    """Issue, once, a certificate that points everywhere: its length must not vary by example."""
    subject = Subject(
        NAME, dns=[NAME, "*.shop.example"], addresses=["127.0.0.1"], issuer_url="http://a.example/",
        ocsp_url="http://b.example/", crl_url="http://c.example/", must_staple=True,
    )  # fmt: skip
    return der(issue(subject, lab.pki.intermediate).certificate)


@settings(max_examples=500, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_certificate_broken_anywhere_raises_nothing(
    data: st.DataObject, lab: Lab, pointing: bytes
) -> None:
    raw = bytearray(pointing)
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    above = [lab.pki.intermediate.certificate, lab.pki.root.certificate]
    read_all(bytes(raw), above)


def with_extension(lab: Lab, size: int) -> Authority:
    """Issue a leaf with an extension of `size` bytes that nobody knows."""
    template = issue(Subject(NAME, dns=[NAME]), lab.pki.root)
    old = template.certificate
    builder = x509.CertificateBuilder(
        old.issuer, old.subject, old.public_key(), old.serial_number, old.not_valid_before_utc,
        old.not_valid_after_utc,
    )  # fmt: skip
    for extension in old.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), bytes(size))
    made = builder.add_extension(unknown, critical=False).sign(lab.pki.root.key, hashes.SHA256())
    return Authority(made, template.key)


def test_a_certificate_of_ten_megabytes_is_cut_off(lab: Lab, request_: Request) -> None:
    server = lab.present(Presented((with_extension(lab, 10 << 20),)))
    began = time.monotonic()
    result = check(parse_target(server.target), request_)
    assert [item.id for item in result.findings] == ["tls-error"]
    assert time.monotonic() - began < 5


def test_as_many_names_as_a_handshake_takes_are_read_in_time(lab: Lab, request_: Request) -> None:
    many = [f"n{number}.example" for number in range(5000)]
    leaf = issue(Subject(NAME, dns=[*many, NAME]), lab.pki.root)
    server = lab.present(Presented((leaf,)))
    began = time.monotonic()
    result = check(parse_target(server.target), replace(request_, timeout=10))
    assert result.verdict == "trusted"
    assert len(result.chain[0].names) == 5001
    other = check(parse_target(server.target.replace(NAME, "other.example")), request_)
    assert other.findings[0].id == "name-mismatch"
    assert len(other.findings[0].message) < 700
    assert time.monotonic() - began < 8


def test_a_file_with_ten_thousand_names_is_verified_in_time(
    lab: Lab, toolkit_run: Run, ca_file: Path, tmp_path: Path
) -> None:
    many = [f"n{number}.example" for number in range(10_000)]
    leaf = issue(Subject(NAME, dns=[*many, NAME]), lab.pki.root)
    path = tmp_path / "many.pem"
    path.write_bytes(leaf.certificate.public_bytes(Encoding.PEM))
    began = time.monotonic()
    command = ("https", "verify", str(path), "--ca", str(ca_file), "--host")
    assert toolkit_run(*command, NAME).status == 0
    wrong = toolkit_run(*command, "other.example")
    assert (wrong.status, len(wrong.stdout) < 2000) == (1, True)
    assert time.monotonic() - began < 15


@pytest.mark.parametrize("count", [64, 200])
def test_a_crowd_of_certificates_is_a_verdict_in_time(
    count: int, lab: Lab, request_: Request
) -> None:
    presented = lab.pki.leaf()
    crowd = [issue(Subject(f"Nobody {number}"), None) for number in range(count)]
    server = lab.present(Presented((*presented.chain, *crowd)))
    began = time.monotonic()
    result = check(parse_target(server.target), request_)
    assert time.monotonic() - began < 5
    assert result.verdict == "trusted"
    assert len(result.chain) == count + 3
