"""Each result has every format; what a program reads is whole even when the results break off."""

from __future__ import annotations

import csv
import gc
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.errors import ToolkitError, UsageError
from toolkit.output import FORMATS, Output, View, table
from toolkit.terminal import STYLES, render, wrapped

VIEW: View[str] = View(
    schema="test.words/1",
    record=lambda word: {"word": word, "letters": list(word[:2])},
    lines=lambda words, _look: (((word, "name"),) for word in words),
    columns=("word", "letters"),
    formats={"shout": lambda words: (word.upper() for word in words)},
)


def emitted(format: str, *words: str) -> str:
    stream = io.StringIO()
    Output(format=format, stdout=stream).emit(words, VIEW)
    return stream.getvalue()


def breaking() -> Iterator[str]:
    yield "one"
    message = "the rest is gone"
    raise ToolkitError(message)


@given(st.lists(st.text()))
def test_json_holds_the_schema_and_every_result(words: list[str]) -> None:
    read = json.loads(emitted("json", *words))
    assert read["schema"] == "test.words/1"
    assert read["complete"] is True
    assert [record["word"] for record in read["results"]] == words


@given(st.lists(st.text()))
def test_json_lines_are_one_object_a_line(words: list[str]) -> None:
    lines = emitted("jsonl", *words).splitlines()
    assert [json.loads(line)["word"] for line in lines] == words


@given(st.text())
def test_csv_is_one_row_a_result_and_never_a_formula(word: str) -> None:
    rows = list(csv.reader(io.StringIO(emitted("csv", word))))
    assert len(rows) == 2
    assert not re.match(r"[=@]|[+-](?![+-]*\.?\d)", rows[1][0])


def test_json_is_closed_and_marked_when_the_results_break_off() -> None:
    stream = io.StringIO()
    with pytest.raises(ToolkitError):
        Output(format="json", stdout=stream).emit(breaking(), VIEW)
    read = json.loads(stream.getvalue())
    assert read["complete"] is False
    assert [record["word"] for record in read["results"]] == ["one"]


def test_results_are_written_as_they_come() -> None:
    stream = io.StringIO()
    seen: list[str] = []

    def slow() -> Iterator[str]:
        yield "one"
        seen.append(stream.getvalue())
        yield "two"

    for chosen in ("table", "jsonl", "csv", "json"):
        Output(format=chosen, stdout=stream).emit(slow(), VIEW)
        assert "one" in seen.pop()


class Departed(io.StringIO):
    """A stream whose reader goes away after the first line."""

    def write(self, text: str) -> int:
        if self.getvalue():
            raise BrokenPipeError
        return super().write(text)


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("format", FORMATS)
def test_a_reader_that_goes_away_ends_it_without_a_further_word(format: str) -> None:
    with pytest.raises(BrokenPipeError):
        Output(format=format, stdout=Departed()).emit(("one", "two", "three"), VIEW)
    gc.collect()


def test_a_file_gets_the_results_as_a_whole(tmp_path: Path) -> None:
    stream, path = io.StringIO(), tmp_path / "out.json"
    output = Output(format="json", color="always", stdout=stream)
    output.emit_to(path, ["one", "two"], VIEW)
    assert stream.getvalue() == ""
    assert json.loads(path.read_text())["complete"] is True
    with pytest.raises(ToolkitError):
        output.emit_to(tmp_path / "none", breaking(), VIEW)
    assert [item.name for item in tmp_path.iterdir()] == ["out.json"]


@pytest.mark.parametrize("path", [None, Path("-")])
def test_no_file_and_a_dash_are_standard_output(path: Path | None) -> None:
    stream = io.StringIO()
    Output(format="csv", stdout=stream).emit_to(path, ["one"], VIEW)
    assert stream.getvalue().splitlines() == ["word,letters", "one,o n"]


@pytest.mark.parametrize("name", ["no/such/file", "."])
def test_a_place_that_takes_no_file_is_told_before_any_work(name: str, tmp_path: Path) -> None:
    asked: list[str] = []

    def never() -> Iterator[str]:
        asked.append("a result")
        yield ""

    with pytest.raises(UsageError, match="cannot be written"):
        Output(stdout=io.StringIO()).emit_to(tmp_path / name, never(), VIEW)
    assert asked == []


def test_an_unknown_format_is_refused_before_any_work() -> None:
    asked: list[str] = []

    def never() -> Iterator[str]:
        asked.append("a result")
        yield ""

    with pytest.raises(UsageError, match="no output format") as raised:
        Output(format="shuot", stdout=io.StringIO()).emit(never(), VIEW)
    assert raised.value.hint == 'did you mean "shout"?'
    assert asked == []


def test_a_plugins_own_format_is_used() -> None:
    assert emitted("shout", "a", "b") == "AB"
    assert set(FORMATS) == {"table", "json", "jsonl", "csv"}


@given(st.lists(st.tuples(st.text("ab |", max_size=5), st.sampled_from(sorted(STYLES)))))
def test_colour_adds_codes_and_changes_no_text(spans: list[tuple[str, str]]) -> None:
    plain, styled = (render([tuple(spans)], color=color) for color in (False, True))
    assert re.sub(r"\x1b\[[0-9;]*m", "", styled).rstrip() == plain.rstrip()
    assert styled.count("\x1b[0m") * 2 == styled.count("\x1b")  # whatever is begun ends


def test_a_style_is_as_terminals_know_it() -> None:
    line = (("bad", "bad"), (" and ", ""), ("good", "good"))
    assert render([line], color=True) == "\x1b[1;31mbad\x1b[0m and \x1b[32mgood\x1b[0m\n"


@given(st.text("abc  é-", max_size=200), st.integers(40, 90))
def test_a_wrapped_text_keeps_its_words_and_the_width(text: str, width: int) -> None:
    lines = list(wrapped((("  ", ""), ("head: ", "bad")), text, "    ", width))
    shown = render(lines, color=False).splitlines()
    assert " ".join(shown).split() == ["head:", *text.split()]
    longest = max(map(len, text.split()), default=0)
    assert all(len(line) <= max(width, longest + 8) for line in shown)
    (whole,) = wrapped((("head: ", ""),), text, "", 0)
    assert render([whole], color=False) == f"head: {text}".rstrip() + "\n"


def test_a_tables_columns_align_even_under_wide_characters() -> None:
    rows = [((("日本", ""),), (("x", ""),)), ((("ab", ""),), (("y", ""),))]
    shown = render(table(("Name", "Value"), rows), color=False)
    assert shown == "Name  Value\n日本  x\nab    y\n"
