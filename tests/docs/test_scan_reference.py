"""The pages of `https scan` and `snippet` are what the program says (or UPDATE_DOCS=1)."""

from __future__ import annotations

import json
import os
from pathlib import Path

import jsonschema

from toolkit_https.scan import RULES
from toolkit_https.scan.views import schema
from toolkit_https.snippets.views import schema as snippet_schema

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def compared(name: str, text: str) -> None:
    """Compare a page with what it should be, or write it."""
    path = REFERENCE / name
    if os.environ.get("UPDATE_DOCS"):
        path.write_text(text, "utf-8")
    assert path.read_text("utf-8") == text, f"{name} is old: UPDATE_DOCS=1 tests/run"


def test_the_page_of_rules_lists_every_rule() -> None:
    rows = [
        f"| `{rule.id}` | {rule.level} | {rule.meaning} | {rule.remedy} |"
        for rule in RULES.values()
    ]
    head = (
        "# Rules of `toolkit https scan`\n\n"
        "Ids are stable. An error or a warning is status 1, a note is not; a file that was not "
        "read is\nstatus 4 if nothing else is found. `# tls: ignore[id] reason` accepts a finding."
        "\n\n"
        "| id | level | why it matters | instead |\n|---|---|---|---|\n"
    )
    compared("scan-rules.md", head + "\n".join(rows) + "\n")


def test_the_schema_is_that_of_the_findings() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    compared("toolkit.https.scan.1.json", json.dumps(schema(), indent=2) + "\n")


def test_the_schema_is_that_of_the_snippets() -> None:
    jsonschema.Draft202012Validator.check_schema(snippet_schema())
    compared("toolkit.https.snippet.1.json", json.dumps(snippet_schema(), indent=2) + "\n")
