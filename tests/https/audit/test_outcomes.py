"""What a client did, read off what the servers saw: accepted, refused, or neither."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from toolkit_https.audit import Audit, Grade, Ground, Outcome, Verdict, Way, audit, prepared
from toolkit_https.audit.cases import BY_ID
from toolkit_https.audit.process import KEPT
from toolkit_https.lab.starttls import PROTOCOLS

CURL = ("curl", "-q", "-sS")
LAX_OF_CURL = {"cn-only", "ip-in-cn", "no-authority-key-id", "leaf-is-a-ca", "no-digital-signature"}
HURRIED = """
import os, socket, ssl, sys
context = ssl._create_unverified_context()
plain = socket.create_connection((sys.argv[1], int(sys.argv[2])))
connection = context.wrap_socket(plain, server_hostname=sys.argv[1])
connection.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
os._exit(1)
"""
WAITING = """
import socket, sys, time
held = socket.create_connection((sys.argv[1], int(sys.argv[2])))
time.sleep(60)
"""


def tried(ground: Ground, argv: Sequence[str], *cases: str) -> Audit:
    wanted = [BY_ID[name] for name in cases] if cases else BY_ID.values()
    return audit(Way("tried", tuple(argv)), ground, wanted)


def outcomes(found: Audit) -> dict[str, Outcome]:
    return {trial.case: trial.outcome for trial in found.trials}


def python(source: str) -> tuple[str, ...]:
    return (sys.executable, "-c", source, "{host}", "{port}")


@pytest.mark.server("curl")
def test_a_client_that_verifies_accepts_what_is_sound_and_falls_for_nothing_dangerous(
    ground: Ground,
) -> None:
    found = tried(ground, (*CURL, "--cacert", "{ca}", "{url}"))
    assert found.verdict is Verdict.LAX
    assert {trial.case for trial in found.accepted} == LAX_OF_CURL
    assert found.refused_controls == found.unknown == ()


@pytest.mark.server("curl")
def test_a_client_that_verifies_nothing_accepts_every_certificate_and_is_dangerous(
    ground: Ground,
) -> None:
    found = tried(ground, (*CURL, "-k", "-L", "{url}"))
    refused = {name for name, outcome in outcomes(found).items() if outcome is Outcome.REFUSED}
    assert refused == {"tls1.0", "tls1.1", "anonymous", "no-encryption", "no-tls"}
    assert found.verdict is Verdict.DANGEROUS
    assert found.explanation.startswith("expired: ")
    assert "verification" in found.remedy


@pytest.mark.server("curl")
def test_a_client_that_refuses_everything_proves_nothing_by_its_refusals(
    ground: Ground, tmp_path: Path, ca_file: Path
) -> None:
    found = tried(ground, (*CURL, "--cacert", str(ca_file), "{url}"), "good", "expired", "sha1")
    assert found.verdict is Verdict.REFUSES_ALL
    assert outcomes(found) == {
        "rsa": Outcome.REFUSED,
        "good": Outcome.REFUSED,
        "expired": Outcome.NOT_TESTED,
        "sha1": Outcome.NOT_TESTED,
    }


def test_a_client_that_makes_no_connection_was_not_tested(ground: Ground) -> None:
    found = tried(ground, ("true", "{url}"))
    assert found.verdict is Verdict.NOT_TESTED
    assert set(outcomes(found).values()) == {Outcome.NOT_TESTED}


def test_a_client_that_connects_and_begins_no_tls_was_not_tested(ground: Ground) -> None:
    source = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])))"
    found = tried(ground, python(source), "expired")
    assert {trial.reason for trial in found.trials} == {"it connected, and began no TLS"}


@pytest.mark.server("curl")
def test_a_request_in_plain_text_is_an_acceptance(ground: Ground) -> None:
    script = "curl -q -sS --cacert {ca} {url} || curl -q -sS http://{host}:{port}/"
    found = tried(ground, ("sh", "-c", script), "expired", "no-tls")
    assert outcomes(found)["no-tls"] is Outcome.ACCEPTED
    assert {trial.reason for trial in found.accepted} == {"in plain text"}
    assert found.verdict is Verdict.DANGEROUS


def test_a_client_that_sends_and_dies_at_once_did_accept(ground: Ground) -> None:
    """Its data is on its way when it is gone: the servers must have read all of it."""
    wanted = ("good", "expired", "wrong-host", "self-signed", "untrusted-root", "md5")
    for _ in range(3):
        found = tried(ground, python(HURRIED), *wanted)
        assert set(outcomes(found).values()) == {Outcome.ACCEPTED}


def test_a_client_that_never_ends_is_ended_with_its_children_and_was_not_tested() -> None:
    with prepared(os.environ, seconds=1) as ground:
        begun = time.monotonic()
        script = f"{sys.executable} -c '{WAITING}' {{host}} {{port}} & wait"
        found = tried(ground, ("sh", "-c", script), "expired")
        assert time.monotonic() - begun < 20
    assert {trial.reason for trial in found.trials} == {"it did not end in time"}
    assert {trial.status for trial in found.trials} == {None}
    assert not running("time.sleep(60)")


def running(text: str) -> bool:
    """Whether a process has `text` in its command line (proc(5))."""
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if text.encode() in entry.read_bytes() and entry.parent.name != str(os.getpid()):
                return True
        except OSError:
            continue
    return False


def test_a_client_that_prints_without_end_fills_no_memory() -> None:
    with prepared(os.environ, seconds=0.5) as ground:
        found = tried(ground, ("yes", "{url}"), "good")
    assert len(found.trials[0].said) <= KEPT


def test_a_client_that_leaves_a_child_behind_keeps_nobody_waiting(ground: Ground) -> None:
    begun = time.monotonic()
    tried(ground, ("sh", "-c", "sleep 50 & exit 0 {url}"), "good")
    assert time.monotonic() - begun < 15
    assert not running("sleep\x0050\x00")


@pytest.mark.server("curl")
def test_a_redirect_that_is_not_followed_is_neither_accepted_nor_unknown(ground: Ground) -> None:
    found = tried(ground, (*CURL, "--cacert", "{ca}", "{url}"), "redirect-self-signed",
                  "redirect-to-http")  # fmt: skip
    assert outcomes(found)["redirect-self-signed"] is Outcome.NOT_FOLLOWED
    assert outcomes(found)["redirect-to-http"] is Outcome.NOT_FOLLOWED
    assert found.verdict is Verdict.VERIFIES


@pytest.mark.server("curl")
def test_after_a_redirect_the_next_server_is_verified_too(ground: Ground) -> None:
    found = tried(ground, (*CURL, "-L", "--cacert", "{ca}", "{url}"), "redirect-self-signed",
                  "redirect-wrong-host", "redirect-to-http")  # fmt: skip
    assert outcomes(found) == {
        "good": Outcome.ACCEPTED,
        "redirect": Outcome.ACCEPTED,
        "redirect-self-signed": Outcome.REFUSED,
        "redirect-wrong-host": Outcome.REFUSED,
        "redirect-to-http": Outcome.ACCEPTED,
    }
    assert [trial.grade for trial in found.accepted] == [Grade.LAX]


@pytest.mark.server("wget")
def test_the_systems_bundle_is_the_trial_authority_for_the_client_alone(ground: Ground) -> None:
    bundle = Path("/etc/ssl/certs/ca-certificates.crt")
    before = hashlib.sha256(bundle.read_bytes() + Path("/etc/hosts").read_bytes()).digest()
    found = tried(ground, ("wget", "--no-config", "-qO/dev/null", "{url}"), "good", "self-signed")
    assert outcomes(found) == {"good": Outcome.ACCEPTED, "self-signed": Outcome.REFUSED}
    after = hashlib.sha256(bundle.read_bytes() + Path("/etc/hosts").read_bytes()).digest()
    assert before == after


@pytest.mark.server("curl")
def test_without_a_namespace_other_names_are_not_testable_and_the_rest_is() -> None:
    with prepared(os.environ, namespace=False) as ground:
        found = tried(ground, (*CURL, "--cacert", "{ca}", "{url}"), "expired", "wrong-host",
                      "wildcard-deep", "wrong-ip")  # fmt: skip
    assert outcomes(found) == {
        "wildcard": Outcome.NOT_TESTABLE,
        "ip": Outcome.ACCEPTED,
        "good": Outcome.ACCEPTED,
        "expired": Outcome.REFUSED,
        "wrong-host": Outcome.REFUSED,
        "wildcard-deep": Outcome.NOT_TESTABLE,
        "wrong-ip": Outcome.REFUSED,
    }


def test_no_key_is_on_the_disk_and_nothing_is_left(tmp_path: Path) -> None:
    environ = {**os.environ, "TMPDIR": str(tmp_path)}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("tempfile.tempdir", str(tmp_path))
        with prepared(environ) as ground:
            tried(ground, ("true", "{url}"), "expired", "sha1", "rsa-1024")
            written = {
                path.name: path.read_text() for path in tmp_path.rglob("*") if path.is_file()
            }
    assert set(written) == {"ca.pem", "hosts", "nsswitch.conf"}
    assert not any("PRIVATE" in text for text in written.values())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.server("curl")
@pytest.mark.parametrize("scheme", sorted(PROTOCOLS))
def test_behind_starttls_a_client_meets_the_same_servers(scheme: str, ground: Ground) -> None:
    way = Way("curl", (*CURL, "--ssl-reqd", "--cacert", "{ca}", "{url}"), scheme=scheme)
    found = audit(way, ground)
    assert {trial.case for trial in found.accepted} == LAX_OF_CURL
    assert found.refused_controls == found.unknown == ()
    assert {"expired", "wrong-host", "no-tls"} <= set(outcomes(found))
    assert not {name for name in outcomes(found) if name.startswith("redirect")}


@pytest.mark.server("curl")
@pytest.mark.parametrize(
    ("scheme", "arguments"),
    [("smtp", ("--mail-from", "a@b.example", "--mail-rcpt", "c@d.example", "-T", "/etc/hostname")),
     ("imap", ("-u", "name:secret")), ("pop3", ("-u", "name:secret")),
     ("ftp", ("-u", "name:secret"))],
)  # fmt: skip
def test_a_client_that_goes_on_without_starttls_is_dangerous(
    scheme: str, arguments: tuple[str, ...], ground: Ground
) -> None:
    """`--ssl` is content with a server that has none: whoever is between takes its offer out."""
    way = Way("curl", (*CURL, "--ssl", *arguments, "--cacert", "{ca}", "{url}"), scheme=scheme)
    found = audit(way, ground, [BY_ID["good"], BY_ID["expired"], BY_ID["no-tls"]])
    assert outcomes(found) == {
        "good": Outcome.ACCEPTED, "expired": Outcome.REFUSED, "no-tls": Outcome.ACCEPTED,
    }  # fmt: skip
    assert found.verdict is Verdict.DANGEROUS


def test_a_client_that_asks_what_there_is_and_leaves_has_refused(ground: Ground) -> None:
    source = (
        "import smtplib, sys\n"
        "with smtplib.SMTP(sys.argv[1], int(sys.argv[2])) as server:\n"
        "    server.ehlo(); sys.exit(not server.has_extn('starttls'))\n"
    )
    found = audit(Way("asks", python(source), scheme="smtp"), ground, [BY_ID["no-tls"]])
    assert outcomes(found)["good"] is Outcome.NOT_TESTED
    assert outcomes(found)["no-tls"] is Outcome.NOT_TESTED, "it does not accept the sound one"


@pytest.mark.server("curl")
def test_what_a_client_cannot_be_told_to_refuse_is_its_limit_and_no_laxity(ground: Ground) -> None:
    argv = (*CURL, "--cacert", "{ca}", "{url}")
    names = ("cn-only", "leaf-is-a-ca", "expired")
    cases = [BY_ID[name] for name in names]
    known = Way("curl", argv, limits=frozenset({"cn-only", "leaf-is-a-ca"}))
    found = audit(known, ground, cases)
    assert {trial.grade for trial in found.accepted} == {Grade.LIMIT}
    assert (found.verdict, found.explanation) == (Verdict.VERIFIES, "")
    part = audit(Way("curl", argv, limits=frozenset({"cn-only"})), ground, cases)
    assert part.verdict is Verdict.LAX
    assert part.explanation.startswith("leaf-is-a-ca: ")


@pytest.mark.server("curl")
def test_nothing_dangerous_is_ever_a_limit(ground: Ground) -> None:
    way = Way("curl -k", (*CURL, "-k", "{url}"), limits=frozenset({"expired"}))
    found = audit(way, ground, [BY_ID["expired"]])
    assert found.verdict is Verdict.DANGEROUS


def test_a_proxy_in_the_environment_is_not_asked(ground: Ground) -> None:
    assert not [name for name in ground.environ if name.lower().endswith("_proxy")]
