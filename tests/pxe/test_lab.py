"""The laboratory never touches the caller's network and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from toolkit_pxe.decide.client import firmware
from toolkit_pxe.lab import Lab, LabError
from toolkit_pxe.lab.inside import Inside, namespace
from toolkit_pxe.serving import Serving

pytestmark = pytest.mark.server("ip")
KILLED = """
import sys, time
from toolkit_pxe.lab import Lab
from toolkit_pxe.serving import Serving
lab = Lab()
lab.serve(Serving(("sh", "-c", "while :; do sleep 1; done # " + sys.argv[1])), ["10.77.0.1/24"])
print("up", flush=True)
time.sleep(300)
"""


def processes(word: str) -> list[int]:
    """Return the processes whose command line has `word`, but for our own."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes()
        except OSError:
            continue
        if word.encode() in line and int(path.parent.name) != os.getpid():
            found.append(int(path.parent.name))
    return found


def until(test: object, seconds: float = 30) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if callable(test) and test():
            return True
        time.sleep(0.05)
    return False


def test_it_refuses_to_be_in_the_callers_network() -> None:
    with pytest.raises(RuntimeError, match="the caller's own network"):
        Inside(namespace())


def test_the_server_is_in_a_network_of_its_own_and_not_in_the_clients() -> None:
    with Lab() as lab:
        command = "readlink /proc/self/ns/net; ip -o link; exec sleep 300"
        lab.serve(Serving(("sh", "-c", command)), ["10.77.0.1/24"])
        assert until(lambda: "srv0" in lab.log())
        first, *links = lab.log().splitlines()
        assert first != namespace()
        assert len(links) == 2, "the loopback and the cable's end, nothing of this machine"


def test_nothing_is_left_when_whoever_started_it_is_killed() -> None:
    word = f"lab-{os.getpid()}-{time.monotonic_ns()}"
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, word], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    assert len(processes(word)) >= 2
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert until(lambda: not processes(word))
    assert (
        "srv0"
        not in subprocess.run(
            ["ip", "-o", "link"], capture_output=True, text=True, check=True
        ).stdout
    )


def test_a_server_that_does_not_start_is_told_with_what_it_said() -> None:
    with Lab() as lab:
        lab.serve(Serving(("sh", "-c", "echo no such option; exit 7")), ["10.77.0.1/24"])
        with pytest.raises(LabError, match="status 7: no such option"):
            lab.reply(firmware(0, mac="52:54:00:00:00:01"))


def test_no_answer_is_no_answer() -> None:
    with Lab() as lab:
        lab.serve(Serving(("sleep", "300")), ["10.77.0.1/24"])
        assert lab.reply(firmware(0, mac="52:54:00:00:00:01"), timeout=1) is None


def test_who_is_not_root_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(LabError, match="it needs root"):
        Lab()
