"""Modules that can't be read may hold the application: they are named, never skipped in silence."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from toolkit.testing import Home, Run

Application = Callable[..., Path]
APP = "from flask import Flask\n\n\ndef create_app():\n    app = Flask(__name__)\n    return app\n"
BROKEN = "from flask import Flask\n\napp = Flask(\n\n\ndef view() return\n"


def into(toolkit_run: Run, *more: str) -> list[dict[str, object]]:
    ended = toolkit_run("flask", "scaffold", "--into", "existing", "--format", "jsonl", *more)
    assert ended.status == 0, ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_a_module_that_does_not_parse_is_a_warning_with_its_place(
    application: Application, toolkit_run: Run
) -> None:
    folder = application(APP, put_in=False)
    (folder / "admin.py").write_text(BROKEN)
    (warning,) = [item for item in into(toolkit_run) if item["action"] == "warning"]
    assert (warning["path"], warning["line"]) == ("admin.py", 3)
    assert warning["column"] == 12
    assert "does not compile: '(' was never closed" in str(warning["note"])
    ended = toolkit_run("flask", "scaffold", "--into", "existing")
    assert "warning    admin.py:3:12: does not compile" in ended.stdout


def test_a_module_that_can_not_be_opened_is_a_warning(
    application: Application, toolkit_run: Run
) -> None:
    folder = application(APP, put_in=False)
    (folder / "admin.py").symlink_to("admin.py")
    (warning,) = [item for item in into(toolkit_run) if item["action"] == "warning"]
    assert (warning["path"], warning["line"]) == ("admin.py", None)
    assert "cannot be read: Too many levels of symbolic links" in str(warning["note"])


def test_a_broken_module_without_flask_concerns_nobody(
    application: Application, toolkit_run: Run
) -> None:
    folder = application(APP, put_in=False)
    (folder / "old.py").write_text("print 'of another age'\n")
    assert [item for item in into(toolkit_run) if item["action"] == "warning"] == []


@pytest.mark.parametrize("name", ["tests/test_it.py", ".#app.py", "._app.py"])
def test_a_broken_test_or_what_an_editor_left_concerns_nobody(
    name: str, application: Application, toolkit_run: Run
) -> None:
    path = application(APP, put_in=False) / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(BROKEN)
    assert [item for item in into(toolkit_run) if item["action"] == "warning"] == []


def test_where_no_application_is_found_all_that_may_hold_it_are_named(
    application: Application, toolkit_run: Run
) -> None:
    folder = application(BROKEN, put_in=False)
    (folder / "conftest.py").write_text(BROKEN)
    (folder / "latin.py").write_bytes(b"from flask import Flask\nname = '\xe9'\n")
    ended = toolkit_run("flask", "scaffold", "--into", "existing", "--apply")
    assert ended.status == 2
    assert "no Flask application is constructed here" in ended.stderr
    assert "app.py:3:12: does not compile: '(' was never closed" in ended.stderr
    assert "conftest.py:3:12: does not compile" in ended.stderr
    assert "latin.py:2: does not compile" in ended.stderr or "latin.py:2:" in ended.stderr


def test_an_application_that_is_asked_for_by_name_may_be_in_a_broken_module(
    application: Application, toolkit_run: Run
) -> None:
    folder = application(APP, put_in=False)
    (folder / "admin.py").write_text(BROKEN)
    ended = toolkit_run("flask", "scaffold", "--into", "existing", "--app", "admin.py:app")
    assert ended.status == 2
    assert "admin.py:3:12: does not compile" in ended.stderr


def test_several_applications_are_listed_with_what_may_hold_another(
    application: Application, toolkit_run: Run
) -> None:
    folder = application(APP, put_in=False, other=APP)
    (folder / "admin.py").write_text(BROKEN)
    ended = toolkit_run("flask", "scaffold", "--into", "existing")
    assert ended.status == 2
    assert "--app other.py:create_app.app" in ended.stderr
    assert "admin.py:3:12: does not compile" in ended.stderr


def test_status_names_a_broken_module_and_is_not_wrong_for_it(
    application: Application, toolkit_run: Run
) -> None:
    folder = application(APP)
    (folder / "admin.py").write_text(BROKEN)
    ended = toolkit_run("flask", "status", "existing")
    assert ended.status == 0, ended.stdout
    assert "unread    admin.py:3:12: does not compile: '(' was never closed" in ended.stdout
    assert "ok        error_reporting" in ended.stdout


def test_status_tells_the_place_in_a_call_site_that_does_not_parse(
    application: Application, toolkit_run: Run
) -> None:
    path = application(APP) / "app.py"
    path.write_text(path.read_text().replace("return app", "return ("))
    ended = toolkit_run("flask", "status", "existing")
    assert ended.status == 1
    assert "vanished  app.py:8:12: does not compile: '(' was never closed" in ended.stdout
    assert ended.stdout.count("app.py") == 1


def test_a_module_whose_name_is_no_text_is_refused(toolkit_home: Home, toolkit_run: Run) -> None:
    folder = toolkit_home.folder / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    module = folder / os.fsdecode(b"m\xe9.py")
    module.write_text(APP)
    ended = toolkit_run("flask", "scaffold", "--into", folder.name, "--apply")
    assert ended.status == 2
    assert "its name is not UTF-8" in ended.stderr
    module.rename(folder / "app.py")
    assert toolkit_run("flask", "scaffold", "--into", folder.name, "--apply").status == 0
    assert toolkit_run("flask", "remove", folder.name).status == 0


def test_remove_passes_over_a_link_to_nowhere(application: Application, toolkit_run: Run) -> None:
    folder = application(APP)
    (folder / "gone.py").symlink_to("nowhere.py")
    ended = toolkit_run("flask", "remove", "existing")
    assert ended.status == 0, ended.stderr
    assert (folder / "app.py").read_text() == APP
