"""An exception as plain data: chain, groups, frames; and what makes two errors the same.

Written anew rather than with `traceback`, because mail, log and Sentry need the frames themselves,
because each text must be redacted before it is joined, and because a request waits for it.
"""

from __future__ import annotations

import hashlib
import linecache
import os
import reprlib
import sysconfig
from collections.abc import Iterator
from functools import lru_cache
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

from .text import clean, clean_lines

if TYPE_CHECKING:
    from .redaction import Redactor

MOST_FRAMES = 60
"""Of a traceback longer than this, the first and the last are kept: recursion has a thousand."""
MOST_CHAIN = 8
MOST_IN_GROUP = 10
MOST_MEMBERS = 40
"""Of all groups of one report together: they may be nested."""
MOST_LOCALS = 30
_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_FOREIGN = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
_LIBRARY = tuple(
    os.path.realpath(path) + os.sep
    for path in {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
    if path
)


@lru_cache(maxsize=2048)
def is_own(filename: str) -> bool:
    """Tell whether code belongs to the application: not to a library, nor to this package."""
    if filename.startswith(("<", _HERE)):
        return False
    return not any(part in filename for part in _FOREIGN) and not filename.startswith(_LIBRARY)


def frames_of(trace: TracebackType | None) -> list[tuple[FrameType, int]]:
    """Return the frames of a traceback with their lines, outermost first."""
    found: list[tuple[FrameType, int]] = []
    while trace is not None:
        found.append((trace.tb_frame, trace.tb_lineno))
        trace = trace.tb_next
    return found


def leaf(error: BaseException) -> BaseException:
    """Return the exception itself, or the first within the groups that hold it."""
    seen = 0
    inner = getattr(error, "exceptions", None)
    while (
        isinstance(inner, tuple)
        and inner
        and isinstance(inner[0], BaseException)
        and seen < MOST_CHAIN
    ):
        error, seen = inner[0], seen + 1
        inner = getattr(error, "exceptions", None)
    return error


def name_of(error: BaseException) -> str:
    """Return the class's dotted name, without `builtins`."""
    kind = type(error)
    module = getattr(kind, "__module__", "builtins")
    name = getattr(kind, "__qualname__", kind.__name__)
    return clean(name if module in {"builtins", "__main__"} else f"{module}.{name}", 120)


def message_of(error: BaseException) -> str:
    """Return `str(error)`; if that raises, say so."""
    try:
        return str(error)
    except Exception:  # a stranger's __str__ may raise anything
        return "<its message can't be shown>"


class Trace:
    """Describes exceptions for one report."""

    def __init__(self, redactor: Redactor, *, show_locals: bool) -> None:
        """Texts pass the redactor; locals are shown on request only."""
        self._redactor = redactor
        self._show_locals = show_locals
        self._members = MOST_MEMBERS

    def chain(self, error: BaseException) -> list[dict[str, Any]]:
        """Return the exceptions from the one raised last back to the first cause.

        Each: `type`, `message`, `notes`, `frames`, `relation` ("raised", "cause" or "context"), and
        for a group `group`, a list of chains.
        """
        found: list[dict[str, Any]] = []
        for inner, relation in chain_of(error):
            found.append(self._describe(inner, relation))
        return found

    def _describe(self, error: BaseException, relation: str, depth: int = 3) -> dict[str, Any]:
        described: dict[str, Any] = {
            "type": name_of(error),
            "message": clean_lines(self._redactor.text(message_of(error)[:8000])),
            "relation": relation,
            "frames": self._frames(error.__traceback__),
        }
        notes = getattr(error, "__notes__", None)
        if isinstance(notes, list):
            described["notes"] = [
                clean_lines(self._redactor.text(str(n)[:2000])) for n in notes[:5]
            ]
        inner = getattr(error, "exceptions", None)
        if isinstance(inner, tuple) and depth:
            members = [one for one in inner[:MOST_IN_GROUP] if isinstance(one, BaseException)]
            members = members[: max(0, self._members)]
            self._members -= len(members)
            described["group"] = [self._describe(one, "member", depth - 1) for one in members]
            described["members"] = len(inner)
        return described

    def _frames(self, trace: TracebackType | None) -> list[dict[str, Any]]:
        frames = frames_of(trace)
        left_out = len(frames) - MOST_FRAMES
        if left_out > 0:
            frames = frames[: MOST_FRAMES // 3] + frames[-(MOST_FRAMES - MOST_FRAMES // 3) :]
        described = [self._frame(frame, line) for frame, line in frames]
        if left_out > 0:
            described[MOST_FRAMES // 3]["left_out"] = left_out
        return described

    def _frame(self, frame: FrameType, line: int) -> dict[str, Any]:
        code = frame.f_code
        described: dict[str, Any] = {
            "file": clean(code.co_filename),
            "line": line,
            "function": clean(getattr(code, "co_qualname", code.co_name), 200),
            "module": clean(str(frame.f_globals.get("__name__", "-")), 200),
            "own": is_own(code.co_filename),
        }
        source = source_line(frame, line)
        if source:
            described["source"] = clean(self._redactor.source(source))
        if self._show_locals:
            described["locals"] = self._locals(frame)
        return described

    def _locals(self, frame: FrameType) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, value in list(frame.f_locals.items())[:MOST_LOCALS]:
            if self._redactor.secret_name(name):
                self._redactor.named(name, value)
                found[clean(name, 80)] = "[redacted]"
            else:
                found[clean(name, 80)] = clean(self._redactor.text(_repr(value)), 300)
        return found


class _Short(reprlib.Repr):
    """Cuts containers and texts before they are written out: one may have millions of parts."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 3
        self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = self.maxdict = 10
        self.maxdeque = self.maxarray = 10
        self.maxstring = self.maxother = 300

    def repr1(self, x: Any, level: int) -> str:
        """As the base class; an exception without its members, which may be nested deeply."""
        if isinstance(x, BaseException):
            return f"{name_of(x)}({message_of(x)[:300]!r})"
        return super().repr1(x, level)


def _repr(value: object) -> str:
    try:
        return _Short().repr(value)[:2000]
    except Exception:  # a stranger's __repr__ may raise anything
        return f"<{type(value).__name__}, which can't be shown>"


def source_line(frame: FrameType, line: int) -> str:
    """Return the line of source, stripped; empty if there is none to be had."""
    return linecache.getline(frame.f_code.co_filename, line, frame.f_globals).strip()


def chain_of(error: BaseException) -> Iterator[tuple[BaseException, str]]:
    """Go from an exception back to its causes, each with how it is related to the one before."""
    seen: set[int] = set()
    following: BaseException | None = error
    relation = "raised"
    while following is not None and id(following) not in seen and len(seen) < MOST_CHAIN:
        seen.add(id(following))
        yield following, relation
        if following.__cause__ is not None:
            following, relation = following.__cause__, "cause"
        elif following.__suppress_context__:
            return
        else:
            following, relation = following.__context__, "context"


def has_own_frame(error: BaseException) -> bool:
    """Tell whether any of the application's own code stands in the traceback."""
    return any(is_own(frame.f_code.co_filename) for frame, _ in frames_of(error.__traceback__))


def places(error: BaseException) -> tuple[dict[str, object], dict[str, object]]:
    """Return the point of raise, and the innermost frame outside of libraries."""
    frames = frames_of(leaf(error).__traceback__) or frames_of(error.__traceback__)
    if not frames:
        return {}, {}
    own = next((pair for pair in reversed(frames) if is_own(pair[0].f_code.co_filename)), None)
    return _place(frames[-1]), _place(own) if own else {}


def _place(pair: tuple[FrameType, int]) -> dict[str, object]:
    frame, line = pair
    return {
        "file": clean(frame.f_code.co_filename),
        "line": line,
        "module": clean(str(frame.f_globals.get("__name__", "-")), 200),
        "function": clean(getattr(frame.f_code, "co_qualname", frame.f_code.co_name), 200),
    }


def fingerprint(error: BaseException) -> str:
    """Return 16 hexadecimal digits that are the same for errors of one kind.

    Made of the class, the point of raise and the innermost own line as text: not of messages,
    which hold values, nor of line numbers, which move with each edit.
    """
    inner = leaf(error)
    parts = [name_of(error), name_of(inner)]
    frames = frames_of(inner.__traceback__)
    own = next((pair for pair in reversed(frames) if is_own(pair[0].f_code.co_filename)), None)
    for frame, line in [pair for pair in (own, frames[-1] if frames else None) if pair]:
        parts += [
            str(frame.f_globals.get("__name__")),
            frame.f_code.co_name,
            source_line(frame, line),
        ]
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "backslashreplace"))
    return digest.hexdigest()[:16]
