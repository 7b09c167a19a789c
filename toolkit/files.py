"""Files written whole or not at all: a temporary file beside the target, fsync, rename."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from toolkit.errors import ToolkitError, UsageError
from toolkit.text import clean

READABLE = 0o666
"""What open(2) is asked for where no mode is: the user's umask takes away from it."""


def write_atomic(path: Path, content: bytes | str, *, mode: int | None = None) -> None:
    """Write `content` (text as UTF-8) to `path` so that a reader sees the old file or the new one.

    Without a `mode` a file that was there keeps its own, and its owner; a new one has what the
    user's umask allows. A symbolic link is followed; a device or pipe is written to as it is.
    Raises ToolkitError with the operating system's reason (no space, no permission …); the old
    file is then untouched and nothing is left behind.
    """
    raw = content.encode() if isinstance(content, str) else content
    try:
        before = _status(path)
        regular = before is None or stat.S_ISREG(before.st_mode)
        if regular and not _is_stream(path):
            _replace(Path(os.path.realpath(path)), raw, mode, before)
        else:
            with path.open("ab") as stream:
                stream.write(raw)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        message = f"{clean(str(path))}: cannot be written: {reason}"
        raise ToolkitError(message, hint="nothing was changed there") from error


def _is_stream(path: Path) -> bool:
    """Tell whether `path` names an open file of this process: what is in it already stays."""
    folders = {"/dev/fd", "/proc/self/fd"}
    return str(path) in {"/dev/stdout", "/dev/stderr"} or str(path.parent) in folders


def check_place(path: Path) -> None:
    """Raise UsageError where no file can be at `path`: to be told before long work, not after."""
    shown = clean(str(path))
    if path.is_dir():
        raise UsageError(f"{shown}: cannot be written: it is a folder", hint="name a file in it")
    if path.exists() and not path.is_file():
        return  # a device or a pipe: it is asked when it is written to
    if not path.parent.is_dir():
        message = f"{shown}: cannot be written: there is no folder {clean(str(path.parent))}"
        raise UsageError(message, hint="make the folder first, or name another one")
    if not (_is_stream(path) or os.access(path.parent, os.W_OK)):
        message = f"{shown}: cannot be written: this user may not write in its folder"
        raise UsageError(message, hint="name another place, or run it as a user who may")


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _replace(path: Path, raw: bytes, mode: int | None, before: os.stat_result | None) -> None:
    temporary = path.with_name(f".toolkit-{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(temporary, flags, READABLE if mode is None and before is None else 0o600)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(raw)
            stream.flush()
            _dress(stream.fileno(), mode, before)
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    _sync_folder(path.parent)


def _dress(descriptor: int, mode: int | None, before: os.stat_result | None) -> None:
    """Give the new file the owner of the old one, where that is allowed, and the mode."""
    if before is not None:
        with suppress(OSError):
            os.fchown(descriptor, before.st_uid, before.st_gid)
    if mode is not None:
        os.fchmod(descriptor, mode)
    elif before is not None:
        os.fchmod(descriptor, stat.S_IMODE(before.st_mode) & 0o777)  # no set-uid


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable; a file system that can't is not a reason to fail."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
