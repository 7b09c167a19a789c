"""From the options of `toolkit https scan` to findings, written where they are wanted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from toolkit.errors import ExitStatus, UsageError
from toolkit.session import Session
from toolkit.text import clean
from toolkit_https.scan import Finding, Level, Options, scan
from toolkit_https.scan.views import VIEW

_WORDS = (
    ("error", "error", "errors"),
    ("warning", "warning", "warnings"),
    ("note", "note", "notes"),
    ("accepted", "accepted", "accepted"),
    ("unread", "file not read", "files not read"),
)


def run(
    session: Session, paths: Sequence[Path], exclude: Sequence[str], output: Path | None
) -> ExitStatus:
    """Scan and write the findings. Raises UsageError for a path that isn't there."""
    session.output.check_format(VIEW)
    for path in paths:
        if not (session.cwd / path).exists():
            raise UsageError(f"{clean(str(path))}: there is no such file or folder")
    counted: Counter[str] = Counter()
    findings = _counting(scan(paths, Options(tuple(exclude))), counted)
    session.output.emit_to(output, findings, VIEW)
    session.output.say(_summary(counted))
    return _status(counted)


def _counting(findings: Iterator[Finding], counted: Counter[str]) -> Iterator[Finding]:
    for found in findings:
        counted["accepted" if found.suppressed else str(found.level)] += 1
        yield found


def _summary(counted: Counter[str]) -> str:
    parts = [
        f"{counted[key]} {one if counted[key] == 1 else many}"
        for key, one, many in _WORDS
        if counted[key]
    ]
    return ", ".join(parts) if parts else "nothing found"


def _status(counted: Counter[str]) -> ExitStatus:
    if counted[Level.ERROR] or counted[Level.WARNING]:
        return ExitStatus.NOT_OK
    return ExitStatus.UNCHECKED if counted[Level.UNREAD] else ExitStatus.OK
