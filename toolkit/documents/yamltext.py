"""YAML 1.2 (core schema) to plain values, from ruamel.yaml's events, iteratively and within limits.

The composer and constructor of the library are not used: they recurse, expand aliases without
bound and forget how a scalar was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from toolkit.documents.document import Document, Locate
from toolkit.documents.problems import Path, Problem, Spot, dotted
from toolkit.documents.source import Limits
from toolkit.text import clean

if TYPE_CHECKING:
    from ruamel.yaml.events import ScalarEvent

_TAG = "tag:yaml.org,2002:"
_DIGITS = 400
"""A longer number is a mistake, and turning it into an integer takes quadratic time."""
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_KINDS = {"int": int, "float": float, "bool": bool, "null": type(None)}
_BASES = {"0o": 8, "0x": 16}

Entry = tuple[int, int, int, int, str | None]
"""Line and column of the key and of the value, and the value as written if plain."""


class _Stop(Exception):  # noqa: N818  a way out of the loop, seen by nobody else
    """The rest of the document can't or must not be read."""


@dataclass(slots=True)
class _Frame:
    """A list or mapping whose end has not come yet."""

    container: dict[str, object] | list[object]
    entries: dict[str | int, Entry]
    anchor: str | None
    before: int
    height: int = 1
    key: str | None = None
    last: str = ""
    key_at: tuple[int, int] = (0, 0)


@dataclass(slots=True)
class _Builder:
    """The state of one parse: what is open, what aliases stand for, where everything was."""

    source: str
    limits: Limits
    root: object = None
    started: bool = False
    nodes: int = 0
    line: int = 1
    column: int = 1
    stack: list[_Frame] = field(default_factory=list)
    anchors: dict[str, tuple[object, int, int]] = field(default_factory=dict)
    places: dict[int, dict[str | int, Entry]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def problem(self, message: str, hint: str = "") -> None:
        """Note a problem at the event in hand."""
        key = dotted(self._path())
        self.problems.append(Problem(self.source, self.line, self.column, key, message, hint))

    def stop(self, message: str, hint: str = "") -> _Stop:
        """Note a problem after which reading ends."""
        self.problem(message, hint)
        return _Stop()

    def _path(self) -> list[str | int]:
        path: list[str | int] = []
        for number, frame in enumerate(self.stack, 1):
            open_inside = number < len(self.stack)  # then its entry is there already
            if isinstance(frame.container, list):
                path.append(len(frame.container) - open_inside)
            elif open_inside or frame.key is not None:
                path.append(frame.key or frame.last)
        return path

    def count(self, nodes: int, height: int = 1) -> None:
        """Add nodes below the present depth, and stop at a limit."""
        self.nodes += nodes
        if self.nodes > self.limits.nodes:
            message = f"the document has more than {self.limits.nodes:,} values, aliases expanded"
            raise self.stop(message)
        if len(self.stack) + height > self.limits.depth:
            raise self.stop(f"is nested deeper than {self.limits.depth} levels")

    def wants_key(self) -> bool:
        """Tell whether the next node is a key of a mapping."""
        return bool(self.stack) and self.stack[-1].key is None and not self._in_list()

    def _in_list(self) -> bool:
        return isinstance(self.stack[-1].container, list)

    def key(self, event: ScalarEvent) -> None:
        """Take a scalar as the next key: its text, whatever it would be as a value."""
        frame = self.stack[-1]
        frame.key, frame.key_at = str(event.value), (self.line, self.column)
        self.count(1)
        if frame.key == "<<" and event.implicit[0]:
            self.problem("merge keys are YAML 1.1, not 1.2", "repeat the keys")
        elif frame.key in frame.entries:
            first = frame.entries[frame.key][0]
            self.problem(f"the key is there twice, first in line {first}", "keep one of them")

    def place(self, value: object, raw: str | None = None) -> None:
        """Put a finished value where it belongs."""
        if not self.stack:
            self.root = value
            return
        frame = self.stack[-1]
        if isinstance(frame.container, list):
            at = (self.line, self.column)
            frame.entries[len(frame.container)] = (*at, *at, raw)
            frame.container.append(value)
        elif frame.key is not None:
            frame.entries[frame.key] = (*frame.key_at, self.line, self.column, raw)
            frame.container[frame.key] = value
            frame.last = frame.key
            frame.key = None

    def open(self, container: dict[str, object] | list[object], anchor: str | None) -> None:
        """Begin a list or mapping: it takes its place now and is filled afterwards."""
        self.count(1)
        if anchor:
            self.anchors.pop(anchor, None)
        self.place(container)
        entries: dict[str | int, Entry] = {}
        self.places[id(container)] = entries
        self.stack.append(_Frame(container, entries, anchor, self.nodes - 1))

    def close(self) -> None:
        """End the innermost list or mapping; from here on its anchor may be used."""
        frame = self.stack.pop()
        if self.stack:
            self.stack[-1].height = max(self.stack[-1].height, frame.height + 1)
        if frame.anchor:
            self.anchors[frame.anchor] = (frame.container, self.nodes - frame.before, frame.height)

    def alias(self, name: str) -> None:
        """Put what an alias stands for; the same object, but counted as a copy."""
        if name not in self.anchors:
            # The name is not repeated: an unquoted password may begin with an asterisk.
            message = 'a value that begins with "*" is an alias, and its anchor is not known here'
            raise self.stop(message, 'quote it if "*" is part of the text')
        value, size, height = self.anchors[name]
        self.count(size, height)
        if self.stack and isinstance(value, dict | list):
            self.stack[-1].height = max(self.stack[-1].height, height + 1)
        self.place(value)


def parse_yaml(text: str, source: str, limits: Limits) -> Document:
    """Parse one YAML document; an empty one is None. Problems are in the result."""
    builder = _Builder(source, limits)
    whole = True
    try:
        for event in _events(text, builder):
            builder.line, builder.column = event.start_mark.line + 1, event.start_mark.column + 1
            _take(event, builder)
    except _Stop:
        whole = False
    root, places = builder.root, builder.places
    return Document(source, root, _locator(source, root, places), tuple(builder.problems), whole)


def _events(text: str, builder: _Builder) -> Iterator[Any]:
    from ruamel.yaml import YAML  # 80 ms that only a YAML file may cost
    from ruamel.yaml.error import MarkedYAMLError
    from ruamel.yaml.reader import ReaderError

    try:
        yield from YAML(typ="safe", pure=True).parse(text)
    except (_Stop, GeneratorExit):
        raise
    except ReaderError as error:
        builder.line, builder.column = _line_column(text, error.position)
        character = clean(text[error.position : error.position + 1])
        raise builder.stop(f'the character "{character}" is not allowed in YAML') from error
    except MarkedYAMLError as error:
        if mark := error.problem_mark or error.context_mark:
            builder.line, builder.column = mark.line + 1, mark.column + 1
        raise builder.stop(_syntax(error.problem), _syntax_hint(error.problem)) from error
    except Exception as error:
        # The scanner also lets IndexError, ValueError … out on malformed text.
        raise builder.stop(f"is not YAML (the parser ended with {type(error).__name__})") from error


def _syntax(problem: str | None) -> str:
    # A tag handle is text of the file, maybe of a secret; token names and characters are not.
    return clean(re.sub(r"'!.*'", "", problem or "is not YAML", flags=re.DOTALL).strip())


def _syntax_hint(problem: str | None) -> str:
    if "mapping values are not allowed" in (problem or ""):
        return 'check the indentation, and quote a text that holds ": "'
    if "cannot start any token" in (problem or ""):
        return "quote the text, and indent with spaces"
    return ""


def _line_column(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def _take(event: Any, builder: _Builder) -> None:
    match type(event).__name__:
        case "ScalarEvent":
            _scalar(event, builder)
        case "MappingStartEvent":
            _open(event, builder, {}, "map")
        case "SequenceStartEvent":
            _open(event, builder, [], "seq")
        case "MappingEndEvent" | "SequenceEndEvent":
            builder.close()
        case "AliasEvent":
            _refuse_key(builder)
            builder.alias(event.anchor)
        case "DocumentStartEvent":
            _start(event, builder)
        case _:
            pass  # the ends of stream and document


def _start(event: Any, builder: _Builder) -> None:
    if builder.started:
        raise builder.stop("a second document begins here, and one is allowed", 'remove the "---"')
    builder.started = True
    if event.version and tuple(event.version) < (1, 2):
        raise builder.stop("files are read as YAML 1.2, not 1.1", 'remove the "%YAML" line')


def _open(
    event: Any, builder: _Builder, container: dict[str, object] | list[object], kind: str
) -> None:
    _refuse_key(builder)
    if event.tag not in (None, "!", f"{_TAG}{kind}"):
        _refuse_tag(builder)
    builder.open(container, event.anchor)


def _refuse_key(builder: _Builder) -> None:
    if builder.wants_key():
        raise builder.stop("a key must be text, no list, mapping or alias")


def _refuse_tag(builder: _Builder) -> None:
    # The tag is not repeated: an unquoted password may begin with an exclamation mark.
    message = 'a value that begins with "!" has a YAML tag, and only those of YAML 1.2 are known'
    builder.problem(message, 'quote it if "!" is part of the text')


def _scalar(event: ScalarEvent, builder: _Builder) -> None:
    if builder.wants_key():
        builder.key(event)
        return
    builder.count(1, 0)
    value = _value(event, builder)
    if event.anchor:
        builder.anchors[event.anchor] = (value, 1, 0)
    builder.place(value, event.value if event.implicit[0] and event.tag is None else None)


def _value(event: ScalarEvent, builder: _Builder) -> object:
    text: str = event.value
    if event.tag is None:
        if event.implicit[0]:
            return _plain(text, builder)
        if not text.isascii() and re.search("[\ud800-\udfff]", text):
            builder.problem("holds half of a surrogate pair, which is no character")
        return text
    kind = str(event.tag).removeprefix(_TAG)
    if kind in ("str", "!"):
        return text
    if kind not in _KINDS:
        _refuse_tag(builder)
        return text
    value = _plain(text, builder)
    if kind == "float" and type(value) is int:
        return float(value)
    if type(value) is not _KINDS[kind]:
        builder.problem(f'what follows "!!{kind}" is of another kind')
    return value


def _plain(text: str, builder: _Builder) -> object:
    """Resolve a plain scalar by the core schema (YAML 1.2.2, 10.3.2)."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if _INT.fullmatch(text):
        if len(text) > _DIGITS:
            builder.problem(f"a number has more than {_DIGITS} digits", "quote it if it is text")
            return text
        return int(text, _BASES.get(text[:2], 10))
    if _FLOAT.fullmatch(text):
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text


def _locator(source: str, root: object, places: dict[int, dict[str | int, Entry]]) -> Locate:
    def spot(path: Path) -> Spot:
        value, found = root, Spot(source, 1, 1, 1, 1)
        for part in path:
            entry = places.get(id(value), {}).get(part)
            if entry is None:
                break
            found = Spot(source, *entry)
            value = value[part]  # type: ignore[index]  # it has entries: a dict or a list
        return found

    def locate(paths: Iterable[Path]) -> dict[Path, Spot]:
        return {path: spot(path) for path in paths}

    return locate
