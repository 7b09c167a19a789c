"""Audits shown: a few lines for people, records for programs, a matrix for documents.

What clients print and are called is cleaned on its way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict

from toolkit.output import Look, Record, View, table
from toolkit.terminal import Line, Span
from toolkit.text import clean
from toolkit_https.audit.model import Audit, Grade, Outcome, Trial, Verdict

SCHEMA = "toolkit.https.audit/1"
MATRIX = "markdown"
STYLES = {
    Verdict.VERIFIES: "good",
    Verdict.LAX: "warn",
    Verdict.DANGEROUS: "bad",
    Verdict.REFUSES_ALL: "warn",
    Verdict.NOT_TESTED: "warn",
    Verdict.ABSENT: "dim",
}
GRADE_STYLES = {Grade.DANGEROUS: "bad", Grade.LAX: "warn", Grade.LIMIT: "dim"}
MAX_SHOWN = 8
"""Cases shown on one line; `-v` shows all, each on its own."""
MEANINGS = {
    Verdict.REFUSES_ALL: "it refused the sound server too: nothing is known about what it verifies",
    Verdict.NOT_TESTED: "it never came to the sound server: nothing is known about what it "
    "verifies",
}
_ERROR = re.compile(r"[\w.*-]+:\s.*(certificate|ssl|tls|verif|error|match)", re.IGNORECASE)
LETTERS = {Outcome.ACCEPTED: "A", Outcome.REFUSED: "r", Outcome.NOT_FOLLOWED: "r"}
"""As in the matrix; what was not tested, or that a protocol doesn't have, is "–"."""


def lines(audits: Iterable[Audit], look: Look) -> Iterator[Line]:
    """Yield each audit as it comes: the verdict, what was accepted, the worst explained."""
    for found in audits:
        if look.quiet and found.verdict in {Verdict.VERIFIES, Verdict.ABSENT}:
            continue
        yield _head(found)
        if found.trials:
            yield from _body(found, look)


def _head(found: Audit) -> Line:
    name = clean(found.client, limit=200)
    version = f" ({clean(found.version, limit=80)})" if found.version else ""
    verdict = (str(found.verdict), STYLES[found.verdict])
    return ((name, "name"), (version, "dim"), (": ", ""), verdict, (_counts(found), ""))


def _counts(found: Audit) -> str:
    if not found.trials:
        return f": {clean(found.explanation)} ({clean(found.remedy)})"
    if found.verdict in MEANINGS:
        return f": {MEANINGS[found.verdict]}"
    traps = [trial for trial in found.trials if not trial.accept]
    refused = sum(trial.right for trial in traps)
    sound = [trial for trial in found.trials if trial.accept]
    text = f": refused {refused} of {len(traps)} traps"
    if sound:
        text += f", accepted {sum(t.right for t in sound)} of {len(sound)} sound servers"
    return text


def _body(found: Audit, look: Look) -> Iterator[Line]:
    if look.verbose:
        yield from _every(found.trials)
    elif found.verdict not in MEANINGS:
        for grade in Grade:
            marked = [trial.case for trial in found.trials if trial.grade is grade]
            yield from _listed(f"  {grade}: ", GRADE_STYLES[grade], marked)
        refused = [trial.case for trial in found.refused_controls]
        yield from _listed("  refused sound servers: ", "warn", refused)
        yield from _unknown(found)
    if found.explanation:
        yield (("  why: ", "dim"), (found.explanation, ""))
        yield (("    → ", "dim"), (found.remedy, ""))
    if found.verdict in MEANINGS:
        yield from _last_words(found)


def _listed(label: str, style: str, names: Sequence[str]) -> Iterator[Line]:
    if names:
        more = len(names) - MAX_SHOWN
        text = ", ".join(names[:MAX_SHOWN]) + (f" and {more} more" if more > 0 else "")
        yield ((label, style), (text, ""))


def _unknown(found: Audit) -> Iterator[Line]:
    """What can't be known, by its reason."""
    reasons: dict[tuple[Outcome, str], list[str]] = {}
    for trial in found.unknown:
        reasons.setdefault((trial.outcome, trial.reason), []).append(trial.case)
    for (outcome, reason), names in reasons.items():
        yield from _listed(f"  {outcome}: ", "warn", names)
        yield (("    ", ""), (clean(reason, limit=300), "dim"))


def _last_words(found: Audit) -> Iterator[Line]:
    """What the client said to the sound server: why it fails there is its user's first question."""
    first = found.trials[0]
    ended = first.reason or "it had to be ended"
    status = ended if first.status is None else f"it ended with {first.status}"
    words = clean(telling(first.said), limit=300)
    said = f": {words}" if words else ", and it said nothing"
    yield (("  ", ""), (f"{first.case}: {clean(status, limit=300)}{said}", "dim"))


def _every(trials: Sequence[Trial]) -> Iterator[Line]:
    rows = [(_cell(trial.case, "name"), _outcome(trial), _cell(trial.meaning), _words(trial))
            for trial in trials]  # fmt: skip
    indent: Span = ("  ", "")
    for line in table(("server", "outcome", "what it is", "the client"), rows):
        yield (indent, *line)


def _cell(text: str, style: str = "") -> Line:
    return ((text, style),)


def _outcome(trial: Trial) -> Line:
    text = f"{trial.outcome}, {trial.grade}" if trial.grade else str(trial.outcome)
    style = GRADE_STYLES[trial.grade] if trial.grade else "good" if trial.right else "warn"
    return ((text, style),)


def _words(trial: Trial) -> Line:
    """The reason if there is one, else what the client said of it."""
    if trial.outcome is Outcome.ACCEPTED:
        return ((trial.reason, "dim"),)
    return ((clean(trial.reason or telling(trial.said), limit=120), "dim"),)


def telling(said: str) -> str:
    """Return the line of what a client printed that says most: "program: error", else the last."""
    spoken = said.splitlines()
    errors = [line for line in spoken if _ERROR.match(line)]
    return (errors or spoken or [""])[-1]


def record(found: Audit) -> Record:
    """Return `found` as JSON-ready values, with the ids of what it accepted, for CSV as well."""
    values = asdict(found)
    for grade in Grade:
        values[str(grade)] = [trial.case for trial in found.trials if trial.grade is grade]
    values["unknown"] = [trial.case for trial in found.unknown]
    return values


def schema() -> dict[str, object]:
    """Return the JSON Schema of one record, docs/reference/toolkit.https.audit.1.json."""
    from toolkit.documents.schema import DIALECT, json_schema  # no audit needs it

    made = json_schema(Audit)
    properties = made["properties"]
    if not isinstance(properties, dict):
        raise TypeError(made)
    properties["schema"] = {"const": SCHEMA, "description": "In JSON lines only."}
    names = {"type": "array", "items": {"type": "string"}}
    properties |= dict.fromkeys((*map(str, Grade), "unknown"), names)
    return {"$schema": DIALECT, "title": SCHEMA, **made}


def matrix(audits: Iterable[Audit]) -> Iterator[str]:
    """Yield a Markdown table: a row a client, a column a server; A accepted, r refused."""
    every = list(audits)
    columns = list(dict.fromkeys(trial.case for found in every for trial in found.trials))
    if columns:
        yield "| client | " + " | ".join(columns) + " |\n"
        yield "|---" * (len(columns) + 1) + "|\n"
    for found in every:
        outcomes = {trial.case: LETTERS.get(trial.outcome, "–") for trial in found.trials}
        cells = [outcomes.get(column, "–") for column in columns] if outcomes else []
        version = f" ({clean(found.version)})" if found.version else ""
        name = f"{clean(found.client)}{version}".replace("|", "\\|")
        shown = " | ".join(cells) if cells else f"absent: {clean(found.explanation)}"
        yield f"| {name} | {shown} |\n"


VIEW: View[Audit] = View(
    schema=SCHEMA,
    record=record,
    lines=lines,
    columns=("client", "version", "verdict", "dangerous", "lax", "limit", "unknown",
             "explanation", "remedy", "seconds"),
    formats={MATRIX: matrix},
)  # fmt: skip
