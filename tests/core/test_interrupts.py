"""Signals that Python drops end a command all the same."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from toolkit.testing import Home

SWALLOWING = """
import os, signal, sys, weakref
from toolkit import cli

class Thing: ...

def dropped(_):  # "Exception ignored in": what a callback of a weak reference raises goes nowhere
    os.kill(os.getpid(), {number})
    for _ in range(1000): pass

before = cli._run
def run(arguments):
    thing = Thing()
    reference = weakref.ref(thing, dropped)
    del thing
    return before(arguments)

cli._run = run
sys.exit(cli.run(["plugins"]))
"""


WAITING = """
import os, signal, sys, threading, time, weakref
from concurrent.futures import ThreadPoolExecutor
from toolkit import cli, interrupts

class Thing: ...

def dropped(_):
    os.kill(os.getpid(), signal.SIGINT)
    for _ in range(1000): pass

def run(arguments):
    stop = threading.Event()
    with ThreadPoolExecutor() as pool:
        try:
            future = pool.submit(stop.wait, 60)
            thing = Thing()
            reference = weakref.ref(thing, dropped)
            del thing
            {wait}
        finally:
            stop.set()

cli._run = run
sys.exit(cli.run(["plugins"]))
"""


@pytest.mark.parametrize("wait", ["list(interrupts.results([future]))", "interrupts.pause(stop)"])
def test_who_waits_for_threads_hears_of_a_signal_that_was_swallowed(
    wait: str, toolkit_home: Home
) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", WAITING.format(wait=wait)],
        cwd=toolkit_home.folder, env=toolkit_home.environ, capture_output=True, text=True,
        timeout=30, check=False,
    )  # fmt: skip
    assert "Exception ignored" in done.stderr
    assert done.returncode == 130


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_that_a_callback_swallows_ends_the_command(
    number: signal.Signals, status: int, toolkit_home: Home
) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", SWALLOWING.format(number=int(number))],
        cwd=toolkit_home.folder, env=toolkit_home.environ, capture_output=True, text=True,
        timeout=30, check=False,
    )  # fmt: skip
    assert "Exception ignored" in done.stderr
    assert done.returncode == status


def test_a_command_under_nohup_outlives_its_terminal(toolkit_home: Home) -> None:
    code = (
        "import os, signal, sys\n"
        "from toolkit import cli\n"
        "before = cli._run\n"
        "def run(arguments):\n"
        "    os.kill(os.getpid(), signal.SIGHUP)\n"
        "    return before(arguments)\n"
        "cli._run = run\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"  # what nohup(1) does
        "sys.exit(cli.run(['plugins']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=toolkit_home.folder, env=toolkit_home.environ,
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


AT_ONCE = """
import os, signal, sys, tempfile
from toolkit import interrupts
interrupts.install()
make = tempfile.mkdtemp

def made(prefix):
    folder = make(prefix=prefix)
    os.kill(os.getpid(), {number})  # it comes when the folder is there and nobody knows of it yet
    return folder

tempfile.mkdtemp = made
with interrupts.temporary_folder("trial-"):
    sys.exit("nothing came")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_comes_with_the_folder_leaves_none(
    number: signal.Signals, toolkit_home: Home
) -> None:
    temporary = toolkit_home.folder / "tmp"
    temporary.mkdir()
    done = subprocess.run(
        [sys.executable, "-P", "-c", AT_ONCE.format(number=int(number))],
        cwd=toolkit_home.folder, env={**toolkit_home.environ, "TMPDIR": str(temporary)},
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert "nothing came" not in done.stderr
    assert list(temporary.iterdir()) == []
