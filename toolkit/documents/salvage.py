"""What is right of a value that is wrong in places: so that all of its faults are told at once.

A value with faults binds to nothing. Here its wrong parts are left out and the rest is bound, for
checks that go further; places of what is left are then those of the document again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from toolkit.documents.binding import Fault, bind
from toolkit.documents.problems import Path

M = TypeVar("M")


@dataclass(slots=True)
class Salvage:
    """What was left out of one document: `dropped` are the places of entries."""

    dropped: set[Path] = field(default_factory=set)
    _kept: dict[Path, list[int]] = field(default_factory=dict)

    def bind(
        self,
        kind: type[M],
        value: object,
        *,
        path: Path = (),
        text: bool = False,
        fill: Mapping[str, object] | None = None,
    ) -> tuple[M | None, list[Fault]]:
        """Return as `kind` what is right of `value`, and the faults of the rest.

        `fill` has values for required keys of `value` itself. None where a required key is
        missing or wrong all the same, or `value` is nothing like `kind`.
        """
        model, told = bind(kind, value, path=path, text=text)
        faults, filled = told, False
        while faults:
            wrong = {self.original(fault.path) for fault in faults}
            if path in wrong and (filled or not fill or not isinstance(value, dict)):
                return None, told
            filled = filled or path in wrong
            self.dropped |= wrong - {path}
            rest = self._rest(value, path)
            if filled and fill and isinstance(rest, dict):
                self.dropped |= {(*path, key) for key in fill if key not in rest}
                rest = {**fill, **rest}
            model, faults = bind(kind, rest, path=path, text=text)
        return model, told

    def original(self, path: Path) -> Path:
        """Return where in the document an entry of what is left is."""
        found: Path = ()
        for part in path:
            kept = self._kept.get(found)
            found = (*found, kept[part] if kept and isinstance(part, int) else part)
        return found

    def lacks(self, path: Path) -> bool:
        """Tell whether the entry at `path`, or one that it is part of, was left out."""
        return any(path[:size] in self.dropped for size in range(1, len(path) + 1))

    def lacking(self, path: Path, keys: Iterable[str]) -> frozenset[str]:
        """Return those of `keys` in the mapping at `path` that were left out or filled."""
        return frozenset(key for key in keys if (*path, key) in self.dropped)

    def _rest(self, value: Any, path: Path) -> Any:
        if isinstance(value, dict):
            pairs = ((key, part, (*path, key)) for key, part in value.items())
            return {key: self._rest(part, at) for key, part, at in pairs if at not in self.dropped}
        if isinstance(value, list):
            kept = [at for at in range(len(value)) if (*path, at) not in self.dropped]
            if len(kept) < len(value):
                self._kept[path] = kept
            return [self._rest(value[at], (*path, at)) for at in kept]
        return value
