"""Running a client against every case, and reading off what the servers saw."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from toolkit import interrupts
from toolkit_https.audit.cases import CASES, Case, with_controls
from toolkit_https.audit.grade import judged
from toolkit_https.audit.ground import Ground
from toolkit_https.audit.model import Audit, Outcome, Trial, Verdict
from toolkit_https.audit.process import Ended, run
from toolkit_https.audit.scenes import Scene, scene, speakable
from toolkit_https.clients import Way
from toolkit_https.lab import Place, Witness

SETTLE = 5.0
"""Seconds that a server may take to read what a client that has ended sent."""


def audit(way: Way, ground: Ground, cases: Iterable[Case] = CASES, version: str = "") -> Audit:
    """Run a client against each case, several at a time, and return what came of it.

    In each argument {url}, {ca}, {host} and {port} are replaced. The sound servers that the cases
    differ from are tried as well. Cases that the way's scheme doesn't have are left out.
    """
    begun = time.monotonic()
    wanted = speakable(with_controls(cases), way.scheme)
    if not wanted:
        return Audit(
            way.label, way.argv, version, Verdict.NOT_TESTED,
            explanation=f"{way.scheme} has none of these servers", remedy="choose other traps",
        )  # fmt: skip
    stop = threading.Event()
    with ThreadPoolExecutor(ground.workers) as pool:
        try:
            futures = [pool.submit(_trial, case, way, ground, stop) for case in wanted]
            trials = list(interrupts.results(futures))
        finally:  # Ctrl-C: the running clients are ended, the waiting ones never start
            stop.set()
            pool.shutdown(cancel_futures=True)
    found = judged(way.label, wanted, trials, way.limits)
    return replace(
        found, command=tuple(way.argv), version=version, names=ground.sandbox.detail,
        weakened=way.weakened, seconds=round(time.monotonic() - begun, 3),
    )  # fmt: skip


def _trial(case: Case, way: Way, ground: Ground, stop: threading.Event) -> Trial:
    trial = Trial(case.id, case.group, case.meaning, case.accept, Outcome.NOT_TESTABLE)
    name = ground.lab.name_of(case.trap)
    if not ground.resolves(name):
        return replace(trial, reason=f"its name doesn't resolve: {ground.sandbox.detail}")
    try:
        with scene(case, ground.lab, Place(), way.scheme) as played:
            ended = run(filled(way.argv, played, ground), ground.environ, ground.seconds, stop)
            settled = played.settle(SETTLE)
    except OSError as error:
        what = f"{error.filename}: " if error.filename else ""
        return replace(trial, reason=f"{what}{error.strerror or type(error).__name__}")
    outcome, reason = outcome_of(played, ended, settled=settled)
    return replace(
        trial, outcome=outcome, reason=reason, status=ended.status, said=ended.said.strip(),
        seconds=round(ended.seconds, 3),
    )  # fmt: skip


def filled(command: Sequence[str], played: Scene, ground: Ground) -> tuple[str, ...]:
    """Return the command with the placeholders replaced, in the sandbox where there is one."""
    values = {
        "{url}": played.url,
        "{ca}": str(ground.ca),
        "{host}": played.name,
        "{port}": str(played.port),
    }
    argv = list(command)
    for placeholder, value in values.items():
        argv = [text.replace(placeholder, value) for text in argv]
    return (*ground.sandbox.prefix, *argv)


def outcome_of(played: Scene, ended: Ended, *, settled: bool) -> tuple[Outcome, str]:
    """Return what the servers' witnesses say of one run, and why in words if need be."""
    first, last = played.first, played.last
    if last.decrypted or last.plain:
        return Outcome.ACCEPTED, "in plain text" if not last.decrypted else ""
    if ended.status is None:
        return Outcome.NOT_TESTED, "it did not end in time"
    if not settled:
        return Outcome.NOT_TESTED, "it left a connection open"
    if first is not last and not last.connections:
        return _before_redirect(first)
    return _without_data(last)


def _before_redirect(first: Witness) -> tuple[Outcome, str]:
    if first.decrypted:
        return Outcome.NOT_FOLLOWED, "it did not follow the redirect"
    return Outcome.NOT_TESTED, "it did not come to the server that redirects"


def _without_data(last: Witness) -> tuple[Outcome, str]:
    if last.hellos:
        return Outcome.REFUSED, last.alerts[-1] if last.alerts else ""
    if last.connections:
        return Outcome.NOT_TESTED, "it connected, and began no TLS"
    return Outcome.NOT_TESTED, "it made no connection"
