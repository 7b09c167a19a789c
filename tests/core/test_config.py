"""Configuration: later layers win key by key, every value has its origin, every error its place."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.config import Config, load
from toolkit.config.files import places
from toolkit.config.report import check, schema, show
from toolkit.demo import demo_environment
from toolkit.documents import DocumentError
from toolkit.errors import UsageError
from toolkit.testing import Home, Run


@dataclass(frozen=True, slots=True)
class Inner:
    a: int = 0
    b: int = 0


@dataclass(frozen=True, slots=True)
class Shop:
    name: str = "corner"
    size: int = 1
    open_days: tuple[str, ...] = ()
    password: str = ""
    url: str = ""
    inner: Inner = field(default_factory=Inner)


SECTIONS: dict[str, type] = {"shop": Shop}


@dataclass(slots=True)
class Place:
    """A user's folders, and the configuration that is found from there."""

    home: Path
    environ: dict[str, str]

    def write(self, name: str, text: str) -> Path:
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        path.chmod(0o644)
        return path

    def load(self, explicit: str = "", folder: str = "", **environ: str) -> Config:
        found = {**self.environ, **environ}
        return load(environ=found, cwd=self.home / folder, explicit=explicit)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    system = tmp_path / "etc" / "toolkit.yaml"
    return Place(tmp_path, {"HOME": str(tmp_path), "TOOLKIT_CONFIG_SYSTEM": str(system)})


USER = ".config/sysadmin-toolkit/toolkit.yaml"


def test_without_any_file_the_defaults_hold(place: Place) -> None:
    config = place.load()
    assert config.section("shop", Shop) == Shop()
    assert str(config.origin("shop.size")) == "default"
    assert config.files == ()


def test_each_later_layer_wins_key_by_key(place: Place) -> None:
    system = place.write("etc/toolkit.yaml", "shop: {name: system, password: ours, size: 9}\n")
    user = place.write(USER, "shop:\n  name: user\n  size: 2\n  inner: {a: 1, b: 1}\n")
    project = place.write("toolkit.yaml", "shop:\n  size: 3\n  inner: {b: 2}\n")
    named = place.write("other.yaml", "shop:\n  open_days: [mo]\n")
    config = place.load("other.yaml", TOOLKIT_SHOP_NAME="variable")
    assert config.files == (system, user, project, named)
    expected = Shop("variable", 3, ("mo",), "ours", inner=Inner(1, 2))
    assert config.section("shop", Shop) == expected
    assert str(config.origin("shop.name")) == "TOOLKIT_SHOP_NAME"
    assert str(config.origin("shop.password")) == f"{system}:1"
    assert str(config.origin("shop.size")) == f"{project}:2"
    assert str(config.origin("shop.open_days")) == f"{named}:2"


@given(st.lists(st.none() | st.integers(0, 9), min_size=3, max_size=3))
def test_the_last_layer_that_sets_a_key_wins(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int | None]
) -> None:
    folder = tmp_path_factory.mktemp("layers")
    place = Place(folder, {"HOME": str(folder)})
    for name, size in zip((USER, "toolkit.yaml", "named.yaml"), sizes, strict=True):
        place.write(name, "shop: {}\n" if size is None else f"shop: {{size: {size}}}\n")
    wanted = next((size for size in reversed(sizes) if size is not None), 1)
    assert place.load("named.yaml").section("shop", Shop).size == wanted


def test_the_systems_file_is_in_etc_and_an_isolated_run_looks_elsewhere(
    place: Place, toolkit_home: Home
) -> None:
    assert next(places({}, place.home, "")).path == Path("/etc/sysadmin-toolkit/toolkit.yaml")
    for environ in (toolkit_home.environ, demo_environment(os.environ, place.home)):
        assert next(places(environ, place.home, "")).path.is_relative_to(place.home.parent)


def test_the_projects_file_is_found_from_its_subfolders(place: Place) -> None:
    place.write("toolkit.yaml", "shop: {size: 5}\n")
    (place.home / "a" / "b").mkdir(parents=True)
    assert place.load(folder="a/b").section("shop", Shop).size == 5


def test_variables_are_converted_to_the_keys_type(place: Place) -> None:
    config = place.load(TOOLKIT_SHOP_SIZE="7", TOOLKIT_SHOP_OPEN_DAYS="mo, tu")
    assert config.section("shop", Shop) == Shop(size=7, open_days=("mo", "tu"))
    with pytest.raises(DocumentError, match=r'TOOLKIT_SHOP_SIZE: shop\.size: "x" is not a whole'):
        place.load(TOOLKIT_SHOP_SIZE="x").section("shop", Shop)


def test_a_variable_can_name_the_file(place: Place) -> None:
    place.write("other.yaml", "shop: {size: 8}\n")
    assert place.load(TOOLKIT_CONFIG="other.yaml").section("shop", Shop).size == 8


def test_a_named_file_must_be_there(place: Place) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.yaml: there is no such configuration file"):
        place.load("nowhere.yaml")


@pytest.mark.parametrize(("mode", "remedy"), [(0o664, "chmod go-w"), (0o646, "chmod go-w")])
def test_a_file_that_others_can_write_is_ignored_with_a_warning(
    mode: int, remedy: str, place: Place
) -> None:
    path = place.write("toolkit.yaml", "shop: {size: 5}\n")
    path.chmod(mode)
    config = place.load()
    assert config.section("shop", Shop).size == 1
    (warning,) = config.warnings
    assert "others can write it" in warning.message
    assert remedy in warning.hint
    assert place.load("toolkit.yaml").section("shop", Shop).size == 5  # named: the user's choice


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_ignored(place: Place) -> None:
    path = place.write("toolkit.yaml", "shop: {size: 5}\n")
    os.chown(path, 12345, -1)
    config = place.load()
    assert config.section("shop", Shop).size == 1
    assert "belongs to another user (uid 12345)" in config.warnings[0].message


def test_check_reports_all_errors_of_all_files(place: Place) -> None:
    user = place.write(USER, "shop:\n  nmae: x\n")
    project = place.write("toolkit.yaml", "shpo: {}\nshop:\n  size: big\nother: {a: 1}\n")
    told = [str(problem) for problem in check(place.load(TOOLKIT_SHOP_SIZ="1"), SECTIONS)]
    assert told == [
        f'{user}:2:3: shop.nmae: is no known key; did you mean "name"?',
        f'{project}:1:1: shpo: is no known section; did you mean "shop"?',
        f'{project}:3:9: shop.size: "big" is not a whole number',
        "TOOLKIT_SHOP_SIZ: no key is set by this variable; "
        'did you mean "TOOLKIT_SHOP_SIZE"?',
    ]  # fmt: skip


def test_a_wrong_section_stops_only_the_commands_that_use_it(place: Place) -> None:
    place.write("toolkit.yaml", "shop: {size: big}\nbook: {a: 1}\n")
    config = place.load()
    assert config.section("book", Inner) == Inner(1)
    with pytest.raises(DocumentError):
        config.section("shop", Shop)


def test_what_a_broken_file_seems_to_hold_is_no_further_error(place: Place) -> None:
    path = place.write("toolkit.yaml", "shop: [\n")
    (problem,) = check(place.load(), SECTIONS)
    assert str(problem).startswith(f"{path}:2:1: ")


def test_errors_beside_a_key_that_is_there_twice_are_told(place: Place) -> None:
    place.write("toolkit.yaml", "shop:\n  size: 1\n  size: 2\n  nmae: x\n")
    assert [item.key for item in check(place.load(), SECTIONS)] == ["shop.size", "shop.nmae"]


def test_show_has_values_origins_and_unused_keys(place: Place) -> None:
    path = place.write("toolkit.yaml", "shop: {size: 2, sise: 3}\nfuture: {a: 1}\n")
    rows = {row.key: row for row in show(place.load(TOOLKIT_ODD="x"), SECTIONS)}
    assert (rows["shop.size"].value, rows["shop.size"].origin) == (2, f"{path}:1")
    assert rows["shop.name"].origin == "default"
    assert not rows["shop.sise"].used
    assert not rows["future.a"].used
    assert not rows["TOOLKIT_ODD"].used


def test_secrets_are_never_shown(place: Place) -> None:
    place.write(
        "toolkit.yaml",
        "shop: {password: hunter2, url: 'https://u:geheim@x/'}\nnew: {token: abc123}\n",
    )
    variables = {"TOOLKIT_OTHER_SECRET": "s3cret"}
    config = place.load(**variables)
    text = repr(show(config, SECTIONS))
    for secret in ("hunter2", "geheim", "abc123", "s3cret"):
        assert secret not in text


def test_the_schema_is_one_and_accepts_good_files(place: Place) -> None:
    made = schema(SECTIONS)
    jsonschema.Draft202012Validator.check_schema(made)
    jsonschema.validate({"shop": {"size": 2}, "elsewhere": {}}, made)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"shop": {"size": "big"}}, made)


def test_the_commands_show_check_and_describe(toolkit_home: Home, toolkit_run: Run) -> None:
    path = toolkit_home.write("toolkit.yaml", "https:\n  timeout: 3\n  wrokers: 4\n")
    checked = toolkit_run("config", "check")
    assert checked.status == 2
    assert f'{path}:3:3: https.wrokers: is no known key; did you mean "workers"?' in checked.stdout
    shown = toolkit_run("config", "show", "--format", "json")
    rows = {row["key"]: row for row in json.loads(shown.stdout)["results"]}
    assert rows["https.timeout"]["origin"] == f"{path}:2"
    described = json.loads(toolkit_run("config", "schema").stdout)
    assert "Seconds" in described["properties"]["https"]["properties"]["timeout"]["description"]


def test_a_right_configuration_ends_with_zero(toolkit_home: Home, toolkit_run: Run) -> None:
    toolkit_home.write("toolkit.yaml", "toolkit:\n  format: json\n")
    assert toolkit_run("config", "check").status == 0
    assert toolkit_run("plugins").stdout.startswith('{"schema": "toolkit.plugins/1"')


def test_a_broken_file_stops_a_command_but_not_config_check(
    toolkit_home: Home, toolkit_run: Run
) -> None:
    path = toolkit_home.write("toolkit.yaml", "toolkit: [\n")
    stopped = toolkit_run("plugins")
    assert stopped.status == 2
    assert f"{path}:2:1" in stopped.stderr
    assert f"{path}:2:1" in toolkit_run("config", "check").stdout
    assert toolkit_run("doctor").status == 1


def test_a_passphrase_in_its_variable_is_right_used_and_never_shown(toolkit_run: Run) -> None:
    environ = {"TOOLKIT_HTTPS_PASSPHRASE": "hunter2"}
    assert toolkit_run("config", "check", environ=environ).status == 0
    assert toolkit_run("doctor", environ=environ).status == 0
    shown = toolkit_run("config", "show", environ=environ)
    (row,) = [line for line in shown.stdout.splitlines() if "PASSPHRASE" in line]
    assert "********" in row
    assert "unused" not in row
    assert "hunter2" not in shown.stdout


def test_a_format_that_is_none_is_located(toolkit_home: Home, toolkit_run: Run) -> None:
    path = toolkit_home.write("toolkit.yaml", "toolkit:\n  format: jsno\n")
    place = f'{path}:2:11: toolkit.format: "jsno" is none of: table, json, jsonl, csv'
    assert place in toolkit_run("plugins").stderr
    checked = toolkit_run("config", "check")
    assert (checked.status, checked.stdout.strip()) == (2, f'{place}; did you mean "json"?')


@pytest.mark.parametrize("argv", [("config", "schema"), ("demo", "https")])
def test_a_command_with_one_form_of_output_keeps_it_whatever_is_configured(
    argv: tuple[str, ...], toolkit_home: Home, toolkit_run: Run
) -> None:
    toolkit_home.write("toolkit.yaml", "toolkit:\n  format: csv\n")
    assert toolkit_run(*argv).status == 0
    refused = toolkit_run(*argv, "--format", "csv")
    assert refused.status == 2
    assert "--format" in refused.stderr


def test_a_distrusted_file_is_told_on_standard_error(toolkit_home: Home, toolkit_run: Run) -> None:
    toolkit_home.write("toolkit.yaml", "https: {ca: /tmp/evil.pem}\n").chmod(0o666)
    ended = toolkit_run("config", "show")
    assert "evil" not in ended.stdout
    assert "chmod go-w" in ended.stderr
