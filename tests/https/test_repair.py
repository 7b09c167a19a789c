"""Incomplete chains: what is missing is fetched, judged, told and written ready to install."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    pkcs7,
)
from hypothesis import given
from hypothesis import strategies as st

from toolkit.testing import Run
from toolkit_https.aia import MAX_FETCHED, certificates_in, missing_issuers
from toolkit_https.check import Request, check
from toolkit_https.connect import resolve
from toolkit_https.fetching import Fetching
from toolkit_https.lab import Endpoint, Lab, Presented, Site
from toolkit_https.lab.pki import Authority, Subject, issue
from toolkit_https.model import Result, Verdict
from toolkit_https.targets import parse_target

NAME = "shop.example"


@pytest.fixture
def site(lab: Lab) -> Site:
    return lab.site()


@pytest.fixture
def fetching(request_: Request) -> Request:
    return replace(request_, fetching=Fetching(resolve))


def der(authority: Authority) -> bytes:
    return authority.certificate.public_bytes(Encoding.DER)


def lone(lab: Lab, url: str, issuer: Authority | None = None) -> Endpoint:
    """Start a server that sends its own certificate alone, which says where its issuer's is."""
    subject = Subject(NAME, dns=[NAME], issuer_url=url)
    return lab.present(Presented((issue(subject, issuer or lab.pki.intermediate),)))


def seen(server: Endpoint, request: Request) -> Result:
    return check(parse_target(server.target), request)


def ids(result: Result) -> list[str]:
    return [item.id for item in result.findings if item.severity != "info"]


def as_pkcs7(certificate: x509.Certificate) -> bytes:
    return pkcs7.serialize_certificates([certificate], Encoding.DER)


@pytest.mark.parametrize(
    "encode",
    [
        lambda item: item.public_bytes(Encoding.DER),
        lambda item: item.public_bytes(Encoding.PEM),
        as_pkcs7,
    ],
)
def test_a_missing_issuer_is_fetched_in_every_format(
    encode: object, lab: Lab, site: Site, fetching: Request
) -> None:
    assert callable(encode)
    site.answers = {"/ca": encode(lab.pki.intermediate.certificate)}
    result = seen(lone(lab, site.url("/ca")), fetching)
    assert (result.verdict, ids(result)) == (Verdict.UNTRUSTED, ["incomplete-chain"])
    assert "Trial Intermediate" in result.findings[0].message
    assert "--save-chain" in result.findings[0].remedy
    assert [item.url for item in result.missing] == [site.url("/ca")]


def test_a_gap_of_two_is_filled_and_told_as_one(lab: Lab, site: Site, fetching: Request) -> None:
    inner = issue(
        Subject("Inner", authority=True, issuer_url=site.url("/outer")), lab.pki.intermediate
    )
    site.answers = {"/inner": der(inner), "/outer": der(lab.pki.intermediate)}
    server = lone(lab, site.url("/inner"), inner)
    result = seen(server, replace(fetching, save_chain=True))
    assert ids(result) == ["incomplete-chain"]
    assert [item.url for item in result.missing] == [site.url("/inner"), site.url("/outer")]
    assert result.chain_pem.count("BEGIN CERTIFICATE") == 3


def test_a_gap_higher_up_is_an_incomplete_chain_too(
    lab: Lab, site: Site, fetching: Request
) -> None:
    """OpenSSL says the same of a root that nobody has; what is fetched tells them apart."""
    inner = issue(
        Subject("Inner", authority=True, issuer_url=site.url("/outer")), lab.pki.intermediate
    )
    leaf = issue(Subject(NAME, dns=[NAME]), inner)
    server = lab.present(Presented((leaf, inner)))
    site.answers = {"/outer": der(lab.pki.intermediate)}
    assert ids(seen(server, fetching)) == ["incomplete-chain"]
    assert ids(seen(server, replace(fetching, fetching=None))) == ["untrusted-root"]


def test_nothing_is_fetched_where_it_is_forbidden_or_not_needed(
    lab: Lab, site: Site, fetching: Request
) -> None:
    site.answers = {"/ca": der(lab.pki.intermediate)}
    result = seen(lone(lab, site.url("/ca")), replace(fetching, fetching=None))
    assert ids(result) == ["incomplete-chain"]
    whole = issue(Subject(NAME, dns=[NAME], issuer_url=site.url("/ca")), lab.pki.intermediate)
    assert ids(seen(lab.present(Presented((whole, lab.pki.intermediate))), fetching)) == []
    assert site.requests == []


def test_what_is_fetched_is_never_an_anchor(lab: Lab, site: Site, fetching: Request) -> None:
    stranger = lab.pki.stranger
    site.answers = {"/root": der(stranger)}
    result = seen(lone(lab, site.url("/root"), stranger), fetching)
    assert result.verdict is Verdict.UNTRUSTED
    assert (result.missing, result.chain_pem) == ((), "")


def test_a_stranger_above_what_was_fetched_is_told(lab: Lab, site: Site, fetching: Request) -> None:
    middle = issue(Subject("Stranger's", authority=True), lab.pki.stranger)
    site.answers = {"/ca": der(middle)}
    result = seen(lone(lab, site.url("/ca"), middle), fetching)
    assert "no trusted root is reached" in result.findings[0].message


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"\0" * 64, "isn't its issuer's certificate"),
        (b"x" * (300 * 1024), "larger than 256 KiB"),
        (None, "answered 404"),
    ],
)
def test_why_it_could_not_be_fetched_is_told(
    answer: bytes | None, words: str, lab: Lab, site: Site, fetching: Request
) -> None:
    site.answers = {} if answer is None else {"/ca": answer}
    result = seen(lone(lab, site.url("/ca")), fetching)
    assert ids(result) == ["incomplete-chain"]
    assert words in result.findings[0].message


def test_another_authority_of_the_same_name_is_not_the_issuer(
    lab: Lab, site: Site, fetching: Request
) -> None:
    site.answers = {"/ca": der(issue(Subject("Trial Intermediate", authority=True), lab.pki.root))}
    result = seen(lone(lab, site.url("/ca")), fetching)
    assert "isn't its issuer's certificate" in result.findings[0].message


def test_a_loop_of_issuers_ends(lab: Lab) -> None:
    """Two authorities that each say the other issued them (check_ssl_cert#496)."""
    first = issue(Subject("First", authority=True), lab.pki.stranger)
    second = issue(Subject("Second", authority=True, issuer_url="http://x/1"), first)
    again = issue(Subject("First", authority=True, issuer_url="http://x/2"), second, first.key)
    leaf = issue(Subject(NAME, dns=[NAME], issuer_url="http://x/1"), again)
    pages = {"http://x/1": der(again), "http://x/2": der(second)}
    asked: list[str] = []

    def get(url: str, _limit: int) -> bytes:
        asked.append(url)
        return pages[url]

    repair = missing_issuers([leaf.certificate], lambda _: False, get)
    assert len(repair.fetched) <= MAX_FETCHED
    assert len(asked) <= MAX_FETCHED + 1


@given(st.binary(max_size=300))
def test_any_bytes_hold_certificates_or_none(raw: bytes) -> None:
    assert list(certificates_in(raw)) == []


def test_the_command_writes_a_chain_that_mends_the_server(
    lab: Lab, site: Site, toolkit_run: Run, ca_file: Path, tmp_path: Path
) -> None:
    """What a user does: see the finding, run it again with --save-chain, install, check."""
    site.answers = {"/ca": der(lab.pki.intermediate)}
    leaf = issue(Subject(NAME, dns=[NAME], issuer_url=site.url("/ca")), lab.pki.intermediate)
    broken = lab.present(Presented((leaf,)))
    path = tmp_path / "fullchain.pem"
    command = ("https", "check", "--ca", str(ca_file), "--save-chain", str(path))
    done = toolkit_run(*command, broken.target)
    assert done.status == 1
    assert "2 certificates, for the server to send" in done.stderr
    found = x509.load_pem_x509_certificates(path.read_bytes())
    assert found == [leaf.certificate, lab.pki.intermediate.certificate]
    installed = tuple(Authority(item, leaf.key) for item in found)
    again = toolkit_run(
        "https", "check", "--ca", str(ca_file), lab.present(Presented(installed)).target
    )
    assert (again.status, "trusted" in again.stdout) == (0, True)


def test_the_command_writes_nothing_where_there_is_no_chain(
    lab: Lab, toolkit_run: Run, ca_file: Path, tmp_path: Path
) -> None:
    path = tmp_path / "fullchain.pem"
    command = ("https", "check", "--ca", str(ca_file), "--save-chain", str(path))
    done = toolkit_run(*command, lab.start("untrusted-root").target)
    assert (done.status, path.exists()) == (1, False)
    assert "not written" in done.stderr
    two = toolkit_run(*command, "a.example", "b.example")
    assert (two.status, "--save-chain is for one target" in two.stderr) == (2, True)
    whole = toolkit_run(*command, lab.start("good").target)
    assert (whole.status, path.read_text().count("BEGIN")) == (0, 2)


@pytest.mark.parametrize("before", ["-----BEGIN PRIVATE KEY-----\n", "notes\n"])
def test_the_command_replaces_a_chain_and_nothing_else(
    before: str, lab: Lab, toolkit_run: Run, ca_file: Path, tmp_path: Path
) -> None:
    path = tmp_path / "server.pem"
    path.write_text(before)
    command = ("https", "check", "--ca", str(ca_file), "--save-chain", str(path))
    done = toolkit_run(*command, lab.start("good").target)
    assert (done.status, done.stdout, path.read_text()) == (2, "", before)
    assert "server.pem: is there, and holds something else than certificates alone" in done.stderr
