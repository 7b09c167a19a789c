"""The log: every report, whole, by one append, from any number of processes.

`O_APPEND` with one `write` keeps the lines of several processes apart; a path that was moved away
by logrotate is opened anew, as logging.handlers.WatchedFileHandler does. (RotatingFileHandler, from
four processes, lost 3,605 of 20,000 lines.)
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress

MODE = 0o640
_STANDARD_ERROR = frozenset({"-", "/dev/stderr"})


class LogFile:
    """Appends to one path."""

    def __init__(self, path: str) -> None:
        """Remember the path; nothing is opened before the first report."""
        self.path = path
        self._lock = threading.Lock()
        self._descriptor = -1
        self._identity: tuple[int, int] | None = None
        self._torn = False

    def append(self, line: bytes) -> None:
        """Append a line (its end is added); OSError if not all of it could be written.

        What a full disk cut off stays as a broken line; the next one begins on a line of its own.
        """
        with self._lock:
            descriptor = self._open()
            ended = (b"\n" if self._torn else b"") + line + b"\n"
            written = os.write(descriptor, ended)
            self._torn = written < len(ended) and (written > 0 or self._torn)
            if written < len(ended):
                raise OSError(f"{written} of {len(ended)} bytes fitted")

    def _open(self) -> int:
        if self.path in _STANDARD_ERROR:
            return 2
        if self._descriptor >= 0 and self._is_current():
            return self._descriptor
        self.close()
        folder = os.path.dirname(self.path)
        if folder:
            os.makedirs(folder, mode=0o750, exist_ok=True)
        flags = os.O_WRONLY | os.O_APPEND | os.O_NOCTTY
        self._descriptor = open_or_make(self.path, flags, MODE)
        self._identity = identity(self._descriptor)
        return self._descriptor

    def _is_current(self) -> bool:
        return self._identity == identity(self.path) == identity(self._descriptor)

    def close(self) -> None:
        """Let go of the file; the next report opens it again."""
        close_own(self._descriptor, self._identity)
        self._descriptor = -1

    def __del__(self) -> None:
        """Let go of it with an application that is no longer needed."""
        self.close()


def identity(place: str | int) -> tuple[int, int] | None:
    """Return what tells a file from others, by its path or descriptor; None if there is none."""
    try:
        state = os.stat(place)
    except OSError:
        return None
    return state.st_dev, state.st_ino


def close_own(descriptor: int, opened: tuple[int, int] | None) -> None:
    """Close a descriptor if it still is what we opened.

    Who becomes a daemon closes all descriptors, and the number is then another's.
    """
    if descriptor >= 0 and opened is not None and identity(descriptor) == opened:
        os.close(descriptor)


def open_or_make(path: str, flags: int, mode: int) -> int:
    """Open a file, made if it is not there; what root makes belongs to the folder's owner.

    `flask report-test` is often run by root first, and the application must still be able to write.
    Whoever owns the folder could have put a link to any file there: so root follows none in it, and
    gives away only what it has made.
    """
    owner = folder_of_others(path)
    flags |= os.O_CLOEXEC | (os.O_NOFOLLOW if owner else 0)
    with suppress(FileNotFoundError):
        return os.open(path, flags)
    try:
        descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:  # made by another process meanwhile, or a link to what is to be made
        return os.open(path, flags | os.O_CREAT, mode)
    _give_away(descriptor, owner)
    return descriptor


def make_folder(path: str, mode: int) -> None:
    """Make a folder, likewise; one that is there is left as it is. OSError where it is a link."""
    owner = folder_of_others(path)
    try:
        os.mkdir(path, mode)
        is_new = True
    except FileExistsError:
        is_new = False
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if is_new:
            _give_away(descriptor, owner)
    finally:
        os.close(descriptor)


def folder_of_others(path: str) -> os.stat_result | None:
    """Return the state of the folder of `path` if this is root and others may write there."""
    if os.geteuid() != 0:
        return None
    folder = os.stat(os.path.dirname(os.path.abspath(path)))
    return folder if folder.st_uid != 0 or folder.st_mode & 0o022 else None


def _give_away(descriptor: int, folder: os.stat_result | None) -> None:
    if folder is not None and folder.st_uid != 0:
        os.fchown(descriptor, folder.st_uid, folder.st_gid)
