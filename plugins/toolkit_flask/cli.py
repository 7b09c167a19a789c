"""`toolkit flask …`: options and configuration → a request → results → output."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from toolkit.command import application, command
from toolkit.errors import ExitStatus, UsageError
from toolkit.session import Session
from toolkit.text import clean
from toolkit_flask.settings import Settings

if TYPE_CHECKING:
    from toolkit_flask.answers import Ask
    from toolkit_flask.changes import Change
    from toolkit_flask.hazards import Hazard

app = application("Error reports that arrive, in new and existing Flask applications.")

SCAFFOLD = (
    ("A new application, asking what it needs to know", "toolkit flask scaffold shop"),
    ("The same without questions", "toolkit flask scaffold shop --defaults"),
    ("What a later version would change in it", "toolkit flask scaffold shop --dry-run --diff"),
    ("Into an existing application: show the two lines",
     "toolkit flask scaffold --into ./existing"),
    ("… and put them in", "toolkit flask scaffold --into ./existing --apply"),
)  # fmt: skip
REMOVE = (("Take it out again", "toolkit flask remove ./existing"),)
STATUS = (("Is it still there, whole and up to date?", "toolkit flask status ./existing"),)
PROVE = (
    ("Raise in every situation and see what is reported where", "toolkit flask prove shop"),
    ("An application whose configuration is in the environment",
     "toolkit flask prove shop --app shop:create_app"),
)  # fmt: skip
Path_ = Annotated[Path, typer.Argument(metavar="PATH", help="The application's folder.")]
DryRun = Annotated[bool, typer.Option("--dry-run", "-n", help="Show what would be done.")]
Diff = Annotated[bool, typer.Option("--diff", help="Show each change line by line.")]


@command(app, "scaffold", examples=SCAFFOLD)
def scaffold(
    session: Session,
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="The new application's folder.")
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option("--into", metavar="PATH", help="An existing application: folder or module."),
    ] = None,
    which: Annotated[
        list[str] | None,
        typer.Option("--app", metavar="PATH:NAME", help="With --into: which one; repeatable."),
    ] = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="With --into: write. Without, it is only shown.")
    ] = False,
    prove: Annotated[
        bool | None,
        typer.Option("--prove/--no-prove", help="Prove it afterwards. Default: asked."),
    ] = None,
    defaults: Annotated[bool, typer.Option("--defaults", help="Ask no questions.")] = False,
    answers: Annotated[
        Path | None,
        typer.Option("--answers", metavar="FILE", help="Answers in YAML or JSON; asks nothing."),
    ] = None,
    dry_run: DryRun = False,
    diff: Diff = False,
    markers: Annotated[
        bool, typer.Option("--markers", help="Mark conflicts in the files; else they are refused.")
    ] = False,
) -> ExitStatus:
    """Make a Flask application with error reporting in DIR, or put error reporting --into one.

    Run again, it renews what it made: what you changed is merged with what is new, what you
    deleted stays deleted, and where both changed the same lines nothing is written.
    """
    if (folder is None) == (into is None):
        raise UsageError("name either DIR for a new application, or --into PATH",
                         hint="toolkit flask scaffold --help has examples")  # fmt: skip
    if into is not None:
        if defaults or answers:
            raise UsageError("--defaults and --answers are for a new application, not for --into")
        write = apply and not dry_run
        return _into(session, into, which or [], write=write, diff=diff, markers=markers,
                     prove=prove)  # fmt: skip
    if which or apply or prove is not None:
        raise UsageError("--app, --apply and --prove are for --into")
    return _scaffold(session, folder or Path(), defaults=defaults, answers=answers,
                     dry_run=dry_run, diff=diff, markers=markers)  # fmt: skip


def _scaffold(
    session: Session, folder: Path, *, defaults: bool, answers: Path | None, dry_run: bool,
    diff: bool, markers: bool,
) -> ExitStatus:  # fmt: skip
    from toolkit_flask.answers import read_answers
    from toolkit_flask.scaffold import Request, scaffold
    from toolkit_flask.views import changes_view

    view = changes_view(diff=diff)
    session.output.check_format(view)
    request = Request(
        root=session.cwd / folder,
        given=read_answers(session.cwd / answers) if answers else {},
        settings=session.config.section("flask", Settings),
        host=_host(),
        ask=None if defaults or answers else _asker(session, session.cwd / folder),
        markers=markers,
        dry_run=dry_run,
    )

    def told(changes: list[Change]) -> None:
        session.output.emit(changes, view)

    changes = scaffold(request, told)
    session.output.say(_summary(changes, request.root, dry_run=dry_run))
    return ExitStatus.OK


def _summary(changes: list[Change], root: Path, *, dry_run: bool) -> str:
    from toolkit_flask.changes import WRITING

    written = sum(change.action in WRITING for change in changes)
    if not written:
        return "Nothing to do: everything is as it should be."
    if dry_run:
        return f"{written} files would be written; this was a dry run."
    return f"{written} files. Next: toolkit flask prove {_pasted(root)}"


def _pasted(path: Path) -> str:
    """Return a path as a shell takes it: it is shown in a command."""
    return shlex.quote(clean(str(path)))


def _host() -> str:
    """Return this machine's full name, as far as it is one that mail can be sent from."""
    import re
    import socket

    name = socket.getfqdn()
    return name if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]*", name) else "localhost"


def _asker(session: Session, root: Path) -> Ask | None:
    """Return what asks on the terminal. Raises UsageError where a new application has nobody to."""
    from toolkit_flask.manifest import NAME

    if (root / NAME).exists():
        return None
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask on",
                         hint="--defaults asks nothing; --answers FILE brings answers")  # fmt: skip

    def ask(question: str, default: str) -> str:
        session.output.stderr.write(f"{question} [{default}]: ")
        session.output.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            raise UsageError("the answers ended early", hint="nothing was written")
        return line

    return ask


def _into(
    session: Session, path: Path, which: list[str], *, write: bool, diff: bool, markers: bool,
    prove: bool | None,
) -> ExitStatus:  # fmt: skip
    from toolkit_flask.changes import WRITING, Action
    from toolkit_flask.into import apply, plan
    from toolkit_flask.views import changes_view

    made = plan(session.cwd / path, which, markers=markers)
    view = changes_view(diff=diff)
    shown: tuple[Change | Hazard, ...] = (*made.changes, *made.hazards)
    if not diff and session.output.format == "table":
        session.output.emit([item for item in shown if item.path in made.produced], view)
        shown = tuple(item for item in shown if item.path not in made.produced)
        view = changes_view(diff=True)
    session.output.emit(shown, view)
    if made.left_out:
        names = ", ".join(clean(item.label) for item in made.left_out[:5])
        session.output.say(f"Left out, for they are tests or examples: {names}")
    nothing = not any(item.action in WRITING for item in made.changes)
    if nothing and not any(item.action in {Action.CONFLICT, Action.COLLISION}
                           for item in made.changes):  # fmt: skip
        session.output.say("Nothing to do: everything is as it should be.")
    elif not write:
        session.output.say("Nothing was written: --apply does it.")
    if not write:
        return ExitStatus.OK
    apply(made)
    if _wants_proof(session, prove):
        return _prove(session, made.root, "", "", None)
    session.output.say(f"Done. Next: toolkit flask prove {_pasted(made.root)}")
    return ExitStatus.OK


def _wants_proof(session: Session, prove: bool | None) -> bool:
    if prove is not None or not sys.stdin.isatty() or session.output.quiet:
        return bool(prove)
    session.output.stderr.write(
        "Prove it now? A copy of the application is run, and no mail leaves. [y/N]: "
    )
    session.output.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


@command(app, "remove", examples=REMOVE)
def remove(
    session: Session, path: Path_, dry_run: DryRun = False, diff: Diff = False
) -> ExitStatus:
    """Take error reporting out of an existing application: the two lines, and what was copied.

    What you changed in the copied files stays where it is.
    """
    from toolkit_flask.remove import plan_removal
    from toolkit_flask.remove import remove as take_out
    from toolkit_flask.views import changes_view

    root = session.cwd / path
    changes = plan_removal(root)
    session.output.emit(changes, changes_view(diff=diff))
    if not dry_run:
        take_out(root, changes)
    return ExitStatus.OK


@command(app, "status", examples=STATUS)
def status(session: Session, path: Path_) -> ExitStatus:
    """Tell whether error reporting is still in an application, unchanged and up to date.

    Exit status 1 where it drifted, a later version would change it, or nothing calls it any more.
    """
    from toolkit_flask.status import status as look
    from toolkit_flask.views import STATUS as VIEW

    found = look(session.cwd / path)
    session.output.emit(found, VIEW)
    return ExitStatus.NOT_OK if any(item.wrong for item in found) else ExitStatus.OK


@command(app, "prove", examples=PROVE)
def prove(
    session: Session,
    path: Path_,
    which: Annotated[
        str,
        typer.Option("--app", metavar="MODULE:NAME", help="What to load, as `flask --app` does."),
    ] = "",
    python: Annotated[
        str,
        typer.Option("--python", metavar="FILE", help="The Python with the application's needs."),
    ] = "",
    timeout: Annotated[
        float | None, typer.Option("--timeout", metavar="SECONDS", help="For the whole run.")
    ] = None,
) -> ExitStatus:
    """Raise in every situation in a copy of the application, and show what was reported where.

    Reports go to a temporary folder and to a mail server on loopback; nothing else leaves the
    machine. The log is to have each once, the spool too while the mail server is down, and the
    mail once it is up. Exit status 1 where a situation is missed or doubled, 4 where the
    application cannot be started; a situation that it does not have says why.
    """
    return _prove(session, session.cwd / path, which, python, timeout)


def _prove(
    session: Session, root: Path, which: str, python: str, timeout: float | None
) -> ExitStatus:
    from toolkit_flask.proving.copying import loadables, python_of
    from toolkit_flask.proving.model import Cell, Proof, Request, status_of
    from toolkit_flask.proving.run import prove
    from toolkit_flask.proving.views import VIEW, rows

    session.output.check_format(VIEW)
    seconds = timeout or session.config.section("flask", Settings).timeout
    if not root.is_dir():
        raise UsageError(f"{clean(str(root))}: there is no such folder")
    named = str(session.cwd / python) if "/" in python else python  # a name is looked for on PATH
    chosen = named or python_of(root, session.environ)
    requests = [Request(root, chosen, what, seconds) for what in loadables(root, which)]
    session.output.say("Running a copy of the application; this takes a moment.")
    seen: list[Cell] = []

    def proofs() -> Iterator[Proof]:
        for request in requests:
            proof = prove(request, session.environ)
            seen.extend(proof.cells)
            yield proof

    session.output.emit(rows(proofs()), VIEW)
    return status_of(seen)
