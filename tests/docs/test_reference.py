"""The reference pages are what the program says; with UPDATE_DOCS=1 they are written anew."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import jsonschema
import pytest

from toolkit.discovery import discover
from toolkit.roothelp import CORE_COMMANDS
from toolkit.testing import Home, Run, command_paths
from toolkit_https.lab import Lab
from toolkit_https.registry import REGISTRY
from toolkit_https.views import schema

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
SCHEMA = "toolkit.https.check.1.json"


def compared(name: str, text: str) -> None:
    """Compare a page with what it should be, or write it."""
    path = REFERENCE / name
    if os.environ.get("UPDATE_DOCS"):
        path.write_text(text, "utf-8")
    assert path.read_text("utf-8") == text, f"{name} is old: UPDATE_DOCS=1 tests/run"


def test_the_page_of_findings_lists_every_finding() -> None:
    rows = [
        f"| `{name}` | {kind.severity} | {kind.title} | {kind.remedy} |"
        for name, kind in sorted(REGISTRY.items())
    ]
    head = (
        "# Findings of `toolkit https check`\n\n"
        "Ids are stable; a message says more where the facts are known. A critical finding ends "
        "with status 1,\nunless the server couldn't be judged at all (status 4).\n\n"
        "| id | severity | what | what to do |\n|---|---|---|---|\n"
    )
    compared("findings.md", head + "\n".join(rows) + "\n")


def test_the_page_of_commands_is_their_help(toolkit_run: Run) -> None:
    paths: list[tuple[str, ...]] = [()]
    for name, (_, reference) in CORE_COMMANDS.items():
        paths += command_paths(reference, name) if name == "config" else [(name,)]
    for entry in discover({"TOOLKIT_DISABLE_PLUGINS": ""}):
        if entry.plugin and entry.distribution == "sysadmin-toolkit":
            paths += command_paths(entry.plugin.app, entry.name)
    pages = []
    for path in paths:
        shown = toolkit_run(*path, "--help", environ={"COLUMNS": "100"}).stdout
        pages.append(f"## {' '.join(['toolkit', *path])}\n\n```text\n{shown}```\n")
    compared("commands.md", "# Commands\n\n" + "\n".join(pages))


def test_the_schema_is_that_of_the_results() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    compared(SCHEMA, json.dumps(schema(), indent=2) + "\n")


@pytest.mark.parametrize("trap", ["good", "expired", "hang-up", "client-certificate-1.3"])
def test_every_record_is_as_the_schema_says(
    trap: str, toolkit_home: Home, toolkit_run: Run
) -> None:
    wanted = json.loads((REFERENCE / SCHEMA).read_text("utf-8"))
    with Lab() as lab:
        server = lab.start(trap)
        toolkit_home.write("ca.pem", server.ca_pem.decode())
        for chosen in ("jsonl", "json"):
            ended = toolkit_run(
                "https", "check", server.target, "--ca", "ca.pem", "--format", chosen
            )
            read = json.loads(ended.stdout)
            (record,) = read["results"] if chosen == "json" else [read]
            jsonschema.validate(record, wanted)


def test_every_key_of_the_configuration_is_on_its_page_and_no_other(toolkit_run: Run) -> None:
    shown = json.loads(toolkit_run("config", "show", "--format", "json").stdout)
    page = (REFERENCE / "configuration.md").read_text("utf-8")
    listed = re.findall(r"^\| `([a-z_.]+)` \|", page, re.MULTILINE)
    assert sorted(listed) == sorted(row["key"] for row in shown["results"])
