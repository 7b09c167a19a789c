"""Which files are read, which are told to be unread, and which are never opened."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit_https.scan import Finding, Level, Options, python, scan, shell, yamlfiles
from toolkit_https.scan.embedded import dockerfile_hits, makefile_hits
from toolkit_https.scan.reading import UnreadableError
from toolkit_https.scan.tree import READERS

BAD_PYTHON = "import requests\nrequests.get('https://a.example', verify=False)\n"
BAD_SHELL = "curl -k https://a.example\n"


def found(*paths: Path, exclude: tuple[str, ...] = (), max_bytes: int = 10_000) -> list[Finding]:
    return list(scan(paths, Options(exclude, max_bytes)))


def unread(path: Path) -> str:
    """Return why a file isn't read; it must be the only finding."""
    (only,) = found(path)
    assert only.level is Level.UNREAD
    assert not only.line
    return only.message


def test_a_symbolic_link_below_the_folder_is_not_followed(tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    (outside / "bad.py").write_text(BAD_PYTHON)
    (inside / "linked.py").symlink_to(outside / "bad.py")
    (inside / "folder").symlink_to(outside)
    (inside / "loop").symlink_to(inside)
    assert found(inside) == []
    assert found(inside / "linked.py")[0].rule == "verification-off"  # this one was named


def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    assert found(tmp_path) == []
    assert unread(tmp_path / "pipe.py") == "no regular file"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"import ssl\0", "binary"),
        (b"# ssl\n" * 5000, "more than"),
        (b"# ssl \xff\xfe\n", "encoding"),
        (b"# -*- coding: klingon -*-\n# ssl\n", "encoding"),
        (b"print 'ssl'\n", "not Python 3"),
        (b"ssl(\n", "not Python 3"),
        (b"ssl = " + b"(" * 3000 + b")" * 3000, "n"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "file.py"
    path.write_bytes(content)
    assert reason in unread(path)


def test_python_is_read_in_the_encoding_that_it_says(tmp_path: Path) -> None:
    path = tmp_path / "old.py"
    path.write_bytes(b"# coding: latin-1\n# \xe9\n" + BAD_PYTHON.encode())
    assert found(path)[0].line == 4


def test_a_column_is_counted_in_characters(tmp_path: Path) -> None:
    path = tmp_path / "file.py"
    path.write_text("import requests\ne = 'é'; requests.get('https://a', verify=False)\n", "utf-8")
    assert found(path)[0].column == len("e = 'é'; requests.get('https://a', verify=") + 1


def test_shell_that_is_not_utf_8_is_read_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "old.sh"
    path.write_bytes(b"# \xe9\ncurl -k https://a.example\n")
    assert [item.line for item in found(path)] == [2]


@pytest.mark.parametrize(
    ("name", "head"),
    [("run", "#!/bin/sh\n"), ("run", "#!/usr/bin/env bash\n"), ("run", "#! /usr/bin/env -S zsh\n")],
)
def test_a_file_without_suffix_is_known_by_its_first_line(
    tmp_path: Path, name: str, head: str
) -> None:
    (tmp_path / name).write_text(head + BAD_SHELL)
    assert [item.rule for item in found(tmp_path)] == ["command-insecure"]


def test_a_python_script_without_suffix_is_known_by_its_first_line(tmp_path: Path) -> None:
    (tmp_path / "tool").write_text("#!/usr/bin/python3\n" + BAD_PYTHON)
    assert [item.rule for item in found(tmp_path)] == ["verification-off"]


def test_a_named_file_of_another_kind_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text(BAD_SHELL)
    assert found(tmp_path) == []
    assert "neither" in unread(tmp_path / "notes.txt")


def test_folders_of_others_and_excluded_names_are_passed_over(tmp_path: Path) -> None:
    for name in ("node_modules", ".git", "tests", "src"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "bad.sh").write_text(BAD_SHELL)
    assert [Path(item.path).parent.name for item in found(tmp_path, exclude=("tests",))] == ["src"]


def test_yaml_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "ci.yml").write_text("run: {curl -k\n")
    assert "not YAML" in unread(tmp_path / "ci.yml")


def test_an_alias_of_yaml_is_read_once() -> None:
    text = "a: &a {run: curl -k https://x}\n" + "".join(f"b{n}: *a\n" for n in range(50))
    assert len(yamlfiles.hits(text)) == 1


@pytest.mark.parametrize("opening", ["$(", "`", '"$(', "(", "${"])
def test_deep_nesting_ends(tmp_path: Path, opening: str) -> None:
    path = tmp_path / "deep.sh"
    path.write_text("curl " + opening * 4000)
    assert all(item.level is Level.UNREAD for item in found(path, max_bytes=100_000))


def test_a_name_bound_to_itself_many_times_ends() -> None:
    text = "import ssl\ns = ssl.x\n" + "s = s.y()\n" * 500 + "s.get(verify=s)\n"
    assert python.hits(text) == []


@given(st.text(alphabet="curl -k\"'`$(){}\\\n<>EOF=#;|&", max_size=60))
def test_no_text_of_shell_makes_it_fail(text: str) -> None:
    for hit in (*shell.hits(text), *dockerfile_hits(text), *makefile_hits(text)):
        assert 1 <= hit.line <= text.count("\n") + 1


@given(st.sampled_from(sorted(READERS)), st.text(max_size=40))
def test_no_text_at_all_makes_it_fail(kind: str, text: str) -> None:
    with suppress(UnreadableError):  # told, and nothing else
        READERS[kind](f"curl -k {text}")


@given(st.text(alphabet="abc \t'\"", min_size=1, max_size=20))
def test_a_quoted_word_is_never_an_option(text: str) -> None:
    quoted = "'" + text.replace("'", "'\\''") + "'"
    assert shell.hits(f"curl -H {quoted} https://a.example") == []
    assert len(shell.hits(f"curl -H {quoted} -k https://a.example")) == 1
