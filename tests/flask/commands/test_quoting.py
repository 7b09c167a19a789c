"""Every filter: what a parser of the format reads is what was put in."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from toolkit_flask import quoting
from toolkit_flask.quoting import FILTERS, Quoted, finalize

TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
LINE = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp")), max_size=40)
SPICED = st.text(st.sampled_from("ab $%\\\"'`#;{}[]*?~-é\U0001f600&<|_"), max_size=20)


def systemd_unquoted(text: str, *, dollars: bool) -> str:
    """Read one quoted word as systemd.syntax(7) and systemd.service(5) say."""
    assert (text[0], text[-1]) == ('"', '"')
    plain = re.sub(r'\\(["\\])', r"\1", text[1:-1].replace("%%", "%"))
    return plain.replace("$$", "$") if dollars else plain


@given(TEXT)
def test_a_python_literal_evaluates_to_the_value(value: str) -> None:
    assert ast.literal_eval(quoting.python(value)) == value


@given(st.lists(TEXT, max_size=3) | st.integers() | st.booleans() | st.none())
def test_lists_numbers_and_truth_values_evaluate_to_themselves(value: object) -> None:
    assert ast.literal_eval(quoting.python(value)) == value


@given(TEXT)
def test_a_toml_string_is_read_as_the_value(value: str) -> None:
    assert tomllib.loads(f"key = {quoting.toml(value)}\n") == {"key": value}


@given(st.lists(TEXT, max_size=3))
def test_a_toml_list_is_read_as_the_values(value: list[str]) -> None:
    assert tomllib.loads(f"key = {quoting.toml(value)}\n") == {"key": value}


@given(LINE | SPICED)
def test_words_of_a_unit_are_read_as_the_value(value: str) -> None:
    assert systemd_unquoted(quoting.systemd_word(value), dollars=False) == value
    assert systemd_unquoted(quoting.systemd_argument(value), dollars=True) == value


@given(LINE | SPICED)
def test_a_setting_of_a_unit_is_read_as_the_value_or_refused(value: str) -> None:
    try:
        line = f"Description={quoting.systemd(value)}"
    except ValueError:
        assert value != value.strip() or value.endswith("\\") or not value
        return
    assert not line.endswith("\\")
    assert line.partition("=")[2].strip().replace("%%", "%") == value


@given((LINE | SPICED).map(lambda text: text.replace("{", "").replace("}", "")))
def test_a_logrotate_path_is_a_pattern_for_that_path_alone(value: str) -> None:
    """popt(3) takes the backslash from a quotation mark, glob(7) from everything else."""
    quoted = quoting.logrotate(value)
    assert re.sub(r"\\(.)", r"\1", quoted[1:-1]) == value
    assert not set(re.sub(r"\\.", "", quoted[1:-1])) & set('*?[]\\"')


def test_logrotate_cannot_have_braces_in_a_path() -> None:
    with pytest.raises(ValueError, match="brace"):
        quoting.logrotate("/var/log/{app}")


@given(LINE | SPICED)
def test_markdown_shows_the_text_and_makes_nothing_of_it(value: str) -> None:
    words = " ".join(value.split())
    inline = MarkdownIt().parse(f"x {quoting.markdown(words)} x")[1]
    assert {child.type for child in inline.children or ()} <= {"text", "text_special"}
    assert "".join(child.content for child in inline.children or ()) == f"x {words} x"


@given(LINE | SPICED)
def test_a_markdown_code_span_shows_the_text(value: str) -> None:
    if not value.strip():
        return
    inline = MarkdownIt().parse(f"x {quoting.markdown_code(value)} x")[1]
    spans = [child.content for child in inline.children or () if child.type == "code_inline"]
    assert spans == [value]


@given(LINE | SPICED)
def test_a_word_of_a_shell_is_one_word(value: str) -> None:
    assert shlex.split(quoting.shell(value)) == [value]


@pytest.mark.parametrize("value", ["plain", "a b", "$HOME", "`id`", '"', "\\", "$(id)", "é", "#x"])
def test_a_shell_reads_an_environment_file_as_the_value(value: str, tmp_path: Path) -> None:
    file = tmp_path / "service.env"
    file.write_text(f"VALUE={quoting.environment(value)}\n")
    done = subprocess.run(
        ["sh", "-c", '. "$1"; printf %s "$VALUE"', "sh", str(file)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == value


@given(LINE | SPICED)
def test_systemd_reads_an_environment_file_as_the_value(value: str) -> None:
    """systemd.exec(5), EnvironmentFile=: in double quotes a backslash frees the next character."""
    quoted = quoting.environment(value)
    assert re.sub(r"\\(.)", r"\1", quoted[1:-1]) == value
    assert not re.search(r'(?<!\\)(?:\\\\)*["$`]', quoted[1:-1])


@pytest.mark.parametrize("name", sorted(set(FILTERS) - {"python", "toml"}))
@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\0b", "\x1b[31m", "a\u2028b", "a\x85b"])
def test_a_format_of_lines_refuses_what_ends_or_hides_a_line(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"cannot hold|is no"):
        FILTERS[name](value)


def test_toml_refuses_what_is_no_unicode_text() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        quoting.toml("\ud800")


@pytest.mark.parametrize("value", ["text", 1, None, ["a"]])
def test_a_template_prints_nothing_that_went_through_no_filter(value: object) -> None:
    with pytest.raises(TypeError, match="through no filter"):
        finalize(value)
    assert finalize(Quoted("fine")) == "fine"
