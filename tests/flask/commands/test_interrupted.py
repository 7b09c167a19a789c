"""Ctrl-C and SIGTERM at any step: the application is as it was, or as it is to be; nothing else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from toolkit.testing import Home

Application = Callable[..., Path]
APP = "from flask import Flask\n\n\ndef create_app():\n    app = Flask(__name__)\n    return app\n"
STEPS = """
import os, signal, sys
number, at, left = getattr(signal, sys.argv[1]), int(sys.argv[2]), [0]
ours = {"os.mkdir", "os.rename", "os.link", "os.remove", "os.rmdir", "shutil.rmtree", "open"}

def hook(event, arguments):
    if event in ours and "existing" in str(arguments[0]):
        left[0] += 1
        if left[0] == at:
            os.kill(os.getpid(), number)

sys.addaudithook(hook)
from toolkit.cli import run
status = run(sys.argv[3:])
print(left[0])
sys.exit(status)
"""
PUT_IN = ("scaffold", "--into", "existing", "--apply", "--no-prove")
MAKE = ("scaffold", "existing", "--defaults")
TAKE_OUT = ("remove", "existing")


def run(home: Home, name: str, at: int, *arguments: str) -> tuple[int, int]:
    """Run a command with a signal at one step; return its status and the number of its steps."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", STEPS, name, str(at), "flask", *arguments, "-q"],
        cwd=home.folder, env=home.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, int(done.stdout.split()[-1])


def tree(folder: Path) -> dict[str, bytes | None]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("existing")) + sorted(folder.rglob("existing/**/*"))
    }


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("SIGINT", PUT_IN), ("SIGINT", MAKE), ("SIGINT", TAKE_OUT), ("SIGTERM", PUT_IN)],
    ids=["put in", "make", "take out", "terminated"],
)
def test_at_any_step_all_is_done_or_undone(
    name: str, arguments: tuple[str, ...], application: Application, toolkit_home: Home
) -> None:
    home = toolkit_home.folder

    def prepare() -> None:
        subprocess.run(["rm", "-rf", "existing"], cwd=home, check=True)
        if arguments != MAKE:
            application(APP, put_in=arguments == TAKE_OUT)

    prepare()
    before = tree(home)
    status, steps = run(toolkit_home, name, -1, *arguments)
    after = tree(home)
    assert (status, before == after) == (0, False)
    found = set()
    for at in range(3, steps + 1, max(1, steps // 6)):
        prepare()
        status, _ = run(toolkit_home, name, at, *arguments)
        now = tree(home)
        assert now in (before, after), f"at step {at} of {steps}"
        assert status == {"SIGINT": 130, "SIGTERM": 143}[name]
        found.add("done" if now == after else "undone")
    assert "undone" in found
