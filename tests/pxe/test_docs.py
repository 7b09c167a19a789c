"""The guide's site file is one, and the schema in the reference is the program's."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import jsonschema
import pytest

from toolkit.documents import read
from toolkit_pxe.requests import families_of
from toolkit_pxe.site.resolve import load_site
from toolkit_pxe.site.schema import site_schema
from toolkit_pxe.targets import find_target, target_names
from toolkit_pxe.targets.base import Options

DOCS = Path(__file__).parents[2] / "docs"
SCHEMA = DOCS / "reference" / "toolkit.pxe.site.1.json"
GUIDE = DOCS / "how-to" / "pxe.md"


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """The site of the guide, with the host list that it names."""
    found = re.search(r"```yaml\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    assert found
    path = tmp_path / "site.yaml"
    path.write_text(found[1], "utf-8")
    rows = "name,mac,address,group\npc2,52:54:00:00:00:0b,10.0.0.11,windows\n"
    (tmp_path / "hosts.csv").write_text(rows, "utf-8")
    return path


@pytest.mark.parametrize("name", ["isc-dhcp", "kea", "dnsmasq"])
def test_the_guides_site_can_be_written_for_every_server(name: str, example: Path) -> None:
    site = load_site(example)
    target = find_target(name)
    for family in families_of(site, target):
        assert target.render(site, Options(family)).limits == ()


def test_the_guides_site_is_as_the_schema_says(example: Path) -> None:
    jsonschema.Draft202012Validator(site_schema()).validate(read(example).value)


def test_the_guide_names_every_target() -> None:
    text = GUIDE.read_text("utf-8")
    assert [name for name in target_names() if f"`{name}`" not in text] == []


def test_the_schema_of_the_reference_is_the_programs() -> None:
    text = json.dumps(site_schema(), indent=1) + "\n"
    if os.environ.get("UPDATE_DOCS"):
        SCHEMA.write_text(text, "utf-8")
    assert SCHEMA.read_text("utf-8") == text, f"{SCHEMA.name} is old: UPDATE_DOCS=1 tests/run"
