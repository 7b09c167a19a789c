"""Names in a Python module followed to what they stand for, as far as that is certain.

A name that is bound twice to different values stands for nothing: no guess is made. Nothing is
imported, and other files are not looked into.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

MAX_DEPTH = 20
FOLLOWED_STARS = ("ssl", "requests", "pycurl", "httpx", "smtplib", "imaplib", "poplib", "ftplib")
"""Modules whose `from … import *` is followed."""
_SAME = {
    "requests.api.": "requests.",
    "requests.sessions.": "requests.",
    "requests.session()": "requests.Session()",
    "requests.packages.urllib3": "urllib3",
    "six.moves.urllib.": "urllib.",
    "urllib3.util.ssl_.": "urllib3.",
    "pycurl.Curl().": "pycurl.",
}
_SEVERAL = ("requests.", "six.", "urllib3.util.", "pycurl.")
_Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(frozen=True, slots=True)
class Imported:
    """A name that an import binds; `path` is where from: "requests.get"."""

    path: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """A name that a call binds."""

    default: ast.expr | None
    annotation: ast.expr | None


class Unknown:
    """What can't be told: a loop's variable, an exception, a part of something."""


Binding: TypeAlias = Imported | Parameter | Unknown | ast.expr
UNKNOWN = Unknown()


@dataclass(frozen=True, slots=True)
class Known:
    """A constant; `by_default`: it is what a parameter is unless the caller says otherwise."""

    value: object
    by_default: bool = False


@dataclass(slots=True)
class Scope:
    """Module, class or function: what its names are bound to; "self.x" is a name of the class."""

    parent: Scope | None = None
    is_class: bool = False
    bound: dict[str, list[Binding]] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    bases: Sequence[ast.expr] = ()
    paths: dict[str, str] = field(default_factory=dict)
    """What was found out of names; a name that is being followed is "" here: loops end."""
    constants: dict[str, Known | None] = field(default_factory=dict)

    def bind(self, name: str, value: Binding) -> None:
        """Remember a binding."""
        self.bound.setdefault(name, []).append(value)

    def find(self, name: str) -> tuple[list[Binding], Scope]:
        """Return all bindings of a name in the nearest scope that has any, and that scope.

        The names of a class aren't seen from its functions, but for those with a dot.
        """
        scope: Scope | None = self
        while scope is not None:
            visible = scope is self or not scope.is_class or "." in name
            if visible and name in scope.bound:
                return scope.bound[name], scope
            scope = scope.parent
        return [], self

    def owner(self) -> Scope | None:
        """Return the scope of the class around this one, if there is one."""
        scope: Scope | None = self
        while scope is not None and not scope.is_class:
            scope = scope.parent
        return scope


def scoped(tree: ast.Module) -> list[tuple[ast.AST, Scope]]:
    """Return every node with its scope, by position. Not recursive: code may be nested deeply."""
    found: list[tuple[ast.AST, Scope]] = []
    waiting: list[tuple[ast.AST, Scope]] = [(tree, Scope())]
    while waiting:
        node, scope = waiting.pop()
        found.append((node, scope))
        inner = _inside(node, scope)
        _bind(node, scope, inner)
        waiting += [(child, inner) for child in ast.iter_child_nodes(node)]
    return sorted(found, key=lambda pair: _position(pair[0]))


def _position(node: ast.AST) -> tuple[int, int]:
    return getattr(node, "lineno", 0), getattr(node, "col_offset", 0)


def _inside(node: ast.AST, scope: Scope) -> Scope:
    if isinstance(node, ast.ClassDef):
        return Scope(scope, is_class=True, bases=node.bases)
    if isinstance(node, _Function):
        return Scope(scope)
    return scope


def _bind(node: ast.AST, scope: Scope, inner: Scope) -> None:
    if isinstance(node, _Function):
        for name, parameter in _parameters(node.args):
            inner.bind(name, parameter)
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        scope.bind(node.name, UNKNOWN)
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        _bind_import(node, scope)
    else:
        for target, value in _assigned(node):
            _bind_target(target, value, scope)


def _parameters(arguments: ast.arguments) -> Iterator[tuple[str, Parameter]]:
    positional = [*arguments.posonlyargs, *arguments.args]
    missing = len(positional) - len(arguments.defaults)
    defaults: list[ast.expr | None] = [*([None] * missing), *arguments.defaults]
    for argument, default in zip(positional, defaults, strict=True):
        yield argument.arg, Parameter(default, argument.annotation)
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield argument.arg, Parameter(default, argument.annotation)
    for rest in (arguments.vararg, arguments.kwarg):
        if rest is not None:
            yield rest.arg, Parameter(None, None)


def _bind_import(node: ast.Import | ast.ImportFrom, scope: Scope) -> None:
    if isinstance(node, ast.Import):
        for alias in node.names:
            whole = alias.name if alias.asname else alias.name.partition(".")[0]
            scope.bind(alias.asname or whole, Imported(whole))
        return
    module = "." * node.level + (node.module or "")
    for alias in node.names:
        if alias.name == "*":
            scope.stars += [module] if module in FOLLOWED_STARS else []
        else:
            scope.bind(alias.asname or alias.name, Imported(f"{module}.{alias.name}"))


def _assigned(node: ast.AST) -> Iterator[tuple[ast.expr, Binding]]:
    """Yield what a statement binds, and to what."""
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield target, value
        case ast.AnnAssign(target=target, annotation=annotation, value=value):
            yield target, value or Parameter(None, annotation)
        case ast.NamedExpr(target=target, value=value):
            yield target, value
        case ast.withitem(optional_vars=ast.expr() as target, context_expr=value):
            yield target, value
        case ast.AugAssign(target=target) | ast.For(target=target):
            yield target, UNKNOWN
        case ast.AsyncFor(target=target) | ast.comprehension(target=target):
            yield target, UNKNOWN
        case _:
            pass


def _bind_target(target: ast.expr, value: Binding, scope: Scope) -> None:
    if isinstance(target, (ast.Tuple, ast.List)):
        same = isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts)
        values: Sequence[Binding] = (
            value.elts
            if same and isinstance(value, (ast.Tuple, ast.List))
            else [UNKNOWN for _ in target.elts]
        )
        for part, bound in zip(target.elts, values, strict=True):
            _bind_target(part, bound, scope)
    elif isinstance(target, ast.Starred):
        _bind_target(target.value, UNKNOWN, scope)
    elif isinstance(target, ast.Name):
        scope.bind(target.id, value)
    elif name := _of_self(target):
        (scope.owner() or scope).bind(name, value)


def _of_self(node: ast.expr) -> str:
    """Return "self.x" for an attribute of self or cls, else ""."""
    match node:
        case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=attribute):
            return f"self.{attribute}"
        case _:
            pass
    return ""


def path_of(node: ast.expr | None, scope: Scope, depth: int = 0) -> str:
    """Return what an expression stands for: "ssl.CERT_NONE", "smtplib.SMTP().starttls", or "".

    A call is the path of what is called with "()": an instance, for a class.
    """
    if node is None or depth > MAX_DEPTH:
        return ""
    match node:
        case ast.Name(id=name):
            found = _of_bindings(name, scope, depth)
        case ast.Attribute(value=value, attr=attribute):
            found = _of_bindings(_of_self(node), scope, depth)
            if not found and (base := path_of(value, scope, depth + 1)):
                found = f"{base}.{attribute}"
        case ast.Call(func=ast.Name(id="getattr"), args=[what, ast.Constant(value=str(name)), *_]):
            base = path_of(what, scope, depth + 1)
            found = f"{base}.{name}" if base else ""
        case ast.Call(func=function):
            base = path_of(function, scope, depth + 1)
            found = f"{base}()" if base else ""
        case ast.Await(value=value):
            found = path_of(value, scope, depth + 1)
        case _:
            found = ""
    return _usual(found)


def _of_bindings(name: str, scope: Scope, depth: int) -> str:
    if not name:
        return ""
    bindings, where = scope.find(name)
    if not bindings:
        return "" if "." in name else _of_stars(name, scope)
    if name not in where.paths:
        where.paths[name] = ""
        paths = (_of_binding(binding, where, depth + 1) for binding in bindings)
        where.paths[name] = next(filter(None, paths), "")
    return where.paths[name]


def _of_binding(binding: Binding, where: Scope, depth: int) -> str:
    match binding:
        case Imported(path=path):
            return path
        case Parameter(annotation=ast.expr() as annotation):
            base = path_of(annotation, where, depth)
            return f"{base}()" if base else ""
        case ast.expr():
            return path_of(binding, where, depth)
        case _:
            pass
    return ""


def _of_stars(name: str, scope: Scope) -> str:
    outer: Scope | None = scope
    while outer is not None:
        if outer.stars and (name[:1].isupper() or name in {"wrap_socket", "get", "post"}):
            return f"{outer.stars[-1]}.{name}"
        outer = outer.parent
    return ""


def _usual(path: str) -> str:
    """Return a path by its usual name: libraries have several for one thing."""
    if path.startswith(_SEVERAL):
        for other, usual in _SAME.items():
            if path.startswith(other):
                return usual + path[len(other) :]
    return path


def constant_of(node: ast.expr | None, scope: Scope, depth: int = 0) -> Known | None:
    """Return the constant that an expression certainly is, or None."""
    if node is None or depth > MAX_DEPTH:
        return None
    match node:
        case ast.Constant(value=value):
            return Known(value)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = constant_of(operand, scope, depth + 1)
            return Known(not inner.value, inner.by_default) if inner else None
        case ast.Name(id=name):
            return _agreed(name, scope, depth)
        case ast.Attribute():
            return _agreed(_of_self(node), scope, depth)
        case _:
            pass
    return None


def _agreed(name: str, scope: Scope, depth: int) -> Known | None:
    """Return the constant that all bindings of a name are, if they are all the same one."""
    bindings, where = scope.find(name)
    if bindings and name not in where.constants:
        where.constants[name] = None
        found = {_constant(binding, where, depth + 1) for binding in bindings}
        where.constants[name] = found.pop() if len(found) == 1 else None
    return where.constants.get(name)


def _constant(binding: Binding, where: Scope, depth: int) -> Known | None:
    match binding:
        case Parameter(default=ast.expr() as default):
            known = constant_of(default, where.parent or where, depth)
            return Known(known.value, by_default=True) if known else None
        case ast.expr():
            return constant_of(binding, where, depth)
        case _:
            pass
    return None
