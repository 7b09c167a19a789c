"""`toolkit https snippet` as a user meets it: what is printed is a program."""

from __future__ import annotations

import ast
import json
import shlex
import subprocess
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.testing import Home, Run
from toolkit_https.cli_code import SNIPPET
from toolkit_https.scan import Options, scan
from toolkit_https.snippets import SNIPPETS, Place, written
from toolkit_https.snippets.model import perl_quoted, python_quoted
from toolkit_https.snippets.views import schema

TITLES = {"python": "x.py", "sh": "x.sh", "perl": "x.pl"}
PEM = "-----BEGIN CERTIFICATE-----\n"


@pytest.mark.parametrize("name", list(SNIPPETS))
@pytest.mark.parametrize("quiet", [(), ("-q",)])
def test_the_output_is_a_program(
    name: str, quiet: tuple[str, ...], toolkit_home: Home, toolkit_run: Run
) -> None:
    toolkit_home.write("it's a $CA.pem", PEM)
    ended = toolkit_run("https", "snippet", name, "--ca", "it's a $CA.pem", *quiet)
    assert (ended.status, ended.stderr) == (0, "")
    language = SNIPPETS[name].language
    if language == "python":
        ast.parse(ended.stdout)
    else:
        path = toolkit_home.write(TITLES[language], ended.stdout)
        check = {"sh": ("sh", "-n"), "perl": ("perl", "-c")}[language]
        subprocess.run([*check, str(path)], check=True, capture_output=True)


@pytest.mark.parametrize("name", list(SNIPPETS))
def test_the_scan_finds_nothing_in_a_snippet(name: str, tmp_path: Path) -> None:
    snippet = SNIPPETS[name]
    path = tmp_path / TITLES[snippet.language]
    for ca in ("", "/ca.pem"):
        path.write_text(written(snippet, Place("https://a.example/", "a.example", "1", ca)).code)
        assert [item for item in scan([path], Options()) if item.level != "unread"] == []


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30))
def test_a_literal_of_python_is_the_text(text: str) -> None:
    assert ast.literal_eval(python_quoted(text)) == text


@pytest.mark.server("lwp-request")
@pytest.mark.parametrize("text", ["a", "it's", "\\", "\\'", "$x @y", "a\\", "é"])
def test_a_literal_of_perl_is_the_text(text: str) -> None:
    source = f"print {perl_quoted(text)}"
    assert subprocess.run(["perl", "-e", source], capture_output=True, check=True).stdout == (
        text.encode()
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("request",), 'there is no snippet for "request"'),
        (("curl", "--ca", "none.pem"), "none.pem: cannot be read"),
        (("curl", "--prove", "--url", "https://a.example"), "it has a URL and a CA of its own"),
        (("curl", "--python", "python3"), "--python is the interpreter that --prove runs"),
        (("curl", "--ca", "empty.pem"), "holds no certificate"),
        (("curl", "--url", "smtp://mail.example"), "curl is for https URLs"),
        (("smtplib", "--url", "https://mail.example"), "smtplib is for smtp URLs"),
        (("curl", "--url", "https://a.example:x/"), "--url https://a.example:x/"),
        (("curl", "--url", "https://a.example/\n-k"), "curl is for https URLs"),
    ],
)
def test_what_cannot_be_had_is_a_usage_error(
    arguments: tuple[str, ...], message: str, toolkit_home: Home, toolkit_run: Run
) -> None:
    toolkit_home.write("empty.pem", "")
    ended = toolkit_run("https", "snippet", *arguments)
    assert (ended.status, ended.stdout) == (2, "")
    assert message in ended.stderr


def test_what_a_client_cannot_refuse_is_told(toolkit_run: Run) -> None:
    shown = toolkit_run("https", "snippet", "wget").stdout
    assert "#   client-auth-eku: wget does not ask GnuTLS" in shown


@pytest.mark.server("curl")
@pytest.mark.timeout(120)
def test_a_snippet_proves_itself_on_this_machine(toolkit_run: Run) -> None:
    ended = toolkit_run("https", "snippet", "curl", "smtplib", "--prove", timeout=110)
    assert (ended.status, ended.stderr) == (0, "")
    curl, limits, smtplib, _ = ended.stdout.splitlines()
    assert curl.startswith("snippet curl: verifies: refused ")
    assert limits.startswith("  limit: cn-only, ip-in-cn, ")
    assert smtplib.startswith("snippet smtplib: verifies: refused ")


def test_an_interpreter_without_the_library_proves_nothing(
    toolkit_run: Run, toolkit_home: Home
) -> None:
    python = toolkit_home.write("python", "#!/bin/sh\necho 'No module named pycurl' >&2\nexit 1\n")
    python.chmod(0o755)
    ended = toolkit_run("https", "snippet", "pycurl", "--prove", "--python", str(python))
    assert ended.status == 4
    assert "snippet pycurl: not tested: it never came to the sound server" in ended.stdout
    assert "No module named pycurl" in ended.stdout


def test_a_program_that_is_not_there_is_named(toolkit_run: Run) -> None:
    ended = toolkit_run(
        "https", "snippet", "lwp", "--prove", environ={"PATH": "/nonexistent"}, timeout=55
    )
    assert ended.status == 4
    assert "good: perl: No such file or directory" in ended.stdout


def test_the_records_keep_their_schema(toolkit_run: Run) -> None:
    found = toolkit_run("https", "snippet", "all", "--format", "jsonl").stdout.splitlines()
    assert [json.loads(line)["client"] for line in found] == list(SNIPPETS)
    for line in found:
        jsonschema.Draft202012Validator(schema()).validate(json.loads(line))


@pytest.mark.parametrize("line", [line for _, line in SNIPPET])
def test_every_example_runs(line: str, toolkit_home: Home, toolkit_run: Run) -> None:
    argv = shlex.split(line)[1:]
    if "--ca" in argv:  # this machine may have no such file
        argv[argv.index("--ca") + 1] = str(toolkit_home.write("ca.pem", PEM))
    assert toolkit_run(*argv).status == 0
