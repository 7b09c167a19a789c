"""nginx serves what UEFI HTTP boot asks for, with the types that firmware goes by."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from toolkit.errors import UsageError
from toolkit_pxe.check_command import OK, check_target
from toolkit_pxe.site.model import Site
from toolkit_pxe.targets import find_target, http_boot
from toolkit_pxe.targets.base import MARK, Options

MakeSite = Callable[[str], Site]
SITE = """
name: campus
boot_servers: {{http: '{http}', http6: '{http6}'}}
subnets: [{{subnet: 10.77.0.0/24}}, {{subnet: '2001:db8:77::/64'}}]
targets:
  web: {{kind: http, urls: {{x64-uefi-http: shimx64.efi, arm64-uefi-http: 'iso/a%20b.iso'}}}}
  ipxe: {{kind: ipxe, file: ipxe.efi, script: '{script}', server: 10.77.0.8}}
profiles: {{standard: {{rules: [{{arch: x64-uefi, boot: ipxe}}], default: web}}}}
"""
FILES = {
    "shimx64.efi": "application/efi",
    "iso/a%20b.iso": "application/vnd.efi-iso",
    "disk.img": "application/vnd.efi-img",
    "boot.ipxe": "text/plain",
    "vmlinuz": "application/octet-stream",
}


def site_text(http: str = "http://10.77.0.9/boot", http6: str = "http://[2001:db8::9]/boot") -> str:
    host = "/".join(http.split("/")[:3])
    return SITE.format(http=http, http6=http6, script=f"{host}/script.ipxe")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that nginx's workers may read."""
    with TemporaryDirectory(prefix="toolkit-http-") as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


def free_port() -> int:
    with socket.socket() as channel:
        channel.bind(("127.0.0.1", 0))
        return int(channel.getsockname()[1])


def get(port: int, path: str, method: str = "GET") -> tuple[int, str, bytes]:
    """Return status, type and body, as soon as the server listens."""
    end = time.monotonic() + 20
    while True:
        connection = HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.headers.get("Content-Type", ""), answer.read()
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        finally:
            connection.close()


@pytest.mark.server("nginx")
@pytest.mark.parametrize("fragment", [False, True])
@pytest.mark.parametrize("path", ["/boot/", "/", "/net%20boot/v1;x/"])
def test_nginx_serves_the_urls_that_the_site_names(
    path: str, folder: Path, make_site: MakeSite, *, fragment: bool
) -> None:
    port = free_port()
    site = make_site(site_text(f"http://127.0.0.1:{port}{path}", f"http://[::1]:{port}{path}"))
    root = folder / "root"
    options = Options(fragment=fragment, settings={"root": str(root)})
    rendered = http_boot.render(site, options)
    assert not rendered.limits
    here = root / path.strip("/").replace("%20", " ")
    for name in FILES:
        file = here / name.replace("%20", " ")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    (root / "script.ipxe").write_text("#!ipxe")
    (folder / "site.conf").write_text(rendered.files[0].content)
    listen = f"127.0.0.1:{port}"
    main = http_boot.main_configuration(folder / "site.conf", folder, fragment=fragment,
                                        listen=listen)  # fmt: skip
    (folder / "nginx.conf").write_text(main)
    with subprocess.Popen(
        ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")], stderr=subprocess.DEVNULL
    ) as process:
        try:
            for name, kind in FILES.items():
                assert get(port, path + name) == (200, kind, name.encode())
            assert get(port, path + "shimx64.efi", "HEAD") == (200, "application/efi", b"")
            assert get(port, "/script.ipxe") == (200, "text/plain", b"#!ipxe")
            assert get(port, path + "missing.efi")[0] == 404
            assert get(port, path + "../../etc/passwd")[0] in {400, 404}
            assert get(port, path + "shimx64.efi", "DELETE")[0] == 403
        finally:
            process.terminate()


@pytest.mark.server("nginx")
@pytest.mark.parametrize("fragment", [False, True])
def test_nginx_accepts_what_is_rendered(fragment: bool, make_site: MakeSite) -> None:
    verdict = check_target(
        make_site(site_text()), find_target("http-boot"), Options(fragment=fragment)
    )
    assert verdict.state == OK, verdict


def test_a_server_listens_where_the_urls_point(make_site: MakeSite) -> None:
    text = site_text("http://10.77.0.9:8080/b", "http://[2001:db8::9]/b")
    content = http_boot.render(make_site(text), Options()).files[0].content
    assert content.startswith(f"# {MARK}")
    assert "    listen 80;\n    listen [::]:80;\n    listen 8080;\n" in content
    assert "# clients ask for http://10.77.0.9:8080/b/shimx64.efi\n" in content
    assert content.count('location "/b/" {') == 1


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("https://10.77.0.9/boot", "needs a certificate"),
        ("http://10.77.0.9/boot?x=1", "has a query"),
        ("http://10.77.0.9/a%0Ab/", "path that nginx cannot be told"),
        ("http://10.77.0.9/a/%2e%2e/b/", "path that nginx cannot be told"),
    ],
)
def test_a_base_url_that_nginx_cannot_serve_is_told(
    url: str, sentence: str, make_site: MakeSite
) -> None:
    rendered = http_boot.render(make_site(site_text(url)), Options())
    assert any(sentence in str(limit) for limit in rendered.limits)


@pytest.mark.parametrize("root", ["srv", "/srv/$uri", '/srv/"', "/a;b", "/a\nb", "/srv/../etc"])
def test_a_root_that_nginx_would_read_otherwise_is_refused(root: str, make_site: MakeSite) -> None:
    with pytest.raises(UsageError):
        http_boot.render(make_site(site_text()), Options(settings={"root": root}))
