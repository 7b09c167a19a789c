"""Comments that accept a finding, and those that accept nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from toolkit_https.scan import Finding, Options, scan

CALL = "requests.get('https://a.example', verify=False)"


def findings(folder: Path, text: str) -> list[Finding]:
    path = folder / "file.py"
    path.write_text(f"import requests\n{text}\n", "utf-8")
    return list(scan([path], Options()))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"{CALL}  # tls: ignore[verification-off] a test's own server", "a test's own server"),
        (f"# tls: ignore[verification-off] it is loopback\n{CALL}", "it is loopback"),
        (f"{CALL}  # tls: ignore[verify-mode-none, verification-off] both", "both"),
        (f"{CALL}  # tls: ignore[verification-off]", "no reason given"),
        (f"{CALL}  # noqa: S501", "# noqa: S501"),
        (f"{CALL}  # noqa: E501,S501 it is loopback", "it is loopback"),
        (f"{CALL}  # nosec B501", "# nosec B501"),
    ],
)
def test_a_comment_with_the_rule_accepts(tmp_path: Path, text: str, reason: str) -> None:
    (only,) = findings(tmp_path, text)
    assert only.suppressed == reason
    assert not only.counts


@pytest.mark.parametrize(
    "comment", ["# noqa", "# nosec", "# noqa: E501", "# type: ignore", "# verify=False is fine"]
)
def test_a_comment_without_the_rule_accepts_nothing(tmp_path: Path, comment: str) -> None:
    (only,) = findings(tmp_path, f"{CALL}  {comment}")
    assert only.counts


def test_a_comment_behind_the_line_before_accepts_nothing(tmp_path: Path) -> None:
    found = findings(tmp_path, f"x = 1  # tls: ignore[verification-off] not mine\n{CALL}")
    assert [item.rule for item in found if item.counts] == ["verification-off"]


@pytest.mark.parametrize("rule", ["verification-off", "verificaton-off"])
def test_a_comment_that_accepts_nothing_is_told(tmp_path: Path, rule: str) -> None:
    (only,) = findings(tmp_path, f"x = 1  # tls: ignore[{rule}] long ago, ssl")
    assert only.rule == "unused-suppression"
    assert rule in only.message


def test_a_text_that_looks_like_a_comment_is_none(tmp_path: Path) -> None:
    """A docstring may explain the comment; and nothing is accepted by a text."""
    text = f'"""\n# tls: ignore[verification-off] how to accept\n"""\n{CALL}'
    (only,) = findings(tmp_path, text)
    assert only.counts
