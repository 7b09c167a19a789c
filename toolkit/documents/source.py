"""Bytes of a file, bounded, and their text: what every format begins with."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path as FilePath

from toolkit.documents.problems import DocumentError, Problem
from toolkit.errors import UsageError
from toolkit.text import clean

MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """What a document may cost at most.

    `size` in bytes; `depth` of nesting; `nodes`: scalars, lists and mappings, with every use of a
    YAML alias counted as a copy of what it stands for.
    """

    size: int = 16 * MEBIBYTE
    depth: int = 64
    nodes: int = 1_000_000


DEFAULT = Limits()
ROWS = Limits(size=128 * MEBIBYTE)
"""For files that are read row by row."""


def read_bytes(path: FilePath, limit: int) -> bytes:
    """Return the content of the file, pipe or device at `path`, of at most `limit` bytes.

    Raises UsageError where it can't be read, DocumentError where it is larger (a regular file is
    refused by its size, before it is read).
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return read_descriptor(descriptor, str(path), limit)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error


def read_descriptor(descriptor: int, source: str, limit: int) -> bytes:
    """Return what `descriptor` holds, of at most `limit` bytes. Raises OSError, DocumentError."""
    check_size(os.fstat(descriptor), source, limit)
    chunks: list[bytes] = []
    left = limit + 1
    while left and (chunk := os.read(descriptor, min(left, MEBIBYTE))):
        chunks.append(chunk)
        left -= len(chunk)
    if not left:
        raise _too_large(source, limit)
    return b"".join(chunks)


def check_size(status: os.stat_result, source: str, limit: int) -> None:
    """Raise DocumentError for a regular file of more than `limit` bytes."""
    if stat.S_ISREG(status.st_mode) and status.st_size > limit:
        raise _too_large(source, limit)


def unreadable(path: FilePath, error: OSError | ValueError) -> UsageError:
    """Return the error for a file that the operating system doesn't give."""
    reason = (error.strerror if isinstance(error, OSError) else None) or "no valid file name"
    return UsageError(f"{clean(str(path))}: cannot be read: {reason}")


def decode(raw: bytes, source: str) -> str:
    """Return UTF-8 bytes (RFC 3629; a byte order mark is dropped) as text, else DocumentError."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The codec counts from behind the byte order mark.
        offset = error.start + (3 if raw.startswith(b"\xef\xbb\xbf") else 0)
        raise DocumentError([_not_utf8(raw, offset, source)]) from error


def _not_utf8(raw: bytes, offset: int, source: str) -> Problem:
    line_start = raw.rfind(b"\n", 0, offset) + 1
    column = len(raw[line_start:offset].decode("utf-8-sig", "replace")) + 1
    message = f"byte 0x{raw[offset]:02x} at offset {offset} is not UTF-8"
    hint = "save the file as UTF-8"
    return Problem(source, raw.count(b"\n", 0, offset) + 1, column, "", message, hint)


def _too_large(source: str, limit: int) -> DocumentError:
    message = f"is larger than {limit / MEBIBYTE:g} MiB, the limit for such a file"
    return DocumentError([Problem(source, 0, 0, "", message)])
