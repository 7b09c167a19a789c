"""A parsed document: a plain value (dict, list, scalars), and where each entry of it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath

from toolkit.documents.problems import DocumentError, Path, Problem, Spot
from toolkit.documents.source import DEFAULT, Limits, decode, read_bytes
from toolkit.errors import UsageError
from toolkit.text import clean

Locate = Callable[[Iterable[Path]], Mapping[Path, Spot]]
"""Return a spot for each path: its own, or that of its nearest parent that is there."""


@dataclass(frozen=True, slots=True)
class Document:
    """One file's value. `problems` hold it unusable; they are values so that others are found, too.

    `locate` finds positions; for formats whose parser gives none it reads the text once more.
    `whole` tells that the value is all of the document, whatever its problems.
    """

    source: str
    value: object
    locate: Locate
    problems: tuple[Problem, ...] = field(default=())
    whole: bool = True

    def usable(self) -> Document:
        """Return the document, or raise DocumentError with all its problems."""
        if self.problems:
            raise DocumentError(self.problems)
        return self


def read(path: FilePath, *, limits: Limits = DEFAULT) -> Document:
    """Read the YAML (.yaml, .yml) or JSON (.json) file at `path`.

    Raises UsageError where it can't be read or is of another kind; DocumentError where it is too
    large or no UTF-8. What is wrong inside is in the document's `problems`.
    """
    suffix = path.suffix.lower()
    if suffix not in {".yaml", ".yml", ".json"}:
        message = f'{clean(str(path))}: the name must end in ".yaml", ".yml" or ".json"'
        raise UsageError(message)
    text = decode(read_bytes(path, limits.size), str(path))
    return parse(text, str(path), json=suffix == ".json", limits=limits)


def parse(text: str, source: str, *, json: bool = False, limits: Limits = DEFAULT) -> Document:
    """Parse text as YAML 1.2, or as JSON; `source` names it in problems. Raises nothing."""
    if json:
        from toolkit.documents.jsontext import parse_json  # only the one in use

        return parse_json(text, source, limits)
    from toolkit.documents.yamltext import parse_yaml  # only the one in use

    return parse_yaml(text, source, limits)


def nowhere(source: str) -> Locate:
    """Return a `Locate` for values that have no positions, such as those of an option."""

    def locate(paths: Iterable[Path]) -> dict[Path, Spot]:
        return dict.fromkeys(paths, Spot(source))

    return locate
