"""The folder of reports that are not delivered yet: it outlives outages, restarts and SIGKILL.

    new/       one JSON file a report, 0600, written aside and renamed: whole or not there
    failed/    what a server refused for good, with its reason; nothing retries it
    windows/   what was reported lately, and how often since (see `gate`)
    lock       held while that is read and written
    sender.lock  held by the one process that delivers

Everything in it went through redaction before it was written.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from .logfile import close_own, folder_of_others, identity, make_folder, open_or_make

FOLDERS = ("new", "failed", "windows")
MOST_FAILED = 200
"""Reports set aside beyond this are removed, the oldest first: they stand in the log."""
PROBE = "test-"
"""Entries so named belong to `flask report-test`, which delivers them itself."""


class Spool:
    """One spool folder, as one process sees it; not to be used across a fork."""

    def __init__(self, folder: str, most: int) -> None:
        """Remember the folder and how many entries may wait; nothing is made yet."""
        self.folder = folder
        self.most = most
        self._thread_lock = threading.Lock()
        self._descriptor = -1
        self._opened: tuple[int, int] | None = None
        self._made = False

    def path(self, *parts: str) -> str:
        """Return a path below the folder."""
        return os.path.join(self.folder, *parts)

    def exists(self) -> bool:
        """Tell whether anything was ever spooled here."""
        return os.path.isdir(self.path("new"))

    def make(self) -> None:
        """Make the folders, for their owner only; refuse one that somebody else made."""
        if self._made and self.exists():
            return
        os.makedirs(os.path.dirname(self.folder) or ".", mode=0o750, exist_ok=True)
        if not os.path.isdir(self.folder) or folder_of_others(self.folder):
            make_folder(self.folder, 0o700)  # a link to a folder is one, but for root and others
        state = os.stat(self.folder)
        if os.geteuid() not in {0, state.st_uid}:
            raise PermissionError(errno.EPERM, "belongs to another user", self.folder)
        if state.st_mode & 0o077:
            os.chmod(self.folder, 0o700)
        for name in FOLDERS:
            make_folder(self.path(name), 0o700)
        self._made = True

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Exclude all other threads and processes; held for file operations only."""
        with self._thread_lock:
            if not self._is_current():
                self.close()
                self._made = False
                self.make()
                self._descriptor = self._open_lock("lock")
                self._opened = identity(self._descriptor)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def try_to_send(self) -> int | None:
        """Become the one that delivers: a descriptor to close afterwards, or None if another is."""
        self.make()
        descriptor = self._open_lock("sender.lock")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return None
        return descriptor

    def _is_current(self) -> bool:
        """Tell whether our lock is still the one that others take: the folder may be another."""
        if self._descriptor < 0 or not self.exists():
            return False
        return self._opened == identity(self.path("lock")) == identity(self._descriptor)

    def _open_lock(self, name: str) -> int:
        return open_or_make(self.path(name), os.O_RDWR | os.O_NOFOLLOW, 0o600)

    def close(self) -> None:
        """Let go of the lock's file; the next report opens it again."""
        close_own(self._descriptor, self._opened)
        self._descriptor = -1

    def __del__(self) -> None:
        """Let go of it with an application that is no longer needed."""
        self.close()

    # --- entries ------------------------------------------------------------------------------

    def names(self) -> list[str]:
        """Return the names of the entries that wait, the oldest first."""
        try:
            found = os.listdir(self.path("new"))
        except FileNotFoundError:
            return []
        return sorted(
            name for name in found if name.endswith(".json") and not name.startswith((".", PROBE))
        )

    def is_full(self) -> bool:
        """Tell whether as many entries wait as may."""
        return len(self.names()) >= self.most

    def put(self, identity: str, entry: bytes, *, prefix: str = "") -> str:
        """Write an entry and return its name; OSError if the disk is full, and nothing is left.

        Names sort by time; a clock set back changes the order of delivery, and nothing else.
        """
        name = f"{prefix}{time.time_ns():020d}-{identity}.json"
        self._write(self.path("new"), name, entry)
        return name

    def _write(self, folder: str, name: str, content: bytes) -> None:
        hidden = os.path.join(folder, f".{name}.{os.getpid()}")
        descriptor = open_or_make(hidden, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        try:
            try:
                if os.write(descriptor, content) < len(content):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), hidden)
            finally:
                os.close(descriptor)
            os.replace(hidden, os.path.join(folder, name))
        except BaseException:
            with suppress(OSError):
                os.unlink(hidden)
            raise

    def load(self, name: str) -> dict[str, Any] | None:
        """Return an entry, None if it is gone; ValueError if it is none, and to be set aside."""
        try:
            with open(self.path("new", name), "rb") as stream:
                entry = json.load(stream)
        except FileNotFoundError:
            return None
        if not (isinstance(entry, dict) and isinstance(entry.get("sinks"), list)):
            raise ValueError("not an entry of the spool")  # noqa: TRY004  # as for text that is no JSON
        return entry

    def update(self, name: str, entry: Mapping[str, Any]) -> None:
        """Write an entry anew, as when one of its sinks has it; without any left, remove it."""
        if entry["sinks"]:
            self._write(self.path("new"), name, json.dumps(entry).encode("ascii"))
        else:
            self.remove(name)

    def remove(self, name: str) -> None:
        """Remove an entry, as it has arrived."""
        with suppress(FileNotFoundError):
            os.unlink(self.path("new", name))

    def set_aside(self, name: str, entry: Mapping[str, Any], reason: str) -> None:
        """Keep for people what no server takes."""
        content = json.dumps({**entry, "refused": reason}).encode("ascii")
        self._write(self.path("failed"), name, content)
        kept = sorted(os.listdir(self.path("failed")))
        for old in kept[: max(0, len(kept) - MOST_FAILED)]:
            with suppress(FileNotFoundError):
                os.unlink(self.path("failed", old))

    def set_broken_aside(self, name: str) -> None:
        """Move what can't be read out of the way, as it is."""
        with suppress(FileNotFoundError):
            os.replace(self.path("new", name), self.path("failed", name))

    def sweep(self) -> None:
        """Remove what a process that was killed while writing left half-written."""
        for name in os.listdir(self.path("new")):
            owner = name.rpartition(".")[2]
            if name.startswith(".") and not (owner.isdigit() and _runs(int(owner))):
                with suppress(OSError):
                    os.unlink(self.path("new", name))


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
