"""Checks through proxies of the field, and what they say when the proxy is the trouble."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from toolkit.testing import Run
from toolkit_https.check import Request, check
from toolkit_https.connect import resolve
from toolkit_https.fetch import FetchError
from toolkit_https.fetching import Fetching
from toolkit_https.lab import Lab
from toolkit_https.model import Result, Verdict
from toolkit_https.proxy import chooser
from toolkit_https.reach import Way
from toolkit_https.targets import parse_target

SECRET = "hunter2"  # noqa: S105  a proxy's of this test
TINYPROXY = """
Port {port}
Listen 127.0.0.1
Timeout 20
MaxClients 10
BasicAuth anna hunter2
"""
DANTE = """
logoutput: {folder}/danted.log
internal: 127.0.0.1 port = {port}
external: 127.0.0.1
socksmethod: none
clientmethod: none
user.privileged: root
user.unprivileged: nobody
client pass {{ from: 0/0 to: 0/0 }}
socks pass {{ from: 0/0 to: 0/0 }}
"""


@contextmanager
def program(command: list[str], configuration: str, folder: Path) -> Iterator[int]:
    """Run a proxy on a free port of loopback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
    path = folder / "proxy.conf"
    path.write_text(configuration.format(port=port, folder=folder))
    quiet = subprocess.DEVNULL
    with subprocess.Popen([*command, path], stdout=quiet, stderr=quiet, cwd=folder) as process:
        try:
            deadline = time.monotonic() + 20
            while time.monotonic() < deadline and process.poll() is None:
                with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                time.sleep(0.05)
            yield port
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def tinyproxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("tinyproxy")
    with program(["tinyproxy", "-d", "-c"], TINYPROXY, folder) as port:
        yield f"127.0.0.1:{port}"


def through(url: str, target: str, request: Request) -> Result:
    return check(parse_target(target), replace(request, way=Way(resolve, chooser({}, url))))


def ids(result: Result) -> list[str]:
    return [item.id for item in result.findings if item.severity != "info"]


@pytest.mark.server("tinyproxy")
def test_a_check_goes_through_connect_with_credentials(
    tinyproxy: str, lab: Lab, request_: Request
) -> None:
    url = f"http://anna:{SECRET}@{tinyproxy}"
    result = through(url, lab.start("good").target, request_)
    assert (result.verdict, ids(result)) == (Verdict.TRUSTED, [])
    assert (result.proxy, result.address) == (f"http://{tinyproxy}", "")
    assert SECRET not in repr(result)
    assert ids(through(url, lab.start("expired").target, request_)) == ["expired"]


@pytest.mark.server("tinyproxy")
def test_the_http_request_takes_the_same_way(tinyproxy: str, lab: Lab, request_: Request) -> None:
    server = lab.start("good")
    target = replace(parse_target(server.url), address=server.host)
    way = Way(resolve, chooser({}, f"http://anna:{SECRET}@{tinyproxy}"))
    result = check(target, replace(request_, way=way))
    assert ids(result) == []
    assert result.http is not None
    assert server.heard[-1].startswith(b"GET / HTTP/1.1\r\n")
    assert b"Proxy-Authorization" not in server.heard[-1]


@pytest.mark.server("tinyproxy")
def test_a_proxy_that_refuses_is_the_finding(tinyproxy: str, lab: Lab, request_: Request) -> None:
    for url, words in (
        (f"http://{tinyproxy}", "credentials"),
        (f"http://anna:wrong@{tinyproxy}", "refuses the credentials|answered 401"),
        (f"http://127.0.0.1:{lab.closed_port()}", "can't be reached"),
        (f"socks5h://{tinyproxy}", "gave no tunnel|doesn't speak|closed"),
    ):
        impatient = replace(request_, timeout=1)
        result = through(url, lab.start("good").target, impatient)
        assert (result.verdict, ids(result)) == (Verdict.UNREACHABLE, ["proxy-failed"])
        message = result.findings[0].message
        assert any(word in message for word in words.split("|")), message
        assert "wrong" not in message


@pytest.mark.server("danted")
@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
def test_a_check_goes_through_socks(
    scheme: str, lab: Lab, request_: Request, tmp_path: Path
) -> None:
    with program(["danted", "-f"], DANTE, tmp_path) as port:
        url = f"{scheme}://127.0.0.1:{port}"
        result = through(url, lab.start("good").target, request_)
        assert (result.verdict, ids(result)) == (Verdict.TRUSTED, [])
        refused = through(url, f"shop.example@127.0.0.1:{lab.closed_port()}", request_)
        assert "connection refused" in refused.findings[0].message


@pytest.mark.server("tinyproxy")
def test_the_command_reads_the_variables_of_requests(
    tinyproxy: str, lab: Lab, toolkit_run: Run, ca_file: Path
) -> None:
    target = lab.start("good").target
    url = f"http://anna:{SECRET}@{tinyproxy}"
    command = ("https", "check", target, "--ca", str(ca_file), "-v")
    done = toolkit_run(*command, environ={"HTTPS_PROXY": url})
    assert done.status == 0
    assert f"through: http://{tinyproxy}" in done.stdout
    assert SECRET not in done.stdout + done.stderr
    direct = toolkit_run(*command, environ={"HTTPS_PROXY": url, "NO_PROXY": "127.0.0.1"})
    assert "address: 127.0.0.1" in direct.stdout
    named = toolkit_run(*command, "--proxy", "", environ={"HTTPS_PROXY": url})
    assert "address: 127.0.0.1" in named.stdout
    wrong = toolkit_run(*command, "--proxy", f"socks4://anna:{SECRET}@x:1")
    assert (wrong.status, SECRET in wrong.stderr) == (2, False)
    assert "--proxy: socks4 proxies are not supported" in wrong.stderr


@pytest.mark.server("tinyproxy")
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_what_certificates_name_is_fetched_through_the_proxy(
    scheme: str, tinyproxy: str, lab: Lab
) -> None:
    """Plain http the proxy fetches itself, https goes through a tunnel."""
    site = lab.site()
    site.answers = {"/ca": b"content"}
    url = f"http://anna:{SECRET}@{tinyproxy}"
    fetcher = Fetching(resolve, {f"{scheme.upper()}_PROXY": url}).fetcher("127.0.0.1", 10)
    if scheme == "http":
        assert fetcher.get(site.url("/ca"), 1000) == b"content"
        assert site.requests == ["/ca"]
        wrong = Fetching(resolve, {}, f"http://{tinyproxy}").fetcher("127.0.0.1", 10)
        with pytest.raises(FetchError, match="answered 407"):
            wrong.get(site.url("/ca"), 1000)
    else:
        with pytest.raises(FetchError, match="certificate verify failed"):
            fetcher.get(f"https://127.0.0.1:{lab.start('good').port}/", 1000)


def test_a_proxy_is_not_asked_for_what_is_known_to_be_near(lab: Lab) -> None:
    """The proxy's own machine must not be reachable through a stranger's certificate."""
    proxy = lab.site()
    environ = {"HTTP_PROXY": proxy.url("")}
    fetcher = Fetching(resolve, environ).fetcher("8.8.8.8", 5)
    with pytest.raises(FetchError, match="where a certificate has no business"):
        fetcher.get("http://127.0.0.1:9/secret", 1000)
    assert proxy.requests == []
