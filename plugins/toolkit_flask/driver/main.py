"""Load the application once, then raise in each situation in a process forked for it.

The job is a JSON file; results are lines of JSON on the descriptor it names. After the situations
the driver waits for a line on standard input, then lets the spool be delivered.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
import threading
import time
import traceback
from typing import Any

from .guard import Guard

DELIVERY_SECONDS = 30.0


def main(job_path: str) -> None:
    """Do the job; whatever goes wrong is a result, too."""
    with open(job_path, encoding="utf-8") as stream:
        job = json.load(stream)
    Guard(job["guard"], job["port"]).install()
    sys.path[:0] = job["path"]
    sys.argv = ["flask"]
    try:
        app = _load(job["app"])
        told = _loaded(app, job["copy"])
    except BaseException as error:
        traceback.print_exc()
        _tell(job, {"kind": "failed", "why": f"{type(error).__name__}: {error}"})
        return
    _tell(job, {"kind": "loaded", **told})
    from .situations import ALL

    for name in ALL:
        _in_a_process(job, app, name)
    _tell(job, {"kind": "raised"})
    sys.stdin.readline()
    _deliver(job, app)
    _tell(job, {"kind": "delivered"})


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


def _in_a_process(job: dict[str, Any], app: Any, name: str) -> None:
    """Raise in one situation; where the application's hooks bar the way, once more past them."""
    found = _forked(job, app, name, past_hooks=False)
    if not found.get("raised") and not found.get("why"):
        barred = str(found.get("status") or found.get("escaped") or "no answer")
        found = _forked(job, app, name, past_hooks=True)
        found["note"] = f"past the application's before_request functions, which answered {barred}"
        if not found.get("raised") and not found.get("why"):
            found["why"] = f"the probe was not reached: the application answered {barred}"
    _tell(job, {"kind": "situation", "name": name, **found})


def _forked(job: dict[str, Any], app: Any, name: str, *, past_hooks: bool) -> dict[str, Any]:
    reader, writer = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            os.write(writer, json.dumps(_raise(app, name, past_hooks=past_hooks)).encode())
            os.close(writer)
            _end(threading.Event())
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader, "rb") as stream:
        text = stream.read()
    ended = _wait(child, float(job["seconds"]))
    found: dict[str, Any] = json.loads(text) if text else {"why": f"its process {ended}"}
    return found


def _raise(app: Any, name: str, *, past_hooks: bool) -> dict[str, object]:
    from .lab import Lab, Unreachable
    from .situations import ALL

    lab, why = Lab(app, name), ""
    if past_hooks:
        app.before_request_funcs.clear()
        app.url_value_preprocessors.clear()
    try:
        ALL[name](lab)
    except Unreachable as error:
        why = str(error)
    except Exception as error:
        traceback.print_exc()
        why = f"the probe could not be set up: {type(error).__name__}: {error}"
    return {"raised": lab.raised, "status": lab.status, "escaped": lab.escaped, "why": why}


def _end(_never: threading.Event) -> None:
    """End as a process does: what was registered for its exit gets its time."""
    atexit._run_exitfuncs()
    sys.stderr.flush()


def _wait(child: int, seconds: float) -> str:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return f"ended with {status}"
        time.sleep(0.01)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return f"did not end within {seconds:g} s"


def _deliver(job: dict[str, Any], app: Any) -> None:
    """Serve one request in a new process, which delivers what the others left in the spool."""
    child = os.fork()
    if child == 0:
        try:
            from .lab import Lab

            Lab(app, "delivery").request()
            _until_empty(os.path.join(job["spool"], "new"))
            _end(threading.Event())
        finally:
            os._exit(0)
    _wait(child, DELIVERY_SECONDS + 10)


def _until_empty(folder: str) -> None:
    deadline = time.monotonic() + DELIVERY_SECONDS
    while time.monotonic() < deadline and os.path.isdir(folder) and os.listdir(folder):
        time.sleep(0.05)


def _tell(job: dict[str, Any], result: dict[str, object]) -> None:
    os.write(job["results"], json.dumps(result).encode() + b"\n")
