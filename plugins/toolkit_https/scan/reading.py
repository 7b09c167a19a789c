"""One module of Python under examination, and one place in it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from toolkit_https.scan.model import Hit
from toolkit_https.scan.scopes import Imported, Known, Scope, constant_of, path_of


class UnreadableError(Exception):
    """A file that can't be read; the message is the reason, in a few words."""


@dataclass(slots=True)
class Module:
    """What the checks want to know of a whole module. Texts are expressions as Python unparses.

    imports   root names of what it imports
    targets   id of a value → the text of what it is assigned to
    stores    text → (attribute, value, scope) for each "text.attribute = value"
    methods   text → the names of methods that are called on it
    servers   texts of contexts that wrap the server's side
    awaited   ids of calls that are awaited
    """

    lines: Sequence[str]
    imports: set[str] = field(default_factory=set)
    targets: dict[int, str] = field(default_factory=dict)
    stores: dict[str, list[tuple[str, ast.expr, Scope]]] = field(default_factory=dict)
    methods: dict[str, set[str]] = field(default_factory=dict)
    servers: set[str] = field(default_factory=set)
    awaited: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Site:
    """A node with what is around it."""

    node: ast.AST
    scope: Scope
    module: Module

    def path(self, node: ast.expr | None) -> str:
        """Return what an expression stands for, "ssl.CERT_NONE", or ""."""
        return path_of(node, self.scope)

    def constant(self, node: ast.expr | None) -> Known | None:
        """Return the constant that an expression certainly is, or None."""
        return constant_of(node, self.scope)

    def off(self, node: ast.expr | None) -> Known | None:
        """Return the constant if the expression is False or 0, else None."""
        known = self.constant(node)
        return known if known and isinstance(known.value, int) and not known.value else None

    def hit(self, rule: str, message: str, node: ast.AST | None = None, remedy: str = "") -> Hit:
        """Return a hit at `node`, or here."""
        at = node or self.node
        line, end = getattr(at, "lineno", 1), getattr(at, "end_lineno", None) or 1
        return Hit(
            rule, line, self._column(line, getattr(at, "col_offset", 0)), message, remedy, end,
            self._column(end, getattr(at, "end_col_offset", None) or 0),
        )  # fmt: skip

    def _column(self, line: int, offset: int) -> int:
        """Return the column in characters, from 1: ast counts bytes of UTF-8, from 0."""
        text = self.module.lines[line - 1] if line <= len(self.module.lines) else ""
        return len(text.encode("utf-8", "surrogatepass")[:offset].decode("utf-8", "replace")) + 1


def keywords(site: Site, call: ast.Call) -> Mapping[str, ast.expr]:
    """Return the keyword arguments of a call, with those of dictionaries that are written out."""
    found: dict[str, ast.expr] = {}
    for keyword in call.keywords:
        if keyword.arg is not None:
            found[keyword.arg] = keyword.value
        else:
            found.update(_entries(site, keyword.value))
    return found


def _entries(site: Site, node: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.Name):
        bindings, _ = site.scope.find(node.id)
        only = bindings[0] if len(bindings) == 1 else None
        node = only if isinstance(only, ast.expr) else node
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value, value
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dict":
        yield from ((item.arg, item.value) for item in node.keywords if item.arg)


def summarised(lines: Sequence[str], pairs: Sequence[tuple[ast.AST, Scope]]) -> Module:
    """Return the module that these nodes make."""
    module = Module(lines)
    for node, scope in pairs:
        match node:
            case ast.Import() | ast.ImportFrom():
                module.imports |= _roots(node)
            case ast.Assign(targets=[target, *_], value=value):
                _note_store(module, target, value, scope)
            case ast.withitem(optional_vars=ast.expr() as target, context_expr=value):
                _note_store(module, target, value, scope)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                _note_store(module, target, value, scope)
            case ast.Await(value=value):
                module.awaited.add(id(value))
            case ast.Call():
                _note_call(module, node)
            case _:
                pass
    return module


def _roots(node: ast.Import | ast.ImportFrom) -> set[str]:
    if isinstance(node, ast.ImportFrom):
        return {(node.module or "").partition(".")[0]}
    return {alias.name.partition(".")[0] for alias in node.names}


def _note_store(module: Module, target: ast.expr, value: ast.expr, scope: Scope) -> None:
    if isinstance(target, (ast.Name, ast.Attribute)):
        module.targets[id(value)] = ast.unparse(target)
    if isinstance(target, ast.Attribute):
        place = module.stores.setdefault(ast.unparse(target.value), [])
        place.append((target.attr, value, scope))


def _note_call(module: Module, call: ast.Call) -> None:
    if not (isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.expr)):
        return
    if isinstance(call.func.value, (ast.Name, ast.Attribute)):
        text = ast.unparse(call.func.value)
        module.methods.setdefault(text, set()).add(call.func.attr)
        if any(word.arg == "server_side" for word in call.keywords):
            module.servers.add(text)


__all__ = ["Imported", "Module", "Site", "UnreadableError", "keywords", "summarised"]
