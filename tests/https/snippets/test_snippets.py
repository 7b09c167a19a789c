"""Every snippet is run as it is printed, against every trap of the laboratory, and is clean.

Python runs in this process (an interpreter for each of 70 servers would take minutes), programs as
programs. What a snippet accepts all the same is what its `leaves` say.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest.mock import patch

import pytest
from OpenSSL import SSL

from toolkit_https.audit import CASES, Audit, Case, Ground, Outcome, Trial, Way, audit
from toolkit_https.audit.cases import Play
from toolkit_https.audit.grade import judged
from toolkit_https.audit.process import Ended
from toolkit_https.audit.run import outcome_of
from toolkit_https.audit.scenes import Scene
from toolkit_https.lab import Watched
from toolkit_https.lab.server import tls_context
from toolkit_https.lab.starttls import watched_starttls, watched_stripped
from toolkit_https.snippets import SNIPPETS, Place, Snippet, written
from toolkit_https.testing import HttpsTraps

MAIL = sorted(name for name, snippet in SNIPPETS.items() if snippet.scheme != "https")
COMMANDS = {"python": (sys.executable, "-c"), "sh": ("sh", "-c"), "perl": ("perl", "-e")}
LATER = {"no-authority-key-id"} if sys.version_info >= (3, 13) else set()
"""What Python's own verification refuses from 3.13 on."""


def assert_clean(found: Audit, snippet: Snippet) -> None:
    """Assert that sound servers are accepted, and of the traps what the snippet says, no other."""
    assert [(trial.case, trial.said) for trial in found.refused_controls] == []
    assert [(trial.case, trial.reason) for trial in found.unknown] == []
    accepted = {trial.case: str(trial.grade) for trial in found.accepted}
    assert "dangerous" not in accepted.values(), accepted
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
    assert_clean(https_traps.audit(run_python(name)), SNIPPETS[name])


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
    snippet = SNIPPETS[name]
    code = written(snippet, Place("{url}", "{host}", "{port}", "{ca}")).code
    ground: Ground = https_traps.ground
    assert_clean(audit(Way(name, (*COMMANDS[snippet.language], code)), ground), snippet)


def _same(context: SSL.Context) -> SSL.Context:
    return context


@contextmanager
def resolving(names: set[str]) -> Iterator[None]:
    """Make trial names resolve to loopback."""
    real = socket.getaddrinfo

    def lookup(host: Any, *args: Any, **kwargs: Any) -> Any:
        return real("127.0.0.1" if host in names else host, *args, **kwargs)

    with patch.object(socket, "getaddrinfo", lookup):
        yield


def tried(case: Case, name: str, server: Watched, host: str, ca: str) -> Trial:
    """Run a snippet once, and return what the server saw of it."""
    place = Place("", host, str(server.port), ca)
    code = written(SNIPPETS[name], place).code
    status, said = 0, ""
    try:
        with resolving({host} - {"127.0.0.1", "::1"}):
            exec(compile(code, name, "exec"), {})  # noqa: S102  it is run as it is printed
    except Exception as error:  # noqa: BLE001  any exception is a refusal
        status, said = 1, f"{type(error).__name__}: {error}"
    settled = server.settle(10)
    played = Scene(host, SNIPPETS[name].scheme, (server,))
    outcome, reason = outcome_of(played, Ended(status, said, 0), settled=settled)
    return Trial(case.id, case.group, case.meaning, case.accept, outcome, reason=reason, said=said)


@pytest.mark.parametrize("name", MAIL)
@pytest.mark.timeout(120)
def test_a_snippet_with_starttls_is_clean(name: str, https_traps: HttpsTraps) -> None:
    lab, scheme = https_traps.lab, SNIPPETS[name].scheme
    cases = [case for case in CASES if case.play is Play.DIRECT]
    trials = []
    for case in cases:
        context = tls_context(case.trap, case.trap.build(lab.pki))
        with watched_starttls(lab, case.trap, partial(_same, context), scheme) as (server, host):
            trials.append(tried(case, name, server, host, os.fspath(https_traps.ca)))
    assert_clean(judged(name, cases, trials), SNIPPETS[name])


@pytest.mark.parametrize("name", MAIL)
def test_a_snippet_with_starttls_says_nothing_to_a_server_without_it(
    name: str, https_traps: HttpsTraps
) -> None:
    (case,) = [case for case in CASES if case.play is Play.PLAIN]
    with watched_stripped(https_traps.lab, SNIPPETS[name].scheme) as (server, host):
        trial = tried(case, name, server, host, os.fspath(https_traps.ca))
    assert trial.outcome is not Outcome.ACCEPTED
    assert trial.said
    assert server.witness.plain == []


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
    (case,) = [case for case in CASES if case.id == "self-signed"]
    context = tls_context(case.trap, case.trap.build(lab.pki))
    with watched_starttls(lab, case.trap, lambda: context, snippet.scheme) as (server, host):
        code = written(snippet, Place("", host, str(server.port), str(https_traps.ca))).code
        assert argument in code
        with resolving({host}):
            exec(code.replace(argument, ""), {})  # noqa: S102  the code of the test
        assert server.settle(10)
    assert server.witness.decrypted
