"""The reference page of settings is the docstrings of the fields; UPDATE_DOCS=1 writes it anew."""

from __future__ import annotations

import ast
import os
from itertools import pairwise
from pathlib import Path

from toolkit_flask.error_reporting import config

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "error-reporting.md"
HEAD = """# Settings of error reporting

Each is looked for in `app.config`, then in the environment, then the default stands. A value that
can't be read is told on standard error, and the default takes its place.

| key | default | what it is |
|---|---|---|
"""


def rows() -> list[str]:
    tree = ast.parse(Path(config.__file__).read_text("utf-8"))
    settings = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "Settings")
    told = {
        a.target.id: str(b.value.value)
        for a, b in pairwise(settings.body)
        if isinstance(a, ast.AnnAssign)
        and isinstance(a.target, ast.Name)
        and isinstance(b, ast.Expr)
        and isinstance(b.value, ast.Constant)
    }
    return [
        f"| `{key}` | {shown(item.default)} | {' '.join(told[item.name].split())} |"
        for key, item in config.FIELDS.items()
    ]


def shown(default: object) -> str:
    if default in {None, "", ()}:
        return ""
    return f"`{default[0]}`" if isinstance(default, tuple) else f"`{default}`"


def test_the_page_of_settings_is_what_the_program_says() -> None:
    text = HEAD + "\n".join(rows()) + "\n"
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(text, "utf-8")
    assert PAGE.read_text("utf-8") == text, f"{PAGE.name} is old: UPDATE_DOCS=1 tests/run"
