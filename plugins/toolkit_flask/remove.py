"""`toolkit flask remove PATH`: take error reporting out again, to the byte."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from toolkit.errors import UsageError
from toolkit.text import clean
from toolkit_flask.changes import Action, Change, carry_out, current
from toolkit_flask.constructors import modules
from toolkit_flask.insertion import CALL, present, take_out
from toolkit_flask.manifest import NAME, Manifest, digest, pristine_name, read_manifest
from toolkit_flask.source import parse, read_bytes


def plan_removal(root: Path) -> list[Change]:
    """Decide what taking it out changes. Raises UsageError where nothing was put in by the toolkit.

    A generated file that the user changed stays.
    """
    manifest = read_manifest(root)
    if manifest is None:
        message = f"{clean(str(root))}: the toolkit put no error reporting in here"
        raise UsageError(message, hint=f"name the folder that holds {NAME}")
    if manifest.kind != "into":
        message = f"{clean(str(root))}: this application was scaffolded whole"
        raise UsageError(message, hint="it is yours: delete what you don't want by hand")
    return [*_modules(root), *_files(root, manifest)]


def _modules(root: Path) -> Iterator[Change]:
    for path in modules(root):
        if path.is_symlink() and not path.exists():
            continue  # to nowhere: no line of ours
        raw = read_bytes(path)
        if CALL.encode() not in raw:
            continue
        source = parse(path, raw)
        if present(source.tree).calls or present(source.tree).imports:
            name = path.relative_to(root).as_posix()
            yield Change(name, Action.UPDATE, raw, take_out(source, ()))


def _files(root: Path, manifest: Manifest) -> Iterator[Change]:
    for name, sha256 in manifest.files.items():
        ours = current(root, name)
        if ours is None:
            yield Change(name, Action.DELETED, note="you deleted it")
        elif digest(ours) == sha256:
            yield Change(name, Action.REMOVE, ours)
        else:
            yield Change(name, Action.KEEP, ours, ours, "you changed it: delete it by hand")
    copies = sorted({pristine_name(sha256) for sha256 in manifest.files.values()})
    for name in (*copies, NAME):
        raw = current(root, name)
        if raw is not None:
            yield Change(name, Action.REMOVE, raw)


def remove(root: Path, changes: list[Change]) -> None:
    """Do it. Raises ToolkitError where a file can't be written: all is then as it was."""
    manifest = read_manifest(root)
    if manifest:
        _forget_compiled(root / manifest.package)
    carry_out(root, changes, {})


def _forget_compiled(package: Path) -> None:
    """Delete the caches of Python: they would keep the folder alive."""
    for folder in (package, *package.glob("*/")):
        shutil.rmtree(folder / "__pycache__", ignore_errors=True)
