"""From the options of `toolkit https audit` to clients tried, one after the other."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from toolkit.errors import ExitStatus, UsageError
from toolkit.session import Session
from toolkit.text import clean, did_you_mean
from toolkit_https.audit import CASES, Audit, Case, Ground, Verdict, Way, audit, prepared
from toolkit_https.audit.cases import BY_ID
from toolkit_https.audit.grade import status_of
from toolkit_https.audit.scenes import HTTPS, speakable
from toolkit_https.audit.views import VIEW
from toolkit_https.clients import PLACEHOLDERS, Absent, Client, Installed, Machine
from toolkit_https.clients.registry import ALL, chosen, clients
from toolkit_https.lab.starttls import PROTOCOLS

NAMES_HINT = (
    "allow users to make namespaces (user_namespaces(7), sysctl kernel.unprivileged_userns_clone "
    "or kernel.apparmor_restrict_unprivileged_userns), or run it as root"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """The command line."""

    command: tuple[str, ...]
    clients: tuple[str, ...]
    pythons: tuple[str, ...]
    traps: tuple[str, ...]
    weakened: bool
    fail_on: str
    seconds: float
    namespace: bool
    starttls: str = ""


def run(session: Session, asked: Asked) -> ExitStatus:
    """Audit, write each result as it comes, and return the status. Raises UsageError before."""
    session.output.check_format(VIEW)
    cases = chosen_cases(asked.traps, asked.starttls)
    ways = [_own(asked, session)] if asked.command else _found(asked, session)
    seen: list[Audit] = []
    with prepared(session.environ, seconds=asked.seconds, namespace=asked.namespace) as ground:
        if not ground.sandbox.works:
            warn_of_names(session, ground, cases)
        session.output.emit(_audits(ways, ground, cases, seen), VIEW)
    return status_of(seen, asked.fail_on)


def _audits(
    ways: Sequence[tuple[Way, str] | Audit],
    ground: Ground,
    cases: Sequence[Case],
    seen: list[Audit],
) -> Iterator[Audit]:
    for way in ways:
        found = way if isinstance(way, Audit) else audit(way[0], ground, cases, way[1])
        seen.append(found)
        yield found


def warn_of_names(session: Session, ground: Ground, cases: Sequence[Case]) -> None:
    """Say at once, and on the error stream, what this machine can't test."""
    lost = [case.id for case in cases if not ground.resolves(ground.lab.name_of(case.trap))]
    message = (
        f"names can't be made to resolve for the client: {ground.sandbox.detail}; the servers are "
        f"for localhost, and {len(lost)} of {len(cases)} cases can't be tested: {', '.join(lost)}"
    )
    session.output.warn(message, NAMES_HINT)


def chosen_cases(names: Sequence[str], starttls: str = "") -> tuple[Case, ...]:
    """Return the cases of `names`, each an id or several with commas; all of them for none.

    `starttls` is the protocol that is spoken before TLS, "" for none.
    """
    if starttls and starttls not in PROTOCOLS:
        message = f'--starttls "{clean(starttls, limit=40)}" is none of: {", ".join(PROTOCOLS)}'
        raise UsageError(message, hint=did_you_mean(starttls, PROTOCOLS))
    scheme = starttls or HTTPS
    wanted = [word.strip() for text in names for word in text.split(",") if word.strip()]
    for word in wanted:
        if word not in BY_ID:
            hint = did_you_mean(word, BY_ID) or "`toolkit https lab --list` lists them"
            raise UsageError(f'there is no trap "{clean(word, limit=60)}"', hint=hint)
        if not speakable([BY_ID[word]], scheme):
            message = f"{word} is a redirect, and {scheme} has none"
            raise UsageError(message, hint="leave it out, or leave --starttls out")
    found = [BY_ID[word] for word in dict.fromkeys(wanted)]
    return tuple(speakable(found or CASES, scheme))


def _own(asked: Asked, session: Session) -> tuple[Way, str] | Audit:
    """Return the user's command as a way. Raises UsageError for one that can't come to a server."""
    command = asked.command
    if asked.clients:
        raise UsageError("--client is for ready-made clients, and a COMMAND is given as well")
    text = "\0".join(command)
    if "{url}" not in text and not ("{host}" in text and "{port}" in text):
        raise UsageError(
            "the command names neither {url} nor {host} and {port}: it can't know where to go",
            hint=f"write them where they belong: {' '.join(PLACEHOLDERS)}",
        )
    path = session.environ.get("PATH", os.defpath)
    if shutil.which(command[0], path=path) is None:
        raise UsageError(
            f"{clean(command[0], limit=100)}: no such command",
            hint="give the program and its arguments after --, without quotes around the whole",
        )
    way = Way(clean(" ".join(command), limit=120), command, scheme=asked.starttls or HTTPS)
    return way, ""


def _found(asked: Asked, session: Session) -> list[tuple[Way, str] | Audit]:
    """Return every way of the clients that were asked for; an absent one as its result."""
    if not asked.clients:
        raise UsageError(
            "neither a COMMAND nor a --client is given",
            hint="toolkit https audit -- curl --cacert {ca} {url}, or --client all",
        )
    if asked.starttls:
        raise UsageError("--starttls is for a COMMAND: a ready-made client speaks its own protocol")
    machines = [Machine(session.environ, python) for python in asked.pythons]
    machines = machines or [Machine(session.environ)]
    everything = any(ALL in text.split(",") for text in asked.clients)
    rows: list[tuple[Way, str] | Audit] = []
    for client in chosen(asked.clients, clients()):
        answers = list(dict.fromkeys(client.find(machine) for machine in machines))
        installed = [item for item in answers if isinstance(item, Installed)]
        absent = [item for item in answers if isinstance(item, Absent)]
        rows += [row for item in installed for row in _ways(item, weakened=asked.weakened)]
        if not (everything and installed):
            rows += [_absent(client, item) for item in absent]
    return rows


def _ways(installed: Installed, *, weakened: bool) -> list[tuple[Way, str]]:
    wanted = [way for way in installed.ways if weakened or not way.weakened]
    return [(way, installed.version) for way in wanted]


def _absent(client: Client, absent: Absent) -> Audit:
    return Audit(
        client.name, (), "", Verdict.ABSENT, explanation=absent.reason, remedy=absent.remedy
    )
