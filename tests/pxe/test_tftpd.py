"""TFTP servers serve what a WDS client asks for, with either slash."""

from __future__ import annotations

import hashlib
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from toolkit.errors import UsageError
from toolkit_pxe.site.model import Site
from toolkit_pxe.targets import tftpd
from toolkit_pxe.targets.base import MARK, Options

MakeSite = Callable[[str], Site]
SITE = r"""
name: campus
boot_servers: {tftp: 10.77.0.9}
subnets: [{subnet: 10.77.0.0/24}]
targets:
  wds: {kind: wds, file: 'boot\x64\wdsnbp.com'}
  ipxe: {kind: ipxe, file: ipxe.efi, script: http://10.77.0.9/boot.ipxe}
profiles:
  standard: {rules: [{arch: x64, boot: ipxe}], default: wds}
"""
CONTENT = b"first stage\0" * 100
NAMES = ("boot\\x64\\wdsnbp.com", "boot/x64/wdsnbp.com", "\\boot\\x64\\wdsnbp.com",
         "/boot/x64/wdsnbp.com", "boot\\x64/wdsnbp.com")  # fmt: skip
DIGEST = hashlib.sha256(CONTENT).hexdigest()
CLIENT = Path(__file__).with_name("tftp_client.py")


def fetched(port: int, *names: str, within: tuple[str, ...] = ()) -> list[str]:
    """Return each file's SHA-256, or "refused: …"; `within` is a command that runs the client."""
    argv = [*within, sys.executable, str(CLIENT), str(port), *names]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=50)
    return done.stdout.splitlines()


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        channel.bind(("127.0.0.1", 0))
        return int(channel.getsockname()[1])


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that a server which is no longer root may read."""
    with TemporaryDirectory(prefix="toolkit-tftp-") as name:
        path = Path(name)
        path.chmod(0o755)
        (path / "root/boot/x64").mkdir(parents=True)
        (path / "root/boot/x64/wdsnbp.com").write_bytes(CONTENT)
        yield path


@contextmanager
def running(argv: list[str]) -> Iterator[None]:
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


@pytest.mark.server("in.tftpd")
def test_tftpd_hpa_serves_the_wds_path_with_either_slash(folder: Path, make_site: MakeSite) -> None:
    port = free_port()
    settings = {"root": str(folder / "root"), "address": f"127.0.0.1:{port}"}
    rendered = tftpd.render(make_site(SITE), Options(settings=settings))
    files = {item.name: item for item in rendered.files}
    (folder / "map").write_text(files["tftpd-hpa.map"].content)
    (folder / "defaults").write_text(files["tftpd-hpa"].content)
    # As Debian's service reads it: the shell's own words.
    script = '. "$1"; printf "%s\\n" $TFTP_OPTIONS --address "$TFTP_ADDRESS" "$TFTP_DIRECTORY"'
    words = subprocess.run(
        ["sh", "-c", script, "sh", str(folder / "defaults")],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    assert files["tftpd-hpa.map"].install in words
    words[words.index(files["tftpd-hpa.map"].install)] = str(folder / "map")
    with running(["in.tftpd", "--listen", "--foreground", *words]):
        *served, other = fetched(port, *NAMES, "boot\\x64\\other.com")
    assert served == [DIGEST] * len(NAMES)
    assert "File not found" in other


@pytest.mark.server("dnsmasq")
def test_dnsmasqs_own_server_does_so_too(folder: Path, make_site: MakeSite) -> None:
    settings = {"root": str(folder / "root"), "server": "dnsmasq"}
    rendered = tftpd.render(make_site(SITE), Options(settings=settings))
    config = folder / "tftp.conf"
    config.write_text(rendered.files[0].content + "port=0\n")
    server = ["dnsmasq", "--keep-in-foreground", f"--conf-file={config}", "--user=root",
              "--pid-file", "--log-facility=-"]  # fmt: skip
    # Its port is always 69, so it has a network of its own.
    script = 'ip link set lo up; $0 >&2 & trap "kill $!" EXIT; "$@"'
    within = ("unshare", "--net", "sh", "-c", script, " ".join(server))
    served = fetched(69, *NAMES, within=within)
    assert served == [DIGEST] * len(NAMES)


def test_the_files_that_clients_ask_for_are_listed(make_site: MakeSite) -> None:
    rendered = tftpd.render(make_site(SITE), Options())
    content = rendered.files[0].content
    assert MARK in content
    assert "# clients ask for /srv/tftp/boot/x64/wdsnbp.com\n" in content
    assert "# clients ask for /srv/tftp/ipxe.efi\n" in content
    assert "boot.ipxe" not in content


@pytest.mark.parametrize("root", ["srv/tftp", '/srv/"tftp', "/srv/$HOME", "/srv/a b", "/a\nb", ""])
def test_a_root_that_the_shell_would_read_otherwise_is_refused(
    root: str, make_site: MakeSite
) -> None:
    with pytest.raises(UsageError):
        tftpd.render(make_site(SITE), Options(settings={"root": root}))
