"""Python source as bytes: lines put in and taken out by position, everything else kept as it is.

Byte-order mark, encoding cookie, line ends and indents stay; the result must compile.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from toolkit.errors import UsageError
from toolkit.text import clean

BOM = b"\xef\xbb\xbf"
_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_INDENT = re.compile(rb"[ \t\f]*")
MAX_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Source:
    """One module: its bytes, its lines with their ends, its tree, its encoding (PEP 263)."""

    path: Path
    raw: bytes
    lines: tuple[bytes, ...]
    tree: ast.Module
    encoding: str = "utf-8"

    def line(self, number: int) -> bytes:
        """Return a line as the tree's column offsets count it: UTF-8, without byte-order mark."""
        line = self.lines[number - 1].removeprefix(BOM)
        return line.decode(self.encoding).encode()


@dataclass(frozen=True, slots=True)
class Unread:
    """A module that can't be read, with the reason; line and column from 1, 0 if not known.

    `path` is relative to where it was looked for (POSIX).
    """

    path: str
    line: int
    column: int
    reason: str

    @property
    def sentence(self) -> str:
        """`path:line:column: reason`."""
        places = [str(number) for number in (self.line, self.column) if number]
        return f"{':'.join([clean(self.path), *places])}: {self.reason}"


class UnreadableError(UsageError):
    """A module can't be read as Python of this interpreter."""

    def __init__(self, path: Path, reason: str, line: int = 0, column: int = 0) -> None:
        """Remember the place: who reads many modules names it in another way."""
        self.line, self.column, self.reason = line, column, reason
        super().__init__(Unread(str(path), line, column, reason).sentence)

    def at(self, name: str) -> Unread:
        """Return it for the module that is called `name`."""
        return Unread(name, self.line, self.column, self.reason)


def split(raw: bytes) -> tuple[bytes, ...]:
    """Return the lines as Python counts them: ended by LF, CR LF or CR, by nothing else."""
    return tuple(_LINE.findall(raw))


def read_bytes(path: Path) -> bytes:
    """Return a module's bytes. Raises UnreadableError where it can't be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableError(path, f"cannot be read: {error.strerror}") from error


def parse(path: Path, raw: bytes) -> Source:
    """Parse the bytes of the module at `path`. Raises UnreadableError where they are none."""
    if len(raw) > MAX_BYTES:
        raise UnreadableError(path, "larger than 4 MiB")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in somebody's strings
            tree = ast.parse(raw, str(path))
            encoding, _ = tokenize.detect_encoding(io.BytesIO(raw).readline)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _no_python(path, error) from error
    return Source(path, raw, split(raw), tree, encoding)


def _no_python(path: Path, error: Exception) -> UnreadableError:
    if not isinstance(error, SyntaxError):
        return UnreadableError(path, f"does not compile: {clean(str(error), limit=120)}")
    reason = f"does not compile: {clean(error.msg, limit=120)}"
    return UnreadableError(path, reason, error.lineno or 0, max(error.offset or 0, 0))


def compiled(path: Path, raw: bytes) -> bytes:
    """Return `raw` once it is known to compile. Raises UsageError where it doesn't."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(parse(path, raw).tree, str(path), "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        raise UsageError(f"{clean(str(path))}: would not compile: {clean(str(error))}") from error
    return raw


def indent_of(line: bytes) -> bytes:
    """Return the blanks at the start of a line."""
    found = _INDENT.match(line.removeprefix(BOM))
    return found.group() if found else b""


def end_of(line: bytes) -> bytes:
    """Return what ends a line: LF, CR LF, CR, or nothing."""
    return line[len(line.rstrip(b"\r\n")) :]


def insert(source: Source, places: Sequence[tuple[int, str, bytes]]) -> bytes:
    """Return the module with each (after line number, statement, indent) put in, ASCII statements.

    Line 0 is before the first line. The new line ends as the line above it does; at the end of a
    file without a final line end the break goes before it, so that taking it out restores the file.
    Raises UsageError where the result would not compile.
    """
    lines = list(source.lines)
    usual = next((end_of(line) for line in lines if end_of(line)), b"\n")
    for after, statement, indent in sorted(places, key=lambda place: -place[0]):
        text = indent + statement.encode("ascii")
        if after == 0:
            lines[0:0] = [*_mark(lines), text + usual]
        elif end_of(lines[after - 1]):
            lines.insert(after, text + end_of(lines[after - 1]))
        else:
            lines.insert(after, usual + text)
    return compiled(source.path, b"".join(lines))


def _mark(lines: list[bytes]) -> list[bytes]:
    """Take the byte-order mark off the first line and return it: it must stay the first bytes."""
    if lines and lines[0].startswith(BOM):
        lines[0] = lines[0].removeprefix(BOM)
        return [BOM]
    return []


def delete(source: Source, statements: Sequence[ast.stmt]) -> bytes:
    """Return the module without the lines of `statements`.

    Raises UsageError where a statement shares its line with another, or where the rest does not
    compile without it.
    """
    lines: list[bytes] = list(source.lines)
    gone = {number for node in statements for number in _numbers(source, node)}
    kept = [line for number, line in enumerate(lines, 1) if number not in gone]
    if kept and len(lines) in gone and not end_of(lines[-1]):
        kept[-1] = kept[-1].removesuffix(end_of(kept[-1]))
    if 1 in gone and source.raw.startswith(BOM):
        kept.insert(0, BOM)
    return compiled(source.path, b"".join(kept))


def _numbers(source: Source, node: ast.stmt) -> range:
    numbers = range(node.lineno, (node.end_lineno or node.lineno) + 1)
    for other in statements_of(source.tree):
        if other is node or _contains(other, node):
            continue
        if other.lineno in numbers or (other.end_lineno or 0) in numbers:
            where = f"{clean(str(source.path))}:{node.lineno}"
            raise UsageError(f"{where}: the line holds other statements, too",
                             hint="take the statement out by hand")  # fmt: skip
    return numbers


def _contains(outer: ast.stmt, inner: ast.stmt) -> bool:
    return outer.lineno < inner.lineno and (outer.end_lineno or 0) >= (inner.end_lineno or 0)


def statements_of(tree: ast.AST) -> Iterator[ast.stmt]:
    """Yield every statement of a module, the outer ones first."""
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt):
            yield node
