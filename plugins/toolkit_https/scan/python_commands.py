"""Variables and commands that a Python program hands to others."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from toolkit_https.scan.model import Hit, words_of
from toolkit_https.scan.programs import PROGRAMS, Word, program_of, verdict
from toolkit_https.scan.reading import Site, keywords
from toolkit_https.scan.shell import hits as shell_hits
from toolkit_https.scan.variables import VARIABLES, switched_off

STARTERS = words_of(
    "system popen getoutput getstatusoutput run call check_call check_output Popen sudo local "
    "create_subprocess_shell exec_command split"
)
"""What takes a command as one text: os, subprocess, asyncio, shlex, fabric, paramiko."""
UNKNOWN = "?"
"""What stands in a command for what isn't known before it runs."""


def environment(site: Site) -> Iterator[Hit]:
    """Find variables that switch verification off: set, or in a dictionary or a call."""
    for name, value, node in _settings(site):
        known = site.constant(value)
        text = str(known.value) if known else None
        if text is not None and switched_off(name, text):
            message, remedy = f"{name}={text or chr(39) * 2}", VARIABLES[name].remedy
            yield site.hit("environment-off", message, node, remedy)


def _settings(site: Site) -> Iterator[tuple[str, ast.expr, ast.AST]]:
    match site.node:
        case ast.Assign(targets=[ast.Subscript(slice=ast.Constant(value=str(name)))], value=value):
            yield name, value, site.node
        case ast.Call(args=[ast.Constant(value=str(name)), value]):  # putenv, setdefault, setenv
            yield name, value, site.node
        case ast.Call():
            for word, value in keywords(site, site.node).items():
                yield word, value, value
        case ast.Dict(keys=keys, values=values):
            for key, value in zip(keys, values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield key.value, value, key
        case _:
            pass


def processes(site: Site) -> Iterator[Hit]:
    """Find commands without verification: lists of words, and texts for a shell."""
    match site.node:
        case ast.List(elts=words) | ast.Tuple(elts=words) if words:
            yield from _listed(site, words)
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name), args=[text, *_]):
            if name in STARTERS and (command := _text(site, text)):
                for hit in shell_hits(command):
                    yield site.hit(hit.rule, hit.message, text, hit.remedy)
        case _:
            pass


def _listed(site: Site, nodes: Sequence[ast.expr]) -> Iterator[Hit]:
    first = site.constant(nodes[0])
    if first is None or program_of(str(first.value)) not in PROGRAMS:
        return
    texts = [_text(site, node) or UNKNOWN for node in nodes]
    words = [Word(text, at, 0) for at, text in enumerate(texts)]
    for found in verdict(words):
        yield site.hit(found.rule, found.message, nodes[found.word.line], found.remedy)


def _text(site: Site, node: ast.expr) -> str:
    """Return the text of a constant or f-string, with UNKNOWN for what only a run can tell."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(site, part) or UNKNOWN for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Mod)):
        before = _text(site, node.left)
        rest = _text(site, node.right) if isinstance(node.op, ast.Add) else ""
        return f"{before}{rest or UNKNOWN}" if before else ""
    known = site.constant(node)
    return known.value if known and isinstance(known.value, str) else ""
