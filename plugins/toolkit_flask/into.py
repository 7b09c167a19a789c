"""`toolkit flask scaffold --into PATH`: error reporting for an existing application."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from toolkit import __version__
from toolkit.errors import UsageError
from toolkit.text import clean, did_you_mean
from toolkit_flask import render
from toolkit_flask.changes import Action, Change, carry_out, current
from toolkit_flask.constructors import Constructor, Survey, is_aside, survey
from toolkit_flask.decide import decide, records, refuse, stale_copies, with_markers
from toolkit_flask.hazards import Hazard, hazards
from toolkit_flask.insertion import import_line, neighbourhood, present, put_in
from toolkit_flask.manifest import SCHEMA, Manifest, Site, digest, read_manifest
from toolkit_flask.source import Source, Unread

MOST_LISTED = 20


@dataclass(frozen=True, slots=True)
class Plan:
    """What putting it in will do: all files, the warnings, and what is written with it.

    left_out  constructors of tests and examples that were not chosen
    """

    root: Path
    changes: tuple[Change, ...]
    hazards: tuple[Hazard, ...]
    left_out: tuple[Constructor, ...]
    produced: Mapping[str, bytes]
    before: Manifest | None
    after: Manifest


def plan(path: Path, wanted: Sequence[str], *, markers: bool = False) -> Plan:
    """Decide where error reporting goes in the application at `path` (its folder or its module).

    `wanted` are `--app path:name`, needed where the tree has several applications. Raises
    UsageError where there is none, where it is not clear which, or where a line cannot be put.
    """
    root = path.parent if path.is_file() else path
    if not root.is_dir():
        raise UsageError(f"{clean(str(path))}: there is no such file or folder")
    before = read_manifest(root)
    if before and before.kind != "into":
        message = f"{clean(str(root))}: this application was scaffolded with error reporting"
        raise UsageError(
            message, hint=f"renew it: toolkit flask scaffold {shlex.quote(clean(str(root)))}"
        )
    found = survey(path)
    if before and not wanted:
        wanted = [f"{site.path}:{site.name}" for site in before.sites]
    chosen, left_out = choose(found, wanted, path)
    _refuse_odd_names(chosen)
    package = before.package if before else _package_folder(chosen)
    produced = render.reporting_files(package)
    changes = [*decide(root, produced, before), *_insertions(root, found, chosen, package)]
    after = Manifest(
        schema=SCHEMA,
        toolkit=__version__,
        kind="into",
        package=package,
        files={name: digest(raw) for name, raw in produced.items()},
        sites=sorted({Site(item.path, item.name) for item in chosen},
                     key=lambda site: (site.path, site.name)),
    )  # fmt: skip
    marked = with_markers(changes) if markers else changes
    warnings = (*_unread(found, chosen), *hazards(_own(found)))
    return Plan(root, tuple(marked), warnings, tuple(left_out), produced, before, after)


def apply(made: Plan) -> None:
    """Write what `made` says, all of it or nothing.

    Raises UsageError where something of the user's would be lost, ToolkitError where a file can't
    be written.
    """
    refuse(made.root, made.changes)
    kept = records(made.root, made.changes, made.produced, made.after)
    stale = stale_copies(made.root, made.before, made.after)
    carry_out(made.root, [*made.changes, *stale], kept)


def choose(
    found: Survey, wanted: Sequence[str], path: Path
) -> tuple[list[Constructor], list[Constructor]]:
    """Return the constructors to use and those of tests and examples that are left out.

    Raises UsageError listing the candidates where it is not clear.
    """
    every = list(found.constructors)
    if not every:
        hint = "name the folder or the module where `Flask(…)` or a subclass is called"
        raise UsageError(f"{clean(str(path))}: no Flask application is constructed here",
                         hint=_with_unread(hint, found.unread))  # fmt: skip
    if wanted:
        return [item for text in wanted for item in _named(found, text)], []
    main = [item for item in every if not item.aside] or every
    if len({(item.path, item.name) for item in main}) > 1:
        hint = "choose by --app, which can be repeated:\n" + _listed(main)
        hint = _with_unread(hint, [item for item in found.unread if not is_aside(item.path)])
        raise UsageError(f"{clean(str(path))}: several applications are constructed here",
                         hint=hint)  # fmt: skip
    return main, [item for item in every if item not in main]


def _with_unread(hint: str, unread: Sequence[Unread]) -> str:
    """Return the hint, and below it the modules that may hold what was not found."""
    listed = [f"  {item.sentence}" for item in unread[:MOST_LISTED]]
    if len(unread) > MOST_LISTED:
        listed.append(f"  and {len(unread) - MOST_LISTED} more")
    return "\n".join([hint, "it may be in what can't be read:", *listed]) if listed else hint


def _unread(found: Survey, chosen: Sequence[Constructor]) -> Iterator[Hazard]:
    """Yield a warning of each module that may hold one more application."""
    among_tests = any(item.aside for item in chosen)
    for item in found.unread:
        if among_tests or not is_aside(item.path):
            message = f"{item.reason}; an application in it is not seen"
            yield Hazard(item.path, item.line, message, item.column)


def _named(found: Survey, text: str) -> list[Constructor]:
    """Return the constructors that `path:name` names: by name, line, target or function."""
    every = found.constructors
    path, _, name = text.rpartition(":")
    here = [item for item in every if not path or item.path == path.removeprefix("./")]
    for names in (lambda item: (item.name, str(item.line)), lambda item: (item.target, item.scope)):
        matching = [item for item in here if name in names(item)]
        if len({(item.path, item.name) for item in matching}) == 1:
            return matching
    labels = [item.label for item in every]
    hint = did_you_mean(text, labels)
    listed = _with_unread("there are:\n" + _listed(every), found.unread)
    raise UsageError(f'--app "{clean(text)}" names no one application here',
                     hint=f"{hint}\n{listed}" if hint else listed)  # fmt: skip


def _listed(items: Sequence[Constructor]) -> str:
    rows = dict.fromkeys(
        f"  --app {clean(item.label)}  (line {item.line}: {clean(item.class_name)}"
        f"{f'; {item.obstacle}' if item.obstacle else ''})"
        for item in items
    )
    return "\n".join(rows)


def _refuse_odd_names(chosen: Sequence[Constructor]) -> None:
    """Raise UsageError for a path that is no text: no import and no manifest can name it."""
    for item in chosen:
        if any("\ud800" <= character <= "\udfff" for character in item.path):
            raise UsageError(f"{clean(item.path)}: its name is not UTF-8", hint="rename it")


def _package_folder(chosen: Sequence[Constructor]) -> str:
    """Return where error_reporting goes: beside the module, or the outermost of several."""
    folders = {PurePosixPath(item.path).parent for item in chosen}
    if len(folders) > 1:
        listed = ", ".join(sorted(clean(str(folder)) for folder in folders))
        raise UsageError(f"the applications lie in several folders: {listed}",
                         hint="put it into each with --into of that folder")  # fmt: skip
    return (folders.pop() / render.PACKAGE).as_posix()


def _insertions(
    root: Path, found: Survey, chosen: Sequence[Constructor], package: str
) -> list[Change]:
    changes = []
    for name in sorted({item.path for item in chosen}):
        source = found.sources[name]
        if current(root, name) != source.raw:
            raise UsageError(f"{clean(name)}: changed while it was read", hint="run it again")
        here = present(source.tree)
        missing = [
            item for item in chosen if item.path == name and item.target not in here.applications
        ]
        if not missing:
            changes.append(Change(name, Action.UNCHANGED, source.raw, source.raw))
            continue
        near = neighbourhood((root / package).parent)
        statement = "" if here.imports else import_line(source, near)
        after = put_in(source, missing, statement)
        lines = "; ".join(f"after line {item.end}: {item.name}" for item in missing)
        changes.append(Change(name, Action.UPDATE, source.raw, after, lines))
    return changes


def _own(found: Survey) -> dict[str, Source]:
    return {path: source for path, source in found.sources.items()
            if not is_aside(path)}  # fmt: skip
