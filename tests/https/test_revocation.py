"""Revocation: what authorities state counts only if it is theirs, of today and about the server."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.testing import Run
from toolkit_https.cache import Cache, user_cache
from toolkit_https.check import Request, check
from toolkit_https.connect import resolve
from toolkit_https.crl import judge as judge_crl
from toolkit_https.fetching import Fetching
from toolkit_https.lab import Lab, Presented, Site
from toolkit_https.lab.pki import SERVER, Authority, Subject, issue
from toolkit_https.model import Result, Verdict
from toolkit_https.ocsp import Unusable
from toolkit_https.ocsp import judge as judge_ocsp
from toolkit_https.targets import parse_target

NAME = "shop.example"
NOW = datetime.now(UTC).replace(microsecond=0)
HOUR = timedelta(hours=1)
REVOKED = x509.ReasonFlags.key_compromise


@dataclass(frozen=True)
class Says:
    """How a response or list is made; the defaults are those of a sound one."""

    revoked: bool = False
    updated: datetime = NOW - HOUR
    until: datetime | None = NOW + 24 * HOUR
    signer: Authority | None = None
    subject: x509.Certificate | None = None
    responder: Authority | None = None
    extensions: tuple[tuple[Any, bool], ...] = ()


def response(leaf: Authority, issuer: Authority, says: Says) -> bytes:
    """Return an OCSP response about `leaf`."""
    signer = says.responder or says.signer or issuer
    status = ocsp.OCSPCertStatus.REVOKED if says.revoked else ocsp.OCSPCertStatus.GOOD
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=says.subject or leaf.certificate, issuer=issuer.certificate, algorithm=hashes.SHA1(),  # noqa: S303
        cert_status=status, this_update=says.updated, next_update=says.until,
        revocation_time=NOW - 2 * HOUR if says.revoked else None,
        revocation_reason=REVOKED if says.revoked else None,
    ).responder_id(ocsp.OCSPResponderEncoding.HASH, signer.certificate)  # fmt: skip
    if says.responder:
        builder = builder.certificates([says.responder.certificate])
    made = builder.sign(signer.key, hashes.SHA256())
    return made.public_bytes(Encoding.DER)


def revocation_list(leaf: Authority, issuer: Authority, says: Says) -> bytes:
    """Return the issuer's list."""
    signer = says.signer or issuer
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(signer.certificate.subject)
        .last_update(says.updated)
        .next_update(says.until or NOW)
    )
    if says.revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(leaf.certificate.serial_number)
        entry = entry.revocation_date(NOW - 2 * HOUR).add_extension(x509.CRLReason(REVOKED), False)  # noqa: FBT003
        builder = builder.add_revoked_certificate(entry.build())
    for extension, critical in says.extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(signer.key, hashes.SHA256()).public_bytes(Encoding.DER)


@pytest.fixture
def site(lab: Lab) -> Site:
    return lab.site()


@pytest.fixture
def soft(request_: Request) -> Request:
    return replace(request_, fetching=Fetching(resolve), revocation="soft")


def pair(lab: Lab, **more: Any) -> tuple[Authority, Authority]:
    """A leaf by the trusted root itself, so that it alone is to be asked about."""
    return issue(Subject(NAME, dns=[NAME], **more), lab.pki.root), lab.pki.root


def seen(lab: Lab, leaf: Authority, request: Request, staple: bytes = b"") -> Result:
    server = lab.present(Presented((leaf,)), staple=staple)
    return check(parse_target(server.target), request)


def ids(result: Result) -> list[str]:
    return [item.id for item in result.findings if item.severity != "info"]


@pytest.mark.parametrize("revoked", [False, True])
@pytest.mark.parametrize("way", ["staple", "ocsp", "crl"])
def test_each_source_tells_good_from_revoked(
    way: str, revoked: object, lab: Lab, site: Site, soft: Request
) -> None:
    urls = {f"{way}_url": site.url("/here")} if way != "staple" else {}
    leaf, root = pair(lab, **urls)
    says = Says(revoked=bool(revoked))
    make = revocation_list if way == "crl" else response
    content = make(leaf, root, says)
    site.answers = {"/here": content}
    result = seen(lab, leaf, soft, content if way == "staple" else b"")
    assert ids(result) == (["revoked"] if revoked else [])
    assert result.verdict is (Verdict.UNTRUSTED if revoked else Verdict.TRUSTED)
    status = result.revocation[0]
    assert status.status == ("revoked" if revoked else "good")
    assert status.reason == ("keyCompromise" if revoked else "")
    assert site.requests == ([] if way == "staple" else ["/here"])


def test_the_list_is_asked_where_the_responder_fails(lab: Lab, site: Site, soft: Request) -> None:
    leaf, root = pair(lab, ocsp_url=site.url("/ocsp"), crl_url=site.url("/crl"))
    site.answers = {"/crl": revocation_list(leaf, root, Says(revoked=True))}
    assert ids(seen(lab, leaf, soft)) == ["revoked"]
    assert site.requests == ["/ocsp", "/crl"]


@pytest.mark.parametrize(
    ("mode", "verdict", "found"),
    [
        ("off", Verdict.TRUSTED, []),
        ("soft", Verdict.TRUSTED, ["revocation-unknown"]),
        ("hard", Verdict.UNTRUSTED, ["revocation-unknown"]),
    ],
)
def test_what_is_not_known_matters_by_mode(
    mode: str, verdict: Verdict, found: list[str], lab: Lab, site: Site, soft: Request
) -> None:
    leaf, _ = pair(lab, ocsp_url=site.url("/nowhere"))
    result = seen(lab, leaf, replace(soft, revocation=mode))
    assert (result.verdict, ids(result)) == (verdict, found)
    assert bool(site.requests) == (mode != "off")


def test_a_short_lived_certificate_needs_none(lab: Lab, soft: Request) -> None:
    leaf, _ = pair(lab, days=(-1, 5))
    result = seen(lab, leaf, replace(soft, revocation="hard"))
    assert result.revocation[0].status == "not-needed"
    assert "revocation-unknown" not in ids(result)


def test_each_certificate_below_the_anchor_is_asked_about(
    lab: Lab, site: Site, soft: Request
) -> None:
    middle = issue(Subject("Middle", authority=True, crl_url=site.url("/root")), lab.pki.root)
    leaf = issue(Subject(NAME, dns=[NAME], ocsp_url=site.url("/middle")), middle)
    site.answers = {
        "/middle": response(leaf, middle, Says()),
        "/root": revocation_list(middle, lab.pki.root, Says(revoked=True)),
    }
    server = lab.present(Presented((leaf, middle)))
    result = check(parse_target(server.target), soft)
    assert [item.status for item in result.revocation] == ["good", "revoked"]
    assert "The intermediate" in next(f for f in result.findings if f.id == "revoked").message


def responder(lab: Lab, **more: Any) -> Authority:
    return issue(Subject("Responder", **more), lab.pki.root)


SIGNING = [ExtendedKeyUsageOID.OCSP_SIGNING]
OTHER = Subject("other.example", dns=["other.example"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda lab: {"signer": lab.pki.stranger}, "isn't signed by the issuer"),
        (lambda _: {"until": NOW - HOUR}, "it ended on"),
        (lambda _: {"updated": NOW + HOUR}, "it is of the future"),
        (lambda _: {"updated": NOW - 48 * HOUR, "until": None}, "it ended on"),
        (lambda lab: {"subject": issue(OTHER, lab.pki.root).certificate}, "another certificate"),
        (lambda lab: {"responder": responder(lab, usage=[SERVER])}, "isn't signed by the issuer"),
        (lambda lab: {"responder": responder(lab, usage=SIGNING, days=(-5, -2))}, "has expired"),
        (lambda lab: {"responder": issue(Subject("R", usage=SIGNING), lab.pki.stranger)},
         "isn't signed by the issuer"),
    ],
)  # fmt: skip
def test_a_response_that_proves_nothing_is_not_used(change: Any, words: str, lab: Lab) -> None:
    leaf, root = pair(lab)
    raw = response(leaf, root, Says(**change(lab)))
    with pytest.raises(Unusable, match=words):
        judge_ocsp(raw, leaf.certificate, root.certificate, NOW)


def test_a_responder_of_the_issuer_may_sign(lab: Lab) -> None:
    leaf, root = pair(lab)
    raw = response(leaf, root, Says(responder=responder(lab, usage=SIGNING)))
    assert judge_ocsp(raw, leaf.certificate, root.certificate, NOW).revoked is None


def test_a_responder_that_says_try_later_states_nothing(lab: Lab) -> None:
    leaf, root = pair(lab)
    busy = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER)
    with pytest.raises(Unusable, match='answers "try later"'):
        judge_ocsp(busy.public_bytes(Encoding.DER), leaf.certificate, root.certificate, NOW)


def point(url: str, **more: Any) -> x509.IssuingDistributionPoint:
    name = [x509.UniformResourceIdentifier(url)] if url else None
    wanted = {
        "relative_name": None, "only_contains_user_certs": False, "only_contains_ca_certs": False,
        "only_some_reasons": None, "indirect_crl": False,
        "only_contains_attribute_certs": False, **more,
    }  # fmt: skip
    return x509.IssuingDistributionPoint(full_name=name, **wanted)


HERE, ELSEWHERE = "http://crl.example/1", "http://crl.example/2"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda lab: {"signer": lab.pki.stranger}, "by another issuer"),
        (lambda lab: {"signer": Authority(lab.pki.root.certificate, lab.pki.stranger.key)},
         "isn't signed by the issuer"),
        (lambda _: {"until": NOW - HOUR / 2}, "it ended on"),
        (lambda _: {"updated": NOW + HOUR}, "it is of the future"),
        (lambda _: {"extensions": ((point(ELSEWHERE), True),)}, "another distribution"),
        (lambda _: {"extensions": ((point(HERE, indirect_crl=True), True),)}, "isn't for"),
        (lambda _: {"extensions": ((point(HERE, only_contains_ca_certs=True), True),)},
         "another kind"),
        (lambda _: {"extensions": ((point(HERE, only_some_reasons=frozenset({REVOKED})), True),)},
         "all reasons"),
        (lambda _: {"extensions": ((x509.DeltaCRLIndicator(1), True),)}, "isn't understood"),
        (lambda _: {"extensions": ((x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"),
         b"\x05\x00"), True),)}, "isn't understood"),
    ],
)  # fmt: skip
def test_a_list_that_is_not_for_the_certificate_is_not_used(
    change: Any,
    words: str,
    lab: Lab,
) -> None:
    leaf, root = pair(lab, crl_url=HERE)
    raw = revocation_list(leaf, root, Says(**change(lab)))
    with pytest.raises(Unusable, match=words):
        judge_crl(raw, leaf.certificate, root.certificate, NOW)


def test_a_shard_for_user_certificates_is_used_as_lets_encrypt_makes_it(lab: Lab) -> None:
    leaf, root = pair(lab, crl_url=HERE)
    shard = ((point(HERE, only_contains_user_certs=True), True),)
    raw = revocation_list(leaf, root, Says(revoked=True, extensions=shard))
    assert judge_crl(raw, leaf.certificate, root.certificate, NOW).reason == "keyCompromise"


@pytest.mark.parametrize("judge", [judge_ocsp, judge_crl])
@given(raw=st.binary(max_size=300))
def test_any_bytes_state_nothing(judge: Any, raw: bytes, lab: Lab) -> None:
    with pytest.raises(Unusable):
        judge(raw, lab.pki.intermediate.certificate, lab.pki.root.certificate, NOW)


def test_must_staple_is_honoured_in_every_mode(lab: Lab, soft: Request) -> None:
    leaf, root = pair(lab, must_staple=True)
    off = replace(soft, revocation="off")
    assert ids(seen(lab, leaf, off)) == ["staple-missing"]
    assert ids(seen(lab, leaf, off, response(leaf, root, Says()))) == []
    hard = seen(lab, leaf, replace(soft, revocation="hard"))
    assert hard.verdict is Verdict.UNTRUSTED


def test_a_stale_staple_is_a_finding(lab: Lab, soft: Request) -> None:
    leaf, root = pair(lab)
    stale = response(leaf, root, Says(updated=NOW - 48 * HOUR, until=NOW - HOUR))
    result = seen(lab, leaf, replace(soft, revocation="off"), stale)
    assert ids(result) == ["staple-unusable"]
    assert "it ended on" in result.findings[0].message


def test_answers_are_kept_while_they_count(
    lab: Lab, site: Site, soft: Request, tmp_path: Path
) -> None:
    leaf, root = pair(lab, ocsp_url=site.url("/ocsp"))
    site.answers = {"/ocsp": response(leaf, root, Says())}
    kept = replace(soft, cache=Cache(tmp_path / "cache"))
    for _ in range(2):
        assert seen(lab, leaf, kept).revocation[0].status == "good"
    assert site.requests == ["/ocsp"]
    offline = replace(kept, fetching=None)
    assert seen(lab, leaf, offline).revocation[0].status == "good"
    later = replace(kept, now=lambda: NOW + 30 * HOUR)
    site.answers = {"/ocsp": response(leaf, root, Says(revoked=True, until=NOW + 40 * HOUR))}
    assert seen(lab, leaf, later).revocation[0].status == "revoked"


def test_a_poisoned_cache_gives_nothing(
    lab: Lab, site: Site, soft: Request, tmp_path: Path
) -> None:
    leaf, root = pair(lab, ocsp_url=site.url("/ocsp"))
    site.answers = {"/ocsp": response(leaf, root, Says(revoked=True))}
    kept = replace(soft, cache=Cache(tmp_path / "cache"))
    seen(lab, leaf, kept)
    (path,) = (tmp_path / "cache").iterdir()
    path.write_bytes(response(leaf, root, Says(signer=lab.pki.stranger)))
    assert seen(lab, leaf, kept).revocation[0].status == "revoked"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_cache_that_cannot_be_written_fails_no_check(
    lab: Lab, site: Site, soft: Request, tmp_path: Path
) -> None:
    leaf, root = pair(lab, ocsp_url=site.url("/ocsp"))
    site.answers = {"/ocsp": response(leaf, root, Says())}
    (tmp_path / "file").write_text("")
    kept = replace(soft, cache=Cache(tmp_path / "file" / "cache"))
    assert seen(lab, leaf, kept).revocation[0].status == "good"


@settings(max_examples=300)
@given(data=st.data())
def test_an_answer_broken_anywhere_states_nothing_or_what_it_says(
    data: st.DataObject, answers: Answers
) -> None:
    """Nothing but Unusable is raised, and no broken answer hides a revocation."""
    kind = data.draw(st.sampled_from(sorted(answers.raw)))
    raw = bytearray(answers.raw[kind])
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    judge = judge_crl if kind == "crl" else judge_ocsp
    with suppress(Unusable):
        stated = judge(bytes(raw), answers.leaf.certificate, answers.issuer.certificate, NOW)
        assert stated.revoked is not None


@dataclass(frozen=True)
class Answers:
    """Sound answers that a certificate is revoked, of one length in every example."""

    leaf: Authority
    issuer: Authority
    raw: dict[str, bytes]


@pytest.fixture(scope="module")
def answers(lab: Lab) -> Answers:
    leaf, issuer = pair(lab)
    says = Says(revoked=True)
    made = {"ocsp": response(leaf, issuer, says), "crl": revocation_list(leaf, issuer, says)}
    return Answers(leaf, issuer, made)


def test_the_command_refuses_a_revoked_certificate(
    lab: Lab, site: Site, toolkit_run: Run, ca_file: Path
) -> None:
    leaf, root = pair(lab, crl_url=site.url("/crl"))
    site.answers = {"/crl": revocation_list(leaf, root, Says(revoked=True))}
    server = lab.present(Presented((leaf,)))
    command = ("https", "check", server.target, "--ca", str(ca_file))
    assert toolkit_run(*command).status == 0
    done = toolkit_run(*command, "--revocation", "soft")
    assert (done.status, "was revoked on" in done.stdout) == (1, True)
    assert "(keyCompromise)" in done.stdout
    unknown = toolkit_run(*command, "--revocation", "sometimes")
    assert (unknown.status, "none of: off, soft, hard" in unknown.stderr) == (2, True)


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"HOME": "/home/ann"}, "/home/ann/.cache/sysadmin-toolkit/revocation"),
        ({"HOME": "/home/ann", "XDG_CACHE_HOME": "/c"}, "/c/sysadmin-toolkit/revocation"),
        ({"HOME": "/home/ann", "XDG_CACHE_HOME": "c"},  # to be ignored: not absolute
         "/home/ann/.cache/sysadmin-toolkit/revocation"),
    ],
)  # fmt: skip
def test_the_cache_is_where_users_have_theirs(environ: dict[str, str], folder: str) -> None:
    assert user_cache(environ) == Cache(Path(folder))


def test_a_user_without_a_home_has_no_cache() -> None:
    assert user_cache({}) is None
