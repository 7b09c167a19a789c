"""One run of a client: with a time limit, and with no end of output kept."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

KEPT = 2000
"""Bytes kept of what a client prints: the last ones, where the error is."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended: `status` is None if it was ended for taking too long."""

    status: int | None
    said: str
    seconds: float


def run(argv: Sequence[str], environ: Mapping[str, str], seconds: float) -> Ended:
    """Run `argv` without a terminal or input; end it and its children after `seconds`.

    Raises OSError if it can't be started.
    """
    begun = time.monotonic()
    with subprocess.Popen(
        argv, env=dict(environ), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, start_new_session=True,
    ) as process:  # fmt: skip
        try:
            said = _read(process, begun + seconds)
            status = _status(process, begun + seconds)
        finally:
            with suppress(ProcessLookupError):  # the group is the session's: children too
                os.killpg(process.pid, signal.SIGKILL)
    return Ended(status, said.decode("utf-8", "replace"), time.monotonic() - begun)


def _status(process: subprocess.Popen[bytes], end: float) -> int | None:
    try:
        return process.wait(max(0.0, end - time.monotonic()))
    except subprocess.TimeoutExpired:
        return None


def _read(process: subprocess.Popen[bytes], end: float) -> bytes:
    """Return the last of the output until it ends, the process does, or time is up."""
    said = b""
    pipe = process.stdout
    if pipe is None:
        raise TypeError(process)
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while (left := end - time.monotonic()) > 0:
            ready = selector.select(min(left, 0.1))
            if ready:
                got = os.read(pipe.fileno(), 65536)
                if not got:
                    break
                said = (said + got)[-KEPT:]
            elif process.poll() is not None:
                break  # a child that was left behind holds the pipe
    return said
