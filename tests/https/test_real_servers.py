"""Servers and clients of the field: nginx as people configure it, curl's verdict beside ours."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from toolkit_https.check import Request, check
from toolkit_https.lab import TRAPS, Lab
from toolkit_https.model import Result, Verdict
from toolkit_https.targets import Target

CONFIGURATION = """
pid {folder}/pid; error_log {folder}/error.log; events {{}} daemon off; {user}
http {{
  access_log off;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{
    listen 127.0.0.1:{port} {listen};
    server_name shop.example;
    ssl_certificate {folder}/{chain};
    ssl_certificate_key {folder}/key.pem;
    {more}
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Nginx:
    """Starts nginx on a port of loopback with the laboratory's certificates."""

    folder: Path

    @contextmanager
    def run(self, chain: str, *, listen: str = "ssl", more: str = "") -> Iterator[int]:
        """Run it with the file `chain` and further directives; yield its port."""
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        user = "user root;" if os.geteuid() == 0 else ""
        text = CONFIGURATION.format(
            folder=self.folder, port=port, chain=chain, more=more, listen=listen, user=user
        )
        path = self.folder / "nginx.conf"
        path.write_text(text)
        process = subprocess.Popen(["nginx", "-p", self.folder, "-c", path, "-e", "stderr"])
        try:
            _wait(port)
            yield port
        finally:
            process.terminate()
            process.wait(timeout=10)


def _wait(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


@pytest.fixture
def nginx(lab: Lab, tmp_path: Path) -> Nginx:
    presented = lab.pki.leaf()
    pem = [authority.certificate.public_bytes(Encoding.PEM) for authority in presented.chain]
    (tmp_path / "cert.pem").write_bytes(pem[0])
    (tmp_path / "fullchain.pem").write_bytes(b"".join(pem))
    (tmp_path / "ca.pem").write_bytes(lab.ca_pem)
    key = presented.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key.pem").write_bytes(key)
    return Nginx(tmp_path)


def visited(port: int, request: Request) -> Result:
    url = f"https://shop.example:{port}/"
    return check(Target(url, "shop.example", "127.0.0.1", port, url), request)


def ids(result: Result) -> list[str]:
    return [found.id for found in result.findings]


@pytest.mark.server("nginx")
def test_a_full_chain_on_nginx_is_trusted(nginx: Nginx, request_: Request) -> None:
    hsts = 'add_header Strict-Transport-Security "max-age=300"; location / { return 200 ok; }'
    with nginx.run("fullchain.pem", more=hsts) as port:
        result = visited(port, request_)
    serious = [found.id for found in result.findings if found.severity != "info"]
    assert (result.verdict, serious) == (Verdict.TRUSTED, [])
    assert result.http is not None
    assert (result.http.steps[0].status, result.http.hsts) == (200, 300)


@pytest.mark.server("nginx")
def test_the_usual_mistake_on_nginx_is_an_incomplete_chain(nginx: Nginx, request_: Request) -> None:
    with nginx.run("cert.pem") as port:
        result = visited(port, request_)
    assert (result.verdict, ids(result)) == (Verdict.UNTRUSTED, ["incomplete-chain"])


@pytest.mark.server("nginx")
def test_nginx_without_ssl_is_plain_http(nginx: Nginx, request_: Request) -> None:
    with nginx.run("fullchain.pem", listen="") as port:
        result = visited(port, request_)
    assert (result.verdict, ids(result)) == (Verdict.UNREACHABLE, ["plain-http"])


@pytest.mark.server("nginx")
def test_nginx_that_wants_a_client_certificate_says_so_over_http(
    nginx: Nginx, request_: Request
) -> None:
    more = f"ssl_verify_client on; ssl_client_certificate {nginx.folder}/ca.pem;"
    with nginx.run("fullchain.pem", more=more) as port:
        result = visited(port, request_)
    assert result.verdict is Verdict.TRUSTED
    assert "client-certificate-requested" in ids(result)
    assert result.http is not None
    assert result.http.steps[0].status == 400


@pytest.mark.server("nginx")
def test_nginx_with_old_protocols_only_is_unverifiable(nginx: Nginx, request_: Request) -> None:
    more = "ssl_protocols TLSv1.1; ssl_ciphers ALL:@SECLEVEL=0;"
    with nginx.run("fullchain.pem", more=more) as port:
        result = visited(port, request_)
    assert (result.verdict, ids(result)) == (Verdict.UNVERIFIABLE, ["protocol-too-old"])


@pytest.mark.server("nginx")
def test_nginx_that_rejects_the_handshake_is_unverifiable(nginx: Nginx, request_: Request) -> None:
    with nginx.run("fullchain.pem", more="ssl_reject_handshake on;") as port:
        result = visited(port, request_)
    assert (result.verdict, ids(result)) == (Verdict.UNVERIFIABLE, ["handshake-refused"])
    assert "unrecognized name" in result.findings[0].message


@pytest.mark.server("curl")
@pytest.mark.parametrize("trap", TRAPS)
def test_curl_agrees_but_for_the_common_name(
    trap: str, lab: Lab, ca_file: Path, request_: Request
) -> None:
    """Curl still takes the common name where there is no subjectAltName; requests doesn't."""
    server = lab.start(trap)
    curl = shutil.which("curl") or "curl"
    resolve = ["--connect-to", f"::{server.host if ':' not in server.host else '[::1]'}:"]
    done = subprocess.run(
        [curl, "-q", "-sS", "--noproxy", "*", "--cacert", ca_file, *resolve, server.url],
        capture_output=True, check=False, env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    target = Target(server.url, server.name, server.host, server.port)
    trusted = check(target, request_).verdict is Verdict.TRUSTED
    assert (done.returncode == 0) == (trusted or trap == "cn-only"), done.stderr
