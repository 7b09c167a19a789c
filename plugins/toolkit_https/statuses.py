"""The exit status of a run, judged result by result: of a large fleet no result is kept."""

from __future__ import annotations

from collections.abc import Iterable

from toolkit.errors import ExitStatus
from toolkit_https.model import Result, Severity, Verdict

GRAVE = {
    "critical": {Severity.CRITICAL},
    "warning": {Severity.CRITICAL, Severity.WARNING},
}


def status_of(result: Result, fail_on: str, chosen: str) -> int:
    """Return the status of one result; in the format (`chosen`) nagios it is Nagios' own state."""
    if chosen == "nagios":
        from toolkit_https.monitors import nagios_state

        return nagios_state(result)
    if fail_on == "never":
        return ExitStatus.OK
    if result.verdict in {Verdict.UNREACHABLE, Verdict.UNVERIFIABLE}:
        return ExitStatus.UNCHECKED
    grave = any(item.severity in GRAVE[fail_on] for item in result.findings)
    return ExitStatus.NOT_OK if result.verdict is Verdict.UNTRUSTED or grave else ExitStatus.OK


def worst(statuses: Iterable[int], chosen: str) -> ExitStatus:
    """Return the status of all: what is wrong decides, then what couldn't be checked."""
    found = set(statuses)
    if chosen == "nagios":
        from toolkit_https.monitors import worst_state

        return ExitStatus(worst_state(found))
    order = (ExitStatus.NOT_OK, ExitStatus.UNCHECKED)
    return next((status for status in order if status in found), ExitStatus.OK)
