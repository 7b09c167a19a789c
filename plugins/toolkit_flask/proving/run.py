"""Run the driver in the copy, with every sink replaced, and count what was found in each."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from toolkit.files import write_atomic
from toolkit.text import clean
from toolkit_flask.proving.copying import Copied, copy_application
from toolkit_flask.proving.mailbox import HOST, Mail, Mailbox
from toolkit_flask.proving.model import Cell, Proof, Request, Unprovable, Verdict
from toolkit_flask.proving.pipes import Pipe, Tail

DRIVER = "toolkit_flask_prove_driver"
RECIPIENT = "operators@prove.invalid"
SITUATION_SECONDS = 20
SHARE = 6
"""One situation takes at most so much of all the time that there is: some may hang."""
FIELDS = ("path", "method", "client_address", "user_agent", "request_id", "status", "duration")
"""What every report of a request has in the log, beside what every report has."""
ALWAYS = ("id", "host", "process", "fingerprint")
Results = list[dict[str, Any]]


def prove(request: Request, environ: Mapping[str, str]) -> Proof:
    """Prove the application. Raises Unprovable where it cannot be started, UsageError before.

    `environ` is what the application gets, but for where its files and reports go.
    """
    with tempfile.TemporaryDirectory(prefix="toolkit-prove-") as name, Mailbox() as mailbox:
        folder = Path(name).resolve()
        copied = copy_application(request.root, folder / "copy", request.what.base)
        results = _run(request, folder, copied, mailbox, environ)
        return _judged(folder, results, mailbox.mails)


def _run(
    request: Request, folder: Path, copied: Copied, mailbox: Mailbox, environ: Mapping[str, str]
) -> Results:
    """Start the driver, read its results, open the mail server between its two halves."""
    (folder / "home").mkdir()
    _write_override(folder, mailbox.port, seconds=0.0)
    with Pipe() as results, Pipe() as go:
        _write_job(request, folder, copied, mailbox.port, (results, go))
        with _started(request, folder, copied, environ, (results, go)) as driver:
            return list(_results(driver, folder, mailbox, (results, go)))


@dataclass(frozen=True, slots=True)
class _Driver:
    """The driver's process, the time it has, and the end of what it says."""

    process: subprocess.Popen[bytes]
    seconds: float
    said: Tail


@contextmanager
def _started(
    request: Request, folder: Path, copied: Copied, environ: Mapping[str, str],
    pipes: tuple[Pipe, Pipe],
) -> Iterator[_Driver]:  # fmt: skip
    results, go = pipes
    command = [request.python, "-c", _START, str(folder / "driver"), str(folder / "job.json")]
    try:
        process = subprocess.Popen(
            command, cwd=copied.root, env=_environment(environ, folder), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, pass_fds=[results.writer, go.reader],
            start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise Unprovable(f"{clean(request.python)}: cannot be run: {error.strerror}",
                         hint="name the application's Python: --python") from error  # fmt: skip
    limit = threading.Timer(request.seconds, _kill, [process])
    limit.start()
    try:
        yield _Driver(process, request.seconds, Tail(process.stdout))
    finally:
        limit.cancel()
        _kill(process)
        process.wait()


_START = (
    "import sys; place, job = sys.argv[1:]; "
    "sys.path[:] = [place, *filter(None, sys.path)]; "  # a package's html.py is not Python's
    f"from {DRIVER}.main import main; import {DRIVER}.situations; sys.path.remove(place); main(job)"
)


def _kill(driver: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(driver.pid, signal.SIGKILL)


def _results(
    driver: _Driver, folder: Path, mailbox: Mailbox, pipes: tuple[Pipe, Pipe]
) -> Iterator[dict[str, Any]]:
    """Yield each result as the driver tells it. Raises Unprovable where it breaks off."""
    last, why = "", ""
    for line in pipes[0].lines(lambda: driver.process.poll() is not None):
        result = json.loads(line)
        last, why = result["kind"], str(result.get("why", ""))
        if last == "raised":
            result["spool"] = _spooled(folder)
            _write_override(folder, mailbox.port, seconds=20)
            mailbox.open()
            pipes[1].write(b"deliver\n")
        yield result
        if last in {"delivered", "failed"}:
            break
    if last == "delivered":
        return
    said = driver.said.lines()
    if last == "failed":
        raise Unprovable(f"the application cannot be loaded: {clean(why, limit=300)}",
                         hint=_load_hint(said))  # fmt: skip
    raise Unprovable(f"the application ended early, or not within {driver.seconds:g} s",
                     hint=f"its last words: {clean(said[-1], limit=200)}" if said else
                     "give it more time: --timeout")  # fmt: skip


def _load_hint(said: Sequence[str]) -> str:
    places = [line.strip() for line in said if line.lstrip().startswith("File ")]
    own = [place for place in places if "/copy/" in place]
    where = (own or places or [""])[-1]
    raised = f"raised at {clean(where, limit=200)}\n" if where else ""
    return raised + ("it needs its own Python (--python), its configuration in the environment, or "
                     "what to load (--app module:name)")  # fmt: skip


def _environment(environ: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return the application's environment: its own settings stay, places to write are ours."""
    kept = {name: value for name, value in environ.items()
            if not name.startswith(("ERROR_REPORTING_", "PYTHON", "TOOLKIT_"))}  # fmt: skip
    home = str(folder / "home")
    return {
        **kept, "HOME": home, "TMPDIR": home, "XDG_CONFIG_HOME": f"{home}/.config",
        "XDG_DATA_HOME": f"{home}/.local/share", "XDG_CACHE_HOME": f"{home}/.cache",
        "ERROR_REPORTING_OVERRIDE": str(folder / "override.json"),
        "PYTHONDONTWRITEBYTECODE": "1", "PYTHONIOENCODING": "utf-8",
    }  # fmt: skip


def _write_override(folder: Path, port: int, *, seconds: float) -> None:
    override = {
        "ERROR_REPORTING_FILE": str(folder / "reports.log"),
        "ERROR_REPORTING_SPOOL": str(folder / "spool"),
        "ERROR_REPORTING_FORMAT": "json",
        "ERROR_REPORTING_MAIL_TO": RECIPIENT,
        "ERROR_REPORTING_MAIL_FROM": "application@prove.invalid",
        "ERROR_REPORTING_MAIL_SERVER": f"{HOST}:{port}",
        "ERROR_REPORTING_MAIL_SECURITY": "none",
        "ERROR_REPORTING_DEDUP_SECONDS": 0,
        "ERROR_REPORTING_RATE": 1_000_000,
        "ERROR_REPORTING_SPOOL_ENTRIES": 10_000,
        "ERROR_REPORTING_TIMEOUT": 10,
        "ERROR_REPORTING_EXIT_SECONDS": seconds,
    }
    write_atomic(folder / "override.json", json.dumps(override), mode=0o600)


def _write_job(
    request: Request, folder: Path, copied: Copied, port: int, pipes: tuple[Pipe, Pipe]
) -> None:
    place = folder / "driver" / DRIVER
    place.mkdir(parents=True)
    for item in (resources.files("toolkit_flask") / "driver").iterdir():
        if item.name.endswith(".py"):
            (place / item.name).write_bytes(item.read_bytes())
    job = {
        "app": request.what.expression, "copy": str(copied.root), "port": port,
        "results": pipes[0].writer, "go": pipes[1].reader,
        "path": [str(path) for path in copied.path], "guard": str(folder / "held-back"),
        "spool": str(folder / "spool"),
        "seconds": min(SITUATION_SECONDS, request.seconds / SHARE),
    }  # fmt: skip
    (folder / "job.json").write_text(json.dumps(job))


def _spooled(folder: Path) -> list[str]:
    entries = sorted((folder / "spool" / "new").glob("*"))
    return [path.read_text("utf-8", "replace") for path in entries]


def _logged(folder: Path) -> list[dict[str, Any]]:
    path = folder / "reports.log"
    lines = path.read_text("utf-8", "replace").splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def _judged(folder: Path, results: Results, mails: Sequence[Mail]) -> Proof:
    from toolkit_flask.driver.situations import DESCRIPTIONS  # it needs Flask

    loaded = next(item for item in results if item["kind"] == "loaded")
    spool = next(item["spool"] for item in results if item["kind"] == "raised")
    logged = _logged(folder)
    held = folder / "held-back"
    cells = []
    for item in results:
        if item["kind"] != "situation":
            continue
        token = f"proof({item['name']})"
        reports = [report for report in logged if token in json.dumps(report)]
        counts = (len(reports), sum(token in text for text in spool),
                  sum(token in mail.text for mail in mails))  # fmt: skip
        missing = tuple(
            name for name in _wanted(item["name"]) if reports and _is_empty(reports[0].get(name))
        )
        cells.append(_cell(item, DESCRIPTIONS[item["name"]], counts, missing))
    return Proof(
        application=str(loaded["application"]),
        flask=str(loaded["flask"]),
        python=str(loaded["python"]),
        cells=tuple(cells),
        held_back=tuple(dict.fromkeys(held.read_text("utf-8").splitlines())),
        recipients=tuple(sorted({name for mail in mails for name in mail.recipients})),
    )


def _wanted(situation: str) -> tuple[str, ...]:
    """Return the fields that a report from there must have."""
    from toolkit_flask.driver.situations import OUTSIDE, UNANSWERED

    if situation in OUTSIDE:
        return ALWAYS
    if situation in UNANSWERED:
        return (*(name for name in FIELDS if name != "status"), *ALWAYS)
    return (*FIELDS, *ALWAYS)


def _is_empty(value: object) -> bool:
    return value is None or value in {"", "-"}


def _cell(
    item: Mapping[str, Any], description: str, counts: tuple[int, int, int],
    missing: tuple[str, ...],
) -> Cell:  # fmt: skip
    raised, why = int(item.get("raised", 0)), str(item.get("why", ""))
    if not raised:
        verdict = Verdict.UNREACHED
    elif counts == (1, 1, 1):
        verdict = Verdict.INCOMPLETE if missing else Verdict.REPORTED
    else:
        verdict = Verdict.DOUBLED if min(counts) >= 1 else Verdict.MISSED
    status = str(item.get("status") or item.get("escaped") or "")
    note = str(item.get("note", ""))
    return Cell(item["name"], description, verdict, raised, *counts, status, missing, why, note)
