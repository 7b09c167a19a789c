"""What an audit finds: frozen values. Text in them is the client's own and is cleaned in views."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    """What accepting a trap means."""

    DANGEROUS = "dangerous"
    """An attacker gets in."""
    LAX = "lax"
    """A rule that newer clients enforce is not; by itself it lets nobody in."""
    LIMIT = "limit"
    """A lax acceptance that this client, as it is known, cannot be told to give up."""


class Outcome(StrEnum):
    """What a client did with one server."""

    ACCEPTED = "accepted"
    """The laboratory read the client's application data."""
    REFUSED = "refused"
    """It began a handshake and sent no application data."""
    NOT_FOLLOWED = "not followed"
    """It accepted the sound server that redirects, and did not go where that sent it."""
    NOT_TESTED = "not tested"
    """Nothing follows from what it did: no connection, or it refuses the sound server as well."""
    NOT_TESTABLE = "not testable"
    """This machine can't set the trap: no name resolution of our own, no IPv6."""


class Verdict(StrEnum):
    """What all trials together say."""

    VERIFIES = "verifies"
    LAX = "lax"
    DANGEROUS = "dangerous"
    REFUSES_ALL = "refuses everything"
    """The sound server too: nothing is known about its verification."""
    NOT_TESTED = "not tested"
    """It never came to the sound server."""
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Trial:
    """One run of the client against one server.

    grade    what this acceptance means; None unless a trap was accepted
    reason   why the outcome is what it is, where that needs words
    status   the client's exit status; None if it had to be ended, or never ran
    said     the last of what it printed
    """

    case: str
    group: str
    meaning: str
    accept: bool
    outcome: Outcome
    grade: Grade | None = None
    reason: str = ""
    status: int | None = None
    said: str = ""
    seconds: float = 0.0

    @property
    def right(self) -> bool:
        """Whether the client did what a verifying one does."""
        wanted = Outcome.ACCEPTED if self.accept else Outcome.REFUSED
        return self.outcome in {wanted, Outcome.NOT_FOLLOWED}


@dataclass(frozen=True, slots=True)
class Audit:
    """All trials of one client, in the order of the cases.

    explanation  of the first dangerous acceptance (or lax, where none is): what it means
    remedy       what to do about it
    names        how the trial names were made to resolve, or why they couldn't be
    """

    client: str
    command: tuple[str, ...]
    version: str
    verdict: Verdict
    trials: tuple[Trial, ...] = ()
    explanation: str = ""
    remedy: str = ""
    names: str = ""
    weakened: bool = False
    seconds: float = 0.0

    @property
    def accepted(self) -> tuple[Trial, ...]:
        """The traps that it fell for."""
        return tuple(trial for trial in self.trials if trial.grade)

    @property
    def refused_controls(self) -> tuple[Trial, ...]:
        """The sound servers that it did not accept."""
        return tuple(t for t in self.trials if t.accept and t.outcome is Outcome.REFUSED)

    @property
    def unknown(self) -> tuple[Trial, ...]:
        """The trials from which nothing follows."""
        unknown = {Outcome.NOT_TESTED, Outcome.NOT_TESTABLE}
        return tuple(trial for trial in self.trials if trial.outcome in unknown)
