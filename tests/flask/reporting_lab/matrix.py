"""The situations over Flasks, Pythons, workers and preloading: pairwise in the suite, or all.

    python tests/flask/reporting_lab/matrix.py [--pairwise]

runs the full product and prints a row for each; it makes virtual environments with pip, under
$REPORTING_MATRIX or a temporary folder. Status 1: a situation was not reported exactly once.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

FLASKS = {
    "2.2.5": ("flask==2.2.5", "werkzeug==2.2.3"),
    "3.1": ("flask==3.1.0", "werkzeug==3.1.3"),
    "newest": ("flask", "werkzeug"),
}
PYTHONS = ("3.11", "3.12", "3.13")
WORKERS = ("sync", "gthread", "gevent")


class Case(NamedTuple):
    """One cell of the matrix."""

    flask: str
    python: str
    worker: str
    preload: bool

    @property
    def name(self) -> str:
        return "-".join(
            [self.flask, self.python, self.worker, *(["preload"] if self.preload else [])]
        )


def full() -> list[Case]:
    """Return the whole product: 54 cases."""
    return list(itertools.starmap(Case, itertools.product(FLASKS, PYTHONS, WORKERS, (False, True))))


def pairwise() -> list[Case]:
    """Return few cases in which each two values of different columns meet.

    Two orthogonal Latin squares give the three columns of three; preloading joins greedily.
    """
    left = set(_pairs(full()))
    chosen: list[Case] = []
    while left:
        best = max(full(), key=lambda case: len(left & set(_pairs([case]))))
        chosen.append(best)
        left -= set(_pairs([best]))
    return chosen


def _pairs(cases: list[Case]) -> Iterator[tuple[tuple[int, object], ...]]:
    for case in cases:
        yield from itertools.combinations(enumerate(case), 2)


def interpreter(version: str) -> str | None:
    """Return a Python of this version: from the PATH, or from where pyenv keeps them."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    kept = sorted(root.glob(f"{version}.*/bin/python"))
    candidates = [shutil.which(f"python{version}"), *map(str, reversed(kept))]
    for candidate in filter(None, candidates):
        done = subprocess.run([candidate, "-c", "import venv"], capture_output=True, check=False)
        if done.returncode == 0:
            return candidate
    return None


class Environments:
    """A virtual environment for each Python and a folder for each Flask, made when asked for.

    A Flask is pure Python but for MarkupSafe, which does without its compiled part elsewhere.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def python(self, version: str) -> str:
        """Return an interpreter that has gunicorn and gevent; LookupError if there is none."""
        venv = self.folder / f"python{version}"
        base = interpreter(version)
        if base is None:
            raise LookupError(f"python{version} is not installed")
        if not (venv / "ready").exists():
            subprocess.run([base, "-m", "venv", "--clear", str(venv)], check=True)
            _pip(venv / "bin" / "python", "gunicorn", "gevent", "packaging")
            (venv / "ready").touch()
        return str(venv / "bin" / "python")

    def flask(self, name: str) -> str:
        """Return the folder that has this Flask."""
        folder = self.folder / f"flask{name}"
        if not (folder / "ready").exists():
            _pip(Path(sys.executable), f"--target={folder}", *FLASKS[name], "asgiref")
            (folder / "ready").touch()
        return str(folder)


def _pip(python: Path, *arguments: str) -> None:
    command = [str(python), "-m", "pip", "install", "--quiet", "--no-compile"]
    subprocess.run(
        [*command, "--disable-pip-version-check", *arguments], check=True, capture_output=True
    )


def run(case: Case, environments: Environments, folder: Path) -> list[str]:
    """Serve the application so, meet every situation, and return what was not as it should be."""
    from reporting_lab.served import Site, lay_out, serving

    folder.mkdir(parents=True)
    site = Site(lay_out(folder), {}, python=environments.python(case.python))
    site.environ["PYTHONPATH"] += f":{environments.flask(case.flask)}"
    options = [f"--worker-class={case.worker}", "--workers=2", "--log-level=critical"]
    options += ["--threads=2"] if case.worker == "gthread" else []
    options += ["--preload"] if case.preload else []
    with serving(site, *options):
        return list(_faults(site))


def _faults(site: object) -> Iterator[str]:
    from reporting_lab.served import Site, wait_until
    from reporting_lab.situations import SITUATIONS

    assert isinstance(site, Site)
    for situation in SITUATIONS:
        before = len(site.reports())
        site.get(situation.path, {"X-Request-ID": "r1"})
        expected = [situation.kind] if situation.kind else []

        def is_there(count: int = before + len(expected)) -> bool:
            return len(site.reports()) >= count

        try:
            wait_until(is_there, 5)
        except TimeoutError:
            yield f"{situation.path}: no report"
            continue
        found = [report["type"] for report in site.reports()[before:]]
        if found != expected:
            yield f"{situation.path}: reported {found}, expected {expected}"


def main(say: Callable[[str], object] = print) -> int:
    """Run what was asked for; return the exit status."""
    cases = pairwise() if "--pairwise" in sys.argv else full()
    failed = 0
    with tempfile.TemporaryDirectory() as temporary:
        environments = Environments(Path(os.environ.get("REPORTING_MATRIX", temporary)))
        for number, case in enumerate(cases):
            started = time.monotonic()
            faults = run(case, environments, Path(temporary) / f"case{number}")
            failed += bool(faults)
            verdict = "; ".join(faults) or "each situation once"
            say(f"{case.name:32} {time.monotonic() - started:5.1f} s  {verdict}")
    say(f"{len(cases) - failed} of {len(cases)} as they should be")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[3] / "plugins")]
    raise SystemExit(main())
