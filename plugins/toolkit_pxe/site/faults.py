"""Collecting what is wrong: each fault with its path, so that all are told at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from toolkit.documents import Fault, Salvage
from toolkit.documents.problems import Path, Problem
from toolkit.text import clean, did_you_mean
from toolkit_pxe.site.values import remedy

T = TypeVar("T")
_LONGEST = 300
"""Characters of a message: a value may be as long as its file."""


@dataclass(slots=True)
class Faults:
    """What has been found so far: faults of the site file, and problems of the host lists.

    Paths are those of what `bind` has left; they are noted as the site file has them.
    """

    found: list[Fault] = field(default_factory=list)
    elsewhere: list[Problem] = field(default_factory=list)
    salvage: Salvage = field(default_factory=Salvage)

    def bind(
        self,
        kind: type[T],
        value: object,
        path: Path = (),
        fill: Mapping[str, object] | None = None,
    ) -> T | None:
        """Return what is right of `value`, or None; what is wrong is noted. See Salvage.bind."""
        model, found = self.salvage.bind(kind, value, path=path, fill=fill)
        self.found += found
        return model

    def add(self, path: Path, message: str, hint: str = "", needs: Sequence[Path] = ()) -> None:
        """Note that the value at `path` is wrong, and what to do about it.

        Not where that value, or one at `needs` that the message is about, is wrong already.
        """
        places = [self.salvage.original(place) for place in (path, *needs)]
        if not any(map(self.salvage.lacks, places)):
            self.found.append(Fault(places[0], clean(message, limit=_LONGEST), hint))

    def wrong(self, *key: str | int) -> bool:
        """Tell whether something is wrong already at a path that ends in, or goes through, `key`.

        What follows from that is nothing of its own.
        """
        size = len(key)
        told = {fault.path for fault in self.found} | self.salvage.dropped
        return any(
            path[at : at + size] == key for path in told for at in range(len(path) - size + 1)
        )

    def parsed(self, parse: Callable[[str], T], text: str, path: Path, hint: str = "") -> T | None:
        """Return `parse(text)`, or None where it is wrong (noted) or there is no text."""
        if not text:
            return None
        try:
            return parse(text)
        except ValueError as error:
            self.add(path, str(error), hint or remedy(parse))
            return None

    def known(self, name: str, names: tuple[str, ...], path: Path, what: str) -> bool:
        """Tell whether `name` is one of `names`, and note it if not."""
        if name in names:
            return True
        listed = f"known are: {', '.join(names)}" if names else f"there is no {what} yet"
        self.add(path, f'"{name}" is no {what}', did_you_mean(name, names) or listed)
        return False

    @contextmanager
    def at(self, path: Path, hint: str = "") -> Iterator[None]:
        """Note a ValueError of the body at `path`."""
        try:
            yield
        except ValueError as error:
            self.add(path, str(error), hint)
