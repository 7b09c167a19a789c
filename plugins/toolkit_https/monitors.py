"""Results for monitoring: Nagios' status line, and Prometheus' text for a textfile collector.

Nagios plugin guidelines: one line, performance data behind `|`, status 0 to 3. Prometheus:
https://prometheus.io/docs/instrumenting/exposition_formats/ (text, 0.0.4).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from toolkit.text import clean
from toolkit_https.model import Certificate, Result, Severity, Verdict

OK, WARNING, CRITICAL, UNKNOWN = range(4)
STATES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
ORDER = (OK, UNKNOWN, WARNING, CRITICAL)
"""From the best to the worst: what is wrong outranks what is unknown."""


def nagios_state(result: Result) -> int:
    """Return Nagios' state of one result; a server that can't be reached is critical."""
    severities = {found.severity for found in result.findings}
    if result.verdict is Verdict.UNVERIFIABLE:
        return UNKNOWN
    if result.verdict is not Verdict.TRUSTED or Severity.CRITICAL in severities:
        return CRITICAL
    return WARNING if Severity.WARNING in severities else OK


def worst_state(states: Iterable[int]) -> int:
    """Return the worst of `states`; unknown where there is none."""
    return max(states, key=ORDER.index, default=UNKNOWN)


def nagios(results: Iterable[Result]) -> Iterator[str]:
    """Yield the status line with performance data, then a line for each target."""
    found = list(results)
    state = worst_state(map(nagios_state, found))
    trusted = sum(result.verdict is Verdict.TRUSTED for result in found)
    summary = _nagios_text(found[0]) if len(found) == 1 else f"{trusted} of {len(found)} trusted"
    data = " ".join(_performance(result, len(found) > 1) for result in found if result.chain)
    yield f"HTTPS {STATES[state]} - {summary}{f' | {data}' if data else ''}\n"
    if len(found) > 1:
        for result in found:
            yield f"[{STATES[nagios_state(result)]}] {_nagios_text(result)}\n"


def _nagios_text(result: Result) -> str:
    """A target and why, without the characters that mean something to Nagios."""
    grave = [found.message for found in result.findings if found.severity is not Severity.INFO]
    reason = grave[0] if grave else _left(result)
    text = f"{clean(result.target, limit=100)}: {result.verdict}, {reason}"
    return clean(text).replace("|", "/").replace("<", "(").replace(">", ")")


def _left(result: Result) -> str:
    day = f" (until {result.expires:%Y-%m-%d})" if result.expires else ""
    return f"{result.days_left} days left{day}"


def _performance(result: Result, several: bool) -> str:  # noqa: FBT001  one flag, one caller
    label = f"days_left_{clean(result.target, limit=60)}" if several else "days_left"
    quoted = label.replace("'", "").replace("=", "").replace("|", "/")
    return f"'{quoted}'={result.days_left} 'time'={result.seconds}s"


METRICS = {
    "toolkit_https_trusted": "1 if clients accept the server's certificate",
    "toolkit_https_reachable": "1 if a TLS handshake took place",
    "toolkit_https_findings": "Findings by severity",
    "toolkit_https_leaf_expiry_timestamp_seconds": "End of the server's certificate",
    "toolkit_https_path_expiry_timestamp_seconds": "Earliest end in the path in use",
    "toolkit_https_leaf_lifetime_seconds": "Period of validity of the server's certificate",
    "toolkit_https_check_seconds": "How long the check took",
    "toolkit_https_checked_timestamp_seconds": "When it was checked",
}


def prometheus(results: Iterable[Result]) -> Iterator[str]:
    """Yield the metrics of all results, grouped by name as the format demands."""
    samples: dict[str, list[str]] = {name: [] for name in METRICS}
    for result in results:
        for name, labels, value in _samples(result):
            samples[name].append(f"{name}{{{labels}}} {value}\n")
    for name, lines in samples.items():
        if lines:
            yield f"# HELP {name} {METRICS[name]}\n# TYPE {name} gauge\n"
            yield "".join(lines)


def _samples(result: Result) -> Iterator[tuple[str, str, str]]:
    target = _label("target", result.target)
    reached = result.verdict is not Verdict.UNREACHABLE
    yield "toolkit_https_trusted", target, str(int(result.verdict is Verdict.TRUSTED))
    yield "toolkit_https_reachable", target, str(int(reached))
    for severity in Severity:
        count = sum(found.severity is severity for found in result.findings)
        yield "toolkit_https_findings", f"{target},{_label('severity', severity)}", str(count)
    if result.chain:
        yield from _ends(result, result.chain[0], target)
    yield "toolkit_https_check_seconds", target, f"{result.seconds:.3f}"
    checked = f"{result.checked.timestamp():.0f}"
    yield "toolkit_https_checked_timestamp_seconds", target, checked


def _ends(result: Result, leaf: Certificate, target: str) -> Iterator[tuple[str, str, str]]:
    names = f"{target},{_label('subject', leaf.subject)}"
    end = leaf.not_after.timestamp()
    start = leaf.not_before.timestamp()
    yield "toolkit_https_leaf_expiry_timestamp_seconds", names, f"{end:.0f}"
    yield "toolkit_https_leaf_lifetime_seconds", target, f"{end - start:.0f}"
    if result.expires:
        whose = f"{target},{_label('subject', result.expires_subject)}"
        at = f"{result.expires.timestamp():.0f}"
        yield "toolkit_https_path_expiry_timestamp_seconds", whose, at


def _label(name: str, value: str) -> str:
    """A label with its value escaped; control characters of certificates are escaped before."""
    safe = clean(value, limit=200).replace("\\", "\\\\").replace('"', '\\"')
    return f'{name}="{safe}"'
