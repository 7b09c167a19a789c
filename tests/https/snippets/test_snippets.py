"""Every snippet is run as it is printed, against every trap of the laboratory, and is clean.

Python runs in this process (an interpreter for each of 70 servers would take minutes), programs as
programs. What a snippet accepts all the same is what its `leaves` say.
"""

from __future__ import annotations

import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest

from toolkit_https.audit import CASES, Audit, Case, Outcome, Trial, Verdict, audit
from toolkit_https.audit.cases import BY_ID
from toolkit_https.audit.grade import judged
from toolkit_https.audit.process import Ended
from toolkit_https.audit.run import outcome_of
from toolkit_https.audit.scenes import Scene, scene, speakable
from toolkit_https.lab import Place as LabPlace
from toolkit_https.snippet_command import way_of
from toolkit_https.snippets import SNIPPETS, Place, Snippet, written
from toolkit_https.snippets.python import OPENSSL
from toolkit_https.testing import HttpsTraps

MAIL = sorted(name for name, snippet in SNIPPETS.items() if snippet.scheme != "https")
LATER = {"no-authority-key-id"} if sys.version_info >= (3, 13) else set()
"""What Python's own verification refuses from 3.13 on."""


def assert_clean(found: Audit, snippet: Snippet) -> None:
    """Assert that it verifies: sound servers are accepted, of the traps its limits, no other."""
    assert [(trial.case, trial.said) for trial in found.refused_controls] == []
    assert [(trial.case, trial.reason) for trial in found.unknown] == []
    accepted = {trial.case: trial.grade for trial in found.accepted}
    assert found.verdict is Verdict.VERIFIES, accepted
    assert set(accepted) | LATER == set(snippet.leaves) | LATER


def run_python(name: str) -> Callable[[str, str], object]:
    """Return what runs the printed code for a URL and a CA."""

    def call(url: str, ca: str) -> object:
        code = written(SNIPPETS[name], Place(url, "", "0", ca)).code
        scope: dict[str, object] = {}
        exec(compile(code, name, "exec"), scope)  # noqa: S102  it is run as it is printed
        return scope

    return call


@pytest.mark.parametrize("name", ["requests", "urllib", "httpx", "aiohttp"])
@pytest.mark.timeout(120)
def test_a_snippet_of_python_is_clean(name: str, https_traps: HttpsTraps) -> None:
    found = https_traps.audit(run_python(name), limits=SNIPPETS[name].leaves)
    assert_clean(found, SNIPPETS[name])


@pytest.mark.parametrize(
    "name",
    [
        "pycurl",
        pytest.param("curl", marks=pytest.mark.server("curl")),
        pytest.param("wget", marks=pytest.mark.server("wget")),
        pytest.param("lwp", marks=pytest.mark.server("lwp-request")),
    ],
)
@pytest.mark.timeout(120)
def test_a_snippet_that_is_a_program_is_clean(name: str, https_traps: HttpsTraps) -> None:
    snippet, ground = SNIPPETS[name], https_traps.ground
    assert_clean(audit(way_of(snippet, str(ground.ca)), ground), snippet)


@contextmanager
def resolving(names: set[str]) -> Iterator[None]:
    """Make trial names resolve to loopback."""
    real = socket.getaddrinfo

    def lookup(host: Any, *args: Any, **kwargs: Any) -> Any:
        return real("127.0.0.1" if host in names else host, *args, **kwargs)

    with patch.object(socket, "getaddrinfo", lookup):
        yield


def tried(case: Case, name: str, traps: HttpsTraps) -> Trial:
    """Run a snippet once, and return what the server saw of it."""
    with scene(case, traps.lab, LabPlace(), SNIPPETS[name].scheme) as played:
        return ran(case, name, played, str(traps.ca))


def ran(case: Case, name: str, played: Scene, ca: str) -> Trial:
    host = played.name
    place = Place("", host, str(played.port), ca)
    code = written(SNIPPETS[name], place).code
    status, said = 0, ""
    try:
        with resolving({host} - {"127.0.0.1", "::1"}):
            exec(compile(code, name, "exec"), {})  # noqa: S102  it is run as it is printed
    except Exception as error:  # noqa: BLE001  any exception is a refusal
        status, said = 1, f"{type(error).__name__}: {error}"
    settled = played.settle(10)
    outcome, reason = outcome_of(played, Ended(status, said, 0), settled=settled)
    return Trial(case.id, case.group, case.meaning, case.accept, outcome, reason=reason, said=said)


@pytest.mark.parametrize("name", MAIL)
@pytest.mark.timeout(120)
def test_a_snippet_with_starttls_is_clean(name: str, https_traps: HttpsTraps) -> None:
    snippet = SNIPPETS[name]
    cases = speakable(CASES, snippet.scheme)
    trials = [tried(case, name, https_traps) for case in cases]
    assert_clean(judged(name, cases, trials, snippet.leaves), snippet)


@pytest.mark.parametrize("name", MAIL)
def test_a_snippet_with_starttls_says_nothing_to_a_server_without_it(
    name: str, https_traps: HttpsTraps
) -> None:
    with scene(BY_ID["no-tls"], https_traps.lab, LabPlace(), SNIPPETS[name].scheme) as played:
        trial = ran(BY_ID["no-tls"], name, played, str(https_traps.ca))
    assert trial.outcome is Outcome.REFUSED
    assert trial.said
    assert played.last.plain == []


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("smtplib", "context=context"),
        ("imaplib", "ssl_context=context"),
        ("poplib", "context=context"),
        ("ftplib", "context=context, "),
    ],
)
def test_without_its_context_a_snippet_accepts_anybody(
    name: str, argument: str, https_traps: HttpsTraps
) -> None:
    """The trap server can be accepted: what the snippets refuse, they refuse by their context."""
    lab, snippet = https_traps.lab, SNIPPETS[name]
    with scene(BY_ID["self-signed"], lab, LabPlace(), snippet.scheme) as played:
        place = Place("", played.name, str(played.port), str(https_traps.ca))
        code = written(snippet, place).code
        assert argument in code
        with resolving({played.name}):
            exec(code.replace(argument, ""), {})  # noqa: S102  the code of the test
        assert played.settle(10)
    assert played.last.decrypted


def accepts(case: Case, flags: int, traps: HttpsTraps) -> bool:
    """Whether OpenSSL, with these flags of verification, accepts a server."""
    context = ssl.create_default_context(cafile=str(traps.ca))
    context.verify_flags |= ssl.VerifyFlags(flags)
    with scene(case, traps.lab, LabPlace()) as played:
        try:
            with socket.create_connection(("127.0.0.1", played.port), timeout=10) as plain:
                context.wrap_socket(plain, server_hostname=played.name).close()
        except ssl.SSLCertVerificationError:
            return False
    return True


POLICY_CHECK, EXPLICIT_POLICY, INHIBIT_ANY, INHIBIT_MAP = 0x80, 0x100, 0x200, 0x400
CHECK_SS_SIGNATURE, SUITEB_128 = 0x4000, 0x10000
"""X509_V_FLAG_… that Python has no name for: X509_VERIFY_PARAM_set_flags(3)."""
FLAGS = [
    ssl.VERIFY_X509_STRICT, ssl.VERIFY_X509_PARTIAL_CHAIN, ssl.VERIFY_X509_TRUSTED_FIRST,
    POLICY_CHECK, EXPLICIT_POLICY, INHIBIT_ANY, INHIBIT_MAP, CHECK_SS_SIGNATURE, SUITEB_128,
]  # fmt: skip


@pytest.mark.parametrize("trap", sorted(OPENSSL))
def test_no_flag_of_openssl_refuses_what_the_snippets_call_its_limits(
    trap: str, https_traps: HttpsTraps
) -> None:
    case = BY_ID[trap]
    telling = [flag for flag in FLAGS if accepts(BY_ID[case.control], flag, https_traps)]
    assert ssl.VERIFY_X509_STRICT in telling
    assert [flag for flag in telling if not accepts(case, flag, https_traps)] == []
