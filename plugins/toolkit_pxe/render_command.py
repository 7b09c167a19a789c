"""`toolkit pxe render`: the site written down, printed, compared or written to a folder."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from toolkit.errors import ExitStatus, UsageError
from toolkit.output import Look, Record, View
from toolkit.session import Session
from toolkit.terminal import Line
from toolkit.text import clean
from toolkit_pxe import folder as files
from toolkit_pxe.requests import families_of, named_targets, parse_settings
from toolkit_pxe.site.model import Site
from toolkit_pxe.site.resolve import load_site, uncollected
from toolkit_pxe.targets.base import CannotExpressError, Limit, Options, Rendered, Target


@dataclass(frozen=True, slots=True)
class Asked:
    """The command line."""

    site: Path
    targets: tuple[str, ...]
    output: Path | None
    fragment: bool
    diff: bool
    check: bool
    allow_degraded: bool
    settings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """What one target made for one family."""

    target: str
    family: int
    rendered: Rendered


@dataclass(frozen=True, slots=True)
class Result:
    """One file: what happens with it, and with --diff how its lines change."""

    change: files.Change
    install: str
    diff: bool


def render_site(
    site: Site, targets: Sequence[Target], asked: Asked, folder: Path | None
) -> list[Piece]:
    """Return what each target makes. Raises CannotExpressError unless degraded is allowed."""
    pieces = []
    refused: dict[str, list[Limit]] = {}
    for target in targets:
        for family in families_of(site, target):

            def previous(name: str, target: str = target.name) -> str | None:
                raw = files.read(folder / target / name) if folder else None
                return None if raw is None else raw.decode("utf-8", "replace")

            settings = parse_settings(asked.settings, target, targets)
            options = Options(family, asked.fragment, settings, previous)
            rendered = target.render(site, options)
            pieces.append(Piece(target.name, family, rendered))
            refused.setdefault(target.name, []).extend(rendered.limits)
    refused = {name: limits for name, limits in refused.items() if limits}
    if refused and not asked.allow_degraded:
        raise CannotExpressError(refused)
    return pieces


def run(session: Session, asked: Asked) -> ExitStatus:
    """Do what the command line asks for and return the exit status."""
    if asked.output is None and (asked.diff or asked.check):
        message = "--diff and --check compare with a folder, and none is named"
        raise UsageError(message, hint="add --output FOLDER")
    session.output.check_format(VIEW)
    targets = named_targets(asked.targets)
    folder = session.cwd / asked.output if asked.output else None
    with uncollected():
        site = load_site(session.cwd / asked.site)
        pieces = render_site(site, targets, asked, folder)
    for piece in pieces:
        for limit in piece.rendered.limits:
            session.output.warn(f"{piece.target}: {limit}")
    if folder is None:
        return _print(session, pieces)
    planned = files.changes(folder, _wanted(pieces), [target.name for target in targets])
    if asked.diff or asked.check:
        _emit(session, planned, pieces, diff=asked.diff)
        drift = any(change.what != files.SAME for change in planned)
        return ExitStatus.NOT_OK if asked.check and drift else ExitStatus.OK
    # Written before it is told: nothing is said that isn't so, and a reader may go away.
    files.apply(folder, planned, site.digest)
    _emit(session, planned, pieces, diff=False)
    _advise(session, pieces, folder)
    return ExitStatus.OK


def _wanted(pieces: Sequence[Piece]) -> list[files.Wanted]:
    found: dict[str, files.Wanted] = {}
    for piece in pieces:
        for item in piece.rendered.files:
            name = f"{piece.target}/{item.name}"
            found.setdefault(name, files.Wanted(name, item.content.encode(), item.mode))
    return list(found.values())


def _print(session: Session, pieces: Sequence[Piece]) -> ExitStatus:
    """Print the files; a name precedes each on standard error, if there are several."""
    if session.output.format != "table":
        changes = [files.Change(item.name, None, item.content) for item in _wanted(pieces)]
        _emit(session, changes, pieces, diff=False)
        return ExitStatus.OK
    for piece in pieces:
        for item in piece.rendered.files:
            session.output.say(f"── {piece.target}: {item.install or item.name}")
            session.output.stdout.write(item.content)
            session.output.stdout.flush()
    return ExitStatus.OK


def _emit(
    session: Session, planned: Sequence[files.Change], pieces: Sequence[Piece], *, diff: bool
) -> None:
    install = {
        f"{piece.target}/{item.name}": item.install
        for piece in pieces
        for item in piece.rendered.files
    }
    results = (Result(change, install.get(change.name, ""), diff) for change in planned)
    session.output.emit(results, VIEW)


def _advise(session: Session, pieces: Sequence[Piece], folder: Path) -> None:
    """Say how the files are installed, checked and loaded: talk, not data."""
    say = session.output.say
    for piece in pieces:
        say(f"{piece.target} (IPv{piece.family}):")
        for item in piece.rendered.files:
            if item.install:
                source = folder / piece.target / item.name
                say(f"  install: install -m {item.mode:04o} {source} {item.install}")
        for word, commands in (("check", piece.rendered.check), ("reload", piece.rendered.reload)):
            for command in commands:
                say(f"  {word + ':':<8} {command}")
        for note in piece.rendered.notes:
            say(f"  note:    {note}")


def _record(result: Result) -> Record:
    change = result.change
    content = change.after.decode() if change.after is not None else None
    return {"file": change.name, "change": change.what, "install": result.install,
            "content": content}  # fmt: skip


_STYLES = {files.CREATE: "good", files.CHANGE: "warn", files.REMOVE: "bad", files.SAME: "dim"}


def _lines(results: Iterable[Result], _look: Look) -> Iterator[Line]:
    for result in results:
        change = result.change
        yield ((f"{change.what:<7}", _STYLES[change.what]), (clean(change.name), ""))
        if result.diff and change.what != files.SAME:
            yield from _diff(change)


def _diff(change: files.Change) -> Iterator[Line]:
    before, after = (_text(part) for part in (change.before, change.after))
    lines = difflib.unified_diff(before, after, "there", "rendered", lineterm="", n=2)
    for line in lines:
        style = {"+": "good", "-": "bad", "@": "note"}.get(line[:1], "")
        yield (("  " + clean(line), style),)


def _text(content: bytes | None) -> list[str]:
    return content.decode("utf-8", "backslashreplace").splitlines() if content else []


VIEW: View[Result] = View(
    schema="toolkit.pxe.render/1",
    record=_record,
    lines=_lines,
    columns=("file", "change", "install"),
)
