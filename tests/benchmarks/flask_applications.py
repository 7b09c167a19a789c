"""Error reporting put into real applications from PyPI, proven in each, and taken out again.

    python tests/benchmarks/flask_applications.py [--folder FOLDER] [NAME ...]

Each application is installed in a virtual environment of its own (in FOLDER, kept if named) and
treated as a new user would: scaffold --into, --apply, prove, remove. Prints the table that is in
docs/explanation/real-applications.md. Needs a package index; takes some minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

HERE = [sys.executable, "-P", "-m", "toolkit", "flask"]


@dataclass(frozen=True, slots=True)
class Application:
    """One application: what to install, its folder in site-packages, what a user has to say.

    choose  `--app` of scaffold, where the tree has several applications
    load    `--app` of prove, where the factory wants arguments
    maker   prove_me.py, where no name reaches the application
    """

    name: str
    shape: str
    requirements: tuple[str, ...]
    folder: str
    choose: tuple[str, ...] = ()
    load: str = ""
    environ: dict[str, str] = field(default_factory=dict)
    maker: str = ""


APPLICATIONS = (
    Application("httpbin", "a global in a package, relative imports",
                ("httpbin==0.10.4", "asgiref"), "httpbin", ("core.py:app",)),
    Application("httpbin, Flask 2.2", "the same on the oldest Flask",
                ("httpbin==0.10.4", "flask==2.2.5", "werkzeug==2.2.3", "asgiref"), "httpbin",
                ("core.py:app",)),
    Application("bepasty", "a factory beside a second application in a command",
                ("bepasty==1.2.2", "asgiref"), "bepasty", ("app.py:create_app",)),
    Application("ihatemoney", "a factory with SQLAlchemy, mail, translations",
                ("ihatemoney==7.2.1", "asgiref"), "ihatemoney"),
    Application("fava", "a factory with arguments, a JSON API with its own error handlers",
                ("fava==1.30.16", "asgiref"), "fava", (),
                "fava.application:create_app(['/dev/null'])"),
    Application("grip", "a subclass that is constructed through a parameter",
                ("grip==4.6.2", "asgiref", "setuptools<81"), "grip", (),
                "grip.api:create_app(text='x')"),
    Application("locust", "inside of a class that runs the application itself",
                ("locust==2.47.0", "asgiref"), "locust", (), "locust.prove_me:app",
                maker="from locust.env import Environment\nfrom locust.web import WebUI\n\n"
                      "app = WebUI(Environment(), '127.0.0.1', 0).app\n"),
    Application("moto", "factories of a server that dispatches between applications",
                ("moto[server]==5.2.5", "asgiref"), "moto", (),
                "moto.moto_server.werkzeug_app:create_backend_app('s3')"),
)  # fmt: skip


def run(command: Sequence[str], environ: dict[str, str] | None = None) -> tuple[int, str, str]:
    """Run a command and return its status and both outputs."""
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        env={**os.environ, **(environ or {})},
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def digest(folder: Path) -> dict[str, bytes]:
    """Return all files but Python's caches."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def install(application: Application, folder: Path) -> Path:
    """Install it and return its folder in site-packages."""
    venv = folder / application.name.replace(" ", "-").replace(",", "")
    if not (venv / "installed").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
        subprocess.run(
            [venv / "bin" / "python", "-m", "pip", "install", "--quiet",
             "--disable-pip-version-check", *application.requirements],
            check=True,
        )  # fmt: skip
        (venv / "installed").touch()
    (packages,) = venv.glob("lib/python3*/site-packages")
    return packages / application.folder


def trial(application: Application, folder: Path) -> str:
    """Put it in, prove, take it out; return the row of the table."""
    root = install(application, folder)
    before = digest(root)
    chosen = [word for label in application.choose for word in ("--app", label)]
    status, _, said = run([*HERE, "scaffold", "--into", str(root), "--apply", *chosen])
    if status:
        return row(application, f"not put in: {said.strip()}")
    load = ["--app", application.load] if application.load else []
    maker = root / "prove_me.py"
    if application.maker:
        maker.write_text(application.maker)
    status, out, said = run(
        [*HERE, "prove", str(root), "--timeout", "300", "--format", "json", *load],
        application.environ,
    )
    if application.maker:
        maker.unlink()
    removed, _, complaint = run([*HERE, "remove", str(root)])
    restored = "to the byte" if digest(root) == before and not removed else f"NO: {complaint}"
    if not out:
        return row(application, f"not started: {said.strip()}", restored)
    return row(application, told(json.loads(out)["results"], status), restored)


def told(cells: Sequence[dict[str, str]], status: int) -> str:
    """Return what a proof said, in a cell of Markdown."""
    parts = []
    for verdict in ("reported", "missed", "doubled", "incomplete", "unreached"):
        found = [cell for cell in cells if cell["verdict"] == verdict]
        if found and verdict == "reported":
            parts.append(f"{len(found)} reported")
        elif found:
            names = "; ".join(f"{cell['situation']}: {cell['why']}" for cell in found)
            parts.append(f"{len(found)} {verdict} ({names})")
    notes = dict.fromkeys(cell["note"] for cell in cells if cell["note"])
    held = dict.fromkeys(text for cell in cells for text in cell["held_back"])
    more = [*notes, *(f"held back: {text}" for text in held)]
    flask = f"Flask {cells[0]['flask']}, Python {cells[0]['python']}"
    return f"status {status}: {', '.join(parts)}{''.join(f'; {text}' for text in more)} | {flask}"


def row(application: Application, result: str, restored: str = "-") -> str:
    """Return one row."""
    cells = result if "|" in result else f"{result} | -"
    return f"| {application.name} | {application.shape} | {cells} | {restored} |"


def main(arguments: Iterable[str] | None = None) -> None:
    """Try all, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args(None if arguments is None else list(arguments))
    chosen = [item for item in APPLICATIONS if not asked.names or item.name in asked.names]
    with tempfile.TemporaryDirectory() as temporary:
        print("| application | shape | proof | on | taken out |\n|---|---|---|---|---|", flush=True)
        for item in chosen:
            print(trial(item, asked.folder or Path(temporary)), flush=True)


if __name__ == "__main__":
    main()
