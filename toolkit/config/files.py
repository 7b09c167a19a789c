"""Finding the configuration files, and refusing those that somebody else could have written."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.errors import UsageError
from toolkit.text import clean

if TYPE_CHECKING:
    from toolkit.documents import DocumentError

NAME = "toolkit.yaml"
FOLDER = "sysadmin-toolkit"
SYSTEM_VARIABLE = "TOOLKIT_CONFIG_SYSTEM"
"""Where the system's file is looked for instead: for tests and demonstrations, as git has it."""
MAX_SIZE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file may be: `kind` is system, user, project or named."""

    kind: str
    path: Path


@dataclass(frozen=True, slots=True)
class Ignored:
    """A file that was found and is ignored, and what to do about it."""

    message: str
    hint: str


def places(environ: Mapping[str, str], cwd: Path, explicit: str) -> Iterator[Place]:
    """Yield where configuration may be, the weakest first (XDG Base Directory Specification)."""
    yield Place("system", Path(environ.get(SYSTEM_VARIABLE) or f"/etc/{FOLDER}/{NAME}"))
    user = _user(environ)
    if user:
        yield Place("user", user / FOLDER / NAME)
    for folder in (cwd, *cwd.parents):
        if (folder / NAME).exists():
            yield Place("project", folder / NAME)
            break
    if explicit:
        yield Place("named", cwd / explicit)


def _user(environ: Mapping[str, str]) -> Path | None:
    chosen = environ.get("XDG_CONFIG_HOME", "")
    if chosen and Path(chosen).is_absolute():
        return Path(chosen)
    home = environ.get("HOME", "")
    return Path(home) / ".config" if home else None


def read(place: Place) -> str | Ignored | DocumentError | None:
    """Return the text of a file, a warning where it is not to be trusted, None where there is none.

    A file that was found by itself must belong to root or the user, and nobody else may be able to
    write it: it could change what is trusted. What is checked is the open file, not its name.
    Raises UsageError where a file that was named can't be read.
    """
    shown = clean(str(place.path))
    try:
        with place.path.open("rb") as stream:
            status = os.fstat(stream.fileno())
            distrust = "" if place.kind == "named" else _distrust(status)
            raw = b"" if distrust else stream.read(MAX_SIZE + 1)
    except (FileNotFoundError, NotADirectoryError) as error:
        if place.kind == "named":
            raise UsageError(f"{shown}: there is no such configuration file") from error
        return None
    except OSError as error:
        message = f"{shown}: cannot be read: {error.strerror}"
        if place.kind == "named":
            raise UsageError(message) from error
        return Ignored(f"{message}; it is ignored", "make it readable, or remove it")
    if distrust:
        return Ignored(f"{shown}: ignored, because {distrust}", _remedy(status, shown))
    if len(raw) > MAX_SIZE:
        raise UsageError(f"{shown}: larger than 1 MiB: that is no configuration file")
    from toolkit.documents import DocumentError  # only where a file exists
    from toolkit.documents.source import decode

    try:
        return decode(raw, str(place.path))
    except DocumentError as error:
        return error


def _distrust(status: os.stat_result) -> str:
    if status.st_uid not in {0, os.geteuid()}:
        return f"it belongs to another user (uid {status.st_uid})"
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "others can write it"
    return ""


def _remedy(status: os.stat_result, shown: str) -> str:
    if status.st_uid not in {0, os.geteuid()}:
        return f"if you trust it: chown {os.geteuid()} {shown}, or name it: --config {shown}"
    return f"run: chmod go-w {shown}"
