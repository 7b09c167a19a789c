"""What an application does that will surprise its operator once errors are reported.

Found by reading: its own mail or file handlers (mail twice), and handlers of exceptions that tell
nobody. A warning is a place and a sentence; it stops nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from toolkit_flask.source import Source

MAILERS = {"SMTPHandler": "mails log records itself: errors will be mailed twice"}
FILES = dict.fromkeys(
    ("FileHandler", "RotatingFileHandler", "TimedRotatingFileHandler"),
    "has its own log file: errors will stand in it, too",
)
ROTATING = "; with several workers it loses lines (WatchedFileHandler and logrotate do not)"
BROAD = {"Exception", "BaseException"}


@dataclass(frozen=True, slots=True)
class Hazard:
    """One warning: the module relative to the root, the sentence, line and column (0: unknown)."""

    path: str
    line: int
    message: str
    column: int = 0


def hazards(sources: Mapping[str, Source]) -> list[Hazard]:
    """Return the warnings for the modules of a survey, in order."""
    found = [item for path, source in sources.items() for item in _of(path, source.tree)]
    return sorted(found, key=lambda item: (item.path, item.line))


def _of(path: str, tree: ast.Module) -> Iterator[Hazard]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            message = _handler(_tail(node.func))
            if message:
                yield Hazard(path, node.lineno, message)
        elif isinstance(node, ast.Constant) and str(node.value).startswith("logging."):
            message = _handler(str(node.value).rpartition(".")[2])  # of logging.config.dictConfig
            if message:
                yield Hazard(path, node.lineno, message)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _error_handler(path, node)
        elif isinstance(node, ast.ExceptHandler) and _is_broad(node) and _is_silent(node.body):
            message = "swallows every exception: nobody is told of them"
            yield Hazard(path, node.lineno, message)


def _tail(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _handler(name: str) -> str:
    message = MAILERS.get(name) or FILES.get(name, "")
    return message + (ROTATING if "Rotating" in name else "")


def _error_handler(path: str, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Hazard]:
    for decorator in node.decorator_list:
        if (
            isinstance(decorator, ast.Call)
            and _tail(decorator.func) in {"errorhandler", "app_errorhandler"}
            and any(_tail(argument) in BROAD for argument in decorator.args)
        ):
            message = f"{node.name} answers every exception: Flask itself logs none of them"
            yield Hazard(path, node.lineno, message)


def _is_broad(node: ast.ExceptHandler) -> bool:
    return node.type is None or _tail(node.type) in BROAD


def _is_silent(body: list[ast.stmt]) -> bool:
    return all(
        isinstance(item, ast.Pass | ast.Continue | ast.Break)
        or (isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant))
        for item in body
    )
