"""How an attempt to deliver ended, as a value: one report that is refused never ends the round."""

from __future__ import annotations

from typing import NamedTuple


class Outcome(NamedTuple):
    """`kind` is one of `arrived`, `refused`, `later` and `down`."""

    kind: str
    """`refused`: never again; `later`: this entry again; `down`: the sink, and all its entries."""
    reason: str = ""
    pause: float = 0.0
    """Seconds for which the server asked to be left alone."""


def arrived(reason: str = "") -> Outcome:
    """The server has it."""
    return Outcome("arrived", reason)


def refused(reason: str) -> Outcome:
    """The server will never take this entry."""
    return Outcome("refused", reason)


def later(reason: str) -> Outcome:
    """The server does not take this entry now."""
    return Outcome("later", reason)


def down(reason: str, pause: float = 0.0) -> Outcome:
    """The server can't be reached, or takes nothing from us."""
    return Outcome("down", reason, pause)
