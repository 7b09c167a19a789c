"""Comments that accept a finding: `# tls: ignore[rule] reason`, on its line or alone above it.

What ruff and bandit are told about the same fact counts too, if it names their rule:
`# noqa: S501`, `# nosec B501`. A comment for everything (`# noqa`) says nothing about TLS.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from toolkit_https.scan.model import Hit

_OWN = re.compile(r"#\s*tls:\s*ignore\[([^\]]*)\]\s*(.*?)\s*$")
_OTHERS = re.compile(r"#\s*(?:noqa:|nosec:?)\s*((?:[A-Z]+[0-9]+[,\s]*)+)(.*)$")
EQUIVALENT: Mapping[str, frozenset[str]] = {
    "S501": frozenset({"verification-off", "verification-off-by-default"}),
    "B501": frozenset({"verification-off", "verification-off-by-default"}),
    "S323": frozenset({"unverified-context"}),
    "B323": frozenset({"unverified-context"}),
}
"""Rules of ruff (S…) and bandit (B…) that are about the same."""


@dataclass(frozen=True, slots=True)
class Comment:
    """What one line accepts; `own` is of our form, and is told when it accepts nothing."""

    line: int
    column: int
    rules: frozenset[str]
    reason: str
    alone: bool
    own: bool


def comments(lines: Sequence[str]) -> list[Comment]:
    """Return the comments of a file that accept something."""
    found = []
    for number, text in enumerate(lines, 1):
        if "#" not in text:
            continue
        matches = ((pattern, pattern.search(text)) for pattern in (_OWN, _OTHERS))
        found += [
            _comment(number, text, match, own=pattern is _OWN)
            for pattern, match in matches
            if match
        ]
    return found


def _comment(number: int, text: str, match: re.Match[str], *, own: bool) -> Comment:
    names = [name for name in re.split(r"[,\s]+", match[1]) if name]
    rules = set(names)
    if not own:
        rules = {rule for name in names for rule in EQUIVALENT.get(name, ())}
    reason = match[2].strip(" :-") or (match[0].strip() if not own else "no reason given")
    alone = not text[: match.start()].strip()
    return Comment(number, match.start() + 1, frozenset(rules), reason, alone, own)


def accepting(hit: Hit, known: Sequence[Comment]) -> Comment | None:
    """Return the comment that accepts `hit`, or None."""
    last = max(hit.line, hit.end_line)
    for comment in known:
        inside = hit.line <= comment.line <= last
        above = comment.alone and comment.line == hit.line - 1
        if hit.rule in comment.rules and (inside or above):
            return comment
    return None
