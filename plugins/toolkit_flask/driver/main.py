"""Load the application once, then raise in each situation in a process forked for it.

The job is a JSON file; results are lines of JSON on the descriptor it names. After the situations
the driver waits for a line on another, then lets the spool be delivered.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import sys
import threading
import time
import traceback
from typing import Any

from .guard import Guard

DELIVERY_SECONDS = 30.0
MOST_HUNG = 2
"""So many situations may hang; an application that hangs in all of them would take all the time."""
HUNG = "did not end in time"


def main(job_path: str) -> None:
    """Do the job; whatever goes wrong is a result, too."""
    with open(job_path, encoding="utf-8") as stream:
        job = json.load(stream)
    for descriptor in (job["results"], job["go"]):
        os.set_inheritable(descriptor, False)  # noqa: FBT003  # no program that the application starts has them
    Guard(job["guard"], job["port"]).install()
    sys.path[:0] = job["path"]
    sys.argv = ["flask"]
    process = os.getpid()
    try:
        app = _load(job["app"])
        _only_in(process)
        told = _loaded(app, job["copy"])
    except BaseException as error:
        _only_in(process)
        traceback.print_exc()
        _tell(job, {"kind": "failed", "why": f"{type(error).__name__}: {error}"})
        return
    _tell(job, {"kind": "loaded", **told})
    from .situations import ALL

    hung = 0
    for name in ALL:
        if hung == MOST_HUNG:
            _tell(job, {"kind": "situation", "name": name, "why": f"not tried, as {hung} {HUNG}"})
        else:
            hung += HUNG in _in_a_process(job, app, name)
    _tell(job, {"kind": "raised"})
    os.read(job["go"], 1)
    _deliver(job, app)
    _tell(job, {"kind": "delivered"})


def _only_in(process: int) -> None:
    """End here if the application forked while it was imported: one process raises and tells."""
    if os.getpid() != process:
        os._exit(0)


def _load(expression: str) -> Any:
    """Load the application as `flask --app` does, once it knows the module."""
    from flask.cli import locate_app

    module, _, name = expression.partition(":")
    return locate_app(module, name or None)


def _loaded(app: Any, copy: str) -> dict[str, object]:
    from importlib.metadata import version

    extension = app.extensions.get("error_reporting")
    if extension is None:
        raise LookupError(
            "the application was made, but init_app of error_reporting was not called"
        )
    module = sys.modules[type(extension).__module__]
    place = os.path.realpath(str(module.__file__))
    if not place.startswith(os.path.realpath(copy) + os.sep):
        raise LookupError(f"error_reporting was imported from {place}, not from the copy")
    return {
        "application": str(app.name),
        "flask": version("flask"),
        "python": ".".join(map(str, sys.version_info[:3])),
        "threads": threading.active_count() - 1,
    }


def _in_a_process(job: dict[str, Any], app: Any, name: str) -> str:
    """Raise in one situation; where the application's hooks bar the way, once more past them.

    Return why it was not reached.
    """
    found = _forked(job, app, name, past_hooks=False)
    if not found.get("raised") and not found.get("why"):
        barred = str(found.get("status") or found.get("escaped") or "no answer")
        found = _forked(job, app, name, past_hooks=True)
        found["note"] = f"past the application's before_request functions, which answered {barred}"
        if not found.get("raised") and not found.get("why"):
            found["why"] = f"the probe was not reached: the application answered {barred}"
    _tell(job, {"kind": "situation", "name": name, **found})
    return str(found.get("why") or "")


def _forked(job: dict[str, Any], app: Any, name: str, *, past_hooks: bool) -> dict[str, Any]:
    reader, writer = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            told = json.dumps(_raise(app, name, past_hooks=past_hooks))
            os.write(writer, told.encode() + b"\n")
            os.close(writer)
            _end(threading.Event())
        finally:
            os._exit(0)
    os.close(writer)
    deadline = time.monotonic() + float(job["seconds"])
    text = _line(reader, deadline)
    ended = _wait(child, deadline)
    found: dict[str, Any] = json.loads(text) if text else {"why": f"its process {ended}"}
    return found


def _line(reader: int, deadline: float) -> bytes:
    """Return the one line of a situation, b"" if none comes in time.

    Not all up to the end: a process that the application forked may hold the pipe open.
    """
    text = b""
    while not text.endswith(b"\n"):
        ready, _, _ = select.select([reader], [], [], max(deadline - time.monotonic(), 0))
        part = os.read(reader, 65536) if ready else b""
        if not part:
            text = b""
            break
        text += part
    os.close(reader)
    return text


def _raise(app: Any, name: str, *, past_hooks: bool) -> dict[str, object]:
    from .lab import Lab, Unreachable
    from .situations import ALL

    lab, why = Lab(app, name), ""
    if past_hooks:
        _clear_hooks(app)
    try:
        ALL[name](lab)
    except Unreachable as error:
        why = str(error)
    except Exception as error:
        traceback.print_exc()
        why = f"the probe could not be set up: {type(error).__name__}: {error}"
    return {"raised": lab.raised, "status": lab.status, "escaped": lab.escaped, "why": why}


def _clear_hooks(app: Any) -> None:
    """Take out what runs before a view."""
    app.before_request_funcs.clear()
    app.url_value_preprocessors.clear()


def _end(_never: threading.Event) -> None:
    """End as a process does: what was registered for its exit gets its time."""
    atexit._run_exitfuncs()
    sys.stderr.flush()


def _wait(child: int, deadline: float) -> str:
    """Wait for a process until the deadline, then kill it; say how it ended."""
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return f"ended with {os.waitstatus_to_exitcode(status)}"
        if time.monotonic() > deadline:
            break
        time.sleep(0.01)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return HUNG


def _deliver(job: dict[str, Any], app: Any) -> None:
    """Serve one request in a new process, which delivers what the others left in the spool."""
    child = os.fork()
    if child == 0:
        try:
            from .lab import Lab

            _clear_hooks(app)  # they may hang
            Lab(app, "delivery").request()
            _until_empty(os.path.join(job["spool"], "new"))
            _end(threading.Event())
        finally:
            os._exit(0)
    _wait(child, time.monotonic() + DELIVERY_SECONDS + 10)


def _until_empty(folder: str) -> None:
    deadline = time.monotonic() + DELIVERY_SECONDS
    while time.monotonic() < deadline and os.path.isdir(folder) and os.listdir(folder):
        time.sleep(0.05)


def _tell(job: dict[str, Any], result: dict[str, object]) -> None:
    os.write(job["results"], json.dumps(result).encode() + b"\n")
