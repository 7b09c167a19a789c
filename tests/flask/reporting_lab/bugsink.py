"""bugsink, a real server of the Sentry protocol, installed in an environment of its own by pip."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reporting_lab.served import free_port, wait_until

VERSION = "2.6.2"
PROJECT = """
from projects.models import Project
from teams.models import Team
team = Team.objects.create(name="shop")
project = Project.objects.create(name="shop", team=team)
print("DSN", project.sentry_key.hex, project.id)
"""
EVENTS = """
import json
from events.models import Event
from issues.models import Issue
events = [json.loads(event.get_raw_data()) for event in Event.objects.all()]
print("EVENTS", json.dumps({"issues": Issue.objects.count(), "events": events}))
"""


class Bugsink:
    """A served instance with one project."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.dsn = ""
        self._bin = folder / "venv" / "bin"
        kept = {key: os.environ[key] for key in ("PATH", "LANG") if key in os.environ}
        self._environ = {
            **kept,
            "DJANGO_SETTINGS_MODULE": "bugsink_conf",
            "PYTHONPATH": str(folder),
        }

    def install(self) -> None:
        """Make the environment, the configuration, the database and a project."""
        subprocess.run([sys.executable, "-m", "venv", self._bin.parent], check=True)
        pip: list[str | Path] = [self._bin / "python", "-m", "pip", "install", "-q", "--no-compile"]
        self._run(*pip, "--disable-pip-version-check", f"bugsink=={VERSION}")
        host = ["--host=127.0.0.1", f"--port={self.port}"]
        self._run(self._bin / "bugsink-create-conf", "--template=local", *host)
        self._run(self._bin / "bugsink-manage", "migrate")
        _, key, number = self._ask(PROJECT, "DSN").split()
        self.dsn = f"http://{key}@127.0.0.1:{self.port}/{number}"

    def _run(self, *command: str | Path) -> str:
        done = subprocess.run(
            command, cwd=self.folder, env=self._environ, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{command}: {done.stdout}{done.stderr}")
        return done.stdout

    def _ask(self, program: str, word: str) -> str:
        said = self._run(self._bin / "bugsink-manage", "shell", "-c", program)
        return next(line for line in said.splitlines() if line.startswith(word))

    def stored(self) -> dict[str, Any]:
        """Return the number of issues and all events, as bugsink keeps them."""
        import json

        found: dict[str, Any] = json.loads(self._ask(EVENTS, "EVENTS").partition(" ")[2])
        return found

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health/ready", timeout=5):
                return True
        except OSError as error:
            return hasattr(error, "code")  # any answer of HTTP

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Serve for the length of a block."""
        with (self.folder / "said").open("wb") as said:
            server = subprocess.Popen(
                [self._bin / "gunicorn", "-b", f"127.0.0.1:{self.port}", "bugsink.wsgi"],
                cwd=self.folder, env=self._environ, stdout=said, stderr=said,
            )  # fmt: skip
        try:
            wait_until(self.answers, 120)
            yield
        finally:
            server.terminate()
            server.wait(30)
