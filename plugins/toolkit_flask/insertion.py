"""The two lines: an import of `error_reporting`, and its call after the application is made."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from toolkit.errors import UsageError
from toolkit.text import clean
from toolkit_flask.constructors import Constructor
from toolkit_flask.source import Source, delete, indent_of, insert, statements_of

CALL = "init_error_reporting"
PACKAGE = "error_reporting"


@dataclass(frozen=True, slots=True)
class Present:
    """What a module holds of the two lines: the imports, the calls and what they are given."""

    imports: tuple[ast.stmt, ...]
    calls: tuple[ast.stmt, ...]
    applications: tuple[str, ...]


def present(tree: ast.Module) -> Present:
    """Find the two lines in a module, wherever the user has moved them."""
    imports, calls, applications = [], [], []
    for statement in statements_of(tree):
        if _is_import(statement):
            imports.append(statement)
        argument = _argument(statement)
        if argument is not None:
            calls.append(statement)
            applications.append(ast.unparse(argument))
    return Present(tuple(imports), tuple(calls), tuple(applications))


def _is_import(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.ImportFrom)
        and (node.module or "").rpartition(".")[2] == PACKAGE
        and [(alias.name, alias.asname) for alias in node.names] == [("init_app", CALL)]
    )


def _argument(node: ast.stmt) -> ast.expr | None:
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
        return None
    call = node.value
    named = ast.unparse(call.func) in {CALL, f"{PACKAGE}.init_app"}
    return call.args[0] if named and len(call.args) == 1 else None


def import_line(source: Source, is_package: bool) -> str:  # noqa: FBT001  what the folder says
    """Return the import statement as the module itself imports its neighbours."""
    dots = "." if is_package and not _is_run_as_script(source.tree) else ""
    return f"from {dots}{PACKAGE} import init_app as {CALL}"


def _is_run_as_script(tree: ast.Module) -> bool:
    """Tell whether a module is run as a program: a relative import would fail in it."""
    relative = any(isinstance(node, ast.ImportFrom) and node.level for node in ast.walk(tree))
    main = any(
        isinstance(node, ast.If) and ast.unparse(node.test).replace('"', "'")
        in {"__name__ == '__main__'", "'__main__' == __name__"}
        for node in tree.body
    )  # fmt: skip
    return main and not relative


def put_in(source: Source, chosen: Sequence[Constructor], statement: str) -> bytes:
    """Return the module with the import after its imports, and a call after each constructor.

    Raises UsageError where a constructor has no place for a line after it, or the result would not
    compile.
    """
    for item in chosen:
        if item.obstacle:
            raise UsageError(f"{clean(item.path)}:{item.line}: {item.obstacle}")
    before = min(item.line for item in chosen)
    places = [(_import_place(source, before), statement, b"")] if statement else []
    for item in chosen:
        first = next(node for node in statements_of(source.tree)
                     if node.end_lineno == item.end and _is_at(node, item))  # fmt: skip
        indent = indent_of(source.lines[first.lineno - 1])
        places.append((item.end, f"{CALL}({item.target})", indent))
    return insert(source, places)


def _is_at(node: ast.stmt, item: Constructor) -> bool:
    simple = isinstance(node, ast.Assign | ast.AnnAssign)
    return simple and node.lineno <= item.line <= (node.end_lineno or 0)


def _import_place(source: Source, before: int) -> int:
    """Return the line after which the import goes.

    That is the last of the top-level imports before line `before`, else the docstring, else the
    shebang and the encoding cookie.
    """
    place = _head(source)
    for node in source.tree.body:
        if node.lineno >= before:
            break
        first = node is source.tree.body[0]
        docstring = first and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if docstring or isinstance(node, ast.Import | ast.ImportFrom):
            place = _line_end(source, node)
    return place


def _head(source: Source) -> int:
    """Return how many lines at the start are a shebang or an encoding cookie (PEP 263)."""
    head = 0
    for number, line in enumerate(source.lines[:2], 1):
        if line.startswith(b"#!") or (line.lstrip().startswith(b"#") and b"coding" in line):
            head = number
    return head


def _line_end(source: Source, node: ast.stmt) -> int:
    """Return the last line of `node`, or of what begins on that line (`import os; import sys`)."""
    end = node.end_lineno or node.lineno
    while more := [other.end_lineno or 0 for other in source.tree.body
                   if other.lineno <= end < (other.end_lineno or 0)]:  # fmt: skip
        end = max(more)
    return end


def take_out(source: Source, names: Sequence[str]) -> bytes:
    """Return the module without the calls for `names` (all where empty).

    The import goes with the last of them. Raises UsageError where a line holds other statements.
    """
    found = present(source.tree)
    pairs = [
        (call, name)
        for call, name in zip(found.calls, found.applications, strict=True)
        if CALL in ast.unparse(call)  # what was written by hand, only hands know how to take out
    ]
    gone = [call for call, name in pairs if not names or name in names]
    if len(gone) == len(pairs):
        gone += found.imports
    return delete(source, gone)
