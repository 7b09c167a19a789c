"""Every link between our pages leads somewhere, and every page is led to from the index."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
LINK = re.compile(r"\]\(([^)#: ]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files(page: Path) -> None:
    found = LINK.findall(page.read_text("utf-8"))
    assert [link for link in found if not (page.parent / link).exists()] == []


def test_every_page_is_in_the_index() -> None:
    linked = {
        (DOCS / link).resolve() for link in LINK.findall((DOCS / "index.md").read_text("utf-8"))
    }
    missing = {path for path in DOCS.rglob("*") if path.suffix in {".md", ".json"}} - linked
    assert {str(path.relative_to(DOCS)) for path in missing} == {"index.md"}
