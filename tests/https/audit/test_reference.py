"""The reference pages of the audit are what the program says; UPDATE_DOCS=1 writes them anew."""

from __future__ import annotations

import json
import os
from pathlib import Path

import jsonschema

from toolkit_https.audit import CASES
from toolkit_https.audit.views import schema

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"
HEAD = """# Servers of the laboratory

What `toolkit https audit` tries and `toolkit https lab` serves, in that order. A refusal counts
only where the client accepts the server of the last column, from which the trap differs in one
thing.

| id | grade | what it is | what accepting it means | sound beside it |
|---|---|---|---|---|
"""


def compared(name: str, text: str) -> None:
    path = REFERENCE / name
    if os.environ.get("UPDATE_DOCS"):
        path.write_text(text, "utf-8")
    assert path.read_text("utf-8") == text, f"{name} is old: UPDATE_DOCS=1 tests/run"


def test_the_page_of_traps_lists_every_case() -> None:
    rows = [
        f"| `{case.id}` | {case.grade or 'sound'} | {case.meaning} | {case.danger} | "
        f"{'' if case.accept else f'`{case.control}`'} |"
        for case in CASES
    ]
    compared("traps.md", HEAD + "\n".join(rows) + "\n")


def test_the_schema_is_that_of_the_results() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    compared("toolkit.https.audit.1.json", json.dumps(schema(), indent=2) + "\n")
