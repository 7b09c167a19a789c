"""The application of these tests, served by a real gunicorn, and the files that it leaves."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

HERE = Path(__file__).parent
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


def lay_out(folder: Path) -> Path:
    """Copy the package and the application beside each other, as an application has them."""
    import toolkit_flask

    package = Path(toolkit_flask.__file__).parent / "error_reporting"
    target = folder / "shop"
    shutil.copytree(
        package, target / "error_reporting", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(HERE / "application.py", target / "__init__.py")
    return folder


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


def wait_until(is_so: Callable[[], object], seconds: float = 30) -> None:
    """Wait; fail if it does not come true."""
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            raise TimeoutError(f"not so after {seconds} s")
        time.sleep(0.02)


class Site:
    """A served application; `folder` holds its log, its spool and what it said."""

    def __init__(
        self, folder: Path, environ: Mapping[str, str], python: str = sys.executable
    ) -> None:
        self.folder = folder
        self.log = folder / "reports.log"
        self.spool = folder / "reports.log.spool"
        self.said = folder / "stderr"
        self.python = python
        self.port = free_port()
        kept = {key: os.environ[key] for key in ("PATH", "LANG") if key in os.environ}
        self.environ = {
            **kept,
            "ERROR_REPORTING_FILE": str(self.log),
            "PYTHONPATH": str(folder),
            **environ,
        }
        self.server: subprocess.Popen[bytes] | None = None

    def start(self, *options: str) -> None:
        """Start gunicorn and wait until it answers."""
        command = [self.python, "-m", "gunicorn", "-b", f"127.0.0.1:{self.port}", *options]
        with self.said.open("ab") as said:
            self.server = subprocess.Popen(
                [*command, "shop:served"],
                cwd=self.folder,
                env=self.environ,
                stdout=said,
                stderr=said,
            )
        wait_until(self._answers)

    def _answers(self) -> bool:
        if self.server is None or self.server.poll() is not None:
            raise RuntimeError(self.said.read_text())
        try:
            return self.get("/plain/fine") == 200
        except OSError:
            return False

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End the server, and wait."""
        if self.server is not None:
            self.server.send_signal(number)
            self.server.wait(60)
            self.server = None

    def get(
        self, path: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> int:
        """Return the status of one request, 0 if the answer broke off."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        method = "GET" if body is None else "POST"
        try:
            connection.request(method, path, body, {"User-Agent": FIREFOX, **(headers or {})})
            answer = connection.getresponse()
            answer.read()
        except http.client.HTTPException:
            return 0
        finally:
            connection.close()
        return answer.status

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a `flask` command of the application."""
        return subprocess.run(
            [self.python, "-m", "flask", "--app", "shop", *arguments],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def reports(self) -> list[dict[str, Any]]:
        """Return what stands in the log: whole lines, for it may just be written to."""
        if not self.log.exists():
            return []
        whole = self.log.read_text().rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines()]

    def waiting(self) -> list[dict[str, Any]]:
        """Return what waits in the spool."""
        paths = sorted((self.spool / "new").glob("[0-9]*.json"))
        return [json.loads(path.read_text()) for path in paths]

    @property
    def words(self) -> str:
        """All that the server and the reporting said."""
        return self.said.read_text()


class MakeSite(Protocol):
    """The type of the `make_site` fixture."""

    def __call__(self, **settings: object) -> Site:
        """Lay out the application, with settings by their keys without the prefix."""


@contextmanager
def serving(site: Site, *options: str) -> Iterator[Site]:
    """Serve for the length of a block."""
    try:
        site.start(*options)
        yield site
    finally:
        site.stop()
