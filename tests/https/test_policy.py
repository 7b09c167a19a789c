"""The strict policy, the second verifier, ends by lifetime, and what monitors read."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from hypothesis import given
from hypothesis import strategies as st

from toolkit.errors import UsageError
from toolkit.testing import Home, Run
from toolkit_https.check import Request, check
from toolkit_https.expiry import CRITICAL, WARN, Threshold, Thresholds, findings, parse_threshold
from toolkit_https.explanations import explain
from toolkit_https.lab import Lab
from toolkit_https.lab.pki import Subject, issue
from toolkit_https.model import Certificate, Result, Verdict
from toolkit_https.monitors import METRICS, nagios, prometheus
from toolkit_https.profile import examine
from toolkit_https.profile_keys import maximum_days, overlong
from toolkit_https.registry import REGISTRY
from toolkit_https.targets import parse_target
from toolkit_https.trust import public_roots

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def certificate(left: float, whole: float, role: str = "leaf") -> Certificate:
    """A certificate with `left` of its `whole` days at NOW."""
    end = NOW + timedelta(days=left)
    return Certificate(
        role=role, subject="CN=x", issuer="", names=(), serial="1", sha256="", key="", signature="",
        not_before=end - timedelta(days=whole), not_after=end, presented=True, in_path=True,
    )  # fmt: skip


def severities(*path: Certificate) -> list[tuple[str, str]]:
    return [(found.id, str(found.severity)) for found in findings(path, NOW, Thresholds())]


@pytest.mark.parametrize(
    ("left", "whole", "severity"),
    [
        (31, 398, None), (29, 398, "warning"), (6, 398, "critical"),
        (23, 90, None), (22, 90, "warning"), (6.9, 90, "critical"),
        (12, 47, None), (11, 47, "warning"), (4, 47, "critical"),
        (2, 6, None), (1.4, 6, "warning"), (0.5, 6, "critical"),
    ],
)  # fmt: skip
def test_an_end_is_judged_by_the_lifetime(left: float, whole: float, severity: str | None) -> None:
    expected = [("expires-soon", severity)] if severity else []
    assert severities(certificate(left, whole)) == expected


def test_an_issuer_matters_if_it_ends_first_or_within_thirty_days() -> None:
    leaf = certificate(60, 90)
    assert severities(leaf, certificate(61, 3650, "intermediate")) == []
    assert severities(leaf, certificate(59, 3650, "intermediate")) == [
        ("issuer-expires-first", "warning")
    ]
    assert severities(certificate(28, 28.1), certificate(29, 3650, "root")) == [
        ("issuer-expires-first", "warning")
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", WARN), ("14d", Threshold(14)), ("25%", Threshold(None, 0.25)),
     ("30d, 12.5%", Threshold(30, 0.125))],
)  # fmt: skip
def test_thresholds_are_read(text: str, expected: Threshold) -> None:
    assert parse_threshold(text, WARN) == expected


@pytest.mark.parametrize("text", ["30", "d", "-1d", "101%", "30d;25%", "x" * 99])
def test_what_is_no_threshold_is_explained(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_threshold(text, CRITICAL)
    assert "30d" in raised.value.hint


@pytest.mark.parametrize(
    ("issued", "days"),
    [("2020-08-31", None), ("2020-09-01", 398), ("2026-03-14", 398), ("2026-03-15", 200),
     ("2027-03-15", 100), ("2029-03-15", 47)],
)  # fmt: skip
def test_the_maximum_validity_depends_on_the_date_of_issue(issued: str, days: int | None) -> None:
    assert maximum_days(datetime.fromisoformat(issued).replace(tzinfo=UTC)) == days


@pytest.mark.parametrize(
    ("days", "public", "told"),
    [(199.9, True, False), (201.0, True, True), (201.0, False, False), (3650.0, True, True)],
)
def test_a_public_issuer_may_not_exceed_the_maximum_validity(
    days: float, public: object, told: object, lab: Lab
) -> None:
    """Issued today, 200 days are allowed (from 2026-03-15 to 2027-03-15)."""
    leaf = issue(Subject("shop.example", dns=["shop.example"], days=(0, days)), lab.pki.root)
    assert maximum_days(leaf.certificate.not_valid_before_utc) in {200, 100, 47}
    path = [leaf.certificate, lab.pki.root.certificate]
    breach = overlong(path, lambda _digest: bool(public))
    allowed = maximum_days(leaf.certificate.not_valid_before_utc) or 0
    assert (breach is not None) == (told or (public and days > allowed))


def test_the_public_roots_are_those_of_certifi(lab: Lab) -> None:
    roots = public_roots()
    assert len(roots) > 100
    assert lab.pki.root.certificate.fingerprint(hashes.SHA256()) not in roots


def test_strict_accepts_what_is_sound_and_refuses_what_one_rule_refuses(
    lab: Lab, request_: Request
) -> None:
    strict = replace(request_, strict=True)
    assert check(parse_target(lab.start("good").target), strict).verdict is Verdict.TRUSTED
    target = parse_target(lab.start("stray-common-name").target)
    assert check(target, request_).verdict is Verdict.TRUSTED
    refused = check(target, strict)
    assert refused.verdict is Verdict.UNTRUSTED
    (breach,) = refused.findings
    assert (breach.id, breach.severity) == ("profile-breach", "critical")
    assert "CA/Browser Forum BR 7.1.4.3" in breach.message


@pytest.mark.parametrize(
    ("common", "dns", "addresses", "stray"),
    [
        ("www.other.example", ["shop.example"], [], True),
        ("www.other.example", ["shop.example"], ["8.8.8.8"], True),
        ("Shop.example", ["shop.example"], [], True),
        ("shop.example", ["www.shop.example"], [], False),
        ("My server", ["shop.example"], [], False),
        ("www.other.example", ["shop.localhost"], [], False),
        ("www.other.example", ["shop"], [], False),
        ("www.other.example", ["shop.home.arpa"], [], False),
        ("www.other.example", ["shop.example"], ["10.0.0.1"], False),
        ("10.0.0.01", ["shop"], ["10.0.0.1"], True),
    ],
)
def test_a_stray_common_name_matters_where_the_requirement_binds(
    common: str, dns: list[str], addresses: list[str], stray: object, lab: Lab
) -> None:
    """No public issuer certifies internal names or reserved addresses (BR 1.6.1)."""
    leaf = issue(Subject(common, dns=dns, addresses=addresses), lab.pki.root)
    broken = {item.rule for item in examine([leaf.certificate])}
    assert ("common-name" in broken) == stray


def test_strict_refuses_a_breach_of_the_profile(lab: Lab, request_: Request) -> None:
    target = parse_target(lab.start("no-authority-key-id").target)
    refused = check(target, replace(request_, strict=True))
    assert refused.verdict is Verdict.UNTRUSTED
    breaches = [found for found in refused.findings if found.id == "profile-breach"]
    if not refused.verifier.strict:
        assert "RFC 5280 4.2.1.1" in breaches[0].message


def results(lab: Lab, request: Request, *traps: str) -> list[Result]:
    return [check(parse_target(lab.start(trap).target), request) for trap in traps]


def test_the_second_verifiers_opinion_is_told_where_it_differs(lab: Lab, request_: Request) -> None:
    result = check(parse_target(lab.start("rsa-1024").target), request_)
    told = {found.id: found.message for found in result.findings}
    assert "clients without OpenSSL may accept it" in told["verifiers-disagree"]


LABEL = r'[a-z]+="([^"\\]|\\.)*"'
LINE = re.compile(r"(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+\{" + LABEL + r"(," + LABEL + r")*\} [0-9.]+)")


def test_prometheus_text_is_well_formed_and_grouped(lab: Lab, request_: Request) -> None:
    text = "".join(prometheus(results(lab, request_, "good", "hostile-names", "hang-up")))
    assert all(LINE.fullmatch(line) for line in text.splitlines()), text
    names = [line.split("{")[0] for line in text.splitlines() if not line.startswith("#")]
    assert names == sorted(names, key=list(METRICS).index)
    assert 'toolkit_https_trusted{target="' in text
    assert "toolkit_https_leaf_expiry_timestamp_seconds" in text
    assert "toolkit_https_path_expiry_timestamp_seconds" in text


@given(st.text())
def test_no_name_breaks_a_label_or_the_status_line(name: str) -> None:
    from toolkit_https.model import Finding, Severity, TrustUsed, Verifier

    result = Result(
        target=name, name="x", port=1, address="", verdict=Verdict.UNTRUSTED, chain=(),
        findings=(Finding("expired", Severity.CRITICAL, name, ""),),
        trust=TrustUsed("", "", 0, ""), verifier=Verifier("", "", "", "", strict=False),
        checked=NOW, seconds=0.0,
    )  # fmt: skip
    assert all(LINE.fullmatch(line) for line in "".join(prometheus([result])).split("\n")[:-1])
    (line,) = nagios([result])
    assert line.count("\n") == 1
    assert "|" not in line


@pytest.mark.parametrize(
    ("servers", "status", "word"),
    [(["good"], 0, "OK"), (["expired"], 2, "CRITICAL"), (["hang-up"], 2, "CRITICAL"),
     (["client-certificate-1.3"], 3, "UNKNOWN"), (["expires-soon"], 1, "WARNING"),
     (["good", "expired"], 2, "CRITICAL")],
)  # fmt: skip
def test_nagios_has_its_own_status_and_one_line(
    servers: list[str], status: int, word: str, lab: Lab, toolkit_home: Home, toolkit_run: Run
) -> None:
    toolkit_home.write("ca.pem", lab.ca_pem.decode())
    targets = [lab.start(server).target for server in servers]
    ended = toolkit_run("https", "check", *targets, "--ca", "ca.pem", "--format", "nagios")
    assert ended.status == status, ended.stderr
    first, *rest = ended.stdout.splitlines()
    assert first.startswith(f"HTTPS {word} - ")
    assert len(rest) == (len(servers) if len(servers) > 1 else 0)
    assert ("days_left" in first) == (servers != ["hang-up"])
    if servers == ["good"]:
        assert "trusted, 59 days left (until 20" in first


@pytest.mark.parametrize(
    "argv",
    [("--ca", "nowhere.pem"), ("--timeout", "0"), ("--tiemout", "3"), ("--warn", "soon")],
)
def test_nagios_gets_unknown_and_a_reason_where_nothing_could_be_checked(
    argv: tuple[str, ...], toolkit_run: Run
) -> None:
    """Plugin guidelines: wrong arguments are UNKNOWN, and the reason is on standard output."""
    for chosen in (("--format", "nagios"), ("--format=nagios",)):
        ended = toolkit_run("https", "check", "shop.example", *argv, *chosen)
        assert ended.status == 3
        (line,) = ended.stdout.splitlines()
        assert line.startswith("UNKNOWN - ")
        assert "|" not in line
        assert ended.stderr.startswith("toolkit: error: ")


def test_a_broken_configuration_is_unknown_to_nagios_as_well(
    toolkit_home: Home, toolkit_run: Run
) -> None:
    toolkit_home.write("toolkit.yaml", "toolkit: [\n")
    ended = toolkit_run("https", "check", "shop.example", "--format", "nagios")
    assert (ended.status, ended.stdout[:10]) == (3, "UNKNOWN - ")


def test_output_is_written_to_a_file_whole(lab: Lab, toolkit_home: Home, toolkit_run: Run) -> None:
    toolkit_home.write("ca.pem", lab.ca_pem.decode())
    argv = ["https", "check", lab.start("good").target, "--ca", "ca.pem", "--format", "prometheus"]
    ended = toolkit_run(*argv, "--output", "https.prom")
    assert (ended.status, ended.stdout) == (0, "")
    assert "toolkit_https_trusted" in Path(toolkit_home.folder, "https.prom").read_text()
    assert toolkit_run(*argv, "-o", "no/such/folder.prom").status == 2


@pytest.mark.parametrize(
    ("option", "trap", "status"),
    [("never", "expired", 0), ("warning", "expires-soon", 1), ("critical", "expires-soon", 0)],
)
def test_fail_on_decides_what_is_a_failure(
    option: str, trap: str, status: int, lab: Lab, toolkit_home: Home, toolkit_run: Run
) -> None:
    toolkit_home.write("ca.pem", lab.ca_pem.decode())
    argv = ["https", "check", lab.start(trap).target, "--ca", "ca.pem", "--fail-on", option]
    assert toolkit_run(*argv).status == status


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--policy", "strickt"], 'did you mean "strict"?'),
        (["--fail-on", "warnings"], 'did you mean "warning"?'),
        (["--warn", "soon"], '"30d"'),
    ],
)
def test_a_wrong_option_is_explained(argv: list[str], words: str, toolkit_run: Run) -> None:
    ended = toolkit_run("https", "check", "shop.example", *argv)
    assert ended.status == 2
    assert words in ended.stderr


@pytest.mark.parametrize("identifier", REGISTRY)
def test_every_finding_can_be_explained(identifier: str) -> None:
    explanation = explain(identifier)
    assert explanation.clients
    assert explanation.kind.remedy.endswith((".", "FOLDER", "FILE.", ")."))


def test_explain_shows_the_lines_for_three_servers(toolkit_run: Run) -> None:
    shown = toolkit_run("https", "explain", "incomplete-chain").stdout
    assert all(word in shown for word in ("nginx:", "Apache:", "HAProxy:", "fullchain"))
    everything = toolkit_run("https", "explain", "--format", "json")
    assert len(json.loads(everything.stdout)["results"]) == len(REGISTRY)
    slip = toolkit_run("https", "explain", "incomplete-chian")
    assert (slip.status, 'did you mean "incomplete-chain"?' in slip.stderr) == (2, True)
