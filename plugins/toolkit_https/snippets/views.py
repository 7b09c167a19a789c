"""How snippets look: as the program itself, with comments that say what each line is for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from toolkit.documents.schema import DIALECT, json_schema
from toolkit.output import Look, Record, View
from toolkit.terminal import Line
from toolkit.text import clean
from toolkit_https.snippets.model import Shown, Written

SCHEMA = "toolkit.https.snippet/1"
HEADS = {"sh": "#!/bin/sh", "perl": "#!/usr/bin/perl", "python": "#!/usr/bin/env python3"}


def lines(snippets: Iterable[Written], look: Look) -> Iterator[Line]:
    """Yield each snippet as a program; -q leaves the comments out."""
    for count, snippet in enumerate(snippets):
        if count:
            yield ()
        yield ((HEADS[snippet.language], "dim"),)
        if not look.quiet:
            yield from _remarks(snippet)
        yield from _code(snippet, comments=not look.quiet)


def _remarks(snippet: Written) -> Iterator[Line]:
    if snippet.note:
        yield ((f"# {snippet.note}", "dim"),)
    if snippet.leaves:
        yield (
            ("# No dangerous trap is accepted. What this client cannot be told to refuse:", "dim"),
        )
    for trap, why in snippet.leaves.items():
        yield ((f"#   {trap}: {why}", "dim"),)


def _code(snippet: Written, *, comments: bool) -> Iterator[Line]:
    """Yield the lines of code.

    A comment stands above its line; those of a command in several lines stand above the command,
    for a shell reads a comment between continued lines as the end of the command.
    """
    whole = snippet.language == "sh"
    if comments and whole:
        for step in snippet.steps:
            if step.why:
                name = step.code.strip().removesuffix("\\").strip()
                yield ((f"# {clean(name)}: {step.why}", "dim"),)
    for step in snippet.steps:
        if comments and not whole and step.why:
            indent = " " * (len(step.code) - len(step.code.lstrip()))
            yield ((f"{indent}# {step.why}", "dim"),)
        yield ((clean(step.code), ""),)


def shown(snippet: Written) -> Shown:
    """Return a snippet as its record has it."""
    leaves = tuple(f"{trap}: {why}" for trap, why in snippet.leaves.items())
    return Shown(
        snippet.client, snippet.language, snippet.code, snippet.steps, leaves, snippet.note
    )


def record(snippet: Written) -> Record:
    """Return a snippet as JSON-ready values."""
    from dataclasses import asdict

    return asdict(shown(snippet))


def schema() -> dict[str, object]:
    """Return the JSON Schema of one record, docs/reference/toolkit.https.snippet.1.json."""
    made = json_schema(Shown)
    properties = made["properties"]
    if not isinstance(properties, dict):
        raise TypeError(made)
    properties["schema"] = {"const": SCHEMA, "description": "In JSON lines only."}
    return {"$schema": DIALECT, "title": SCHEMA, **made}


VIEW: View[Written] = View(
    schema=SCHEMA,
    record=record,
    lines=lines,
    columns=("client", "language", "leaves", "note"),
)
