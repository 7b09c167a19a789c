"""`toolkit pxe check`: the model's own checks, then each server's own on what is rendered."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from toolkit.errors import ExitStatus
from toolkit.files import write_atomic
from toolkit.output import Look, Record, View
from toolkit.session import Session
from toolkit.terminal import Line
from toolkit.text import clean
from toolkit_pxe.programs import find, search_path
from toolkit_pxe.requests import chosen_targets, families_of, parse_settings
from toolkit_pxe.site.model import Site
from toolkit_pxe.site.resolve import load_site
from toolkit_pxe.targets.base import Check, Options, Rendered, Target

OK, INVALID, UNREADABLE, MISSING, FAILED, CANNOT, NO_CHECKER, NOTHING = (
    "valid", "invalid", "cannot read", "not installed", "could not run", "cannot express",
    "no checker", "nothing to write",
)  # fmt: skip
_SECONDS = 300
_COMPLAINT = re.compile(r"\bline \d+|:\d+[:.]|error|unknown|cannot|can't", re.IGNORECASE)
_STYLES = {OK: "good", INVALID: "bad", CANNOT: "bad", UNREADABLE: "warn", MISSING: "warn",
           FAILED: "warn", NO_CHECKER: "dim", NOTHING: "dim"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a server's own checker said of what was rendered for it."""

    target: str
    family: int
    state: str
    detail: str = ""
    remedy: str = ""


def check_target(site: Site, target: Target, options: Options) -> Verdict:
    """Render for one target and family and run its checker on the files."""
    rendered = target.render(site, options)
    if rendered.limits:
        state = NOTHING if all(limit.absent for limit in rendered.limits) else CANNOT
        message = "\n".join(dict.fromkeys(map(str, rendered.limits)))
        return Verdict(target.name, options.family, state, message, rendered.limits[0].hint)
    checker = target.check(options)
    if checker is None:
        return Verdict(target.name, options.family, NO_CHECKER)
    if find(checker.program) is None:
        remedy = f"apt-get install {checker.package}"
        return Verdict(target.name, options.family, MISSING, checker.program, remedy)
    with tempfile.TemporaryDirectory(prefix="toolkit-pxe-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # some checkers leave root before they read
        _write(folder, rendered)
        return _run(target, checker, options, folder)


def _write(folder: Path, rendered: Rendered) -> None:
    for item in rendered.files:
        path = folder / item.name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, item.content)


def _run(target: Target, checker: Check, options: Options, folder: Path) -> Verdict:
    try:
        done = subprocess.run(
            checker.argv(folder), capture_output=True, text=True, errors="replace", check=False,
            stdin=subprocess.DEVNULL, timeout=_SECONDS, env={**os.environ, "PATH": search_path()},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        detail = f"{checker.program} did not end within {_SECONDS} seconds"
        return Verdict(target.name, options.family, FAILED, detail)
    except OSError as error:
        detail = clean(f"{checker.program}: {error.strerror}", limit=300)
        return Verdict(target.name, options.family, FAILED, detail)
    if done.returncode == 0:
        return Verdict(target.name, options.family, OK)
    said = (done.stderr + done.stdout).replace(f"{folder}/", "").strip()
    # A file of ours that its reader may not open says nothing about what is in it.
    if any(sign in said for sign in checker.unreadable):
        return Verdict(target.name, options.family, UNREADABLE, _short(said), checker.remedy)
    return Verdict(target.name, options.family, INVALID, _short(said))


def _short(said: str) -> str:
    """Return the first lines that complain: a checker's first error makes most of the others."""
    lines = [line for line in said.splitlines() if line.strip()]
    first = next((at for at, line in enumerate(lines) if _COMPLAINT.search(line)), 0)
    return "\n".join(clean(line, limit=300) for line in lines[first : first + 8])


def verdicts(site: Site, chosen: Sequence[Target], settings: Sequence[str]) -> Iterator[Verdict]:
    """Yield a verdict for each family of these targets."""
    for target in chosen:
        for family in families_of(site, target):
            options = Options(family, settings=parse_settings(settings, target, chosen))
            yield check_target(site, target, options)


def run(
    session: Session, path: Path, names: tuple[str, ...], settings: tuple[str, ...]
) -> ExitStatus:
    """Check the site, print the verdicts and return the worst as an exit status."""
    session.output.check_format(VIEW)
    site = load_site(session.cwd / path)
    counts = _counted(len(site.subnets), "subnet"), _counted(len(site.reservations), "reservation")
    session.output.say(f"{clean(str(path))}: well-formed: {', '.join(counts)}")
    chosen = chosen_targets(names, session.output.warn)
    seen: list[Verdict] = []

    def each() -> Iterator[Verdict]:
        for verdict in verdicts(site, chosen, settings):
            seen.append(verdict)
            yield verdict

    session.output.emit(each(), VIEW)
    return _status(seen, named=bool(names))


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _status(seen: Sequence[Verdict], *, named: bool) -> ExitStatus:
    """A server that nobody named may be missing, or unable to do what another server does."""
    states = {verdict.state for verdict in seen}
    if INVALID in states or (named and states & {CANNOT, NOTHING}):
        return ExitStatus.NOT_OK
    if states & {UNREADABLE, FAILED} or (named and MISSING in states):
        return ExitStatus.UNCHECKED
    return ExitStatus.OK


def _record(verdict: Verdict) -> Record:
    return {"target": verdict.target, "family": verdict.family, "state": verdict.state,
            "detail": verdict.detail, "remedy": verdict.remedy}  # fmt: skip


def _lines(results: Iterable[Verdict], _look: Look) -> Iterator[Line]:
    for verdict in results:
        head = ((f"{verdict.target:<14}", "name"), (f"IPv{verdict.family}  ", ""),
                (verdict.state, _STYLES[verdict.state]))  # fmt: skip
        if verdict.state == NOTHING:
            detail = clean(verdict.detail.replace("\n", "; "))
            yield (*head, (f": {detail} ({clean(verdict.remedy)})", ""))
            continue
        yield head
        yield from (((f"    {clean(line)}", ""),) for line in verdict.detail.splitlines())
        if verdict.remedy:
            yield ((f"    → {clean(verdict.remedy)}", "note"),)


VIEW: View[Verdict] = View(
    schema="toolkit.pxe.check/1",
    record=_record,
    lines=_lines,
    columns=("target", "family", "state", "detail", "remedy"),
)
