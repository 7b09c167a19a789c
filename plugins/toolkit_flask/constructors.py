"""Where a tree constructs its Flask applications, found by reading, without running anything."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from toolkit.errors import UsageError
from toolkit_flask.source import Source, Unread, UnreadableError, parse, read_bytes

FLASK = {"flask.Flask", "flask.app.Flask"}
DESCENDANTS = {"apiflask.APIFlask", "flask_openapi3.OpenAPI", "flask_api.FlaskAPI", "eve.Eve"}
"""Subclasses of Flask that other distributions offer under these names."""
SKIPPED = {"node_modules", "__pycache__", "site-packages", "error_reporting"}
ASIDE = {"test", "tests", "testing", "doc", "docs", "example", "examples", "benchmarks", "scripts"}
"""Folders whose applications are chosen by name only, where the tree has others."""
MAX_MODULES = 20_000


@dataclass(frozen=True, slots=True)
class Constructor:
    """One call that makes an application.

    path        the module, relative to the root (POSIX)
    line        where the call begins; `end` is the last line of its statement
    scope       the functions and classes around it: "create_app"
    target      what it is assigned to: "app", "self.app"; "" where to nothing
    class_name  the class that is called, as it is written
    obstacle    why no line can be put after it; "" if one can
    """

    path: str
    line: int
    end: int
    scope: str
    target: str
    class_name: str
    obstacle: str = ""

    @property
    def name(self) -> str:
        """What `--app path:name` calls it: "create_app.app"."""
        return ".".join(part for part in (self.scope, self.target or "?") if part)

    @property
    def label(self) -> str:
        """`path:name`."""
        return f"{self.path}:{self.name}"

    @property
    def aside(self) -> bool:
        """It belongs to tests, documentation or examples."""
        return is_aside(self.path)


def is_aside(path: str) -> bool:
    """Tell whether a module belongs to tests, documentation or examples."""
    folders = Path(path).parts
    return bool({part.lower() for part in folders[:-1]} & ASIDE) or _is_test(folders[-1])


def _is_test(name: str) -> bool:
    return name.startswith("test_") or name.endswith("_test.py") or name == "conftest.py"


@dataclass(frozen=True, slots=True)
class Survey:
    """All constructors of a tree, in order; `unread` are modules that may hold more of them."""

    constructors: tuple[Constructor, ...]
    sources: Mapping[str, Source]
    unread: tuple[Unread, ...] = ()


def modules(root: Path) -> Iterator[Path]:
    """Yield the tree's Python files, sorted; nothing hidden, virtual environments, linked folders.

    `.#app.py` is an editor's lock and `._app.py` a Mac's attributes: neither is a module's name.
    """
    if root.is_file():
        yield root
        return
    for folder, names, files in os.walk(root):
        names[:] = sorted(
            name
            for name in names
            if not name.startswith(".")
            and name not in SKIPPED
            and not (Path(folder) / name / "pyvenv.cfg").exists()
        )
        yield from (Path(folder) / name for name in sorted(files) if is_module(name))


def is_module(name: str) -> bool:
    """Tell whether a file is a module by its name."""
    return name.endswith(".py") and not name.startswith(".")


def survey(root: Path) -> Survey:
    """Read all modules below `root` and return the constructors in them.

    Raises UsageError where there are too many modules to be one application.
    """
    base = root.parent if root.is_file() else root
    paths = list(modules(root))
    if len(paths) > MAX_MODULES:
        raise UsageError(f"{root}: more than {MAX_MODULES} modules",
                         hint="name the application's own folder")  # fmt: skip
    reading = _Reading(base, paths)
    reading.read_those_with(*_HINTS)
    classes = _subclasses(reading.sources)
    while reading.read_those_with(*_tails(classes - FLASK - DESCENDANTS)):
        classes = _subclasses(reading.sources)
    found = [
        item
        for name, source in sorted(reading.sources.items())
        for item in _of_module(name, source, classes)
    ]
    return Survey(tuple(found or _inits(reading.sources, classes)), reading.sources,
                  tuple(sorted(reading.unread, key=lambda item: item.path)))  # fmt: skip


def _tails(names: Iterable[str]) -> list[bytes]:
    return [name.rpartition(".")[2].encode() for name in names]


_HINTS = (b"flask", b"from eve ", b"import eve", b"SMTPHandler", b"FileHandler")
"""A module without any of these imports no class of Flask's and has no handler to warn of."""


class _Reading:
    """The modules that have been parsed: only those that may matter are."""

    def __init__(self, base: Path, paths: Iterable[Path]) -> None:
        """Read the bytes of all."""
        self._base = base
        self._raw: dict[Path, bytes] = {}
        self.sources: dict[str, Source] = {}
        self.unread: list[Unread] = []
        for path in paths:
            try:
                self._raw[path] = read_bytes(path)
            except UnreadableError as error:
                self.unread.append(error.at(self._name(path)))

    def _name(self, path: Path) -> str:
        return path.relative_to(self._base).as_posix()

    def read_those_with(self, *words: bytes) -> bool:
        """Parse the modules that hold one of `words`; tell whether there was a new one."""
        wanted = [path for path, raw in self._raw.items() if any(word in raw for word in words)]
        for path in wanted:
            name = self._name(path)
            try:
                self.sources[name] = parse(path, self._raw.pop(path))
            except UnreadableError as error:
                self.unread.append(error.at(name))
        return bool(wanted)


@dataclass(frozen=True, slots=True)
class _Names:
    """What the names of one module mean: local name → dotted origin."""

    module: str
    meaning: Mapping[str, str] = field(default_factory=dict)

    def resolve(self, node: ast.expr) -> str:
        """Return the dotted origin of a name or attribute, "" where it isn't known."""
        if isinstance(node, ast.Name):
            return self.meaning.get(node.id, "")
        if isinstance(node, ast.Attribute):
            base = self.resolve(node.value)
            return f"{base}.{node.attr}" if base else ""
        if isinstance(node, ast.Subscript):  # a generic class
            return self.resolve(node.value)
        return ""


def _dotted(path: str) -> str:
    parts = Path(path).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _names(path: str, tree: ast.Module) -> _Names:
    module = _dotted(path)
    package = module if path.endswith("__init__.py") else module.rpartition(".")[0]
    meaning: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                head = alias.name if alias.asname else alias.name.partition(".")[0]
                meaning[alias.asname or head] = head
        elif isinstance(node, ast.ImportFrom):
            origin = _origin(node, package)
            for alias in node.names:
                meaning[alias.asname or alias.name] = f"{origin}.{alias.name}".lstrip(".")
        elif isinstance(node, ast.ClassDef):
            meaning[node.name] = f"{module}.{node.name}".lstrip(".")
    return _Names(module, meaning)


def _origin(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parts = package.split(".") if package else []
    base = parts[: len(parts) - node.level + 1]
    return ".".join([*base, *([node.module] if node.module else [])])


def _subclasses(sources: Mapping[str, Source]) -> set[str]:
    """Return the dotted names of Flask, its known descendants and the tree's own subclasses."""
    bases: list[tuple[str, list[str]]] = []
    for path, source in sources.items():
        names = _names(path, source.tree)
        for node in ast.walk(source.tree):
            if isinstance(node, ast.ClassDef):
                origins = [names.resolve(base) for base in node.bases]
                bases.append((f"{names.module}.{node.name}".lstrip("."), origins))
    known = FLASK | DESCENDANTS
    while more := {name for name, origins in bases if _any_known(origins, known)} - known:
        known |= more
    return known


def _any_known(origins: Sequence[str], known: set[str]) -> bool:
    return any(origin and is_known(origin, known) for origin in origins)


def is_known(origin: str, known: set[str]) -> bool:
    """Tell whether a dotted name is one of `known`, where a root above ours may be left out.

    A tree at `src/` imports its modules as `package.module`, and a package at the root itself by
    its own name, which we don't see.
    """
    if origin in known:
        return True
    tail = origin.rpartition(".")[2]
    return any(
        name.endswith(f".{origin}") or origin.endswith(f".{name}")
        for name in known - FLASK
        if name.rpartition(".")[2] == tail
    )


def _of_module(path: str, source: Source, known: set[str]) -> Iterator[Constructor]:
    names = _names(path, source.tree)
    yield from _of_block(_Place(path, source, names, known, ""), source.tree)


@dataclass(frozen=True, slots=True)
class _Place:
    path: str
    source: Source
    names: _Names
    known: set[str]
    scope: str


def _inits(sources: Mapping[str, Source], known: set[str]) -> Iterator[Constructor]:
    """Yield the places in subclasses of Flask after their base is initialised.

    For a tree that constructs its subclass in no way that can be read, such as by a parameter.
    """
    for path, source in sorted(sources.items()):
        names = _names(path, source.tree)
        for node in ast.walk(source.tree):
            if isinstance(node, ast.ClassDef) and any(
                is_known(names.resolve(base), known) for base in node.bases if names.resolve(base)
            ):
                yield from _of_class(path, source, node)


def _of_class(path: str, source: Source, node: ast.ClassDef) -> Iterator[Constructor]:
    for function in node.body:
        if not isinstance(function, ast.FunctionDef) or function.name != "__init__":
            continue
        this = function.args.args[0].arg if function.args.args else ""
        for statement in ast.walk(function):
            if isinstance(statement, ast.Expr) and _initialises_base(statement.value):
                yield Constructor(
                    path, statement.lineno, statement.end_lineno or 0, f"{node.name}.__init__",
                    this, node.name, _obstacle(source, statement, this),
                )  # fmt: skip


def _initialises_base(node: ast.expr) -> bool:
    """Tell whether it is `super().__init__(…)` or `Flask.__init__(self, …)`."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "__init__"
    )


def _of_block(place: _Place, node: ast.AST) -> Iterator[Constructor]:
    """Yield the constructors in the statements below `node`, each with its scope."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            scope = ".".join(part for part in (place.scope, child.name) if part)
            inner = _Place(place.path, place.source, place.names, place.known, scope)
            yield from _of_block(inner, child)
        elif isinstance(child, ast.stmt):
            yield from _of_statement(place, child)
            yield from _of_block(place, child)
        elif isinstance(child, ast.excepthandler | ast.match_case):
            yield from _of_block(place, child)


def _of_statement(place: _Place, statement: ast.stmt) -> Iterator[Constructor]:
    """Yield the calls in a statement's own expressions, not in the statements inside it."""
    for call in _calls(statement):
        origin = place.names.resolve(call.func)
        if origin and is_known(origin, place.known):
            target = _target(statement, call)
            yield Constructor(
                place.path,
                call.lineno,
                statement.end_lineno or statement.lineno,
                place.scope,
                target,
                ast.unparse(call.func),
                _obstacle(place.source, statement, target),
            )


def _calls(statement: ast.stmt) -> Iterator[ast.Call]:
    waiting: list[ast.AST] = [
        child for child in ast.iter_child_nodes(statement) if isinstance(child, ast.expr)
    ]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Call):
            yield node
        waiting += [child for child in ast.iter_child_nodes(node)
                    if not isinstance(child, ast.stmt)]  # fmt: skip


def _target(statement: ast.stmt, call: ast.Call) -> str:
    """Return the name or attribute that the call's value is assigned to, "" for anything else."""
    targets: list[ast.expr] = []
    if isinstance(statement, ast.Assign) and statement.value is call:
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign) and statement.value is call:
        targets = [statement.target]
    plain = [node for node in targets if isinstance(node, ast.Name | ast.Attribute)]
    return ast.unparse(plain[0]) if plain else ""


def _obstacle(source: Source, statement: ast.stmt, target: str) -> str:
    if not target:
        return "it is not assigned to a name: write `app = …` on a line of its own"
    if not target.isascii():
        return "its name is not ASCII"
    if source.line(statement.lineno)[: statement.col_offset].strip(b" \t\f"):
        return "it shares its line with another statement"
    end = source.line(statement.end_lineno or statement.lineno)
    rest = end[statement.end_col_offset or 0 :].strip(b" \t\f\r\n;")
    return "it shares its line with another statement" if rest and rest[:1] != b"#" else ""
