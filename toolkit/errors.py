"""The errors a user may meet, and the exit statuses; `toolkit.exits` turns them into text.

A message is one sentence that names the file, line, host or option; a hint says what to do next.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class ExitStatus(IntEnum):
    """What the shell sees."""

    OK = 0
    """All is well."""
    NOT_OK = 1
    """Something that was checked is not as it should be."""
    USAGE = 2
    """Wrong usage or configuration."""
    FAILED = 3
    """The tool itself failed."""
    UNCHECKED = 4
    """Nothing is wrong, but something could not be checked."""
    HANGUP = 129
    """Ended because its terminal went away (128 + SIGHUP)."""
    INTERRUPTED = 130
    """Ended by Ctrl-C (128 + SIGINT)."""
    TERMINATED = 143
    """Ended by SIGTERM (128 + SIGTERM)."""
    CLOSED_PIPE = 141
    """The reader of standard output went away (128 + SIGPIPE, as a shell reports it)."""


class Terminated(BaseException):
    """SIGTERM came: like KeyboardInterrupt, it passes whatever catches exceptions and ends all."""

    status: ClassVar[ExitStatus] = ExitStatus.TERMINATED


class HungUp(Terminated):
    """SIGHUP came: the terminal or the connection behind it is gone."""

    status = ExitStatus.HANGUP


class ToolkitError(Exception):
    """An expected failure: `message` is one sentence, `hint` what to do next (may be empty)."""

    status: ClassVar[ExitStatus] = ExitStatus.FAILED

    def __init__(self, message: str, *, hint: str = "") -> None:
        """Keep the sentence and the hint apart, so that each output can lay them out."""
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(ToolkitError):
    """The command line, the configuration or a document is wrong: the user can mend it."""

    status = ExitStatus.USAGE
