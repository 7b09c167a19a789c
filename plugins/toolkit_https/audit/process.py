"""One run of a client: with a time limit, and with no end of output kept."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

TICK = 0.1
KEPT = 2000
"""Bytes kept of what a client prints: the last ones, where the error is."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended: `status` is None if it had to be ended."""

    status: int | None
    said: str
    seconds: float


def run(
    argv: Sequence[str], environ: Mapping[str, str], seconds: float, stop: threading.Event
) -> Ended:
    """Run `argv` without a terminal or input; end it and its children after `seconds` or a `stop`.

    Raises OSError if it can't be started.
    """
    begun = time.monotonic()
    with subprocess.Popen(
        argv, env=dict(environ), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, start_new_session=True,
    ) as process:  # fmt: skip
        try:
            said = _read(process, begun + seconds, stop)
            status = _status(process, begun + seconds, stop)
        finally:
            with suppress(ProcessLookupError):  # the group is the session's: children too
                os.killpg(process.pid, signal.SIGKILL)
    return Ended(status, said.decode("utf-8", "replace"), time.monotonic() - begun)


def _status(process: subprocess.Popen[bytes], end: float, stop: threading.Event) -> int | None:
    """Wait for a process whose output has ended already; most are gone by then."""
    while process.poll() is None and time.monotonic() < end and not stop.is_set():
        with suppress(subprocess.TimeoutExpired):
            process.wait(TICK)
    return process.poll()


def _read(process: subprocess.Popen[bytes], end: float, stop: threading.Event) -> bytes:
    """Return the last of the output until it ends, the process does, or time is up."""
    said = b""
    pipe = process.stdout
    if pipe is None:
        raise TypeError(process)
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while (left := end - time.monotonic()) > 0 and not stop.is_set():
            ready = selector.select(min(left, TICK))
            if ready:
                got = os.read(pipe.fileno(), 65536)
                if not got:
                    break
                said = (said + got)[-KEPT:]
            elif process.poll() is not None:
                break  # a child that was left behind holds the pipe
    return said
