"""The two lines: an import of `error_reporting`, and its call after the application is made."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """Where a module and `error_reporting` lie: the dotted package, the modules beside them.

    `package` is "" where the folder is none.
    """

    package: str
    modules: frozenset[str]


def neighbourhood(folder: Path) -> Neighbourhood:
    """Look at the folder in which `error_reporting` is going to be."""
    modules = frozenset(path.stem for path in folder.glob("*.py"))
    names: list[str] = []
    here = folder.resolve()
    while (here / "__init__.py").exists():
        names.insert(0, here.name)
        here = here.parent
    return Neighbourhood(".".join(names), modules)


def import_line(source: Source, near: Neighbourhood) -> str:
    """Return the import statement as the module itself imports its neighbours.

    In a package that is relatively, or by the package's name; by the bare name in a script's
    folder, also where an `__init__.py` lies in it.
    """
    tops, relative = _imported(source.tree)
    top = near.package.partition(".")[0]
    if relative:
        prefix = "."
    elif top and top in tops:
        prefix = f"{near.package}."
    elif top and not tops & (near.modules - {"__init__"}):
        prefix = "."
    else:
        prefix = ""
    return f"from {prefix}{PACKAGE} import init_app as {CALL}"


def _imported(tree: ast.Module) -> tuple[set[str], bool]:
    """Return the top-level names that a module imports, and whether it imports relatively."""
    tops: set[str] = set()
    relative = False
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            tops |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            relative |= node.level > 0
            tops |= {(node.module or "").partition(".")[0]} if not node.level else set()
    return tops, relative


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
    simple = isinstance(node, ast.Assign | ast.AnnAssign | ast.Expr)
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
