"""SARIF as code hosts take it. The schema is the part of OASIS' that we write, made strict."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema

from toolkit_https.scan import Options, scan
from toolkit_https.scan.sarif import sarif

TEXT = {
    "type": "object",
    "required": ["text"],
    "additionalProperties": False,
    "properties": {"text": {"type": "string", "minLength": 1}},
}
LEVEL = {"enum": ["none", "note", "warning", "error"]}


def strict(required: list[str], **properties: object) -> dict[str, object]:
    return {
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": False,
    }


def listed(item: object) -> dict[str, object]:
    return {"type": "array", "items": item}


POSITIVE = {"type": "integer", "minimum": 1}
URI = {"type": "string", "pattern": r"^[A-Za-z0-9._~%!$&'()*+,;=:@/-]+$"}  # RFC 3986
LOCATION = strict(
    ["physicalLocation"],
    physicalLocation=strict(
        ["artifactLocation"],
        artifactLocation=strict(["uri"], uri=URI, uriBaseId={"const": "%SRCROOT%"}),
        region=strict(
            ["startLine", "startColumn"],
            **dict.fromkeys(("startLine", "startColumn", "endLine", "endColumn"), POSITIVE),
        ),
    ),
)
RULE = strict(
    ["id", "shortDescription"],
    id={"type": "string"}, shortDescription=TEXT, fullDescription=TEXT, help=TEXT,
    helpUri={"type": "string", "format": "uri"},
    defaultConfiguration=strict(["level"], level=LEVEL),
    properties=strict(
        ["tags", "security-severity"],
        tags=listed({"type": "string"}),
        **{"security-severity": {"type": "string", "pattern": r"^(10|[0-9])\.[0-9]$"}},
    ),
)  # fmt: skip
RESULT = strict(
    ["ruleId", "ruleIndex", "level", "message", "locations", "partialFingerprints"],
    ruleId={"type": "string"}, ruleIndex={"type": "integer", "minimum": 0}, level=LEVEL,
    message=TEXT, locations=listed(LOCATION),
    partialFingerprints={"type": "object", "additionalProperties": {"type": "string"}},
    suppressions=listed(strict(["kind"], kind={"const": "inSource"},
                               justification={"type": "string"})),
)  # fmt: skip
INVOCATION = strict(
    ["executionSuccessful"],
    executionSuccessful={"type": "boolean"},
    toolExecutionNotifications=listed(
        strict(["message"], level=LEVEL, message=TEXT, locations=listed(LOCATION))
    ),
)
RUN = strict(
    ["tool", "results"],
    tool=strict(["driver"], driver=strict(["name"], name={"type": "string"},
                version={"type": "string"}, rules=listed(RULE))),
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    invocations=listed(INVOCATION),
    results=listed(RESULT),
)  # fmt: skip
SCHEMA = strict(
    ["version", "runs"],
    **{"$schema": {"type": "string"}},
    version={"const": "2.1.0"},
    runs=listed(RUN),
)


def log_of(folder: Path) -> dict[str, Any]:
    log: dict[str, Any] = json.loads("".join(sarif(scan([folder], Options()))))
    jsonschema.Draft202012Validator(SCHEMA).validate(log)
    return log


def test_a_log_holds_results_with_their_rules(tmp_path: Path) -> None:
    odd = tmp_path / "a folder é"
    odd.mkdir()
    (odd / "run.sh").write_text("curl -k https://a.example\ncurl -k https://a.example\n")
    run = log_of(tmp_path)["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    assert [rules[item["ruleIndex"]]["id"] for item in run["results"]] == ["command-insecure"] * 2
    prints = {item["partialFingerprints"]["toolkitScan/v1"] for item in run["results"]}
    assert len(prints) == 2
    assert run["results"][0]["locations"][0]["physicalLocation"]["region"]["startColumn"] == 6


def test_a_fingerprint_outlives_lines_before_it(tmp_path: Path) -> None:
    path = tmp_path / "run.sh"

    def printed(text: str) -> str:
        path.write_text(text)
        result = log_of(tmp_path)["runs"][0]["results"][0]
        return str(result["partialFingerprints"]["toolkitScan/v1"])

    assert printed("curl -k https://a.example\n") == printed("\n\ncurl -k https://a.example\n")


def test_what_is_accepted_and_what_is_unread_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "a.sh").write_text("curl -k https://a  # tls: ignore[command-insecure] a test\n")
    (tmp_path / "b.py").write_text("print 'ssl'\n")
    run = log_of(tmp_path)["runs"][0]
    assert run["results"][0]["suppressions"][0]["justification"] == "a test"
    notices = run["invocations"][0]["toolExecutionNotifications"]
    assert "not Python 3" in notices[0]["message"]["text"]
