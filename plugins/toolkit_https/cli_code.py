"""`toolkit https scan` and `snippet`: the commands that are about source code.

They are registered by `toolkit_https.cli`, like all others.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from toolkit.errors import ExitStatus
from toolkit.session import Session

SCAN = (
    ("Where does this project switch verification off?", "toolkit https scan ."),
    ("For a code host", "toolkit https scan src --format sarif --output scan.sarif"),
    ("Without the tests", "toolkit https scan . --exclude tests --exclude '*_pb2.py'"),
)
Paths = Annotated[
    list[Path], typer.Argument(metavar="PATH…", help="Files, and folders with all below them.")
]
Exclude = Annotated[
    list[str] | None,
    typer.Option("--exclude", metavar="PATTERN", help="Pass over such names or paths; repeatable."),
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write the findings there, as a whole."),
]


def scan(
    session: Session, paths: Paths, exclude: Exclude = None, output: Output = None
) -> ExitStatus:
    """Find disabled verification in Python, shell, Dockerfiles, Makefiles and YAML.

    Nothing is run. A comment `# tls: ignore[rule] reason` on the line, or alone above it, accepts a
    finding. Exit status: 0 nothing to mend, 1 an error or warning, 4 none, but a file could not be
    read. Symbolic links below PATH are not followed.
    """
    from toolkit_https.scan_command import run

    return run(session, paths, exclude or [], output)
