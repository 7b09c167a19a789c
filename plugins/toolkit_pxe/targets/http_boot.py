"""UEFI HTTP boot by nginx: a location for each base URL, with the types that firmware goes by.

UEFI tells an image by its media type, and an ISO or a disk image by no other sign but the suffix
(UEFI 2.10, 24.7.2; EDK II spells the types with a hyphen).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from toolkit.errors import UsageError
from toolkit.files import write_atomic
from toolkit_pxe.site.model import Origin, Site
from toolkit_pxe.targets.base import Check, Limit, Options, Rendered, RenderedFile, header

name = "http-boot"
summary = "nginx 1.22: locations for UEFI HTTP boot"
families: tuple[int, ...] = ()
settings: Mapping[str, str] = {"root": "the folder below which the URLs' paths lie, /srv/http"}

_TYPES = {
    "application/efi": "efi",
    "application/vnd.efi-iso": "iso",
    "application/vnd.efi-img": "img",
    "text/plain": "ipxe cfg txt",
}
_FOLDERS = ("/etc/nginx/conf.d", "/etc/nginx/snippets")
_PORTS = {"http": 80, "https": 443}
_WRONG = set("\"'\\$;{}#")
"""Characters with a meaning in nginx's configuration."""


@dataclass(frozen=True, slots=True)
class _Base:
    """A base URL of the site's boot servers."""

    url: SplitResult
    origin: Origin

    @property
    def path(self) -> str:
        """The path as nginx compares it: decoded."""
        return unquote(self.url.path)

    @property
    def port(self) -> int:
        return self.url.port or _PORTS[self.url.scheme]


def _bases(site: Site) -> list[_Base]:
    found: dict[str, _Base] = {}
    places = {subnet.variant: subnet.origin for subnet in reversed(site.subnets)}
    for at, variant in enumerate(site.variants):
        origin = places.get(at, Origin(site.sources[0], 0)) if at else Origin(site.sources[0], 0)
        for url in (variant.servers.http, variant.servers.http6):
            if url:
                found.setdefault(url, _Base(urlsplit(url), origin))
    return list(found.values())


def _limits(site: Site, bases: Sequence[_Base], options: Options) -> Iterator[Limit]:
    if not bases:
        hint = "set boot_servers.http"
        yield Limit(
            "the site has no HTTP boot server", Origin(site.sources[0], 0), hint, absent=True
        )
    for base in bases:
        shown = base.url.geturl()
        if base.url.query or base.url.fragment:
            yield Limit(f"{shown} has a query or fragment, and nginx compares paths", base.origin)
        if not _plain(base.path):
            yield Limit(f"{shown} has a path that nginx cannot be told", base.origin)
        if base.url.scheme == "https" and not options.fragment:
            message = f"{shown} needs a certificate, which the site file does not know"
            yield Limit(message, base.origin, "use --fragment in a server of your own")


def _plain(path: str) -> bool:
    """Whether a path can be a location, and stays below the root."""
    return (
        path.startswith("/")
        and "\N{REPLACEMENT CHARACTER}" not in path
        and ".." not in path.split("/")
        and "//" not in path
        and all(ord(item) >= 32 and ord(item) != 127 for item in path)
    )


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _needed(site: Site) -> list[str]:
    """Return the URLs that firmware and iPXE are sent to, each once."""
    arms = [arm for item in site.variants for arm in (*item.arms4, *item.arms6)]
    urls = {arm.boot.url or arm.boot.file for arm in arms if arm.boot}
    return sorted(url for url in urls if url.startswith(("http://", "https://")))


def _elsewhere(urls: Sequence[str], bases: Sequence[_Base]) -> list[str]:
    """Return the paths of URLs on these servers that lie below none of their base URLs."""
    below = tuple(base.path for base in bases)
    hosts = {base.url.netloc for base in bases}
    parts = [urlsplit(url) for url in urls if "${" not in url]
    paths = {unquote(item.path) for item in parts if item.netloc in hosts}
    return sorted(path for path in paths if not path.startswith(below) and _plain(path))


def _location(path: str, root: str, modifier: str = "") -> Iterator[str]:
    yield f"location {modifier}{_quoted(path)} {{"
    yield f"    root {_quoted(root)};"
    yield "    types {"
    yield from (f"        {kind} {suffixes};" for kind, suffixes in _TYPES.items())
    yield "    }"
    yield "    default_type application/octet-stream;"
    yield "    limit_except GET { deny all; }"
    yield "}"


def _listens(bases: Sequence[_Base]) -> Iterator[str]:
    """Yield where to listen: the ports of the URLs, for each family that they are reached by."""
    ports = sorted({base.port for base in bases if base.url.scheme == "http"})
    for port in ports:
        yield f"    listen {port};"
        if any(":" in (base.url.hostname or "") for base in bases if base.port == port):
            yield f"    listen [::]:{port};"


def render(site: Site, options: Options) -> Rendered:
    """Return a server, or with `fragment` its locations alone."""
    root = options.settings.get("root", "/srv/http")
    if not root.startswith("/") or not _plain(root) or _WRONG & {*root}:
        raise UsageError(f"--set root: {root!r} is no absolute path that nginx can be told")
    bases = _bases(site)
    limits = tuple(_limits(site, bases, options))
    paths = sorted({base.path for base in bases if _plain(base.path)})
    urls = _needed(site)
    wanted = [f"# clients ask for {url}" for url in urls]
    locations = [line for path in paths for line in _location(path, root)]
    locations += [line for path in _elsewhere(urls, bases) for line in _location(path, root, "= ")]
    if options.fragment:
        body = [*wanted, *locations]
    else:
        hosts = sorted({base.url.hostname or "" for base in bases})
        named = [f"    # {', '.join(hosts)}"] if hosts else []
        body = [*wanted, "server {", *named, *_listens(bases)]
        body += [*(f"    {line}" for line in locations), "}"]
    file = f"{site.name}-boot.conf"
    target = f"{_FOLDERS[options.fragment]}/{file}"
    text = header(site, name, limits=limits) + "".join(f"{line}\n" for line in body)
    notes = (f"add to your server: include {target};",) if options.fragment else ()
    return Rendered(
        files=(RenderedFile(file, text, target),),
        limits=limits,
        check=("nginx -t",),
        reload=("systemctl reload nginx",),
        notes=notes,
    )


def check(options: Options) -> Check | None:
    """Return `nginx -t` on a configuration that holds the file and nothing else."""

    def argv(folder: Path) -> Sequence[str]:
        file = next(iter(sorted(folder.glob("*.conf"))))
        main = folder / ".nginx"
        write_atomic(main, main_configuration(file, folder, fragment=options.fragment))
        return ("nginx", "-t", "-p", str(folder), "-c", str(main))

    return Check("nginx", argv, "nginx", ("Permission denied",))


def main_configuration(file: Path, folder: Path, *, fragment: bool, listen: str = "80") -> str:
    """Return a whole nginx.conf that includes a rendered file and writes into `folder` only."""
    inside = f"include {_quoted(str(file))};"
    if fragment:
        inside = f"server {{ listen {listen}; {inside} }}"
    temporary = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = " ".join(f"{item}_temp_path {_quoted(f'{folder}/{item}')};" for item in temporary)
    return (
        f"daemon off;\nworker_processes 1;\npid {_quoted(f'{folder}/nginx.pid')};\n"
        "error_log stderr;\nevents { }\n"
        f"http {{\n    access_log off;\n    {places}\n    {inside}\n}}\n"
    )
