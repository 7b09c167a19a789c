"""Generated files against what lies there: what to create, renew, merge, keep, or refuse."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from toolkit import __version__
from toolkit.errors import UsageError
from toolkit.text import clean
from toolkit_flask import merge as three_way
from toolkit_flask.changes import REFUSED, WRITING, Action, Change, current
from toolkit_flask.manifest import NAME, Manifest, digest, pristine, pristine_name

LABEL = f"toolkit {__version__}"


def decide(root: Path, produced: Mapping[str, bytes], manifest: Manifest | None) -> list[Change]:
    """Return what happens to each file of `produced`, and to those that an older version made.

    With no manifest, a file that is there and differs is somebody else's: a collision.
    """
    old = manifest.files if manifest else {}
    changes = [_of_file(root, name, raw, old.get(name)) for name, raw in produced.items()]
    return changes + [_of_dropped(root, name, old[name]) for name in old if name not in produced]


def _of_file(root: Path, name: str, new: bytes, base_digest: str | None) -> Change:
    ours = current(root, name)
    if base_digest is None:
        return _of_new(name, new, ours)
    if ours is None:
        return Change(name, Action.DELETED, note="you deleted it")
    if ours == new:
        return Change(name, Action.UNCHANGED, ours, ours)
    if digest(ours) == base_digest:
        return Change(name, Action.UPDATE, ours, new)
    if digest(new) == base_digest:
        return Change(name, Action.KEEP, ours, ours, "with your changes")
    return _of_both(name, new, ours, base_digest, pristine(root, base_digest))


def _of_both(name: str, new: bytes, ours: bytes, base_digest: str, base: bytes | None) -> Change:
    """Both the user and the new version changed it."""
    if base is None:
        note = f"its copy {pristine_name(base_digest)} is missing: restore it"
        return Change(name, Action.CONFLICT, ours, new, note)
    merged = three_way.merge(base, ours, new, label=LABEL)
    if merged.conflicts:
        places = "1 place" if merged.conflicts == 1 else f"{merged.conflicts} places"
        return Change(name, Action.CONFLICT, ours, merged.text, f"both changed {places}")
    return Change(name, Action.MERGE, ours, merged.text, "your changes and the new version's")


def _of_new(name: str, new: bytes, ours: bytes | None) -> Change:
    if ours is None:
        return Change(name, Action.CREATE, None, new)
    if ours == new:
        return Change(name, Action.UNCHANGED, ours, ours)
    return Change(name, Action.COLLISION, ours, new, "a file that the toolkit did not make")


def _of_dropped(root: Path, name: str, base_digest: str) -> Change:
    ours = current(root, name)
    if ours is None:
        return Change(name, Action.UNCHANGED)
    if digest(ours) == base_digest:
        return Change(name, Action.REMOVE, ours, None, "no part of this version")
    return Change(name, Action.KEEP, ours, ours, "no part of this version, but you changed it")


def with_markers(changes: Iterable[Change]) -> list[Change]:
    """Return `changes` with conflicts that can be marked in the file turned into merges."""
    return [
        Change(item.path, Action.MERGE, item.before, item.after, f"conflict markers: {item.note}")
        if item.action is Action.CONFLICT and item.after and b"\n=======\n" in item.after
        else item
        for item in changes
    ]


def refuse(root: Path, changes: Sequence[Change]) -> None:
    """Raise UsageError if a change can't be made without losing something of the user's."""
    refused = [item for item in changes if item.action in REFUSED]
    if not refused:
        return
    listed = "\n".join(f"  {clean(item.path)}: {item.note}" for item in refused)
    hint = "move it away, or name another folder"
    if any(item.action is Action.CONFLICT for item in refused):
        hint = "see them: --diff --dry-run; have them marked in the files: --markers"
    raise UsageError(f"{clean(str(root))}: nothing is written:\n{listed}", hint=hint)


def records(
    root: Path, changes: Sequence[Change], produced: Mapping[str, bytes], manifest: Manifest
) -> dict[str, bytes]:
    """Return the manifest and the pristine copies to write, {} where nothing of them changes."""
    wanted = {pristine_name(digest(raw)): raw for raw in produced.values()}
    wanted[NAME] = manifest.text().encode()
    changed = {name: raw for name, raw in wanted.items() if current(root, name) != raw}
    return changed if changed or any(item.action in WRITING for item in changes) else {}


def stale_copies(root: Path, before: Manifest | None, after: Manifest) -> list[Change]:
    """Return the removal of pristine copies that the new manifest doesn't name."""
    if before is None:
        return []
    gone = sorted({*before.files.values()} - {*after.files.values()})
    return [
        Change(name, Action.REMOVE, raw, None)
        for name in map(pristine_name, gone)
        if (raw := current(root, name)) is not None
    ]
