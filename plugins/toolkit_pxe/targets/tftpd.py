r"""TFTP: tftpd-hpa with the map for backslashes, or dnsmasq's own server.

A WDS client asks for boot\x64\wdsnbp.com, and on Linux that is one file name. in.tftpd(8) maps
names by rules; dnsmasq reads a backslash as a slash by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from toolkit.errors import UsageError
from toolkit_pxe.site.boot import is_url
from toolkit_pxe.site.model import Site
from toolkit_pxe.targets._dnsmasq import quote
from toolkit_pxe.targets.base import Check, Options, Rendered, RenderedFile, header

name = "tftpd"
summary = "TFTP server: tftpd-hpa with the map for WDS paths, or dnsmasq's"
families: tuple[int, ...] = ()
settings: Mapping[str, str] = {
    "server": "tftpd-hpa (the default) or dnsmasq",
    "root": "the folder that is served, /srv/tftp",
    "address": "tftpd-hpa: address and port to listen on, :69",
}

_SERVERS = ("tftpd-hpa", "dnsmasq")
_MAP = "/etc/tftpd-hpa.map"
_SHELL = set("\"'\\$`")
"""Characters with a meaning in the shell's double quotes, in which /etc/default is read."""


def needed_files(site: Site) -> list[str]:
    """Return the paths that clients are sent to on TFTP servers, with slashes, sorted."""
    arms = [arm for item in site.variants for arm in (*item.arms4, *item.arms6)]
    boots = [arm.boot for arm in arms if arm.boot and not arm.boot.http]
    paths = {boot.file.replace("\\", "/").lstrip("/") for boot in boots if not is_url(boot.file)}
    return sorted(paths - {""})


def _setting(options: Options, key: str, default: str) -> str:
    """Return a setting. Raises UsageError for what a quoted word cannot hold."""
    value = options.settings.get(key, default)
    wrong = [item for item in value if item in _SHELL or ord(item) <= 32 or ord(item) == 127]
    if not value or wrong:
        raise UsageError(f"--set {key}: {value!r} is empty, or has a character that cannot be used")
    return value


def _server(options: Options) -> str:
    server = options.settings.get("server", _SERVERS[0])
    if server not in _SERVERS:
        raise UsageError(f'--set server: "{server}" is none of: {", ".join(_SERVERS)}')
    return server


def _root(options: Options) -> str:
    root = _setting(options, "root", "/srv/tftp")
    if not root.startswith("/"):
        raise UsageError(f'--set root: "{root}" is not absolute')
    return root


def render(site: Site, options: Options) -> Rendered:
    """Return the server's settings, with the files that this site's clients ask for."""
    root = _root(options)
    wanted = [f"# clients ask for {root.rstrip('/')}/{path}" for path in needed_files(site)]
    if _server(options) == "dnsmasq":
        return _dnsmasq(site, root, wanted)
    address = _setting(options, "address", ":69")
    defaults = [
        'TFTP_USERNAME="tftp"',
        f'TFTP_DIRECTORY="{root}"',
        f'TFTP_ADDRESS="{address}"',
        f'TFTP_OPTIONS="--secure --map-file {_MAP}"',
    ]
    rules = ["# a backslash, wherever it stands, is a slash", r"rg \\ /"]
    return Rendered(
        files=(
            _file(site, "tftpd-hpa", [*wanted, *defaults], "/etc/default/tftpd-hpa"),
            _file(site, "tftpd-hpa.map", rules, _MAP),
        ),
        reload=("systemctl restart tftpd-hpa",),
        notes=("tftpd-hpa serves files that everybody may read, and no others",),
    )


def _dnsmasq(site: Site, root: str, wanted: Sequence[str]) -> Rendered:
    file = f"{site.name}-tftp.conf"
    target = f"/etc/dnsmasq.d/{file}"
    lines = [*wanted, "# it reads a backslash in a name as a slash by itself",
             "enable-tftp", f"tftp-root={quote(root)}"]  # fmt: skip
    return Rendered(
        files=(_file(site, file, lines, target),),
        check=(f"dnsmasq --test -C {target}",),
        reload=("systemctl restart dnsmasq",),
        notes=("dnsmasq's DNS server runs, too, where no file says port=0",),
    )


def _file(site: Site, file: str, lines: Sequence[str], install: str) -> RenderedFile:
    return RenderedFile(file, header(site, name) + "".join(_ended(lines)), install)


def _ended(lines: Sequence[str]) -> Iterator[str]:
    return (f"{line}\n" for line in lines)


def check(options: Options) -> Check | None:
    """Return `dnsmasq --test`; in.tftpd has no checker."""
    if _server(options) != "dnsmasq":
        return None

    def argv(folder: Path) -> Sequence[str]:
        return ("dnsmasq", "--test", "-C", str(next(iter(sorted(folder.glob("*.conf"))))))

    return Check("dnsmasq", argv, "dnsmasq-base", ("cannot read", "Permission denied"))
