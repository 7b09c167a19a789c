"""Findings as SARIF 2.1.0, the format that code hosts take.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/sarif-v2.1.0-os.html; what GitHub makes of it:
https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import PurePosixPath
from urllib.parse import quote

from toolkit import __version__
from toolkit_https.scan.model import Finding, Level
from toolkit_https.scan.rules import RULES, Rule

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
SEVERITY = {Level.ERROR: "8.1", Level.WARNING: "5.9", Level.NOTE: "2.0"}
"""GitHub's `security-severity`, on the scale of CVSS: high, medium, low."""
_REPORTED = tuple(rule for rule in RULES.values() if rule.level is not Level.UNREAD)
_INDEX = {rule.id: at for at, rule in enumerate(_REPORTED)}


def sarif(findings: Iterable[Finding]) -> Iterator[str]:
    """Yield one SARIF log of one run; files that couldn't be read are its notifications."""
    results: list[object] = []
    unread: list[object] = []
    seen: Counter[str] = Counter()
    for found in findings:
        if found.level is Level.UNREAD:
            unread.append(_notification(found))
        else:
            results.append(_result(found, seen))
    invocation = {"executionSuccessful": True, "toolExecutionNotifications": unread}
    driver = {
        "name": "toolkit https scan",
        "version": __version__,
        "rules": [_rule(rule) for rule in _REPORTED],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [invocation],
        "results": results,
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    yield json.dumps(log, ensure_ascii=True, indent=1) + "\n"


def _rule(rule: Rule) -> dict[str, object]:
    """Return a reportingDescriptor (3.49)."""
    made: dict[str, object] = {
        "id": rule.id,
        "shortDescription": {"text": f"{rule.title}."},
        "fullDescription": {"text": rule.meaning},
        "help": {"text": f"{rule.meaning} Instead: {rule.remedy}."},
        "defaultConfiguration": {"level": str(rule.level)},
        "properties": {"tags": ["security"], "security-severity": SEVERITY[rule.level]},
    }
    return made | ({"helpUri": rule.source} if rule.source else {})


def _result(found: Finding, seen: Counter[str]) -> dict[str, object]:
    """Return a result (3.27); its fingerprint survives that lines before it come and go."""
    print_of = f"{found.path}\0{found.rule}\0{found.source}"
    seen[print_of] += 1
    digest = sha256(f"{print_of}\0{seen[print_of]}".encode("utf-8", "surrogatepass")).hexdigest()
    result: dict[str, object] = {
        "ruleId": found.rule,
        "ruleIndex": _INDEX[found.rule],
        "level": str(found.level),
        "message": {"text": f"{found.message}. Instead: {found.remedy}."},
        "locations": [{"physicalLocation": _place(found) | {"region": _region(found)}}],
        "partialFingerprints": {"toolkitScan/v1": digest},
    }
    if found.suppressed:
        suppression = {"kind": "inSource", "justification": found.suppressed}
        result["suppressions"] = [suppression]
    return result


def _place(found: Finding) -> dict[str, object]:
    """Return a physicalLocation (3.29); a relative path is below the root of the sources."""
    path = PurePosixPath(found.path)
    raw = str(path).encode("utf-8", "surrogateescape")
    if path.is_absolute():
        return {"artifactLocation": {"uri": f"file://{quote(raw)}"}}
    return {"artifactLocation": {"uri": quote(raw), "uriBaseId": "%SRCROOT%"}}


def _region(found: Finding) -> dict[str, object]:
    region: dict[str, object] = {"startLine": found.line, "startColumn": found.column}
    end = (found.end_line or found.line, found.end_column)
    if end > (found.line, found.column):
        region |= {"endLine": end[0], "endColumn": end[1]}
    return region


def _notification(found: Finding) -> dict[str, object]:
    """Return a notification (3.58)."""
    return {
        "level": "warning",
        "message": {"text": f"not read: {found.message}"},
        "locations": [{"physicalLocation": _place(found)}],
    }
