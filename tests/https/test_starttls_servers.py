"""STARTTLS and TLS from the start, with the servers that people run."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from toolkit_https.check import Request, check
from toolkit_https.lab import Lab
from toolkit_https.model import Result, Verdict
from toolkit_https.targets import parse_target

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="these servers are started as root")

POSTFIX = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
mail_owner = postfix
maillog_file = /dev/stdout
inet_interfaces = 127.0.0.1
myhostname = shop.example
smtpd_peername_lookup = no
local_recipient_maps =
alias_maps =
smtpd_tls_security_level = may
smtpd_tls_chain_files = {folder}/key.pem, {folder}/fullchain.pem
"""
POSTFIX_SERVICES = """
127.0.0.1:{port} inet n - n - - smtpd
127.0.0.1:{direct} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
127.0.0.1:{plain} inet n - n - - smtpd -o smtpd_tls_security_level=none
postlog unix-dgram n - n - 1 postlogd
rewrite unix - - n - - trivial-rewrite
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
proxymap unix - - n - - proxymap
"""
DOVECOT = """
base_dir = {folder}/run
state_dir = {folder}/run
log_path = /dev/stderr
protocols = imap pop3
listen = 127.0.0.1
ssl = yes
ssl_cert = <{folder}/fullchain.pem
ssl_key = <{folder}/key.pem
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home={folder}
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
    ssl = yes
  }}
}}
"""
SLAPD = """
include /etc/ldap/schema/core.schema
pidfile {folder}/slapd.pid
TLSCertificateFile {folder}/fullchain.pem
TLSCertificateKeyFile {folder}/key.pem
TLSCACertificateFile {folder}/fullchain.pem
database ldif
directory {folder}/data
suffix "dc=example"
"""
VSFTPD = """
listen=YES
background=NO
listen_address=127.0.0.1
listen_port={port}
local_enable=YES
anonymous_enable=NO
secure_chroot_dir={folder}/data
ssl_enable=YES
implicit_ssl={implicit}
ssl_ciphers=HIGH
rsa_cert_file={folder}/fullchain.pem
rsa_private_key_file={folder}/key.pem
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def running(command: Sequence[str | Path], *ports: int) -> Iterator[None]:
    """Run a server in the foreground while its ports answer; end it with all it started."""
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        command, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True
    ) as process:
        try:
            for port in ports:
                wait_for(port, process)
            yield
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    pytest.fail(f"{process.args!r} didn't listen on {port}; it ended with {process.returncode}")


@dataclass(frozen=True, slots=True)
class Place:
    """A folder that the servers' own users may enter, with a certificate for shop.example."""

    folder: Path

    def write(self, name: str, text: str, **values: object) -> Path:
        """Write a configuration."""
        path = self.folder / name
        path.write_text(text.format(folder=self.folder, **values))
        return path


@pytest.fixture(scope="module")
def place(lab: Lab) -> Iterator[Place]:
    presented = lab.pki.leaf()
    with tempfile.TemporaryDirectory(prefix="tk-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for part in ("data", "queue", "run"):
            (folder / part).mkdir()
        pem = [authority.certificate.public_bytes(Encoding.PEM) for authority in presented.chain]
        (folder / "fullchain.pem").write_bytes(b"".join(pem))
        key = presented.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / "key.pem").write_bytes(key)
        (folder / "key.pem").chmod(0o600)
        yield Place(folder)


def seen(scheme: str, port: int, request: Request, name: str = "shop.example") -> Result:
    return check(parse_target(f"{scheme}://{name}@127.0.0.1:{port}"), request)


def proves(scheme: str, port: int, request: Request) -> None:
    """The right name is trusted, the wrong one is refused, and the dialogue is on record."""
    result = seen(scheme, port, request)
    serious = [item for item in result.findings if item.severity != "info"]
    assert (result.verdict, serious) == (Verdict.TRUSTED, [])
    assert result.starttls == ("" if scheme.endswith("s") and scheme != "postgres" else scheme)
    other = seen(scheme, port, request, "other.example")
    assert [item.id for item in other.findings][:1] == ["name-mismatch"]
    assert other.verdict is Verdict.UNTRUSTED


@pytest.mark.server("postfix")
def test_postfix(place: Place, request_: Request) -> None:
    port, direct, plain = free_port(), free_port(), free_port()
    place.write("main.cf", POSTFIX)
    place.write("master.cf", POSTFIX_SERVICES, port=port, direct=direct, plain=plain)
    shutil.chown(place.folder / "data", "postfix")
    with running(["postfix", "-c", place.folder, "start-fg"], port, direct, plain):
        try:
            proves("smtp", port, request_)
            proves("smtps", direct, request_)
            refused = seen("smtp", plain, request_)
            wrong = check(parse_target(f"shop.example@127.0.0.1:{port}"), request_)
        finally:  # it has left the process group that it was started in
            os.kill(int((place.folder / "queue/pid/master.pid").read_text()), signal.SIGTERM)
    assert [item.id for item in refused.findings] == ["starttls-failed"]
    assert "doesn't offer STARTTLS" in refused.findings[0].message
    assert [item.id for item in wrong.findings] == ["not-tls"]
    assert "smtp://" in wrong.findings[0].remedy


@pytest.mark.server("dovecot")
@pytest.mark.server("/usr/lib/dovecot/pop3-login")
def test_dovecot(place: Place, request_: Request) -> None:
    ports = {scheme: free_port() for scheme in ("imap", "imaps", "pop3", "pop3s")}
    path = place.write("dovecot.conf", DOVECOT, **ports)
    with running(["dovecot", "-F", "-c", path], *ports.values()):
        for scheme, port in ports.items():
            proves(scheme, port, request_)


@pytest.mark.server("slapd")
def test_slapd(place: Place, request_: Request) -> None:
    port, direct = free_port(), free_port()
    path = place.write("slapd.conf", SLAPD)
    urls = f"ldap://127.0.0.1:{port}/ ldaps://127.0.0.1:{direct}/"
    with running(["slapd", "-d", "0", "-h", urls, "-f", path], port, direct):
        proves("ldap", port, request_)
        proves("ldaps", direct, request_)


@pytest.mark.server("vsftpd")
@pytest.mark.parametrize(("scheme", "implicit"), [("ftp", "NO"), ("ftps", "YES")])
def test_vsftpd(scheme: str, implicit: str, place: Place, request_: Request) -> None:
    port = free_port()
    path = place.write("vsftpd.conf", VSFTPD, port=port, implicit=implicit)
    with running(["vsftpd", path], port):
        proves(scheme, port, request_)


@pytest.mark.server("pg_ctlcluster")
def test_postgresql(place: Place, request_: Request) -> None:
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"))
    data, port = place.folder / "pg", free_port()
    data.mkdir()
    for name in ("key.pem", "fullchain.pem"):
        shutil.copy(place.folder / name, data.parent / f"pg-{name}")
        shutil.chown(data.parent / f"pg-{name}", "postgres")
        (data.parent / f"pg-{name}").chmod(0o600)
    shutil.chown(data, "postgres")
    user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
    make: list[str | Path] = [*user, programs / "initdb", "--no-sync", "-A", "trust", "-D", data]
    subprocess.run(make, check=True, capture_output=True, cwd="/")
    options = {
        "ssl": "on", "port": str(port), "listen_addresses": "127.0.0.1", "fsync": "off",
        "unix_socket_directories": "", "ssl_key_file": f"{place.folder}/pg-key.pem",
        "ssl_cert_file": f"{place.folder}/pg-fullchain.pem",
    }  # fmt: skip
    more = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    with running([*user, programs / "postgres", "-D", data, *more], port):
        proves("postgres", port, request_)
