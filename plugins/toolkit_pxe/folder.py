"""The folder that rendered files are written to, with a manifest of what is ours in it.

Nothing foreign is overwritten: a file is ours if the manifest has the hash of its content. The
manifest is written before the files with old and new hashes, and afterwards with the new ones, so
that a rendering that was killed can be repeated.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from toolkit.errors import ToolkitError, UsageError
from toolkit.files import write_atomic
from toolkit.text import clean

MANIFEST = ".toolkit-pxe.json"
SCHEMA = "toolkit.pxe.manifest/1"
CREATE, CHANGE, REMOVE, SAME = "create", "change", "remove", "same"


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be done with one file: `before` and `after` are its contents (None: absent)."""

    name: str
    before: bytes | None
    after: bytes | None
    mode: int = 0o644

    @property
    def what(self) -> str:
        """`create`, `change`, `remove` or `same`."""
        if self.before == self.after:
            return SAME
        if self.before is None:
            return CREATE
        return REMOVE if self.after is None else CHANGE


@dataclass(frozen=True, slots=True)
class Wanted:
    """One file to be there."""

    name: str
    content: bytes
    mode: int = 0o644


Manifest = Mapping[str, Sequence[str]]
"""File name → SHA-256 of each content that is ours."""


def digest(content: bytes) -> str:
    """Return the SHA-256 of a content."""
    return hashlib.sha256(content).hexdigest()


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest, empty where there is none. Raises UsageError for one that is no such."""
    path = folder / MANIFEST
    raw = read(path)
    if raw is None:
        return {}
    try:
        files = json.loads(raw)["files"]
        return {str(name): tuple(map(str, hashes)) for name, hashes in files.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"{clean(str(path))}: is no manifest of toolkit pxe"
        raise UsageError(message, hint="remove it, and the files that it was about") from error


def read(path: Path) -> bytes | None:
    """Return a file's content, or None if there is no file. Raises ToolkitError: unreadable."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        message = f"{clean(str(path))}: cannot be read: {error.strerror}"
        raise ToolkitError(message) from error


def changes(folder: Path, wanted: Sequence[Wanted], targets: Sequence[str]) -> list[Change]:
    """Return what is to be done in `folder` for the files of these targets (its sub-folders)."""
    manifest = read_manifest(folder)
    found = [
        Change(item.name, read(folder / _inside(item.name)), item.content, item.mode)
        for item in wanted
    ]
    names = {item.name for item in wanted}
    stale = [
        name for name in manifest
        if name not in names and PurePosixPath(name).parts[0] in targets
    ]  # fmt: skip
    return found + [Change(name, read(folder / _inside(name)), None) for name in sorted(stale)]


def _inside(name: str) -> str:
    """Return a name that stays below its folder. A manifest could have been tampered with."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise UsageError(f'"{clean(name)}" is no name of a file below the output folder')
    return name


def foreign(folder: Path, planned: Sequence[Change]) -> Iterator[str]:
    """Yield the names of files that a change would destroy although they are not ours."""
    manifest = read_manifest(folder)
    for change in planned:
        if change.before is None and (folder / change.name).is_symlink():
            yield change.name  # it points to nothing yet
        if change.before is None or change.what not in {CHANGE, REMOVE}:
            continue
        if digest(change.before) not in manifest.get(change.name, ()):
            yield change.name


def apply(folder: Path, planned: Sequence[Change], source: str) -> None:
    """Write the files. Raises UsageError before the first where one is foreign; ToolkitError."""
    taken = [str(folder / name) for name in foreign(folder, planned)]
    if taken:
        message = f"{clean(', '.join(taken))}: not written by toolkit pxe, or changed since"
        raise UsageError(message, hint="see what differs with --diff, then move it away")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for change in planned:
            (folder / change.name).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        place = clean(str(error.filename or folder))
        raise ToolkitError(f"{place}: cannot be made: {error.strerror}") from error
    manifest = read_manifest(folder)
    after = {item.name: [digest(item.after)] for item in planned if item.after is not None}
    gone = {item.name for item in planned if item.after is None}
    both = {
        name: list(dict.fromkeys([*manifest.get(name, ()), *after.get(name, ())]))
        for name in sorted({*manifest, *after})
    }
    final = {name: after.get(name, hashes) for name, hashes in both.items() if name not in gone}
    if any(item.what != SAME for item in planned):
        _write_manifest(folder, both, source)
        for change in planned:
            _apply_one(folder, change)
    if final != {name: list(hashes) for name, hashes in manifest.items()}:
        _write_manifest(folder, final, source)


def _apply_one(folder: Path, change: Change) -> None:
    path = folder / change.name
    if change.after is None:
        path.unlink(missing_ok=True)
    elif change.what != SAME:
        write_atomic(path, change.after, mode=change.mode)


def _write_manifest(folder: Path, files: Mapping[str, Sequence[str]], source: str) -> None:
    content = {"schema": SCHEMA, "source": source, "files": dict(files)}
    write_atomic(folder / MANIFEST, json.dumps(content, indent=1, sort_keys=True) + "\n")
