"""`toolkit flask scaffold DIR`: a whole application, made or renewed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from toolkit import __version__, interrupts
from toolkit.errors import UsageError
from toolkit.text import clean
from toolkit_flask import answers as questions
from toolkit_flask import render
from toolkit_flask.answers import Answers, Ask
from toolkit_flask.changes import REFUSED, Change, carry_out
from toolkit_flask.decide import decide, records, refuse, stale_copies, with_markers
from toolkit_flask.manifest import SCHEMA, Manifest, Site, digest, read_manifest
from toolkit_flask.settings import Settings


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for.

    root      the folder of the application
    given     answers of a file, by question
    settings  the site's defaults
    host      this machine's name, for the sender's default
    ask       asks a question, or None: the defaults
    markers   mark conflicts in the files instead of refusing
    dry_run   write nothing
    """

    root: Path
    given: Mapping[str, object]
    settings: Settings
    host: str
    ask: Ask | None = None
    markers: bool = False
    dry_run: bool = False


Told = Callable[[list[Change]], None]
"""Called with what was written; with the plan where that is refused, or asked for alone."""


def scaffold(request: Request, told: Told) -> list[Change]:
    """Make or renew the application and return what happened to each file.

    Raises UsageError where something of the user's would be lost (nothing is written then),
    ToolkitError where a file can't be written (all is then as it was).
    """
    root = request.root
    if root.exists() and not root.is_dir():
        raise UsageError(f"{clean(str(root))}: is no folder")
    manifest = read_manifest(root)
    if manifest and manifest.kind != "application":
        message = f"{clean(str(root))}: error reporting was put into this application"
        raise UsageError(message, hint=f"renew it: toolkit flask scaffold --into {root}")
    answers = _answers(request, manifest)
    produced = render.application(answers)
    changes = decide(root, produced, manifest)
    if request.markers:
        changes = with_markers(changes)
    if request.dry_run or any(change.action in REFUSED for change in changes):
        told(changes)
        refuse(root, changes)
        return changes
    _write(root, changes, produced, manifest, answers)
    told(changes)
    return changes


def _answers(request: Request, manifest: Manifest | None) -> Answers:
    known: dict[str, object] = {"name": questions.name_from(request.root.resolve())}
    if manifest:
        known |= manifest.answers
    source = "the answers" if request.given else "the defaults"
    ask = None if manifest else request.ask
    made = questions.complete(
        {**known, **request.given}, request.settings, request.host, source, ask
    )
    if manifest and made.name != manifest.answers.get("name"):
        message = f'the application here is "{clean(str(manifest.answers.get("name")))}"'
        raise UsageError(message, hint=f'scaffold "{made.name}" in a folder of its own')
    return made


def _write(
    root: Path,
    changes: list[Change],
    produced: Mapping[str, bytes],
    before: Manifest | None,
    answers: Answers,
) -> None:
    after = Manifest(
        schema=SCHEMA,
        toolkit=__version__,
        kind="application",
        package=f"{answers.package}/{render.PACKAGE}",
        answers=questions.as_record(answers),
        files={name: digest(raw) for name, raw in produced.items()},
        sites=[Site(f"{answers.package}/__init__.py", "create_app.app")],
    )
    stale = stale_copies(root, before, after)
    kept = records(root, changes, produced, after)
    with interrupts.held():
        new = not root.exists()
        if new:
            _make(root)
        try:
            carry_out(root, [*changes, *stale], kept)
        except BaseException:
            if new:
                with suppress(OSError):
                    root.rmdir()
            raise


def _make(root: Path) -> None:
    try:
        root.mkdir()
    except OSError as error:
        message = f"{clean(str(root))}: cannot be made: {error.strerror}"
        raise UsageError(message, hint="its parent folder must be there and writable") from error
