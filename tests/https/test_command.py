"""`toolkit https check` as a user types it."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import shlex
import socket
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from toolkit.testing import Home, Run, examples_of
from toolkit_https.lab import Lab


@pytest.fixture
def home(toolkit_home: Home, lab: Lab) -> Home:
    """A home with the laboratory's root in ca.pem."""
    toolkit_home.write("ca.pem", lab.ca_pem.decode())
    return toolkit_home


def test_a_trusted_server_is_one_line_and_the_trust_store(
    lab: Lab, home: Home, toolkit_run: Run
) -> None:
    server = lab.start("good")
    ended = toolkit_run("https", "check", server.target, "--ca", "ca.pem")
    assert ended.status == 0, ended.stderr
    first, second = ended.stdout.splitlines()
    assert first.startswith(f"{server.target}: trusted, 59 days left")
    assert second == f"Trust store: {home.folder / 'ca.pem'} (--ca)"


def test_an_untrusted_one_says_why_and_what_to_change(
    lab: Lab, home: Home, toolkit_run: Run
) -> None:
    ended = toolkit_run("https", "check", lab.start("expired").target, "--ca", "ca.pem")
    assert ended.status == 1
    assert "critical expired: The server's certificate expired on 20" in ended.stdout
    assert "→ Renew it" in ended.stdout


@pytest.mark.parametrize(
    ("servers", "status"),
    [
        (["good"], 0),
        (["good", "expired"], 1),
        (["good", "hang-up"], 4),
        (["client-certificate-1.3"], 4),
        (["tls1.0"], 4),
        (["expired", "hang-up"], 1),
    ],
)
def test_the_exit_status_says_the_worst(
    servers: list[str], status: int, lab: Lab, home: Home, toolkit_run: Run
) -> None:
    targets = [lab.start(server).target for server in servers]
    assert toolkit_run("https", "check", *targets, "--ca", "ca.pem").status == status


def test_json_has_what_a_script_needs(lab: Lab, home: Home, toolkit_run: Run) -> None:
    target = lab.start("wrong-host").target
    ended = toolkit_run("https", "check", target, "--ca", "ca.pem", "--format", "json")
    read = json.loads(ended.stdout)
    assert read["schema"] == "toolkit.https.check/1"
    (result,) = read["results"]
    assert (result["target"], result["verdict"]) == (target, "untrusted")
    (found,) = result["findings"]
    assert set(found) == {"id", "severity", "message", "remedy"}
    assert found["id"] == "name-mismatch"
    assert [certificate["role"] for certificate in result["chain"]] == [
        "leaf", "intermediate", "root",
    ]  # fmt: skip
    assert result["trust"]["origin"] == "--ca"
    assert result["verifier"]["openssl"].startswith("OpenSSL")


def test_csv_has_a_row_for_each_target(lab: Lab, home: Home, toolkit_run: Run) -> None:
    target = lab.start("self-signed").target
    ended = toolkit_run("https", "check", target, "--ca", "ca.pem", "--format", "csv")
    assert ended.stdout.splitlines()[1].startswith(f"{target},untrusted,self-signed,")


def test_a_terminal_gets_findings_within_its_width_and_a_pipe_gets_them_whole(
    lab: Lab, home: Home, toolkit_run: Run
) -> None:
    argv = ("https", "check", lab.start("incomplete-chain").target, "--ca", "ca.pem")
    whole = toolkit_run(*argv).stdout
    assert max(map(len, whole.splitlines())) > 100
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    done = subprocess.run(
        [sys.executable, "-P", "-m", "toolkit", *argv, "--quiet"],
        stdout=follower, env={**home.environ, "NO_COLOR": "1"}, cwd=home.folder, check=False,
    )  # fmt: skip
    os.close(follower)
    shown = os.read(leader, 65536).decode().replace("\r\n", "\n")
    os.close(leader)
    assert done.returncode == 1
    first, *more = [line for line in shown.splitlines() if not line.startswith("Trust store")]
    assert first.startswith(argv[2])
    assert [line for line in more if len(line) > 60 and "leaf:" not in line] == []
    assert shown.split() == whole.split()  # the same words


def test_a_bad_ca_file_is_one_helpful_sentence(home: Home, toolkit_run: Run) -> None:
    home.write("empty.pem", "nothing here\n")
    ended = toolkit_run("https", "check", "shop.example", "--ca", "empty.pem")
    assert ended.status == 2
    assert ended.stdout == ""
    assert "empty.pem: the file named by --ca holds no certificate" in ended.stderr
    assert "hint: --ca takes a PEM file" in ended.stderr


def test_a_typo_in_line_seven_is_located(home: Home, toolkit_run: Run) -> None:
    home.write(
        "toolkit.yaml",
        "# the shop\nhttps:\n  ca: system\n  workers: 8\n  policy: strict\n\n  timout: 5\n",
    )
    ended = toolkit_run("https", "check", "shop.example")
    assert ended.status == 2
    assert "toolkit.yaml:7:3: https.timout:" in ended.stderr
    assert 'did you mean "timeout"?' in ended.stderr


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("timeout: 0", "0 is out of range: it is at least 0.1"),
        ("workers: 513", "513 is out of range: it is at most 512"),
        ("workers: 0", "0 is out of range: it is at least 1"),
    ],
)
def test_a_number_out_of_range_is_located(
    line: str, words: str, home: Home, toolkit_run: Run
) -> None:
    path = home.write("toolkit.yaml", f"https:\n  {line}\n")
    ended = toolkit_run("https", "check", "shop.example")
    assert ended.status == 2
    assert f"{path}:2:" in ended.stderr
    assert words in ended.stderr


def test_the_configuration_gives_targets_and_trust_store(
    lab: Lab, home: Home, toolkit_run: Run
) -> None:
    target = lab.start("good").target
    home.write("toolkit.yaml", f"https:\n  ca: ca.pem\n  targets:\n    - {target}\n")
    ended = toolkit_run("https", "check")
    assert ended.status == 0, ended.stderr
    assert "(https.ca, " in ended.stdout
    assert "toolkit.yaml:2" in ended.stdout


def test_no_target_is_a_usage_error_with_a_hint(home: Home, toolkit_run: Run) -> None:
    ended = toolkit_run("https", "check")
    assert ended.status == 2
    assert "https.targets" in ended.stderr


def test_a_bad_target_is_refused_before_anything_starts(
    lab: Lab, home: Home, toolkit_run: Run
) -> None:
    ended = toolkit_run("https", "check", lab.start("good").target, "http://shop.example")
    assert ended.status == 2
    assert ended.stdout == ""
    assert "no https URL" in ended.stderr


@pytest.mark.parametrize("trap", ["hostile-names", "hostile-alt-names"])
@pytest.mark.parametrize("chosen", ["table", "json", "jsonl", "csv"])
def test_hostile_names_reach_no_terminal_raw(
    chosen: str, trap: str, lab: Lab, home: Home, toolkit_run: Run
) -> None:
    argv = ["https", "check", lab.start(trap).target, "--ca", "ca.pem", "-v"]
    for color in ("always", "never"):
        ended = toolkit_run("--color", color, *argv, "--format", chosen)
        assert ended.status == 0, ended.stderr
        assert "\x1b[31mred" not in ended.stdout
        assert "\x1b]0;" not in ended.stdout
        assert "\r" not in ended.stdout
        assert "\u202e" not in ended.stdout
        # shown as text, not taken as markup
        assert (
            chosen != "table" or "[bold]rich[/]" in ended.stdout
        )  # shown as text, not taken as markup


def test_quiet_leaves_out_what_is_right(lab: Lab, home: Home, toolkit_run: Run) -> None:
    argv = ["https", "check", "--ca", "ca.pem", "-q"]
    assert toolkit_run(*argv, lab.start("good").target).stdout == ""
    assert "expired" in toolkit_run(*argv, lab.start("expired").target).stdout


def test_verbose_shows_chain_and_verifier(lab: Lab, home: Home, toolkit_run: Run) -> None:
    ended = toolkit_run("https", "check", "--ca", "ca.pem", "-v", lab.start("good").target)
    assert "root: CN=Trial Root" in ended.stdout
    assert ", from the trust store" in ended.stdout
    assert "verified by: OpenSSL" in ended.stdout


def test_the_one_path_of_a_refused_certificate_is_not_called_another(
    lab: Lab, home: Home, toolkit_run: Run
) -> None:
    ended = toolkit_run("https", "check", "--ca", "ca.pem", "-v", lab.start("expired").target)
    assert "leaf: CN=shop.example" in ended.stdout
    assert "another path" not in ended.stdout


ELSEWHERE = {"audit", "lab", "scan", "snippet"}
"""Commands whose examples are run by tests of their own."""


@pytest.mark.parametrize(
    "line",
    [line for line in examples_of("toolkit_https.cli:app") if line.split()[2] not in ELSEWHERE],
)
def test_every_example_runs(line: str, lab: Lab, home: Home, toolkit_run: Run) -> None:
    """`shop.example` doesn't exist here: those end with 4; the one on loopback is checked."""
    _, *argv = shlex.split(line)
    server, presented = lab.start("good"), lab.pki.leaf()
    pem = [item.certificate.public_bytes(Encoding.PEM).decode() for item in presented.chain]
    home.write("fullchain.pem", "".join(pem))
    private = presented.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    home.write("key.pem", private.decode())
    argv = [word.replace("127.0.0.1:8443", f"127.0.0.1:{server.port}") for word in argv]
    reached = "--ca" in argv or argv[1] == "explain"
    expected = 0 if reached else 2 if "nagios" in argv else 4
    assert toolkit_run(*argv, timeout=30).status == expected


def test_the_scene_of_the_demo_plays_offline(toolkit_home: Home, toolkit_run: Run) -> None:
    temporary = toolkit_home.folder / "tmp"
    temporary.mkdir()
    ended = toolkit_run("demo", environ={"TMPDIR": str(temporary)}, timeout=55)
    assert ended.status == 0, ended.stderr
    for word in ("expired", "name-mismatch", "incomplete-chain", "self-signed", "trusted"):
        assert word in ended.stdout
    assert list(temporary.iterdir()) == []


def test_a_hundred_targets_on_a_dead_port_and_one_good(
    lab: Lab, home: Home, toolkit_run: Run
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        dead = listener.getsockname()[1]
    targets = [f"h{number}.example@127.0.0.1:{dead}" for number in range(100)]
    ended = toolkit_run("https", "check", *targets, lab.start("good").target, "--ca", "ca.pem",
                        "--format", "jsonl")  # fmt: skip
    verdicts = [json.loads(line)["verdict"] for line in ended.stdout.splitlines()]
    assert verdicts.count("unreachable") == 100
    assert verdicts.count("trusted") == 1


def test_nothing_is_left_in_the_home_folder(lab: Lab, home: Home, toolkit_run: Run) -> None:
    toolkit_run("https", "check", lab.start("good").target, "--ca", "ca.pem")
    assert [path.name for path in Path(home.folder).iterdir()] == ["ca.pem"]
