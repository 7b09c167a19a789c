"""`check --client`: real clients against the server of the verdict, side by side, explained."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from toolkit.testing import Run
from toolkit_https.audit.cases import BY_ID
from toolkit_https.audit.scenes import scene
from toolkit_https.beside import Beside, make_beside
from toolkit_https.check import Request, check
from toolkit_https.clients.registry import clients
from toolkit_https.lab import Lab, Place, Response
from toolkit_https.model import Result
from toolkit_https.targets import parse_target

BOTH = ["curl", "urllib"]
LIBRARIES = ["requests", "httpx", "aiohttp", "pycurl", "lwp", "wget", "gnutls", "openssl"]


@pytest.fixture(scope="module")
def beside(request_: Request) -> Beside:
    return make_beside(BOTH, os.environ, request_.policy.trust, 10)


def seen(target: str, request: Request, beside: Beside) -> Result:
    parsed = parse_target(target)
    return beside.add(check(parsed, request), parsed)


def outcomes(result: Result) -> list[tuple[str, bool | None]]:
    return [(item.outcome, item.agrees) for item in result.clients]


@pytest.mark.server("curl")
@pytest.mark.parametrize(
    ("trap", "expected"),
    [
        ("good", ("accepted", True)),
        ("wildcard", ("accepted", True)),
        ("ip", ("accepted", True)),
        ("expired", ("refused", True)),
        ("wrong-host", ("refused", True)),
        ("incomplete-chain", ("refused", True)),
        ("self-signed", ("refused", True)),
        ("tls1.0", ("refused", True)),
    ],
)
def test_clients_that_verify_agree_with_the_verdict(
    trap: str, expected: tuple[str, bool], lab: Lab, request_: Request, beside: Beside
) -> None:
    result = seen(lab.start(trap).target, request_, beside)
    assert outcomes(result) == [expected, expected], result.clients
    assert "client-differs" not in [item.id for item in result.findings]


@pytest.mark.server("wget")
@pytest.mark.server("lwp-request")
@pytest.mark.server("gnutls-cli")
@pytest.mark.parametrize("trap", ["good", "expired", "wrong-host", "untrusted-root"])
def test_every_ready_made_client_is_understood(trap: str, lab: Lab, request_: Request) -> None:
    """Each says in its own words what it refuses for."""
    every = make_beside(LIBRARIES, os.environ, request_.policy.trust, 15)
    result = seen(lab.start(trap).target, request_, every)
    wanted = "accepted" if trap == "good" else "refused"
    assert {item.client: item.outcome for item in result.clients} == {
        item.client: wanted for item in result.clients
    }, result.clients
    assert len(result.clients) >= len(LIBRARIES)


@pytest.mark.server("curl")
def test_one_that_overlooks_what_the_verdict_refuses_is_explained(
    lab: Lab, request_: Request, beside: Beside
) -> None:
    result = seen(lab.start("cn-only").target, request_, beside)
    assert outcomes(result)[0] == ("accepted", False)
    told = next(item for item in result.findings if item.id == "client-differs")
    assert told.message.startswith("curl accepts this server: it overlooks no-subject-alt-name.")
    assert "RFC 9525" in told.message


@pytest.mark.server("curl")
def test_an_error_status_of_http_is_no_refusal(lab: Lab, request_: Request, beside: Beside) -> None:
    every = make_beside([*BOTH, *LIBRARIES], os.environ, request_.policy.trust, 15)
    result = seen(lab.start("good", response=Response(404)).target, request_, every)
    assert {item.outcome for item in result.clients} == {"accepted"}, result.clients


@pytest.mark.parametrize(
    ("case", "scheme", "client", "expected"),
    [
        ("good", "smtp", "smtplib", "accepted"),
        ("expired", "smtp", "smtplib", "refused"),
        ("good", "imap", "imaplib", "accepted"),
        ("wrong-host", "imap", "imaplib", "refused"),
        ("self-signed", "pop3", "poplib", "refused"),
        ("untrusted-root", "ftp", "ftplib", "refused"),
    ],
)
def test_clients_of_mail_are_tried_on_servers_of_mail(
    case: str, scheme: str, client: str, expected: str, lab: Lab, request_: Request
) -> None:
    every = make_beside(["all"], os.environ, request_.policy.trust, 10)
    with scene(BY_ID[case], lab, Place(), scheme) as played:
        target = f"{scheme}://{played.name}@127.0.0.1:{played.port}"
        said = {item.client: item for item in seen(target, request_, every).clients}
    assert [name for name, item in said.items() if item.outcome != "absent"] == [client]
    assert (said[client].outcome, said[client].agrees) == (expected, True), said


@pytest.mark.server("curl")
@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("smtp://localhost@127.0.0.1:{port}", "the server speaks smtp, and this client https"),
        ("localhost@127.0.0.1:{port}", "the server wasn't reached"),
    ],
)
def test_where_no_client_can_be_tried_the_reason_is_told(
    target: str, reason: str, lab: Lab, request_: Request, beside: Beside
) -> None:
    result = seen(target.format(port=lab.closed_port()), replace(request_, timeout=2), beside)
    assert {(item.outcome, item.agrees, item.detail) for item in result.clients} == {
        ("failed", None, reason)
    }


def test_without_a_namespace_a_name_that_is_elsewhere_cannot_be_tried(
    lab: Lab, request_: Request, tmp_path: Path
) -> None:
    fake = tmp_path / "unshare"
    fake.write_text("#!/bin/sh\necho 'unshare: not permitted' >&2\nexit 1\n")
    fake.chmod(0o755)
    environ = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    alone = make_beside(["urllib"], environ, request_.policy.trust, 10)
    # The laboratory's namespaces are asked for by the PATH of this process.
    before, os.environ["PATH"] = os.environ["PATH"], environ["PATH"]
    try:
        (said,) = seen(lab.start("good").target, request_, alone).clients
    finally:
        os.environ["PATH"] = before
    assert (said.outcome, said.agrees) == ("failed", None)
    assert "shop.example can't be made to resolve: unshare: not permitted" in said.detail


@pytest.mark.server("curl")
def test_the_command_shows_them_under_the_verdict(
    lab: Lab, toolkit_run: Run, ca_file: Path
) -> None:
    command = ("https", "check", lab.start("cn-only").target, "--ca", str(ca_file))
    done = toolkit_run(*command, "--client", "curl")
    assert done.status == 1
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("  client ")]
    assert line.startswith("  client curl (curl ")
    assert line.endswith(") accepts")
    told = toolkit_run(*command, "--client", "curl", "--format", "json")
    (record,) = json.loads(told.stdout)["results"]
    assert [item["outcome"] for item in record["clients"]] == ["accepted"]
    assert "client-differs" in record["ids"]


def test_an_unknown_client_is_refused_before_anything_starts(
    lab: Lab, toolkit_run: Run, ca_file: Path
) -> None:
    done = toolkit_run("https", "check", lab.start("good").target, "--client", "crul")
    assert (done.status, done.stdout) == (2, "")
    assert 'there is no client "crul"' in done.stderr
    assert 'did you mean "curl"?' in done.stderr


def test_one_that_is_not_here_is_absent(request_: Request, tmp_path: Path) -> None:
    empty = make_beside(["curl"], {"PATH": str(tmp_path)}, request_.policy.trust, 10)
    (said,) = empty.found
    assert (said.outcome, said.detail) == (  # type: ignore[union-attr]  # absent: no way
        "absent", "curl is not installed (apt-get install curl)",
    )  # fmt: skip


def test_the_doctor_names_every_client_and_the_namespace(toolkit_run: Run) -> None:
    told = json.loads(toolkit_run("doctor", "--format", "json").stdout)
    found = {row["name"]: row for row in told["results"]}
    assert found["namespace"]["found"]
    assert {f"client {name}" for name in clients()} <= set(found)
