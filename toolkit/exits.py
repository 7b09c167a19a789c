"""Errors turned into a sentence on standard error and an exit status: the only place that does."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Sequence
from itertools import pairwise

from toolkit.errors import ExitStatus, ToolkitError
from toolkit.text import clean

OUTPUT_HINT = "the output is incomplete: free space or choose another place, then run it again"
_OF_A_STREAM = {errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EIO}
_REFUSALS = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENOTDIR}
REFUSAL_HINT = "see the permissions and the free space there; --debug shows what it was for"
BUG_HINT = "this is a fault of the toolkit, not yours: run it again with --debug and report it"


def complain(message: str, hint: str = "", *, kind: str = "error") -> None:
    """Write `toolkit: error: message` and the hint to standard error, if anybody reads it."""
    lines = [f"toolkit: {kind}: {message}"]
    lines += [f"  hint: {line}" for line in hint.splitlines()]
    try:
        sys.stderr.write("\n".join(lines) + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        _abandon(2)


def of_toolkit_error(error: ToolkitError, *, debug: bool = False) -> int:
    """Report an expected failure and return its status; `debug` shows where it came from, too."""
    if debug:
        traceback.print_exception(error)
    complain(error.message, error.hint)
    return int(error.status)


def of_output_error(error: OSError) -> int:
    """Report that standard output failed: quietly for a closed pipe, in a sentence otherwise."""
    _abandon(1)
    if isinstance(error, BrokenPipeError) or error.errno == errno.EPIPE:
        return int(ExitStatus.CLOSED_PIPE)
    complain(f"standard output: {error.strerror or error}", OUTPUT_HINT)
    return int(ExitStatus.FAILED)


def of_bug(error: BaseException, *, debug: bool) -> int:
    """Report an exception nobody expected; its traceback only where the user asked for it."""
    if debug:
        traceback.print_exception(error)
    complain(described(error), BUG_HINT)
    return int(ExitStatus.FAILED)


def is_refusal(error: OSError) -> bool:
    """Tell whether the system refused a file that `error` names: no fault of the program."""
    return error.filename is not None and error.errno in _REFUSALS


def of_refusal(error: OSError, *, debug: bool) -> int:
    """Report which file the system refused, and why."""
    if debug:
        traceback.print_exception(error)
    complain(f"{clean(os.fsdecode(error.filename))}: {error.strerror}", REFUSAL_HINT)
    return int(ExitStatus.FAILED)


def described(error: BaseException) -> str:
    """Return an exception's kind and words, safe to show."""
    text = clean(str(error), limit=300)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def is_monitored(arguments: Sequence[str]) -> bool:
    """Tell whether Nagios or a relative of it reads what this command line prints."""
    return "--format=nagios" in arguments or ("--format", "nagios") in pairwise(arguments)


def to_monitor(message: str) -> int:
    """Say on standard output that nothing could be checked, and why; return the status for that.

    Monitoring plugins guidelines: wrong arguments and failures of the plugin are UNKNOWN, 3, and
    only standard output is read. (Our own 2 would be CRITICAL there.)
    """
    reason = clean(message.partition("\n")[0], limit=300).replace("|", "/")
    try:
        sys.stdout.write(f"UNKNOWN - {reason}\n")
        sys.stdout.flush()
    except OSError as error:
        return of_output_error(error)
    return int(ExitStatus.FAILED)


def is_output_error(error: OSError) -> bool:
    """Tell whether `error` came from writing a stream (such errors name no file)."""
    if error.errno == errno.EBADF:
        return not _takes_text(1)  # else it is a socket of somebody's
    return error.filename is None and error.errno in _OF_A_STREAM


def _takes_text(descriptor: int) -> bool:
    try:
        os.write(descriptor, b"")
    except OSError:
        return False
    return True


def _abandon(descriptor: int) -> None:
    """Point a broken stream at /dev/null: the flush at exit must not complain again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
