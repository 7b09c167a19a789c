"""Documents become typed models, or every fault is told with its place; nothing runs away."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.documents import (
    DocumentError,
    Parser,
    Salvage,
    json_schema,
    load,
    parse,
    read,
    read_rows,
)
from toolkit.errors import UsageError


class Kind(Enum):
    SERVER = "server"
    DESKTOP = "desktop"


def seconds(value: object) -> float:
    text = str(value)
    if not text.endswith("s") or not text[:-1].isdigit():
        message = 'a time is like "10s"'
        raise ValueError(message)
    return float(text[:-1])


@dataclass(frozen=True, slots=True)
class Host:
    name: str
    mac: str = ""
    kind: Kind = Kind.SERVER
    order: tuple[int, ...] = ()
    mode: Literal["bios", "uefi"] = "uefi"
    lease: Annotated[float, Parser(seconds, {"type": "string"})] = 10.0
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Site:
    hosts: list[Host] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    size: float = 1.0
    token: str = ""


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    def make(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return make


Write = Callable[[str, str | bytes], Path]


def test_a_yaml_document_becomes_its_model(write: Write) -> None:
    path = write(
        "site.yaml",
        "hosts:\n- {name: a, mac: 52:54:00:12:34:56, kind: desktop, order: [1, 2], lease: 5s}\n"
        "tags: {no: NO, zip: '0644'}\nsize: 2\n",
    )
    site = load(path, Site)
    assert site.hosts == [Host("a", "52:54:00:12:34:56", Kind.DESKTOP, (1, 2), "uefi", 5.0)]
    assert site.tags == {"no": "NO", "zip": "0644"}
    assert site.size == 2.0


def test_json_gives_the_same_model_as_yaml(write: Write) -> None:
    text = '{"hosts": [{"name": "a", "order": [3], "note": null}], "size": 1.5}'
    assert load(write("s.json", text), Site) == load(write("s.yaml", text), Site)


def test_all_faults_are_told_with_their_places(write: Write) -> None:
    path = write(
        "site.yaml",
        "hosts:\n- nam: a\n- name: b\n  mac: 52e400123456\n  kind: sever\n  order: [1, x]\n"
        "  lease: 5\nsize: big\n",
    )
    with pytest.raises(DocumentError) as raised:
        load(path, Site)
    told = [str(problem).removeprefix(f"{path}:") for problem in raised.value.problems]
    assert told == [
        '2:3: hosts[0].nam: is no known key; did you mean "name"?',
        '2:3: hosts[0]: the key "name" is missing',
        '4:8: hosts[1].mac: is read as a number, and text is wanted; quote it: "52e400123456"',
        '5:9: hosts[1].kind: "sever" is none of: server, desktop; did you mean "server"?',
        '6:14: hosts[1].order[1]: "x" is not a whole number',
        '7:10: hosts[1].lease: 5: a time is like "10s"',
        '8:7: size: "big" is not a number',
    ]


def test_faults_of_json_are_located_too(write: Write) -> None:
    path = write("site.json", '{"hosts": [\n  {"name": 5}\n]}')
    with pytest.raises(DocumentError) as raised:
        load(path, Site)
    assert str(raised.value.problems[0]).startswith(f"{path}:2:12: hosts[0].name: is read as a num")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.yaml", "a: 1\na: 2\n", "the key is there twice, first in line 1"),
        ("a.json", '{"a": 1,\n "a": 2}', "the key is there twice, first in line 1"),
        ("a.yaml", "a: [1, 2\nb: 3\n", ":2:"),
        ("a.yaml", "a: !!python/object:os.system x\n", "YAML tag"),
        ("a.yaml", "base: &b {x: 1}\na:\n  <<: *b\n", "merge keys"),
        ("a.yaml", "a: 1\n---\nb: 2\n", "second document"),
        ("a.yaml", "? [x]\n: 1\n", "a key must be text"),
        ("a.yaml", "a: *nowhere\n", "alias"),
        ("a.json", '{"a": NaN}', "NaN is no JSON value"),
        ("a.json", "{'a': 1}", "is not JSON"),
        ("a.yaml", b"a: \xff\n", "byte 0xff at offset 3 is not UTF-8"),
        ("a.yaml", "a: \x07\n", "is not allowed in YAML"),
        ("a.yaml", "a\tb: 1\n\tc: 2\n", "cannot start any token"),
    ],
)
def test_what_is_no_document_is_told_with_its_place(
    name: str, content: str | bytes, words: str, write: Write
) -> None:
    with pytest.raises(DocumentError) as raised:
        read(write(name, content)).usable()
    assert words in str(raised.value)


def bomb() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for level in range(1, 12):
        inner = ", ".join([f"*a{level - 1}"] * 10)
        lines.append(f"a{level}: &a{level} [{inner}]")
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("name", "text", "key"),
    [
        ("a.yaml", "shop: {size: 1, size: 2}\n", "shop.size"),
        ("a.yaml", "shop:\n  hosts:\n  - name: a\n    name: b\n", "shop.hosts[0].name"),
        ("a.yaml", "shop:\n- 1\n- *nobody\n", "shop[1]"),
        ("a.yaml", "shop:\n  hosts: [a, [b, !odd c]]\n", "shop.hosts[1][1]"),
        ("a.json", '{"shop": {"hosts": [{"name": 1, "name": 2}]}}', "shop.hosts[0].name"),
    ],
)
def test_a_problem_deep_inside_is_told_with_its_whole_key(
    name: str, text: str, key: str, write: Write
) -> None:
    (problem,) = read(write(name, text)).problems
    assert problem.key == key


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("bomb.yaml", bomb(), "more than 1,000,000 values, aliases expanded"),
        ("deep.yaml", "[" * 100_000, "nested deeper than 64 levels"),
        ("deep.json", "[" * 100_000 + "]" * 100_000, "nested deeper than 64 levels"),
        ("self.yaml", "&a [*a]", "alias"),
        ("digits.yaml", f"a: {'9' * 100_000}", "more than 400 digits"),
        ("digits.json", f'{{"a": {"9" * 100_000}}}', "more than 400 digits"),
    ],
)
def test_a_bomb_ends_in_a_clear_error_at_once(
    name: str, content: str, words: str, write: Write
) -> None:
    started = time.process_time()
    with pytest.raises(DocumentError) as raised:
        read(write(name, content)).usable()
    assert words in str(raised.value)
    assert time.process_time() - started < 5


def test_a_hundred_megabytes_are_refused_unread(write: Write) -> None:
    path = write("big.yaml", "")
    with path.open("r+b") as stream:
        stream.truncate(100 * 1024 * 1024)
    with pytest.raises(DocumentError, match="larger than 16 MiB"):
        read(path)


def test_a_file_that_is_missing_or_of_another_kind_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"missing\.yaml: .*No such file"):
        read(tmp_path / "missing.yaml")
    with pytest.raises(UsageError, match="must end in"):
        read(tmp_path / "site.toml")


def test_a_secret_is_in_no_message(write: Write) -> None:
    with pytest.raises(DocumentError) as raised:
        load(write("site.yaml", "token: [hunter2]\n"), Site)
    assert "hunter2" not in str(raised.value)
    with pytest.raises(DocumentError) as raised:
        load(write("site.yaml", "token: 12345678\n"), Site)
    assert "12345678" not in f"{raised.value} {raised.value.hint}"


@given(st.binary() | st.text().map(str.encode), st.sampled_from([True, False]))
def test_any_bytes_are_a_value_or_problems(raw: bytes, is_json: object) -> None:
    document = parse(raw.decode("utf-8", "replace"), "any", json=bool(is_json))
    assert all(str(problem).startswith("any") for problem in document.problems)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-999, 999) | st.text("abc: -#\"'\n", max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc"), inner, max_size=3),
    max_leaves=10,
)


@given(VALUES)
def test_yaml_reads_every_json_as_json_does(value: Any) -> None:
    import json

    text = json.dumps(value)
    ours = parse(text, "x")
    assert ours.problems == ()
    assert ours.value == value == parse(text, "x", json=True).value


def test_rows_of_csv_become_models_with_their_lines(write: Write) -> None:
    path = write("hosts.csv", 'name,order,note\na,"1,2",\n\n"b\nc",,x\n')
    rows = list(read_rows(path, Host))
    assert [(row.line, row.model.name, row.model.order, row.model.note) for row in rows] == [
        (2, "a", (1, 2), None),
        (4, "b\nc", (), "x"),
    ]


def test_bad_rows_are_all_told_and_good_ones_come(write: Write) -> None:
    path = write("hosts.csv", "name,kind\na,server\nb,sever\nc\nd,desktop\n")
    rows = read_rows(path, Host)
    assert [next(rows).model.name, next(rows).model.name] == ["a", "d"]
    with pytest.raises(DocumentError) as raised:
        next(rows)
    assert [problem.line for problem in raised.value.problems] == [3, 4]
    assert f"{path}:3:2: kind:" in str(raised.value)


def test_what_is_right_of_bad_rows_comes_if_it_is_asked_for(write: Write) -> None:
    path = write("hosts.csv", "name,kind,note\na,sever,x\n,desktop,y\n")
    rows = read_rows(path, Host, fill={"name": ""})
    first, second = next(rows), next(rows)
    assert (first.model.name, first.model.note, first.lacking) == ("a", "x", frozenset({"kind"}))
    assert (second.model.note, second.lacking) == ("y", frozenset({"name"}))
    with pytest.raises(DocumentError, match="2 problems"):
        next(rows)


def test_what_ends_a_table_hides_no_row_before_it(write: Write) -> None:
    path = write("hosts.csv", 'name,kind\na,sever\n"b\n')
    with pytest.raises(DocumentError) as raised:
        list(read_rows(path, Host))
    assert [problem.line for problem in raised.value.problems] == [2, 3]


@given(VALUES)
def test_what_is_right_of_any_value_binds(value: Any) -> None:
    salvage = Salvage()
    model, faults = salvage.bind(Host, value, path=("here",), fill={"name": "x"})
    assert (model is None) <= bool(faults)
    assert all(path[0] == "here" for path in salvage.dropped)
    assert bool(faults) or not salvage.dropped


def test_places_of_what_is_right_are_those_of_the_document() -> None:
    salvage = Salvage()
    value: object = {"hosts": [{"name": 1}, {"name": "a"}, {}, {"name": "b", "x": 1}]}
    model, faults = salvage.bind(Site, value)
    assert model is not None
    assert [host.name for host in model.hosts] == ["a", "b"]
    assert [fault.path for fault in faults] == [
        ("hosts", 0, "name"), ("hosts", 2), ("hosts", 3, "x"),
    ]  # fmt: skip
    assert salvage.original(("hosts", 1, "note")) == ("hosts", 3, "note")
    assert salvage.lacks(("hosts", 2, "name"))
    assert not salvage.lacks(("hosts", 1))


def test_a_misspelt_column_is_told_with_what_was_meant(write: Write) -> None:
    with pytest.raises(DocumentError) as raised:
        list(read_rows(write("hosts.csv", "nmae\na\n"), Host))
    assert 'did you mean "name"?' in raised.value.hint


def test_json_lines_are_read_like_csv(write: Write) -> None:
    path = write("hosts.jsonl", '{"name": "a"}\n\n{"name": 1}\n')
    with pytest.raises(DocumentError) as raised:
        list(read_rows(path, Host))
    assert f"{path}:3:10: name:" in str(raised.value)


@given(st.text())
def test_any_csv_is_rows_or_an_error(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_text(text, "utf-8", errors="replace")
    try:
        list(read_rows(path, Host))
    except DocumentError as error:
        assert error.problems  # noqa: PT017  one of two outcomes


def test_the_json_schema_accepts_what_binds_and_refuses_what_does_not() -> None:
    schema = json_schema(Site)
    jsonschema.Draft202012Validator.check_schema(schema)
    good = {"hosts": [{"name": "a", "kind": "server", "order": [1]}], "size": 1}
    jsonschema.validate(good, schema)
    wrong: list[object] = [{"hots": []}, {"hosts": [{}]}, {"size": "x"}]
    for bad in wrong:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(bad, schema)
