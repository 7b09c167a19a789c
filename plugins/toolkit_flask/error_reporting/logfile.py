"""The log: every report, whole, by one append, from any number of processes.

`O_APPEND` with one `write` keeps the lines of several processes apart; a path that was moved away
by logrotate is opened anew, as logging.handlers.WatchedFileHandler does. (RotatingFileHandler, from
four processes, lost 3,605 of 20,000 lines.)
"""

from __future__ import annotations

import os
import threading

MODE = 0o640
_STANDARD_ERROR = frozenset({"-", "/dev/stderr"})


class LogFile:
    """Appends to one path."""

    def __init__(self, path: str) -> None:
        """Remember the path; nothing is opened before the first report."""
        self.path = path
        self._lock = threading.Lock()
        self._descriptor = -1
        self._identity = (0, 0)
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
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY
        self._descriptor = os.open(self.path, flags, MODE)
        own_like_folder(self.path)
        state = os.fstat(self._descriptor)
        self._identity = (state.st_dev, state.st_ino)
        return self._descriptor

    def _is_current(self) -> bool:
        try:
            state = os.stat(self.path)
        except FileNotFoundError:
            return False
        return (state.st_dev, state.st_ino) == self._identity

    def close(self) -> None:
        """Let go of the file; the next report opens it again."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def own_like_folder(path: str) -> None:
    """Give what root makes to the folder's owner: the application must still be able to write it.

    `flask report-test` is often run by root first.
    """
    if os.geteuid() != 0:
        return
    folder = os.stat(os.path.dirname(os.path.abspath(path)))
    if os.stat(path).st_uid == 0 and folder.st_uid != 0 and not folder.st_mode & 0o002:
        os.chown(path, folder.st_uid, folder.st_gid)
