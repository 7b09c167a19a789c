"""For anybody's test suite: a fixture that tells whether a client verifies.

In conftest.py:

    pytest_plugins = ["toolkit_https.testing"]

and in a test:

    def test_our_client_verifies(https_traps):
        https_traps.assert_verifies(lambda url, ca: our_client(url, trust=ca))

The client is called in this process against every sound server and trap of the laboratory; it must
raise where it refuses. What counts is what the servers could decrypt. For a client that is a
program, or that resolves names outside Python (pycurl), there is `assert_command_verifies`.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias
from unittest.mock import patch

import pytest

from toolkit.text import clean
from toolkit_https.audit import CASES, Audit, Case, Ground, Outcome, Trial, Way, audit, prepared
from toolkit_https.audit.grade import judged
from toolkit_https.audit.ground import TRIAL_DAYS, handed_over
from toolkit_https.audit.process import Ended
from toolkit_https.audit.run import SETTLE, outcome_of
from toolkit_https.audit.scenes import scene
from toolkit_https.lab import Lab, Place

Call: TypeAlias = Callable[[str, str], object]
"""A request by the client under test: (URL, path of the CA file) → anything; raises to refuse."""


@dataclass(frozen=True, slots=True)
class HttpsTraps:
    """Sound servers and traps for a client under test: in this process, or on the ground."""

    lab: Lab
    ca: Path
    ground: Ground = field(repr=False)

    def assert_verifies(self, call: Call, *, lax: Collection[str] | None = None) -> Audit:
        """Assert that `call` accepts every sound server and falls for no dangerous trap.

        `lax` names the lax acceptances that are all right; by default all are.
        """
        return _asserted(self.audit(call), lax)

    def assert_command_verifies(
        self, argv: Sequence[str], *, lax: Collection[str] | None = None
    ) -> Audit:
        """Assert the same of a command; {url}, {ca}, {host} and {port} are replaced in `argv`."""
        return _asserted(self.audit_command(argv), lax)

    def audit(
        self, call: Call, cases: Sequence[Case] = CASES, *, limits: Collection[str] = ()
    ) -> Audit:
        """Call the client against each case, in this process, and return what came of it.

        `limits` are the lax traps that nothing in the client can be told to refuse.
        """
        environ = handed_over(os.environ, str(self.ca))
        with _resolving(self.lab), patch.dict(os.environ, environ, clear=True):
            trials = [self._trial(case, call) for case in cases]
        name = getattr(call, "__qualname__", type(call).__name__)
        return replace(
            judged(name, cases, trials, limits), names="socket.getaddrinfo of this process"
        )

    def audit_command(self, argv: Sequence[str], cases: Sequence[Case] = CASES) -> Audit:
        """Run a command against each case and return what came of it."""
        return audit(Way(" ".join(argv), tuple(argv)), self.ground, cases)

    def _trial(self, case: Case, call: Call) -> Trial:
        trial = Trial(case.id, case.group, case.meaning, case.accept, Outcome.NOT_TESTABLE)
        begun = time.monotonic()
        try:
            with scene(case, self.lab, Place()) as played:
                status, said = _called(call, played.url, str(self.ca))
                settled = played.settle(SETTLE)
        except OSError as error:  # no IPv6 here: no server
            return replace(trial, reason=error.strerror or type(error).__name__)
        ended = Ended(status, said, time.monotonic() - begun)
        outcome, reason = outcome_of(played, ended, settled=settled)
        return replace(trial, outcome=outcome, reason=reason, status=status, said=said)


@pytest.fixture(scope="session")
def https_traps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpsTraps]:
    """Sound servers and traps, with trial CAs of their own, for this run of tests."""
    with Lab(days=TRIAL_DAYS) as lab, prepared(os.environ) as ground:
        ca = tmp_path_factory.mktemp("https-traps") / "ca.pem"
        ca.write_bytes(lab.ca_pem)
        yield HttpsTraps(lab, ca, ground)


def _called(call: Call, url: str, ca: str) -> tuple[int, str]:
    try:
        call(url, ca)
    except Exception as error:  # noqa: BLE001  any exception is the client's way of refusing
        return 1, f"{type(error).__name__}: {error}"
    return 0, ""


@contextmanager
def _resolving(lab: Lab) -> Iterator[None]:
    """Make the trial names resolve to loopback for what asks through Python's socket module."""
    real = socket.getaddrinfo
    names = {lab.name_of(case.trap) for case in CASES} - {"::1"}

    def lookup(host: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  as it is called
        text = host.decode("ascii", "replace") if isinstance(host, bytes) else host
        return real("127.0.0.1" if text in names else host, *args, **kwargs)

    with patch.object(socket, "getaddrinfo", lookup):
        yield


def _asserted(found: Audit, lax: Collection[str] | None) -> Audit:
    """Return `found` if it is as it should be; raises AssertionError with all that isn't."""
    faults = [f"{trial.case}: {trial.meaning}: {_fault(trial)}" for trial in found.trials
              if not _well(trial, lax)]  # fmt: skip
    if faults:
        worst = f"\n{found.explanation}\n→ {found.remedy}" if found.explanation else ""
        raise AssertionError(f"{found.client}: {found.verdict}\n" + "\n".join(faults) + worst)
    return found


def _well(trial: Trial, lax: Collection[str] | None) -> bool:
    if trial.outcome is Outcome.NOT_TESTABLE:
        return True
    tolerated = lax is None or trial.case in lax
    return trial.right or (str(trial.grade) == "lax" and tolerated)


def _fault(trial: Trial) -> str:
    what = f"{trial.outcome}, {trial.grade}" if trial.grade else str(trial.outcome)
    words = "; ".join(filter(None, (trial.reason, clean(trial.said, limit=300))))
    return f"{what} ({words})" if words else what
