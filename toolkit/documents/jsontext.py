"""JSON (RFC 8259) by the standard library; positions are found where something is wrong."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from toolkit.documents.document import Document, Locate
from toolkit.documents.problems import Path, Problem, Spot, dotted
from toolkit.documents.source import Limits
from toolkit.text import clean

_TOKEN = re.compile(r'[{}\[\],:]|"[^"\\]*(?:\\.[^"\\]*)*"|[^\s{}\[\],:"]+', re.DOTALL)
_DIGITS = 400
_SURROGATE = re.compile("[\ud800-\udfff]")


class _Refused(ValueError):  # noqa: N818  a way out, seen by nobody else
    """Valid for the standard library, but not for us; `_review` finds what and where."""


def parse_json(text: str, source: str, limits: Limits) -> Document:
    """Parse JSON text strictly: no duplicate keys, no NaN. Problems are in the result."""
    locate = _locator(text, source)
    try:
        value: object = json.loads(text, object_pairs_hook=_pairs, parse_constant=_constant)
        _check(value, text, limits)
    except json.JSONDecodeError as error:
        problem = Problem(source, error.lineno, error.colno, "", _syntax(error.msg))
        return Document(source, None, locate, (problem,), whole=False)
    except (ValueError, RecursionError):
        return Document(source, None, locate, tuple(_review(text, source, limits)), whole=False)
    return Document(source, value, locate)


def _syntax(message: str) -> str:
    return clean(f"is not JSON: {message[:1].lower()}{message[1:]}")


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Refused
    return found


def _constant(name: str) -> object:
    raise _Refused(name)


def _check(root: object, text: str, limits: Limits) -> None:
    """Raise _Refused beyond a limit or for a lone surrogate; level by level, without recursion."""
    if ("\\ud" in text or "\\uD" in text) and _SURROGATE.search(
        json.dumps(root, ensure_ascii=False)
    ):
        raise _Refused
    level, depth, nodes = [root], 0, 1
    while level:
        inner = [item for value in level for item in _items(value)]
        nodes += len(inner)
        level = [item for item in inner if isinstance(item, dict | list)]
        depth += 1
        if nodes > limits.nodes or depth > limits.depth:
            raise _Refused


def _items(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


@dataclass(slots=True)
class _Open:
    """An object or array that the walk is inside of."""

    is_object: bool
    part: str | int | None
    key_offset: int = 0
    seen: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Node:
    """A value that the walk met: its path, the offsets of its key and its own, its first token."""

    path: Path
    key_offset: int
    offset: int
    token: str
    first_offset: int | None
    """Where its key stood before in the same object, if it did."""


def _walk(text: str) -> Iterator[_Node]:
    """Yield every value of JSON text that the standard library has accepted, in order."""
    stack: list[_Open] = []
    for match in _TOKEN.finditer(text):
        token, offset = match.group(), match.start()
        if token in "}]":
            stack.pop()
        elif token == ",":
            top = stack[-1]
            top.part = None if top.is_object else int(top.part or 0) + 1
        elif token == ":":
            continue
        elif stack and stack[-1].part is None:
            stack[-1].part, stack[-1].key_offset = json.loads(token, strict=False), offset
        else:
            yield _node(stack, offset, token)
            if token in "{[":
                stack.append(_Open(token == "{", None if token == "{" else 0, offset))


def _node(stack: list[_Open], offset: int, token: str) -> _Node:
    path = tuple(frame.part for frame in stack if frame.part is not None)
    if not stack or not stack[-1].is_object:
        return _Node(path, offset, offset, token, None)
    top = stack[-1]
    first = top.seen.get(str(top.part))
    top.seen.setdefault(str(top.part), top.key_offset)
    return _Node(path, top.key_offset, offset, token, first)


def _review(text: str, source: str, limits: Limits) -> Iterator[Problem]:
    """Find what was refused: all duplicate keys and odd values, or the first breach of a limit."""
    lines = _Lines(text)
    for count, node in enumerate(_walk(text)):
        message, hint = _complaint(node, lines)
        if len(node.path) + (node.token in "{[") > limits.depth:
            message = f"is nested deeper than {limits.depth} levels"
        elif count >= limits.nodes:
            message = f"the document has more than {limits.nodes:,} values"
        if message:
            at = node.key_offset if node.first_offset is not None else node.offset
            yield Problem(source, *lines.at(at), dotted(node.path), message, hint)
        if len(node.path) >= limits.depth or count >= limits.nodes:
            return


def _complaint(node: _Node, lines: _Lines) -> tuple[str, str]:
    if node.first_offset is not None:
        line, _ = lines.at(node.first_offset)
        return f"the key is there twice, first in line {line}", "keep one of them"
    if node.token in ("NaN", "Infinity", "-Infinity"):
        return f"{node.token} is no JSON value", ""
    if node.token[0] in "-0123456789" and len(node.token) > _DIGITS:
        return f"a number has more than {_DIGITS} digits", "quote it if it is text"
    names = [part for part in node.path[-1:] if isinstance(part, str)]
    if node.token[0] == '"':
        names.append(json.loads(node.token, strict=False))
    if any(_SURROGATE.search(name) for name in names):
        return "holds half of a surrogate pair, which is no character", ""
    return "", ""


class _Lines:
    """Offsets in a text as line and column, both from 1."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def at(self, offset: int) -> tuple[int, int]:
        """Return line and column of the character at `offset`."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


def _locator(text: str, source: str, first_line: int = 1) -> Locate:
    def locate(paths: Iterable[Path]) -> dict[Path, Spot]:
        wanted = list(paths)
        # A path that isn't there (a missing key) is found by its nearest parent.
        prefixes = {path[:length] for path in wanted for length in range(len(path) + 1)}
        lines = _Lines(text)
        found: dict[Path, Spot] = {(): Spot(source, first_line, 1, first_line, 1)}
        for node in _walk(text):
            if node.path and node.path in prefixes:
                found[node.path] = _spot(node, lines, source, first_line - 1)
        return {path: _nearest(path, found) for path in wanted}

    return locate


def _spot(node: _Node, lines: _Lines, source: str, shift: int) -> Spot:
    key, value = lines.at(node.key_offset), lines.at(node.offset)
    raw = None if node.token[0] in '"{[' else node.token
    return Spot(source, key[0] + shift, key[1], value[0] + shift, value[1], raw)


def _nearest(path: Path, found: dict[Path, Spot]) -> Spot:
    while path not in found:
        path = path[:-1]
    return found[path]
