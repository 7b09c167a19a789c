"""`toolkit flask status PATH`: is error reporting still there, as it was put in, and up to date."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from toolkit import __version__
from toolkit.documents import bind
from toolkit.errors import UsageError
from toolkit.text import clean
from toolkit_flask import render
from toolkit_flask.answers import Answers
from toolkit_flask.changes import current
from toolkit_flask.constructors import is_aside, survey
from toolkit_flask.insertion import present
from toolkit_flask.manifest import NAME, Manifest, Site, digest, pristine, read_manifest
from toolkit_flask.source import UnreadableError, parse

MARKER = b"<<<<<<< yours\n"


@dataclass(frozen=True, slots=True)
class State:
    """One thing that was looked at.

    state    "absent", "changed", "deleted", "conflict", "older", "vanished", "damaged", "unread",
             "ok"
    wrong    it is not as it should be; else it is told and no more
    line, column  the place in the file, from 1; 0 where there is none
    """

    path: str
    state: str
    wrong: bool
    message: str
    line: int = 0
    column: int = 0


def status(root: Path) -> list[State]:
    """Return what is to be told about the application at `root`; one "ok" if nothing is.

    Raises UsageError where the folder or the manifest can't be read.
    """
    if not root.is_dir():
        raise UsageError(f"{clean(str(root))}: there is no such folder")
    manifest = read_manifest(root)
    if manifest is None:
        return [State(NAME, "absent", True, "the toolkit put no error reporting in here")]  # noqa: FBT003
    found = [*_files(root, manifest), *_sites(root, manifest), *_version(manifest),
             *_unread(root, manifest)]  # fmt: skip
    if not any(item.wrong for item in found):
        sites = "1 call site" if len(manifest.sites) == 1 else f"{len(manifest.sites)} call sites"
        message = f"{len(manifest.files)} files and {sites}, as put in"
        found.append(State(manifest.package, "ok", wrong=False, message=message))
    return found


def _files(root: Path, manifest: Manifest) -> Iterator[State]:
    for name, sha256 in manifest.files.items():
        ours = current(root, name)
        core = name.startswith(f"{manifest.package}/")
        if ours is None:
            yield State(name, "deleted", core, "is no longer there")
        elif MARKER in ours:
            yield State(name, "conflict", wrong=True, message="holds conflict markers")
        elif digest(ours) != sha256:
            yield State(name, "changed", core, "differs from what was generated")
        if pristine(root, sha256) is None:
            message = "its pristine copy is missing or damaged: an update could not merge"
            yield State(name, "damaged", wrong=True, message=message)


def _sites(root: Path, manifest: Manifest) -> Iterator[State]:
    for site in manifest.sites:
        try:
            message, line, column = _vanished(root, site), 0, 0
        except UnreadableError as error:
            message, line, column = error.reason, error.line, error.column
        if message:
            yield State(site.path, "vanished", wrong=True, message=message, line=line,
                        column=column)  # fmt: skip


def _vanished(root: Path, site: Site) -> str:
    """Return what is missing at a call site, "" if nothing is. Raises UnreadableError."""
    raw = current(root, site.path)
    if raw is None:
        return "the module of the call site is no longer there"
    found = present(parse(root / site.path, raw).tree)
    if not any(f".{site.name}".endswith(f".{name}") for name in found.applications):
        return f"nothing calls error reporting for {site.name} any more: no error is reported"
    return ""


def _unread(root: Path, manifest: Manifest) -> Iterator[State]:
    """Tell of modules in which an application may be made that nobody sees."""
    try:
        unread = survey(root).unread
    except UsageError as error:
        yield State(".", "unread", wrong=False, message=error.message)
        return
    known = {site.path for site in manifest.sites}
    for item in unread:
        if item.path not in known and not is_aside(item.path):
            yield State(item.path, "unread", wrong=False, line=item.line, column=item.column,
                        message=f"{item.reason}; an application in it is not seen")  # fmt: skip


def _version(manifest: Manifest) -> Iterator[State]:
    """Compare with what this version generates from the same answers."""
    if manifest.kind == "application":
        answers, _ = bind(Answers, manifest.answers)
        produced = render.application(answers) if answers else {}
    else:
        produced = render.reporting_files(manifest.package)
    new = {name: digest(raw) for name, raw in produced.items()}
    changed = sorted({name for name, _ in new.items() ^ manifest.files.items()})
    if changed:
        count = "1 file" if len(changed) == 1 else f"{len(changed)} files"
        made_by = clean(manifest.toolkit, limit=40)
        message = f"made by {made_by}; {__version__} would change {count}: run scaffold again"
        yield State(manifest.package, "older", wrong=True, message=message)
