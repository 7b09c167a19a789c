"""From the options of `toolkit https lab` to servers that run until they are interrupted."""

from __future__ import annotations

import re
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from toolkit import interrupts
from toolkit.errors import ExitStatus, UsageError
from toolkit.files import write_atomic
from toolkit.output import Look, Record, View, table
from toolkit.session import Session
from toolkit.terminal import Line
from toolkit.text import clean
from toolkit_https.audit.cases import Case
from toolkit_https.audit.scenes import HTTPS
from toolkit_https.audit.serving import Seen, Served, Stand, is_loopback, servable, serving
from toolkit_https.audit.views import GRADE_STYLES
from toolkit_https.audit_command import chosen_cases
from toolkit_https.lab import Lab

_HOST = re.compile(r"(?!.*\.\d+$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*",
                   re.IGNORECASE)  # fmt: skip
"""A host name (RFC 1123, 2.1): the last label is not all digits, so it is no address."""
MAX_NAME = 200
"""Below 253 (RFC 1035): labels go before it."""
MAX_HOURS = 48.0
MAX_PORT = 65535
WIDEST = 120
"""Ports that all servers take together, at most."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The command line; `port` 0 is any, `ca_out` None a temporary file."""

    listen: str
    port: int
    name: str
    hours: float
    ca_out: Path | None
    traps: tuple[str, ...]
    listed: bool
    starttls: str = ""


def run(session: Session, asked: Asked, stop: threading.Event) -> ExitStatus:
    """Serve until `stop` or an interrupt. Raises UsageError before anything listens."""
    session.output.check_format(VIEW)
    cases = chosen_cases(asked.traps, asked.starttls)
    if asked.listed:
        session.output.emit(cases, CASES_VIEW)
        return ExitStatus.OK
    _check(asked)
    local = is_loopback(asked.listen)
    with Lab(_name(asked.name), asked.hours / 24) as lab, tempfile.TemporaryDirectory() as folder:
        ca = session.cwd / asked.ca_out if asked.ca_out else Path(folder, "ca.pem")
        if ca.exists():
            message = f"{clean(str(asked.ca_out))}: is there already"
            raise UsageError(message, hint="name another file with --ca-out, or remove it")
        kept = _kept(session, lab, asked.listen, cases)
        stand = Stand(lab, asked.listen, asked.port, str(ca), lambda seen: _tell(session, seen),
                      asked.starttls or HTTPS)  # fmt: skip
        write_atomic(ca, lab.ca_pem)
        with interrupts.ending(), serving(stand, kept) as served:
            if not local:
                _warn(session, asked.listen)
            session.output.emit(served, VIEW)
            _say(session, lab, served, asked)
            interrupts.pause(stop)  # Ctrl-C is how it is meant to end
    return ExitStatus.OK


def _check(asked: Asked) -> None:
    if not 0 < asked.hours <= MAX_HOURS:
        message = f"{asked.hours:g} hours is no lifetime of a trial CA"
        raise UsageError(message, hint=f"--hours takes up to {MAX_HOURS:g}")
    if asked.port < 0 or asked.port > MAX_PORT - WIDEST:
        message = f"{asked.port} is no port to begin with"
        raise UsageError(message, hint=f"--port takes 1 to {MAX_PORT - WIDEST}, or 0 for free ones")


def _name(text: str) -> str:
    if not _HOST.fullmatch(text) or len(text) > MAX_NAME:
        message = f'--name "{clean(text, limit=80)}" is no host name'
        raise UsageError(message, hint="letters, digits, hyphens and dots; no address")
    return text.lower()


def _kept(session: Session, lab: Lab, listen: str, cases: Sequence[Case]) -> list[Case]:
    """Return the cases that have a meaning here; the others are told with their reason."""
    reasons: dict[str, list[str]] = {}
    for case in cases:
        reasons.setdefault(servable(case, lab, listen), []).append(case.id)
    for reason, names in reasons.items():
        if reason:
            session.output.say(f"Left out, {reason}: {', '.join(names)}")
    return [case for case in cases if case.id in reasons.get("", [])]


def _warn(session: Session, listen: str) -> None:
    session.output.warn(
        f"the laboratory listens on {listen}: whoever can reach this machine can reach it",
        "its servers answer two words and keep nothing; end it when you are done",
    )


def _say(session: Session, lab: Lab, served: Sequence[Served], asked: Asked) -> None:
    """Tell what a person needs beside the table."""
    names = dict.fromkeys(item.url.split("/")[2].rpartition(":")[0] for item in served)
    wanted = [name for name in names if not name[0].isdigit() and name[0] != "["]
    say = session.output.say
    say(f"The trial CA ends in {asked.hours:g} hours; trust it nowhere but in what you try.")
    wanted = [name for name in wanted if name != "localhost"]
    if wanted:
        say(f"For /etc/hosts: {_address(asked.listen)} {' '.join(wanted)}")
    say(f"{len(served)} servers for {lab.pki.name}, until Ctrl-C; whoever comes is told here.")


def _address(listen: str) -> str:
    return {"0.0.0.0": "(this machine's address)", "::": "(this machine's address)"}.get(  # noqa: S104  a comparison
        listen, listen
    )


def _tell(session: Session, seen: Seen) -> None:
    what = "sent its request" if seen.accepted else "refused"
    why = f" ({clean(seen.reason, limit=100)})" if seen.reason else ""
    session.output.say(f"{seen.id}: {clean(seen.client)} {what}{why}: {seen.judgement}")


def lines(served: Iterable[Served], look: Look) -> Iterator[Line]:
    """Yield the table of servers."""
    del look
    every = list(served)
    rows = [
        (((item.url, "name"),), ((item.expect, "good" if item.expect == "accept" else "bad"),),
         ((item.grade, "dim"),), ((item.id, ""),), ((item.meaning, ""),))
        for item in every
    ]  # fmt: skip
    yield from table(("URL", "expect", "else", "id", "what it is"), rows)
    if every:
        yield (("CA: ", "title"), (clean(every[0].ca), "name"))


def record(served: Served) -> Record:
    """Return one server as JSON-ready values."""
    return asdict(served)


VIEW: View[Served] = View(
    schema="toolkit.https.lab/1",
    record=record,
    lines=lines,
    columns=("id", "url", "expect", "grade", "group", "meaning", "ca", "address", "port"),
)


def case_lines(cases: Iterable[Case], look: Look) -> Iterator[Line]:
    """Yield the table of cases, and what accepting each means."""
    del look
    rows = [
        (((case.id, "name"),), ((str(case.grade or "accept"), _STYLES[case.grade or ""]),),
         ((case.group, ""),), ((case.meaning, ""),), ((case.danger, "dim"),))
        for case in cases
    ]  # fmt: skip
    return table(("id", "grade", "group", "what it is", "what accepting it means"), rows)


def case_record(case: Case) -> Record:
    """Return one case as JSON-ready values."""
    return {
        "id": case.id, "expect": "accept" if case.accept else "refuse",
        "grade": str(case.grade or ""), "group": case.group, "meaning": case.meaning,
        "danger": case.danger, "control": "" if case.accept else case.control,
    }  # fmt: skip


_STYLES = {"": "good"} | {str(grade): style for grade, style in GRADE_STYLES.items()}
CASES_VIEW: View[Case] = View(
    schema="toolkit.https.traps/1",
    record=case_record,
    lines=case_lines,
    columns=("id", "expect", "grade", "group", "meaning", "danger", "control"),
)
