"""Collecting what is wrong: each fault with its path, so that all are told at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from toolkit.documents import Fault
from toolkit.documents.problems import Path, Problem
from toolkit.text import did_you_mean

T = TypeVar("T")


@dataclass(slots=True)
class Faults:
    """What has been found so far: faults of the site file, and problems of the host lists."""

    found: list[Fault] = field(default_factory=list)
    elsewhere: list[Problem] = field(default_factory=list)

    def add(self, path: Path, message: str, hint: str = "") -> None:
        """Note that the value at `path` is wrong, and what to do about it."""
        self.found.append(Fault(path, message, hint))

    def parsed(self, parse: Callable[[str], T], text: str, path: Path, hint: str = "") -> T | None:
        """Return `parse(text)`, or None where it is wrong (noted) or there is no text."""
        if not text:
            return None
        try:
            return parse(text)
        except ValueError as error:
            self.add(path, str(error), hint)
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
