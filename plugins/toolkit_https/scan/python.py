"""Python read for disabled verification: by its syntax tree, with names and constants followed."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

from toolkit_https.scan import python_commands, python_requests, python_ssl
from toolkit_https.scan.model import Hit
from toolkit_https.scan.reading import Site, UnreadableError, summarised
from toolkit_https.scan.scopes import scoped

LINE_END = re.compile(r"\r\n|\r|\n")
"""What ends a line of Python; str.splitlines knows more."""
Check = Callable[[Site], Iterator[Hit]]
_STORES: tuple[Check, ...] = (
    python_requests.stores,
    python_ssl.modes,
    python_commands.environment,
)
CHECKS: Mapping[type[ast.AST], tuple[Check, ...]] = {
    ast.Call: (
        *_STORES,
        python_requests.calls,
        python_requests.silenced,
        python_ssl.contexts,
        python_ssl.wrapped,
        python_ssl.starttls,
        python_ssl.callbacks,
        python_commands.processes,
    ),
    ast.Assign: _STORES,
    ast.AnnAssign: _STORES,
    ast.Dict: (python_ssl.modes, python_commands.environment),
    ast.Attribute: (python_ssl.contexts,),
    ast.Name: (python_ssl.contexts,),
    ast.List: (python_commands.processes,),
    ast.Tuple: (python_commands.processes,),
}
"""Kind of node → what is looked for there."""


def hits(text: str) -> list[Hit]:
    """Return what is found in a module. Raises UnreadableError for what this Python can't parse."""
    try:
        pairs = scoped(_parse(text))
        module = summarised(LINE_END.split(text), pairs)
        return [
            hit
            for node, scope in pairs
            for check in CHECKS.get(type(node), ())
            for hit in check(Site(node, scope, module))
        ]
    except (RecursionError, MemoryError) as error:
        raise UnreadableError("it is nested too deeply") from error


def comment_lines(text: str) -> set[int]:
    """Return the numbers of the lines with a comment, but for texts that look like one."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    with suppress(tokenize.TokenError, SyntaxError):  # what follows could not be parsed either
        return {token.start[0] for token in tokens if token.type == tokenize.COMMENT}
    return set()


def _parse(text: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the code that is read: invalid escapes and the like
        try:
            return ast.parse(text)
        except SyntaxError as error:
            place = f"line {error.lineno}: " if error.lineno else ""
            raise UnreadableError(f"{place}not Python 3: {error.msg}") from error
        except ValueError as error:
            raise UnreadableError(str(error)) from error
