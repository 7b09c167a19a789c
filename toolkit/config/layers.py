"""The layers, merged key by key, each value with its origin."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from toolkit.config import files
from toolkit.config.files import Ignored

if TYPE_CHECKING:  # where no file exists, nothing of this is needed
    from toolkit.documents import Document, DocumentError, Problem

S = TypeVar("S")
KeyPath: TypeAlias = tuple[str | int, ...]
PREFIX = "TOOLKIT_"
RESERVED_VARIABLES = {"TOOLKIT_CONFIG", files.SYSTEM_VARIABLE, "TOOLKIT_DISABLE_PLUGINS"}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value came from: `kind` is default, file or variable; `where` as users read it."""

    kind: str
    where: str

    def __str__(self) -> str:
        """Return "default", "/path/toolkit.yaml:3" or the variable's name."""
        return self.where


DEFAULT = Origin("default", "default")


@dataclass(frozen=True, slots=True)
class Layer:
    """One file: `values` is empty where it is no mapping, and `problems` says so."""

    kind: str
    path: Path
    document: Document
    problems: tuple[Problem, ...]

    @property
    def values(self) -> Mapping[str, object]:
        """Section name → its content."""
        return self.document.value if isinstance(self.document.value, dict) else {}


@dataclass(frozen=True, slots=True)
class Config:
    """What was found; sections are bound to their types when they are asked for."""

    layers: tuple[Layer, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[Ignored, ...] = ()

    @property
    def files(self) -> tuple[Path, ...]:
        """The files in effect, the weakest first."""
        return tuple(layer.path for layer in self.layers)

    def section(self, name: str, kind: type[S]) -> S:
        """Return the section `name` as the dataclass `kind`.

        Raises DocumentError with all that is wrong in it, wherever it comes from.
        """
        if not self.layers and not self._has_variables(name):
            return kind()
        from toolkit.documents import DocumentError, Problem, bind

        problems = [item for layer in self.layers for item in layer.problems]
        for layer in self.layers:
            problems += section_problems(layer, name, kind)
        problems += [item for _, _, found in variables_of(self, name, kind) for item in found]
        if problems:
            raise DocumentError(problems)
        # What is missing in the whole has no place in a file; the section's name is its place.
        model, faults = bind(kind, merged(self, name, kind), path=(name,))
        if model is None or faults:
            raise DocumentError([Problem("configuration", 0, 0, name, f.message) for f in faults])
        return model

    def origin(self, key: str) -> Origin:
        """Return where the value of the dotted `key` ("https.ca") came from."""
        path = tuple(key.split("."))
        variable = variable_name(path)
        if variable in self.variables:
            return Origin("variable", variable)
        layer = self._layer_of(path)
        if layer is None:
            return DEFAULT
        line = layer.document.locate([path])[path].line
        return Origin("file", f"{layer.path}:{line}")

    def folder_of(self, key: str) -> Path | None:
        """Return the folder of the file that set `key`: relative paths in it start there."""
        if self.origin(key).kind != "file":
            return None
        layer = self._layer_of(tuple(key.split(".")))
        return layer.path.parent if layer else None

    def _has_variables(self, name: str) -> bool:
        start = variable_name((name, ""))
        return any(variable.startswith(start) for variable in self.variables)

    def _layer_of(self, path: KeyPath) -> Layer | None:
        return next((layer for layer in reversed(self.layers) if _holds(layer.values, path)), None)


def load(*, environ: Mapping[str, str], cwd: Path, explicit: str = "") -> Config:
    """Read the layers. `explicit` is --config's file (else TOOLKIT_CONFIG's).

    Raises UsageError where a named file can't be read; what is wrong in a file is its problem.
    """
    named = explicit or environ.get("TOOLKIT_CONFIG", "")
    layers: list[Layer] = []
    warnings: list[Ignored] = []
    for place in files.places(environ, cwd, named):
        text = files.read(place)
        if isinstance(text, Ignored):
            warnings.append(text)
        elif text is not None and place.path not in {layer.path for layer in layers}:
            layers.append(_layer(place, text))
    variables = {
        name: value
        for name, value in environ.items()
        if name.startswith(PREFIX) and name not in RESERVED_VARIABLES
    }
    return Config(tuple(layers), variables, tuple(warnings))


def _layer(place: files.Place, text: str | DocumentError) -> Layer:
    from toolkit.documents import Document, DocumentError, Fault, parse, problems_of

    source = str(place.path)
    if isinstance(text, DocumentError):
        empty = Document(source, None, lambda _paths: {}, text.problems)
        return Layer(place.kind, place.path, empty, text.problems)
    document = parse(text, source)
    problems = document.problems
    if not problems and not isinstance(document.value, dict | None):
        wrong = Fault((), "a configuration file is a mapping of sections", 'such as "https:"')
        problems = tuple(problems_of(document, [wrong]))
    return Layer(place.kind, place.path, document, problems)


def section_problems(layer: Layer, name: str, kind: type) -> list[Problem]:
    """Return what is wrong with the section `name` in one file (what is missing is no fault)."""
    from toolkit.documents import bind, problems_of

    if name not in layer.values or not layer.document.whole:
        return []
    _, faults = bind(_without_required(kind), layer.values[name], path=(name,))
    return problems_of(layer.document, faults)


def _without_required(kind: Any) -> Any:
    """Return a dataclass like `kind` with every field optional."""
    from typing import get_type_hints

    fields = dataclasses.fields(kind)
    if all(_has_default(item) for item in fields):
        return kind
    hints = get_type_hints(kind, include_extras=True)
    made = [(item.name, hints[item.name], dataclasses.field(default=None)) for item in fields]
    return dataclasses.make_dataclass(kind.__name__, made)


def _has_default(item: dataclasses.Field[Any]) -> bool:
    missing = dataclasses.MISSING
    return item.default is not missing or item.default_factory is not missing


def variable_name(path: KeyPath) -> str:
    """Return the variable that sets the key at `path`: ("https", "ca") is TOOLKIT_HTTPS_CA."""
    return PREFIX + "_".join(str(part) for part in path).upper().replace("-", "_")


def variables_of(
    config: Config, name: str, kind: Any
) -> Iterator[tuple[str, object, list[Problem]]]:
    """Yield (key, value, problems) for each variable that sets a key of the section."""
    from typing import get_type_hints

    from toolkit.documents import bind, problems_of
    from toolkit.documents.document import Document, nowhere

    hints = get_type_hints(kind, include_extras=True)
    for item in dataclasses.fields(kind):
        variable = variable_name((name, item.name))
        if variable not in config.variables:
            continue
        path = (name, item.name)
        value, faults = bind(hints[item.name], config.variables[variable], path=path, text=True)
        document = Document(variable, None, nowhere(variable))
        yield item.name, value, problems_of(document, faults)


def merged(config: Config, name: str, kind: Any) -> dict[str, object]:
    """Return the section's values of all layers, ready to be bound; variables as bound values."""
    values: dict[str, object] = {}
    for layer in config.layers:
        values = _merge(values, layer.values.get(name))
    for key, value, _ in variables_of(config, name, kind):
        values[key] = list(value) if isinstance(value, tuple) else value
    return values


def _merge(below: dict[str, object], above: object) -> dict[str, object]:
    """Mappings are merged key by key; anything else, lists too, is replaced."""
    if not isinstance(above, dict):
        return below
    result = dict(below)
    for key, value in above.items():
        old = result.get(key)
        both = isinstance(old, dict) and isinstance(value, dict)
        result[key] = _merge(old, value) if both and isinstance(old, dict) else value
    return result


def _holds(values: object, path: KeyPath) -> bool:
    for part in path:
        if not isinstance(values, dict) or part not in values:
            return False
        values = values[part]
    return True
