"""What a target module is, and what rendering takes and gives.

A target writes decisions down and decides nothing: the branches of `Site.variants` are already in
order, with loop guards and HTTP conditions as branches of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from toolkit import __version__
from toolkit.errors import UsageError
from toolkit.text import clean
from toolkit_pxe.decide.client import Client
from toolkit_pxe.decide.decision import Decision
from toolkit_pxe.decide.wire import Wire
from toolkit_pxe.site.model import Origin, Site

MARK = "rendered by toolkit pxe"
"""Stands in the head of every file of ours; what lacks it is foreign and never overwritten."""


@dataclass(frozen=True, slots=True)
class Limit:
    """Something that the site asks for and this server cannot express, and where it is asked.

    absent    rather, the site says nothing of what this server is for: that is no fault of either
    """

    message: str
    origin: Origin = Origin("", 0)
    hint: str = ""
    absent: bool = False

    def __str__(self) -> str:
        """Return one sentence with its place."""
        return f"{self.origin}: {self.message}" if self.origin.source else self.message


class CannotExpressError(UsageError):
    """Targets cannot do what the site asks for, or are asked for nothing; `limits` say what."""

    def __init__(self, refused: Mapping[str, Sequence[Limit]]) -> None:
        """Tell all of them, target by target."""
        self.limits = tuple(item for limits in refused.values() for item in limits)
        told = "\n".join(_refusal(target, limits) for target, limits in refused.items())
        hint = next((item.hint for item in self.limits if item.hint), "")
        more = "--allow-degraded writes the rest, with these marked"
        if not all(item.absent for item in self.limits):
            hint = f"{hint}; or: {more}" if hint else more
        super().__init__(told, hint=hint)


def _refusal(target: str, limits: Sequence[Limit]) -> str:
    listed = "\n".join(f"  {item}" for item in dict.fromkeys(map(str, limits)))
    if all(item.absent for item in limits):
        return f"there is nothing to write for {target}:\n{listed}"
    return f"{target} cannot express what the site asks for:\n{listed}"


@dataclass(frozen=True, slots=True)
class Options:
    """How to render.

    family    4 or 6; targets of both families are rendered once for each that the site has
    fragment  a part to include in an existing configuration, rather than a whole one
    settings  the target's own settings (`--set name=value`), see `Target.settings`
    previous  the content of a file of the last rendering by its name, or None (zones' serials)
    """

    family: int = 4
    fragment: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)
    previous: Callable[[str], str | None] = field(default=lambda _name: None)


@dataclass(frozen=True, slots=True)
class RenderedFile:
    """One file. `name` is relative and may have folders; `install` is where the server has it."""

    name: str
    content: str
    install: str = ""
    mode: int = 0o644


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a target made of a site.

    `limits` are what it cannot express: rendering stops with them unless degraded output is
    allowed, so the files must have them marked. `check`, `reload` are commands for an
    administrator's shell, `notes` are sentences for them.
    """

    files: tuple[RenderedFile, ...]
    limits: tuple[Limit, ...] = ()
    check: tuple[str, ...] = ()
    reload: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a server will send. `wire` is None where it sends nothing that the decision knows of.

    `notes` say why bytes are as they are: escaping, NUL, what isn't asked for.
    """

    decision: Decision
    wire: Wire | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """A server's own checker: an argument list for the files in a folder.

    `unreadable` recognises, in what the checker prints, that it couldn't read the file (then the
    file may be right), and `remedy` says what to do about that.
    """

    program: str
    argv: Callable[[Path], Sequence[str]]
    package: str
    unreadable: tuple[str, ...] = ("Permission denied", "Unable to open file", "can't open")
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Advice:
    """The lines or form fields for one boot file, and what is then on the wire."""

    lines: tuple[tuple[str, str], ...]
    """(label, exact text); the label is a form's field, or "" for lines of a file."""
    wire: tuple[tuple[str, str], ...]
    """(field or option, bytes in words)."""
    why: tuple[str, ...]


@runtime_checkable
class Target(Protocol):
    """A module that writes a site down for one server or loader.

    A DHCP server's module has `predict` too, see `Predicting`; one that can answer `toolkit pxe
    bootfile` has `bootfile`, see `Advising`.
    """

    name: str
    """As in `--for`: the entry point's name."""
    summary: str
    """One line."""
    families: tuple[int, ...]
    """(4,), (4, 6) …: families that are rendered apart; () for one that has none (a loader)."""
    settings: Mapping[str, str]
    """Its settings with their meanings; the value may be given by `--set name=value`."""

    def render(self, site: Site, options: Options) -> Rendered:
        """Return the files. Raises UsageError for settings that are wrong, and nothing else."""

    def check(self, options: Options) -> Check | None:
        """Return the server's own checker of what `render` made with these options."""


@runtime_checkable
class Predicting(Protocol):
    """A target that is a DHCP server."""

    def predict(self, site: Site, client: Client, options: Options) -> Prediction:
        """Return what this server will send to `client`, configured as rendered."""


@runtime_checkable
class Advising(Protocol):
    """A target that tells how to enter one boot file."""

    def bootfile(self, file: str, next_server: str) -> Advice:
        """Return the lines for `file` (raw, as the TFTP server has it). Raises UsageError."""


def in_words(raw: bytes) -> str:
    r"""Return octets for people: text as it is, NUL as <NUL>, others as \xNN; "empty" if none."""
    text = raw.decode("utf-8", "backslashreplace").replace("\0", "<NUL>")
    return clean(text) if raw else "empty"


def header(site: Site, target: str, comment: str = "# ", limits: Iterable[Limit] = ()) -> str:
    """Return the first lines of a file: what made it of what, and what it lacks.

    The digest is of the site file and its host lists, so that equal input gives equal bytes.
    """
    lines = [
        f"{MARK} {__version__} for {target} from {Path(site.sources[0]).name}; edit that instead",
        f"source sha256 {site.digest}",
        *(f"NOT EXPRESSED: {item.message} ({item.origin.short})" for item in limits),
    ]
    # A file's name may hold a line feed, which would end the comment.
    return "".join(f"{comment}{clean(line)}\n" for line in lines)
