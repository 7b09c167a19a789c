"""Files written whole or not at all: a temporary file beside the target, fsync, rename."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from toolkit.errors import ToolkitError
from toolkit.text import clean


def write_atomic(path: Path, content: bytes | str, *, mode: int = 0o644) -> None:
    """Write `content` (text as UTF-8) to `path` so that a reader sees the old file or the new one.

    Raises ToolkitError with the operating system's reason (no space, no permission …); the old
    file is then untouched and nothing is left behind.
    """
    raw = content.encode() if isinstance(content, str) else content
    try:
        _replace(path, raw, mode)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        message = f"{clean(str(path))}: cannot be written: {reason}"
        raise ToolkitError(message, hint="the file is as it was before") from error


def _replace(path: Path, raw: bytes, mode: int) -> None:
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(raw)
            stream.flush()
            os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable; a file system that can't is not a reason to fail."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
