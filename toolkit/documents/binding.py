"""Plain values (dict, list, scalars) → frozen dataclasses, by functions compiled once per type.

Every fault is collected, with its path; positions are looked up afterwards, and only if there are
faults. Why no library: docs/explanation/dependencies.md.
"""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import (
    Annotated,
    Any,
    Literal,
    TypeAlias,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from toolkit.documents.problems import Path
from toolkit.documents.secrets import is_secret
from toolkit.text import clean, did_you_mean

M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at `path`; `of_key` where it is the key itself.

    `unquoted` marks a number or word that was meant as text: the document has its spelling.
    """

    path: Path
    message: str
    hint: str = ""
    of_key: bool = False
    unquoted: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Parser:
    """For `Annotated[T, Parser(…)]`: `parse` makes a T of a value or raises ValueError(message)."""

    parse: Callable[[object], object]
    schema: Mapping[str, object] = dataclasses.field(default_factory=dict)


Faults: TypeAlias = list[Fault]
Bind: TypeAlias = Callable[[object, Path, Faults], object]
_DIGITS = 400
_BOUNDS = {"minimum", "maximum"}
_WORDS = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}


def bind(
    kind: type[M], value: object, *, path: Path = (), text: bool = False
) -> tuple[M | None, Faults]:
    """Return `value` as `kind` and what is wrong with it; None if anything is.

    With `text` the scalars are strings (of CSV, of environment variables) and are converted:
    numbers, true/yes/on/1, lists separated by commas.
    """
    faults: Faults = []
    model: Any = binder(kind, text=text)(value, path, faults)
    return (None if faults else model), faults


def binder(kind: Any, *, text: bool = False) -> Bind:
    """Return the compiled function for a type. Raises TypeError for one that isn't supported."""
    return _compiled(kind, text)


@cache
def _compiled(kind: Any, text: bool) -> Bind:
    origin = get_origin(kind)
    if origin is Annotated:
        return _annotated(kind, text)
    if origin in {Union, types.UnionType}:
        return _union(get_args(kind), text)
    if origin is Literal:
        return _choice({str(word): word for word in get_args(kind)})
    if origin in {list, tuple}:
        return _sequence(get_args(kind)[0], tuple if origin is tuple else list, text)
    if origin is dict:
        return _mapping(get_args(kind)[1], text)
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind, text)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _choice({str(item.value): item for item in kind})
    if kind in _SCALARS:
        return _text_scalar(kind) if text and kind is not str else _SCALARS[kind]
    raise TypeError(f"{kind!r} cannot be bound to a document")


def shown(value: object, path: Path) -> str:
    """Return a value for a message: short, safe, and masked where its key names a secret."""
    if is_secret(path):
        return "the value"
    if isinstance(value, (dict, list)):
        return "a mapping" if isinstance(value, dict) else "a list"
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "true", False: "false"}[value]
    return (
        f'"{clean(str(value), limit=60)}"'
        if isinstance(value, str)
        else clean(str(value), limit=60)
    )


def _wrong(value: object, path: Path, faults: Faults, wanted: str) -> object:
    faults.append(Fault(path, f"{shown(value, path)} is not {wanted}"))
    return None


def _string(value: object, path: Path, faults: Faults) -> object:
    if isinstance(value, str):
        return value
    if isinstance(value, (bool, int, float)):
        kind = "a truth value" if isinstance(value, bool) else "a number"
        faults.append(Fault(path, f"is read as {kind}, and text is wanted", unquoted=True))
        return None
    return _wrong(value, path, faults, "text")


def _integer(value: object, path: Path, faults: Faults) -> object:
    if type(value) is int:
        return value
    return _wrong(value, path, faults, "a whole number")


def _number(value: object, path: Path, faults: Faults) -> object:
    if type(value) in {int, float} and math.isfinite(value):  # type: ignore[arg-type]  # just seen
        return float(value)  # type: ignore[arg-type]  # just seen
    return _wrong(value, path, faults, "a number")


def _boolean(value: object, path: Path, faults: Faults) -> object:
    if isinstance(value, bool):
        return value
    return _wrong(value, path, faults, "true or false")


def _nothing(value: object, path: Path, faults: Faults) -> object:
    return None if value is None else _wrong(value, path, faults, "empty")


def _anything(value: object, _path: Path, _faults: Faults) -> object:
    return value


_SCALARS: Mapping[Any, Bind] = {
    str: _string, int: _integer, float: _number, bool: _boolean, type(None): _nothing,
    object: _anything,
}  # fmt: skip


def _text_scalar(kind: Any) -> Bind:
    strict = _SCALARS[kind]

    def convert(value: object, path: Path, faults: Faults) -> object:
        if not isinstance(value, str) or kind is object:
            return strict(value, path, faults)
        word = value.strip()
        if kind is bool:
            found: object = _WORDS.get(word.lower(), value)
        elif kind is type(None):
            found = None if not word else value
        else:
            found = _numeric(kind, word, value)
        return strict(found, path, faults)

    return convert


def _numeric(kind: type[int | float], word: str, value: str) -> object:
    try:
        return kind(word) if len(word) < _DIGITS and "_" not in word else value
    except ValueError:
        return value


def _choice(choices: Mapping[str, object]) -> Bind:
    listed = ", ".join(choices)

    def choose(value: object, path: Path, faults: Faults) -> object:
        if isinstance(value, str) and value in choices:
            return choices[value]
        hint = did_you_mean(value, choices) if isinstance(value, str) else ""
        faults.append(Fault(path, f"{shown(value, path)} is none of: {listed}", hint))
        return None

    return choose


def _union(kinds: tuple[Any, ...], text: bool) -> Bind:
    options = [(kind, binder(kind, text=text)) for kind in kinds]
    # Nothing first: in text an empty cell is nothing where that is allowed.
    options.sort(key=lambda option: option[0] is not type(None))

    def try_each(value: object, path: Path, faults: Faults) -> object:
        best: Faults = []
        for _, option in options:
            found: Faults = []
            model = option(value, path, found)
            if not found:
                return model
            # Whoever got farthest was meant; among equals the last one: of `X | None` that is X.
            best = found if _reach(found) >= _reach(best) else best
        faults.extend(best)
        return None

    return try_each


def _reach(faults: Faults) -> int:
    """Return how deep the faults lie; a scalar of the right kind but for its quotes is deeper."""
    return max((2 * len(fault.path) + fault.unquoted for fault in faults), default=0)


def _sequence(kind: Any, make: Callable[[list[object]], object], text: bool) -> Bind:
    item = binder(kind, text=text)
    exact = {kind} if not text and kind in {str, int, bool} else None

    def each(value: object, path: Path, faults: Faults) -> object:
        if text and isinstance(value, str):
            value = [word.strip() for word in value.split(",") if word.strip()]
        if not isinstance(value, list):
            return _wrong(value, path, faults, "a list")
        if exact and {*map(type, value)} <= exact:
            return make(value)
        return make([item(part, (*path, at), faults) for at, part in enumerate(value)])

    return each


def _mapping(kind: Any, text: bool) -> Bind:
    item = binder(kind, text=text)

    def each(value: object, path: Path, faults: Faults) -> object:
        if not isinstance(value, dict):
            return _wrong(value, path, faults, "a mapping")
        return {key: item(part, (*path, key), faults) for key, part in value.items()}

    return each


def _annotated(kind: Any, text: bool) -> Bind:
    inner, *extras = get_args(kind)
    parsers = [extra for extra in extras if isinstance(extra, Parser)]
    if not parsers:
        return binder(inner, text=text)
    parse = parsers[0].parse

    def convert(value: object, path: Path, faults: Faults) -> object:
        try:
            return parse(value)
        except ValueError as error:
            faults.append(Fault(path, f"{shown(value, path)}: {clean(str(error))}"))
            return None

    return convert


def _dataclass(kind: Any, text: bool) -> Bind:
    hints = get_type_hints(kind, include_extras=True)
    items = {
        item.name: _bounded(binder(hints[item.name], text=text), item.metadata)
        for item in dataclasses.fields(kind)
    }
    exact = {} if text else _exact(kind, hints)
    required = [item.name for item in dataclasses.fields(kind) if _is_required(item)]

    def build(value: object, path: Path, faults: Faults) -> object:
        if value is None and not required:
            value = {}  # a section that is there and empty
        if not isinstance(value, dict):
            return _wrong(value, path, faults, "a mapping")
        before = len(faults)
        found: dict[str, object] = {}
        for key, part in value.items():
            item = items.get(key)
            if type(part) is exact.get(key, _Never):
                found[key] = part  # nine of ten values: no call, no path
            elif item is None:
                faults.append(_unknown(key, path, items))
            else:
                found[key] = item(part, (*path, key), faults)
        for name in required:
            if name not in value:
                faults.append(Fault(path, f'the key "{name}" is missing'))
        return kind(**found) if len(faults) == before else None

    return build


class _Never:
    """No value has this type."""


def _exact(kind: Any, hints: Mapping[str, Any]) -> dict[str, type]:
    """Return the fields whose values need no more than a look at their type."""
    plain = {str, int, bool}
    unbounded = [item.name for item in dataclasses.fields(kind) if not _BOUNDS & {*item.metadata}]
    return {name: hints[name] for name in unbounded if hints[name] in plain}


def _bounded(item: Bind, metadata: Mapping[Any, Any]) -> Bind:
    """Return `item` with the bounds of a field's metadata, "minimum" and "maximum"."""
    if not _BOUNDS & {*metadata}:
        return item
    least, most = metadata.get("minimum", -math.inf), metadata.get("maximum", math.inf)

    def check(value: object, path: Path, faults: Faults) -> object:
        found = item(value, path, faults)
        if isinstance(found, (int, float)) and not least <= found <= most:
            above = f"at most {most:g}" if found > most else f"at least {least:g}"
            faults.append(Fault(path, f"{shown(value, path)} is out of range: it is {above}"))
        return found

    return check


def _is_required(item: dataclasses.Field[Any]) -> bool:
    missing = dataclasses.MISSING
    return item.default is missing and item.default_factory is missing


def _unknown(key: object, path: Path, items: Mapping[str, Bind]) -> Fault:
    name = str(key)
    listed = f"known are: {', '.join(items)}"
    return Fault((*path, name), "is no known key", did_you_mean(name, items) or listed, of_key=True)
