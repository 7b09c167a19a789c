"""`toolkit https scan` as a user meets it."""

from __future__ import annotations

import json
import shlex

import jsonschema
import pytest

from toolkit.testing import Home, Run
from toolkit_https.cli_code import SCAN
from toolkit_https.scan.views import schema

BAD = "curl -k https://a.example\n"


@pytest.mark.parametrize(
    ("name", "text", "status"),
    [
        ("a.sh", "curl https://a.example\n", 0),
        ("a.sh", BAD, 1),
        ("a.sh", "curl -k https://a.example  # tls: ignore[command-insecure] x\n", 0),
        ("a.sh", "openssl s_client -connect a.example:443\n", 0),
        ("a.py", "print 'ssl'\n", 4),
    ],
)
def test_the_exit_status_tells_what_was_found(
    toolkit_home: Home, toolkit_run: Run, name: str, text: str, status: int
) -> None:
    toolkit_home.write(f"src/{name}", text)
    assert toolkit_run("https", "scan", "src").status == status


def test_a_finding_names_place_rule_and_remedy(toolkit_home: Home, toolkit_run: Run) -> None:
    toolkit_home.write("src/a.sh", BAD)
    ended = toolkit_run("https", "scan", "src")
    assert ended.stdout.startswith("src/a.sh:1:6: error: ")
    assert "[command-insecure]" in ended.stdout
    assert "--cacert FILE" in ended.stdout
    assert ended.stderr == "1 error\n"


def test_a_path_that_is_not_there_is_a_usage_error(toolkit_run: Run) -> None:
    ended = toolkit_run("https", "scan", "nowhere")
    assert (ended.status, ended.stdout) == (2, "")
    assert "nowhere: there is no such file or folder" in ended.stderr


def test_names_and_lines_of_others_are_shown_harmless(toolkit_home: Home, toolkit_run: Run) -> None:
    toolkit_home.write("src/\x1b[2J.sh", "curl -k https://a.example \x1b[31m\u202e\n")
    ended = toolkit_run("https", "scan", "src")
    assert ended.status == 1
    assert not {"\x1b", "\u202e"} & set(ended.stdout)


def test_a_name_that_is_no_text_is_told_in_every_format(
    toolkit_home: Home, toolkit_run: Run
) -> None:
    toolkit_home.write("src/x.sh", BAD).rename(toolkit_home.folder / "src" / "\udcff.sh")
    for chosen in ("table", "json", "jsonl", "csv", "sarif"):
        assert toolkit_run("https", "scan", "src", "--format", chosen).status == 1


def test_the_records_keep_their_schema(toolkit_home: Home, toolkit_run: Run) -> None:
    toolkit_home.write("src/a.sh", BAD)
    toolkit_home.write("src/b.py", "print 'ssl'\n")
    validator = jsonschema.Draft202012Validator(schema())
    for line in toolkit_run("https", "scan", "src", "--format", "jsonl").stdout.splitlines():
        validator.validate(json.loads(line))


def test_the_output_is_written_as_a_whole(toolkit_home: Home, toolkit_run: Run) -> None:
    toolkit_home.write("src/a.sh", BAD)
    ended = toolkit_run("https", "scan", "src", "--format", "sarif", "--output", "x.sarif")
    assert (ended.status, ended.stdout) == (1, "")
    assert json.loads((toolkit_home.folder / "x.sarif").read_text("utf-8"))["version"] == "2.1.0"


@pytest.mark.parametrize("line", [line for _, line in SCAN])
def test_every_example_runs(line: str, toolkit_home: Home, toolkit_run: Run) -> None:
    toolkit_home.write("src/a.sh", BAD)
    assert toolkit_run(*shlex.split(line)[1:]).status == 1
