"""What is going to happen to each file, decided before anything does, and then done at once.

A plan holds the old and the new bytes of every file. `carry_out` stages all new files first: a full
disk is met before the first old file is touched; then renames, undone if one fails.
"""

from __future__ import annotations

import difflib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from toolkit import interrupts
from toolkit.errors import ToolkitError, UsageError
from toolkit.files import write_atomic
from toolkit.text import clean


class Action(StrEnum):
    """What happens to a file."""

    CREATE = "create"
    UPDATE = "update"
    MERGE = "merge"
    """A later version's changes and the user's, both."""
    CONFLICT = "conflict"
    """Both changed the same lines."""
    COLLISION = "collision"
    """Somebody else's file is where a new one belongs."""
    REMOVE = "remove"
    KEEP = "keep"
    """The user's changes stay; there are none of ours."""
    DELETED = "deleted"
    """The user deleted it: it stays so."""
    UNCHANGED = "unchanged"


_STAGING = ".toolkit-flask-new-"
REFUSED = {Action.CONFLICT, Action.COLLISION}
WRITING = {Action.CREATE, Action.UPDATE, Action.MERGE, Action.REMOVE}


@dataclass(frozen=True, slots=True)
class Change:
    """One file: `path` relative to the root (POSIX), its bytes before and after (None: no file)."""

    path: str
    action: Action
    before: bytes | None = None
    after: bytes | None = None
    note: str = ""

    def diff(self) -> list[str]:
        """Return the change as lines of a unified diff, safe to show."""
        before = "/dev/null" if self.before is None else f"a/{clean(self.path)}"
        after = "/dev/null" if self.after is None else f"b/{clean(self.path)}"
        lines = difflib.unified_diff(_lines(self.before), _lines(self.after), before, after, n=2,
                                     lineterm="")  # fmt: skip
        return [clean(line.rstrip("\r\n")) for line in lines]


def _lines(raw: bytes | None) -> list[str]:
    text = (raw or b"").decode("utf-8", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[: -1 if text[-1:] in "\r\n"
                                                                       else None]  # fmt: skip


def current(root: Path, name: str) -> bytes | None:
    """Return the bytes of the file `name` below `root`, None where there is none.

    Raises UsageError where something else than a file of this tree stands there.
    """
    path = root / name
    try:
        if path.is_symlink() and not path.resolve().is_relative_to(root.resolve()):
            raise UsageError(f"{clean(str(path))}: is a link out of the application")
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UsageError(f"{clean(str(path))}: cannot be read: {error.strerror}") from error


def carry_out(root: Path, changes: Sequence[Change], records: Mapping[str, bytes]) -> None:
    """Do what `changes` say below `root`, then write `records` (path → bytes).

    Raises ToolkitError when a file can't be written: all is then as it was. Ctrl-C waits until all
    is done or undone.
    """
    with interrupts.held():
        _carry_out(root, changes, records)


def _carry_out(root: Path, changes: Sequence[Change], records: Mapping[str, bytes]) -> None:
    wanted: dict[str, bytes | None] = {
        change.path: change.after for change in changes if change.action in WRITING
    }
    wanted |= records
    created = _make_folders(root, [name for name, raw in wanted.items() if raw is not None])
    staging = _staging(root, created)
    try:
        _stage(root, staging, wanted)
        _swap(root, staging, wanted)
    except BaseException:
        _remove_folders(created)
        raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    _remove_folders(list(_emptied(root, [name for name, raw in wanted.items() if raw is None])))


def _make_folders(root: Path, names: Sequence[str]) -> list[Path]:
    """Make the parent folders of `names` and return those that are new, the outermost first."""
    created: list[Path] = []
    try:
        for name in names:
            parent = (root / name).parent
            missing = [folder for folder in (parent, *parent.parents) if not folder.exists()]
            for folder in reversed(missing):
                folder.mkdir()
                created.append(folder)
    except OSError as error:
        _remove_folders(created)
        raise _cannot(Path(error.filename or root), error) from error
    return created


def _remove_folders(folders: Sequence[Path]) -> None:
    for folder in sorted(folders, key=lambda item: -len(item.parts)):
        with suppress(OSError):
            folder.rmdir()


def _staging(root: Path, created: Sequence[Path]) -> Path:
    _sweep(root)
    try:
        return Path(tempfile.mkdtemp(prefix=f"{_STAGING}{os.getpid()}-", dir=root))
    except OSError as error:
        _remove_folders(created)
        raise _cannot(root, error) from error


def _sweep(root: Path) -> None:
    """Remove what a run left that was killed."""
    for folder in root.glob(f"{_STAGING}*-*"):
        process = folder.name.removeprefix(_STAGING).partition("-")[0]
        if process.isdecimal() and not _is_running(int(process)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _stage(root: Path, staging: Path, wanted: Mapping[str, bytes | None]) -> None:
    for number, (name, raw) in enumerate(wanted.items()):
        interrupts.check()  # nothing of the user's is touched yet
        if raw is not None:
            old = root / name
            mode = old.stat().st_mode & 0o7777 if old.exists() else 0o644
            try:
                write_atomic(staging / f"{number}.new", raw, mode=mode)
            except ToolkitError as error:
                if isinstance(error.__cause__, OSError):
                    raise _cannot(old, error.__cause__) from error
                raise


def _swap(root: Path, staging: Path, wanted: Mapping[str, bytes | None]) -> None:
    """Rename old files out and new ones in; on any failure back again. Renames need no space."""
    done: list[tuple[Path, Path | None]] = []
    target = root
    try:
        for number, (name, raw) in enumerate(wanted.items()):
            target, old = (root / name).resolve(), staging / f"{number}.old"
            existed = target.exists()
            if existed:
                _keep(target, old)
            done.append((target, old if existed else None))
            if raw is not None:
                (staging / f"{number}.new").replace(target)
            else:
                target.unlink(missing_ok=True)
    except BaseException as error:
        _undo(done)
        if isinstance(error, OSError):
            raise _cannot(target, error) from error
        raise


def _undo(done: Sequence[tuple[Path, Path | None]]) -> None:
    for target, old in reversed(done):
        with suppress(OSError):
            if old is None:
                target.unlink(missing_ok=True)
            else:
                old.replace(target)


def _keep(target: Path, old: Path) -> None:
    """Give the old file a second name, so that a reader never finds it missing."""
    try:
        os.link(target, old)
    except OSError:  # a file system without hard links
        shutil.copy2(target, old)


def _emptied(root: Path, names: Sequence[str]) -> Iterator[Path]:
    """Yield the folders that a removal may have left empty; rmdir takes no other."""
    for name in names:
        for folder in (root / name).parents:
            if folder != root and folder.is_relative_to(root):
                yield folder


def _cannot(path: Path, error: OSError) -> ToolkitError:
    message = f"{clean(str(path))}: cannot be written: {error.strerror or type(error).__name__}"
    return ToolkitError(message, hint="everything is as it was before")
