"""`toolkit https lab`: what it serves, to whom, what it tells, and that it leaves nothing."""

from __future__ import annotations

import json
import signal
import smtplib
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from toolkit.testing import Home, Run, examples_of
from toolkit_https.audit import CASES

FEW = "good,ip,expired,wrong-host,redirect-to-http"
ANY_ADDRESS, LISTENING = "00000000", "0A"


class Serving:
    """A laboratory that runs: its servers by id, and its process."""

    def __init__(self, process: subprocess.Popen[str], count: int) -> None:
        self.process = process
        assert process.stdout is not None
        records = [json.loads(process.stdout.readline()) for _ in range(count)]
        self.servers: dict[str, dict[str, Any]] = {item["id"]: item for item in records}
        self.stderr = ""

    def get(self, identifier: str) -> str:
        """Request a server as a client that verifies; return the answer or the reason."""
        server = self.servers[identifier]
        context = ssl.create_default_context(cafile=server["ca"])
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        try:
            with opener.open(server["url"], timeout=10) as answer:
                return str(answer.read().decode())
        except urllib.error.URLError as error:
            return str(error.reason)

    def wait(self) -> None:
        """Wait until it says that all servers are up."""
        assert self.process.stderr is not None
        while "until Ctrl-C" not in self.process.stderr.readline():
            assert self.process.poll() is None

    def interrupt(self) -> int:
        self.process.send_signal(signal.SIGINT)
        _, self.stderr = self.process.communicate(timeout=20)
        return self.process.returncode


@contextmanager
def serving(home: Home, *argv: str, count: int) -> Iterator[Serving]:
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "toolkit", "https", "lab", "--format", "jsonl", *argv],
        cwd=home.folder, env=home.environ, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield Serving(process, count)
    finally:
        process.kill()
        process.communicate()


def listening(port: int) -> set[str]:
    """Return the addresses (hexadecimal, proc(5)) where something listens on `port`."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    wanted = f"{port:04X}"
    return {row[1].partition(":")[0] for row in rows
            if row[1].endswith(f":{wanted}") and row[3] == LISTENING}  # fmt: skip


def test_it_serves_until_an_interrupt_and_tells_who_came(toolkit_home: Home) -> None:
    with serving(toolkit_home, "--trap", FEW, "--ca-out", "ca.pem", count=5) as lab:
        ca = Path(lab.servers["good"]["ca"])
        assert ca == toolkit_home.folder / "ca.pem"
        assert "PRIVATE" not in ca.read_text()
        assert lab.get("good") == lab.get("ip") == "ok\n"
        assert "expired" in lab.get("expired")
        assert "localhost" in lab.get("wrong-host")
        assert lab.get("redirect-to-http") == "ok\n"
        assert lab.interrupt() == 0
    told = lab.stderr.splitlines()
    assert "good: 127.0.0.1 sent its request: right" in told
    assert any(line.startswith("expired: 127.0.0.1 refused (") and line.endswith("): right")
               for line in told)  # fmt: skip
    assert "redirect-to-http: 127.0.0.1 sent its request: lax" in told


def test_it_listens_on_loopback_alone_and_says_what_to_expect(toolkit_home: Home) -> None:
    with serving(toolkit_home, "--trap", FEW, count=5) as lab:
        for server in lab.servers.values():
            assert ANY_ADDRESS not in listening(server["port"])
            assert server["address"] == "127.0.0.1"
        expected = {name: server["expect"] for name, server in lab.servers.items()}
        assert expected["good"] == expected["ip"] == "accept"
        assert expected["expired"] == expected["wrong-host"] == "refuse"
        assert lab.interrupt() == 0
    assert not Path(lab.servers["good"]["ca"]).exists(), "a temporary CA file ends with it"


def test_beyond_loopback_it_warns_and_leaves_out_what_is_for_loopback(toolkit_home: Home) -> None:
    argv = ("--listen", "0.0.0.0", "--name", "lab.example", "--trap", FEW)  # noqa: S104
    with serving(toolkit_home, *argv, count=4) as lab:
        assert lab.servers["good"]["url"].startswith("https://lab.example:")
        assert listening(lab.servers["good"]["port"]) == {ANY_ADDRESS}
        assert lab.interrupt() == 0
    assert "warning: the laboratory listens on 0.0.0.0" in lab.stderr
    assert "Left out, made for the loopback address: ip" in lab.stderr


def test_mail_servers_speak_their_protocol_before_tls(toolkit_home: Home) -> None:
    argv = ("--starttls", "smtp", "--trap", "good,expired")
    with serving(toolkit_home, *argv, count=2) as lab:
        assert lab.servers["good"]["url"].startswith("smtp://localhost:")
        context = ssl.create_default_context(cafile=lab.servers["good"]["ca"])
        with smtplib.SMTP("localhost", lab.servers["good"]["port"], timeout=10) as good:
            good.starttls(context=context)
            assert good.noop()[0] == 250
        with (
            smtplib.SMTP("localhost", lab.servers["expired"]["port"], timeout=10) as expired,
            pytest.raises(ssl.SSLCertVerificationError),
        ):
            expired.starttls(context=context)
        assert lab.interrupt() == 0
    told = lab.stderr.splitlines()
    assert "good: 127.0.0.1 sent its request: right" in told
    assert any(line.startswith("expired: 127.0.0.1 refused (") for line in told)


def test_ports_can_be_chosen(toolkit_home: Home) -> None:
    with serving(toolkit_home, "--trap", "good,expired", "--port", "47710", count=2) as lab:
        assert [server["port"] for server in lab.servers.values()] == [47710, 47711]


@pytest.mark.server("curl")
@pytest.mark.parametrize("name", ["localhost", "lab.example"])
def test_every_case_is_served_under_any_name_and_the_sound_ones_are_sound(
    name: str, toolkit_home: Home
) -> None:
    cases = [case.id for case in CASES if case.group in {"control", "name"}]
    argv = ("--name", name, "--trap", ",".join(cases))
    with serving(toolkit_home, *argv, count=len(cases)) as lab:
        statuses = {identifier: curl(server) for identifier, server in lab.servers.items()}
        assert lab.interrupt() == 0
    assert "Left out" not in lab.stderr
    accepted = {identifier for identifier, status in statuses.items() if status == 0}
    sound = {case.id for case in CASES if case.accept}
    assert accepted == sound | {"cn-only", "ip-in-cn"}


def curl(server: dict[str, Any]) -> int:
    """Return the status of a request; the server's name is where it listens."""
    host = server["url"].split("/")[2].rpartition(":")[0]
    argv = ["curl", "-q", "-sSo/dev/null", "--cacert", server["ca"]]
    if not host.startswith("["):
        argv += ["--resolve", f"{host}:{server['port']}:{server['address']}"]
    return subprocess.run([*argv, server["url"]], capture_output=True, check=False).returncode


def test_the_list_has_every_case_and_starts_nothing(toolkit_run: Run) -> None:
    ended = toolkit_run("https", "lab", "--list", "--format", "json")
    assert ended.status == 0
    assert [item["id"] for item in json.loads(ended.stdout)["results"]] == [c.id for c in CASES]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("--listen", "nowhere"), '"nowhere" is no IP address'),
        (("--name", "192.0.2.1"), '--name "192.0.2.1" is no host name'),
        (("--name", "a\x1bb"), '--name "a\\x1bb" is no host name'),
        (("--hours", "1000"), "1000 hours is no lifetime of a trial CA"),
        (("--port", "70000"), "70000 is no port to begin with"),
        (("--trap", "nothing"), 'there is no trap "nothing"'),
        (("--ca-out", "there.pem"), "there.pem: is there already"),
    ],
)
def test_wrong_usage_starts_nothing(
    argv: tuple[str, ...], message: str, toolkit_run: Run, toolkit_home: Home
) -> None:
    toolkit_home.write("there.pem", "kept")
    ended = toolkit_run("https", "lab", *argv)
    assert (ended.status, ended.stdout) == (2, "")
    assert message in ended.stderr
    assert (toolkit_home.folder / "there.pem").read_text() == "kept"


def test_an_address_that_is_not_this_machines_is_told(toolkit_run: Run) -> None:
    ended = toolkit_run("https", "lab", "--listen", "192.0.2.77", "--trap", "good")
    assert ended.status == 3
    assert "cannot listen on 192.0.2.77: " in ended.stderr


@pytest.mark.parametrize(
    "line", [line for line in examples_of("toolkit_https.cli:app") if line.split()[2] == "lab"]
)
def test_every_example_runs(line: str, toolkit_home: Home) -> None:
    _, _, _, *argv = line.split()
    with serving(toolkit_home, *argv, count=3) as lab:
        assert lab.servers
        if "--list" not in argv:
            lab.wait()
            assert lab.interrupt() == 0
