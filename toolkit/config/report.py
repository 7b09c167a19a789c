"""What `toolkit config` shows: values with origins, all problems, the schema."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from toolkit.config.layers import (
    Config,
    Layer,
    merged,
    section_problems,
    variable_name,
    variables_of,
)
from toolkit.documents.binding import Fault
from toolkit.documents.problems import Problem
from toolkit.documents.report import problems_of
from toolkit.documents.schema import DIALECT, json_schema
from toolkit.documents.secrets import MASK, masked
from toolkit.text import did_you_mean, nearest


@dataclass(frozen=True, slots=True)
class Row:
    """One key: its value in effect (secrets masked), its origin, whether anything uses it."""

    key: str
    value: object
    origin: str
    used: bool


def show(config: Config, sections: Mapping[str, type]) -> list[Row]:
    """Return every key of `sections`, then whatever else is set and used by nothing."""
    rows = [row for name, kind in sections.items() for row in _section(config, name, kind)]
    known = {row.key for row in rows}
    rows += [row for row in _set_in_files(config) if row.key not in known]
    names = {variable_name(tuple(key.split("."))) for key in known}
    alone = set(_alone(sections))
    for variable in sorted(set(config.variables) - names):
        rows.append(Row(variable, MASK, variable, used=variable in alone))
    return rows


def _alone(sections: Mapping[str, type]) -> Iterator[str]:
    """Yield the variables that set no key: what a section's type lists in `variables`."""
    for name, kind in sections.items():
        for word in getattr(kind, "variables", ()):
            yield variable_name((name, word))


def _section(config: Config, name: str, kind: type) -> Iterator[Row]:
    values = merged(config, name, kind)
    for item in dataclasses.fields(kind):
        path = (name, item.name)
        value = values[item.name] if item.name in values else _default(item)
        key = ".".join(path)
        yield Row(key, masked(path, value), str(config.origin(key)), used=True)


def _default(item: dataclasses.Field[object]) -> object:
    if item.default is not dataclasses.MISSING:
        return list(item.default) if isinstance(item.default, tuple) else item.default
    if item.default_factory is not dataclasses.MISSING:
        return item.default_factory()
    return None


def _set_in_files(config: Config) -> Iterator[Row]:
    seen: set[str] = set()
    for layer in reversed(config.layers):
        for name, content in layer.values.items():
            for key, value in content.items() if isinstance(content, dict) else [("", content)]:
                dotted = f"{name}.{key}" if key else name
                if dotted not in seen:
                    seen.add(dotted)
                    shown = masked((name, key), value)
                    yield Row(dotted, shown, str(config.origin(dotted)), used=False)


def check(config: Config, sections: Mapping[str, type]) -> list[Problem]:
    """Return all that is wrong in all files and variables.

    A section that no installed plugin has is an error only where it looks like a slip of one: the
    configuration may be shared with machines that have more plugins.
    """
    problems: list[Problem] = []
    for layer in config.layers:
        problems += layer.problems
        problems += _misspelt(layer, sections)
        for name, kind in sections.items():
            problems += section_problems(layer, name, kind)
    for name, kind in sections.items():
        problems += [item for _, _, found in variables_of(config, name, kind) for item in found]
    return [*problems, *_unknown_variables(config, sections)]


def _misspelt(layer: Layer, sections: Mapping[str, type]) -> list[Problem]:
    faults = [
        Fault((name,), "is no known section", did_you_mean(name, sections), of_key=True)
        for name in layer.values
        if name not in sections and nearest(name, sections)
    ]
    return problems_of(layer.document, faults)


def _unknown_variables(config: Config, sections: Mapping[str, type]) -> Iterator[Problem]:
    known = [
        variable_name((name, item.name))
        for name, kind in sections.items()
        for item in dataclasses.fields(kind)
    ]
    starts = tuple(variable_name((name, "")) for name in sections)
    for variable in sorted(set(config.variables) - {*known, *_alone(sections)}):
        if variable.startswith(starts):
            hint = did_you_mean(variable, known)
            yield Problem(variable, 0, 0, "", "no key is set by this variable", hint)


def schema(sections: Mapping[str, type]) -> dict[str, object]:
    """Return the JSON Schema of toolkit.yaml; sections of other plugins are allowed."""
    return {
        "$schema": DIALECT,
        "title": "toolkit.yaml",
        "type": "object",
        "properties": {name: json_schema(kind) for name, kind in sections.items()},
    }
