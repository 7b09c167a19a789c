"""`toolkit https audit` as users run it: statuses, what is shown, third parties' clients."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from toolkit.testing import Ended, Home, Run, examples_of
from toolkit_https.audit.views import schema

CURL = ("curl", "-q", "-sS", "--cacert", "{ca}", "{url}")
FEW = "good,expired,wrong-host,cn-only"
PAGE = Path(__file__).parents[3] / "docs" / "reference" / "toolkit.https.audit.1.json"
LAMP = """
from toolkit_https.clients import Absent, Installed, Way

class Lamp:
    name = "lamp"

    def find(self, machine):
        return Installed("3.1\\x1b[31m", (Way("lamp -k", ("curl", "-q", "-sSk", "{url}")),))

client = Lamp()
no_client = 42
"""
POINTS = """
[toolkit_https.clients]
lamp = lamp_for_toolkit:client
lantern = lamp_for_toolkit:no_client
torch = no_such_module_anywhere:client
"""


def record(ended: Ended) -> dict[str, Any]:
    (found,) = json.loads(ended.stdout)["results"]
    assert isinstance(found, dict)
    return found


@pytest.fixture
def third_party(tmp_path: Path) -> dict[str, str]:
    """A distribution that brings a client of its own, one that is none and one that can't load."""
    info = tmp_path / "lamp_for_toolkit-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lamp-for-toolkit\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(POINTS)
    (tmp_path / "lamp_for_toolkit.py").write_text(LAMP)
    return {"PYTHONPATH": str(tmp_path)}


@pytest.mark.server("curl")
def test_a_command_that_verifies_ends_with_0_and_its_lax_acceptances_are_explained(
    toolkit_run: Run,
) -> None:
    ended = toolkit_run("https", "audit", "--trap", FEW, "--", *CURL)
    assert ended.status == 0, ended.stderr
    first, lax, why, remedy = ended.stdout.splitlines()
    assert first.endswith(": lax: refused 2 of 3 traps, accepted 1 of 1 sound servers")
    assert lax == "  lax: cn-only"
    assert why.startswith("  why: cn-only: The common name is free text")
    assert remedy.startswith("    → ")


@pytest.mark.server("curl")
def test_lax_ones_are_a_failure_where_that_is_asked_for(toolkit_run: Run) -> None:
    argv = ("https", "audit", "--trap", FEW, "--fail-on", "lax", "--", *CURL)
    assert toolkit_run(*argv).status == 1


@pytest.mark.server("curl")
def test_a_dangerous_command_ends_with_1(toolkit_run: Run) -> None:
    ended = toolkit_run("https", "audit", "--trap", FEW, "--", "curl", "-qsSk", "{url}")
    assert ended.status == 1
    assert "  dangerous: expired, wrong-host\n" in ended.stdout
    assert "why: expired: A key that was stolen" in ended.stdout


@pytest.mark.server("curl")
def test_a_command_that_refuses_the_sound_server_ends_with_4_and_its_own_words(
    toolkit_run: Run,
) -> None:
    argv = ("curl", "-qsS", "--cacert", "/etc/hostname", "{url}")
    ended = toolkit_run("https", "audit", "--trap", FEW, "--", *argv)
    assert ended.status == 4
    assert "it never came to the sound server" in ended.stdout or "refuse" in ended.stdout
    assert "curl: (77) " in ended.stdout


def test_a_command_that_makes_no_connection_ends_with_4(toolkit_run: Run) -> None:
    ended = toolkit_run("https", "audit", "--trap", FEW, "--", "true", "{url}")
    assert ended.status == 4
    assert "not tested: it never came to the sound server" in ended.stdout


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("--", "curl", "-k"), "the command names neither {url} nor {host} and {port}"),
        (("--", "no-such-program", "{url}"), "no-such-program: no such command"),
        ((), "neither a COMMAND nor a --client is given"),
        (("--client", "curl", "--", "curl", "{url}"), "--client is for ready-made clients"),
        (("--client", "crul"), 'there is no client "crul"'),
        (("--trap", "expird", "--client", "curl"), 'there is no trap "expird"'),
        (("--fail-on", "all", "--client", "curl"), '--fail-on "all" is none of'),
        (("--timeout", "0", "--client", "curl"), "0 s is no time limit"),
        (("--starttls", "smpt", "--", "curl", "{url}"), '--starttls "smpt" is none of: smtp'),
        (
            ("--starttls", "smtp", "--trap", "redirect", "--", "curl", "{url}"),
            "redirect is a redirect, and smtp has none",
        ),
        (("--starttls", "smtp", "--client", "curl"), "--starttls is for a COMMAND"),
        (("--format", "yaml", "--client", "curl"), 'there is no output format "yaml"'),
    ],
)
def test_wrong_usage_is_told_in_a_sentence_and_ends_with_2(
    argv: tuple[str, ...], message: str, toolkit_run: Run
) -> None:
    ended = toolkit_run("https", "audit", *argv)
    assert (ended.status, ended.stdout) == (2, "")
    assert f"error: {message}" in ended.stderr
    assert "hint: " in ended.stderr or " is for " in message or "--fail-on" in message


@pytest.mark.server("curl")
def test_the_record_is_as_its_schema_says(toolkit_run: Run) -> None:
    ended = toolkit_run("https", "audit", "--trap", FEW, "--format", "json", "--", *CURL)
    found = record(ended)
    jsonschema.validate(found, json.loads(PAGE.read_text("utf-8")))
    jsonschema.validate(found, schema())
    assert found["command"] == list(CURL)
    outcomes = {trial["case"]: trial["outcome"] for trial in found["trials"]}
    assert outcomes == {
        "good": "accepted", "expired": "refused", "wrong-host": "refused", "cn-only": "accepted",
    }  # fmt: skip
    assert (found["lax"], found["dangerous"]) == (["cn-only"], [])


@pytest.mark.server("curl")
def test_a_matrix_is_a_table_for_a_document(toolkit_run: Run) -> None:
    argv = ("--client", "curl", "--weakened", "--trap", FEW, "--format", "markdown")
    lines = toolkit_run("https", "audit", *argv).stdout.splitlines()
    assert lines[0] == "| client | good | expired | wrong-host | cn-only |"
    assert lines[2].startswith("| curl (curl ")
    assert lines[2].endswith(") | A | r | r | A |")
    assert lines[3].startswith("| curl -k (")
    assert lines[3].endswith(") | A | A | A | A |")


@pytest.mark.server("curl")
def test_in_a_matrix_what_a_protocol_does_not_have_is_left_blank(toolkit_run: Run) -> None:
    argv = ("--client", "smtplib,curl", "--trap", "redirect,expired", "--format", "markdown")
    head, _, smtplib, curl = toolkit_run("https", "audit", *argv).stdout.splitlines()
    assert head == "| client | good | expired | redirect |"
    assert smtplib.endswith(") | A | r | – |"), smtplib
    assert curl.endswith(" | A | r | r |"), "curl follows no redirect unless told to"


def test_a_client_whose_protocol_has_none_of_the_servers_was_not_tested(toolkit_run: Run) -> None:
    ended = toolkit_run("https", "audit", "--client", "smtplib", "--trap", "redirect")
    assert ended.status == 4
    assert "not tested: smtp has none of these servers (choose other traps)\n" in ended.stdout


@pytest.mark.server("curl")
@pytest.mark.parametrize("layout", ["table", "csv", "markdown"])
def test_a_third_partys_client_is_tried_like_ours_and_what_it_says_is_cleaned(
    layout: str, third_party: dict[str, str], toolkit_run: Run
) -> None:
    argv = ("https", "audit", "--client", "lamp", "--trap", FEW, "--format", layout, "-v")
    ended = toolkit_run(*argv, environ=third_party)
    assert ended.status == 1, ended.stderr
    assert "lamp -k" in ended.stdout
    assert "\x1b" not in ended.stdout


def test_a_broken_client_of_a_third_party_is_absent_with_its_reason(
    third_party: dict[str, str], toolkit_run: Run
) -> None:
    argv = ("https", "audit", "--client", "torch,lantern", "--trap", "good")
    ended = toolkit_run(*argv, environ=third_party)
    assert ended.status == 4
    torch, lantern = ended.stdout.splitlines()
    assert torch.startswith("torch: absent: ")
    assert "No module named 'no_such_module_anywhere'" in torch
    assert "is no toolkit_https.clients.Client" in lantern


def test_an_interpreter_that_is_not_there_is_absent(toolkit_run: Run) -> None:
    argv = ("--client", "urllib,requests", "--python", "python9.9", "--trap", "good")
    ended = toolkit_run("https", "audit", *argv)
    assert ended.status == 4
    assert ended.stdout.count("absent: python9.9 is not an interpreter") == 2


def test_a_library_that_is_not_there_is_installed_for_the_interpreter_that_lacks_it(
    toolkit_run: Run, toolkit_home: Home
) -> None:
    python = toolkit_home.write("my python", "#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    argv = ("--client", "pycurl", "--python", str(python), "--trap", "good")
    ended = toolkit_run("https", "audit", *argv)
    assert f"('{python}' -m pip install pycurl)" in ended.stdout


def test_where_there_are_no_namespaces_the_user_is_told_before_anything_else(
    toolkit_run: Run, toolkit_home: Home
) -> None:
    fake = toolkit_home.write(
        "bin/unshare", "#!/bin/sh\necho 'unshare: not permitted' >&2\nexit 1\n"
    )
    fake.chmod(0o755)
    environ = {"PATH": f"{fake.parent}{os.pathsep}{os.environ['PATH']}"}
    argv = ("https", "audit", "--client", "urllib", "--trap", "expired,wildcard-deep")
    ended = toolkit_run(*argv, environ=environ)
    assert ended.status == 4
    assert "names can't be made to resolve for the client: unshare: not permitted" in ended.stderr
    assert "2 of 2 cases" not in ended.stderr
    assert "not testable: wildcard, wildcard-deep\n" in ended.stdout
    assert "refused 1 of 2 traps" in ended.stdout


@pytest.mark.server("curl")
def test_what_a_client_prints_cannot_act_on_the_terminal(toolkit_run: Run) -> None:
    script = "printf '\\033]0;title\\007curl: error: \\033[2J'; exit 3 {url}"
    ended = toolkit_run("https", "audit", "-v", "--trap", FEW, "--", "sh", "-c", script)
    assert not set("\x1b\x07") & set(ended.stdout + ended.stderr)


def interrupted(home: Home, place: Path, seconds: int, number: int) -> tuple[int, str]:
    """Send a signal to an audit whose clients are asleep; return its status and what it said."""
    marker = f"import time; time.sleep({seconds})"
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "toolkit", "https", "audit", "--timeout", "60", "--",
         sys.executable, "-c", marker, "{url}"],
        env={**home.environ, "TMPDIR": str(place)}, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert eventually(lambda: _running(marker))
    process.send_signal(number)
    _, stderr = process.communicate(timeout=20)
    assert eventually(lambda: not _running(marker))
    return process.returncode, stderr


def eventually(condition: Callable[[], bool], seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


def test_an_interrupt_ends_the_clients_and_leaves_nothing(
    toolkit_home: Home, tmp_path: Path
) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    status, stderr = interrupted(toolkit_home, place, 77, signal.SIGINT)
    assert status == 130, stderr
    assert list(place.iterdir()) == []


def test_clients_end_with_an_audit_that_is_killed(toolkit_home: Home, tmp_path: Path) -> None:
    status, _ = interrupted(toolkit_home, tmp_path, 78, signal.SIGKILL)
    assert status == -signal.SIGKILL


def _running(text: str) -> bool:
    wanted = text.encode() + b"\0https://"
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if wanted in entry.read_bytes():
                return True
        except OSError:
            continue
    return False


def examples(command: str) -> list[list[str]]:
    lines = map(shlex.split, examples_of("toolkit_https.cli:app"))
    return [line[1:] for line in lines if line[2] == command]


@pytest.mark.server("curl")
@pytest.mark.parametrize("argv", examples("audit"), ids=" ".join)
def test_every_example_runs(argv: list[str], toolkit_run: Run) -> None:
    """With one trap more than it says, and where it says none, with that one alone.

    All clients are tried by the test of the table.
    """
    argv = [word.replace("all", "curl") for word in argv]
    ended = toolkit_run(*argv[:2], "--trap", "self-signed", *argv[2:], timeout=55)
    assert ended.status == 0, ended.stdout + ended.stderr
    assert "accepted 1 of 1 sound servers" in ended.stdout


def test_a_file_in_the_current_folder_is_no_part_of_a_client(
    toolkit_run: Run, toolkit_home: Home
) -> None:
    """Python's `-c` would import it in the place of the real module."""
    toolkit_home.write("ssl.py", "open('ran', 'w').close(); raise SystemExit(7)\n")
    ended = toolkit_run("https", "audit", "--client", "urllib", "--trap", FEW, "--format", "json")
    assert record(ended)["verdict"] in {"lax", "verifies"}
    assert not (toolkit_home.folder / "ran").exists()


def test_a_folder_that_is_full_is_named(toolkit_run: Run, tmp_path: Path) -> None:
    """The hosts file is written first: a limit of its size stands for a full disk."""
    import resource

    code = "import sys; from toolkit.__main__ import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, "https", "audit", "--trap", FEW, "--", *CURL],
        env={**os.environ, "TMPDIR": str(tmp_path)}, capture_output=True, text=True, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (16, 16)), timeout=60,
    )  # fmt: skip
    assert done.returncode == 3
    assert "hosts: cannot be written" in done.stderr
