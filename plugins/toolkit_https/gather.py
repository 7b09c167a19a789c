"""The targets of one run: arguments, a file, the configuration; one for each address if asked."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator, Sequence
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

    def lookup(self, host: str, port: int) -> Sequence[Address]:
        """Resolve as the system does, keeping the address families asked for."""
        found = connect.resolve(host, port)
        if self.ipv4 == self.ipv6:
            return found
        family = socket.AF_INET if self.ipv4 else socket.AF_INET6
        return [address for address in found if address[0] == family]


def gather(wanted: Wanted, cwd: Path) -> list[Target]:
    """Return the targets, each once. Raises UsageError for a malformed one, or where none is."""
    texts = [*wanted.named, *(_from_file(wanted.file, cwd) if wanted.file else ())]
    if not texts:
        texts = list(wanted.configured)
    if not texts:
        hint = "name one, or set https.targets in toolkit.yaml"
        raise UsageError("there is no target to check", hint=hint)
    targets = [parse_target(text) for text in dict.fromkeys(texts)]
    if wanted.sni:
        sni = names.to_ascii(wanted.sni)
        targets = [replace(target, sni=sni) for target in targets]
    if wanted.all_addresses:
        targets = [one for target in targets for one in _each_address(target, wanted)]
    return list({target.text: target for target in targets}.values())


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


def _from_file(path: Path, cwd: Path) -> list[str]:
    """Lines, without comments and blank ones; of a CSV the column `target`, or else the first."""
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
    if path.suffix.lower() == ".csv":
        return _csv(text)
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    return [line for line in lines if line]


def _read(path: Path, cwd: Path) -> bytes:
    if str(path) == "-":
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    with (cwd / path).open("rb") as stream:
        return stream.read(MAX_BYTES + 1)


def _csv(text: str) -> list[str]:
    import csv
    import io

    rows = [row for row in csv.reader(io.StringIO(text)) if row and row[0].strip()]
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    if "target" not in header:
        return [row[0].strip() for row in rows]
    at = header.index("target")
    return [row[at].strip() for row in rows[1:] if len(row) > at and row[at].strip()]
