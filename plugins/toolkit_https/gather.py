"""The targets of one run: arguments, a file, the configuration; one for each address if asked."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from toolkit.errors import UsageError
from toolkit.text import clean
from toolkit_https import connect, names
from toolkit_https.connect import Address
from toolkit_https.targets import Target, is_ip, parse_target

MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user asked for; `configured` counts only where nothing is named."""

    named: tuple[str, ...]
    file: Path | None
    configured: tuple[str, ...]
    sni: str = ""
    all_addresses: bool = False
    ipv4: bool = False
    ipv6: bool = False
    origin: str = ""
    """Where the configured ones were set."""

    def lookup(self, host: str, port: int) -> Sequence[Address]:
        """Resolve as the system does, keeping the address families asked for."""
        found = connect.resolve(host, port)
        if self.ipv4 == self.ipv6:
            return found
        family = socket.AF_INET if self.ipv4 else socket.AF_INET6
        return [address for address in found if address[0] == family]


@dataclass(frozen=True, slots=True)
class _Typed:
    """A target as written, and where: a file's name and line, a key of the configuration."""

    text: str
    source: str = ""
    line: int = 0
    key: str = ""


def gather(wanted: Wanted, cwd: Path) -> list[Target]:
    """Return the targets, each once. Raises UsageError for malformed ones, or where none is."""
    typed = [_Typed(text) for text in wanted.named]
    if wanted.file:
        typed += _from_file(wanted.file, cwd)
    if not typed:
        typed = [_Typed(text, wanted.origin, 0, "https.targets") for text in wanted.configured]
    if not typed:
        hint = "name one, or set https.targets in toolkit.yaml"
        raise UsageError("there is no target to check", hint=hint)
    targets = _parsed(typed)
    if wanted.sni:
        sni = names.to_ascii(wanted.sni)
        targets = [replace(target, sni=sni) for target in targets]
    if wanted.all_addresses:
        targets = [one for target in targets for one in _each_address(target, wanted)]
    return list({target.text: target for target in targets}.values())


def _parsed(typed: Sequence[_Typed]) -> list[Target]:
    targets: list[Target] = []
    wrong: list[tuple[_Typed, UsageError]] = []
    for item in typed:
        try:
            targets.append(parse_target(item.text))
        except UsageError as error:
            if not item.source:
                raise  # on the command line it is seen at once
            wrong.append((item, error))
    if wrong:
        raise _located(wrong)
    return targets


def _located(wrong: Sequence[tuple[_Typed, UsageError]]) -> UsageError:
    from toolkit.documents import DocumentError, Problem  # where something is wrong

    hint = wrong[0][1].hint if len(wrong) == 1 else ""  # else it would stand there once for each
    return DocumentError(
        [Problem(item.source, item.line, 1, item.key, error.message, hint) for item, error in wrong]
    )


def _each_address(target: Target, wanted: Wanted) -> Iterator[Target]:
    """A name that doesn't resolve stays one target: its result says so."""
    try:
        found = wanted.lookup(target.address, target.port)
    except OSError:
        found = []
    if not found or is_ip(target.address):
        yield target
        return
    for family, address in found:
        shown = f"[{address}]" if family == socket.AF_INET6 else address
        scheme = "" if target.scheme == "https" else f"{target.scheme}://"
        text = f"{scheme}{target.name}@{shown}:{target.port}"
        yield replace(target, text=text, address=address)


def _from_file(path: Path, cwd: Path) -> list[_Typed]:
    """Return the lines, without comments and blank ones, or what `_csv` finds."""
    shown = "standard input" if str(path) == "-" else clean(str(path))
    try:
        raw = _read(path, cwd)
        text = raw.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{shown}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{shown}: isn't UTF-8 (byte {error.start})") from error
    if len(raw) > MAX_BYTES:
        raise UsageError(f"{shown}: larger than 64 MiB")
    found = _csv(text) if path.suffix.lower() == ".csv" else _lines(text)
    return [_Typed(text, shown, line) for line, text in found if text]


def _read(path: Path, cwd: Path) -> bytes:
    if str(path) == "-":
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    with (cwd / path).open("rb") as stream:
        return stream.read(MAX_BYTES + 1)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        yield number, line.partition("#")[0].strip()


def _csv(text: str) -> Iterator[tuple[int, str]]:
    """Yield line and target of each row: the column `target`, or `host` and maybe `port`.

    Without such a header the first column counts, from the first row on.
    """
    import csv
    import io

    reader = csv.reader(io.StringIO(text))
    columns: dict[str, int] | None = None
    for row in reader:
        cells = [cell.strip() for cell in row]
        if columns is None and any(cells):
            columns = {cell.lower(): at for at, cell in enumerate(cells)}
            if columns.keys() & {"target", "host"}:
                continue
            columns = {"target": 0}
        yield reader.line_num, _of_row(cells, columns or {})


def _of_row(cells: Sequence[str], columns: Mapping[str, int]) -> str:
    def cell(name: str) -> str:
        at = columns.get(name, len(cells))
        return cells[at] if at < len(cells) else ""

    host, port = cell("host"), cell("port")
    if "target" in columns or not (host and port):
        return cell("target") or host
    return f"[{host}]:{port}" if ":" in host.strip("[]") and is_ip(host) else f"{host}:{port}"
