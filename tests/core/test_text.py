"""Text that others chose can show but never act."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.text import clean, did_you_mean, nearest


@given(st.text())
def test_cleaned_text_has_one_line_and_nothing_that_acts(text: str) -> None:
    shown = clean(text)
    assert not any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for c in shown)
    shown.encode()


@given(st.text(), st.integers(1, 50))
def test_a_limit_is_kept_before_escaping(text: str, limit: int) -> None:
    assert len(clean("a" * len(text), limit=limit)) <= limit


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\u202eb", "a\\u202eb"),
        ("line\nbreak", "line\\x0abreak"),
        ("\ud800", "\\ud800"),
        ("grüße 日本", "grüße 日本"),
        ("\U000e0001tag", "\\U000e0001tag"),
    ],
)
def test_what_could_act_is_escaped_and_the_rest_kept(raw: str, shown: str) -> None:
    assert clean(raw) == shown


def test_a_slip_finds_its_word_and_nonsense_finds_none() -> None:
    assert nearest("timout", ["timeout", "workers"]) == "timeout"
    assert did_you_mean("xyz", ["timeout"]) == ""
