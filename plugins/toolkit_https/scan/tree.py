"""The files of a scan: which are read, how, and what can't be. No symbolic link is followed."""

from __future__ import annotations

import io
import os
import re
import stat
import tokenize
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from toolkit_https.scan import embedded, python, shell, yamlfiles
from toolkit_https.scan.model import Finding, Hit, Level, words_of
from toolkit_https.scan.reading import UnreadableError
from toolkit_https.scan.rules import RULES
from toolkit_https.scan.suppress import Comment, accepting, comments

MAX_BYTES = 2 * 1024 * 1024
"""Longer files are data or made by a program."""
PASSED_OVER = words_of(
    ".git .hg .svn .bzr __pycache__ .mypy_cache .ruff_cache .pytest_cache .tox .nox .eggs "
    "node_modules .venv venv"
)
"""Folders of tools and of others' code: their own repositories are the place to look."""
SUFFIXES: Mapping[str, str] = {
    ".py": "python", ".pyw": "python", ".sh": "shell", ".bash": "shell", ".ksh": "shell",
    ".zsh": "shell", ".ash": "shell", ".bats": "shell", ".envrc": "shell", ".env": "shell",
    ".mk": "makefile", ".mak": "makefile", ".yml": "yaml", ".yaml": "yaml",
    ".dockerfile": "dockerfile", ".containerfile": "dockerfile",
}  # fmt: skip
NAMES: Mapping[str, str] = {
    "makefile": "makefile", "gnumakefile": "makefile", "dockerfile": "dockerfile",
    "containerfile": "dockerfile", ".bashrc": "shell", ".bash_profile": "shell", ".zshrc": "shell",
    ".profile": "shell", ".bash_aliases": "shell", ".envrc": "shell", ".env": "shell",
    "pkgbuild": "shell",
}  # fmt: skip
_SHEBANG = re.compile(
    rb"^#!\s*\S*?(?:env\s+(?:-\S+\s+)*)?(?:\S*/)?(python|bash|dash|ksh|zsh|ash|sh)"
)
WORTH = re.compile(
    "ssl|tls|verif|cert|hostname|insecure|curl|ca_bundle|trusted-host|disable_warnings",
    re.IGNORECASE,
)
"""No rule is about a text without any of these: it need not be parsed, which takes far longer."""
READERS: Mapping[str, Callable[[str], list[Hit]]] = {
    "python": python.hits,
    "shell": shell.hits,
    "dockerfile": embedded.dockerfile_hits,
    "makefile": embedded.makefile_hits,
    "yaml": yamlfiles.hits,
}


@dataclass(frozen=True, slots=True)
class Options:
    """`exclude`: patterns (fnmatch) of paths or names that are passed over."""

    exclude: tuple[str, ...] = ()
    max_bytes: int = MAX_BYTES


def scan(paths: Sequence[Path], options: Options) -> Iterator[Finding]:
    """Yield what is found in files and below folders, in the order of their names.

    A path that was named is read even if it is a symbolic link; none below it is.
    """
    for path in paths:
        if path.is_dir():
            yield from _folder(path, options)
        else:
            yield from _file(path, options, named=True)


def _folder(folder: Path, options: Options) -> Iterator[Finding]:
    waiting = [folder]
    while waiting:
        place = waiting.pop()
        try:
            with os.scandir(place) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            yield _unread(place, error.strerror or "it cannot be opened")
            continue
        below = []
        for entry in found:
            path = place / entry.name
            if entry.is_symlink() or _excluded(path, options):
                continue
            if entry.is_dir(follow_symlinks=False):
                below += [path] if entry.name not in PASSED_OVER else []
            elif entry.is_file(follow_symlinks=False):
                yield from _file(path, options, named=False)
        waiting += reversed(below)


def _excluded(path: Path, options: Options) -> bool:
    text = path.as_posix()
    return any(fnmatch(text, pattern) or fnmatch(path.name, pattern) for pattern in options.exclude)


def _file(path: Path, options: Options, *, named: bool) -> Iterator[Finding]:
    kind = NAMES.get(path.name.lower()) or SUFFIXES.get(path.suffix.lower()) or _docker(path.name)
    if not (kind or named or not path.suffix):
        return
    try:
        kind = kind or _by_shebang(_read(path, options, first=128))
        if not kind:
            if named:
                yield _unread(path, "neither Python, shell, Dockerfile, Makefile nor YAML")
            return
        text = _decoded(_read(path, options, first=0), kind)
        found = READERS[kind](text) if WORTH.search(text) else []
    except (UnreadableError, OSError) as error:
        reason = (error.strerror or "") if isinstance(error, OSError) else str(error)
        yield _unread(path, reason or type(error).__name__)
        return
    except (RecursionError, MemoryError):
        yield _unread(path, "it is nested too deeply")
        return
    yield from _judged(path, text, found, kind)


def _docker(name: str) -> str:
    lower = name.lower()
    return "dockerfile" if lower.startswith(("dockerfile.", "containerfile.")) else ""


def _by_shebang(raw: bytes) -> str:
    match = _SHEBANG.match(raw)
    if not match:
        return ""
    return "python" if match[1] == b"python" else "shell"


def _read(path: Path, options: Options, *, first: int) -> bytes:
    """Return the content (or its `first` bytes) of a regular file; a pipe or device is none."""
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags), "rb") as stream:
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableError("no regular file")
        if first:
            return stream.read(first)
        if status.st_size > options.max_bytes:
            size, most = status.st_size / 1024**2, options.max_bytes / 1024**2
            raise UnreadableError(f"{size:.1f} MiB, more than {most:g} MiB")
        raw = stream.read(options.max_bytes + 1)
    if b"\0" in raw:
        raise UnreadableError("binary: it holds zero bytes")
    return raw


def _decoded(raw: bytes, kind: str) -> str:
    """Return the text: Python says its encoding (PEP 263), shell has none but is ASCII by rule."""
    if kind != "python":
        return raw.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(raw).readline)
        return raw.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        raise UnreadableError(f"not in the encoding that it says: {error}") from error


def _judged(path: Path, text: str, found: Sequence[Hit], kind: str) -> Iterator[Finding]:
    """Yield hits as findings, with what comments accept, and the comments that accept nothing."""
    lines = python.LINE_END.split(text)
    known = comments(lines)
    if kind == "python" and known:  # there a text may look like a comment
        real = python.comment_lines(text)
        known = [comment for comment in known if comment.line in real]
    used: set[Comment] = set()
    for hit in sorted(dict.fromkeys(found), key=lambda hit: (hit.line, hit.column, hit.rule)):
        comment = accepting(hit, known)
        used |= {comment} if comment else set()
        yield _finding(path, hit, lines, comment.reason if comment else "")
    for comment in known:
        if comment.own and comment not in used:
            names = ", ".join(sorted(comment.rules))
            message = f"nothing of [{names}] is found here"
            hit = Hit("unused-suppression", comment.line, comment.column, message)
            yield _finding(path, hit, lines, "")


def _finding(path: Path, hit: Hit, lines: Sequence[str], reason: str) -> Finding:
    rule = RULES[hit.rule]
    source = lines[hit.line - 1].strip() if 0 < hit.line <= len(lines) else ""
    return Finding(
        path=path.as_posix(), line=hit.line, column=hit.column, rule=hit.rule, level=rule.level,
        message=f"{rule.title}: {hit.message}", remedy=hit.remedy or rule.remedy, source=source,
        suppressed=reason, end_line=hit.end_line, end_column=hit.end_column,
    )  # fmt: skip


def _unread(path: Path, reason: str) -> Finding:
    rule = RULES["not-read"]
    return Finding(path.as_posix(), 0, 0, rule.id, rule.level, reason, rule.remedy)


__all__ = ["MAX_BYTES", "PASSED_OVER", "Level", "Options", "scan"]
