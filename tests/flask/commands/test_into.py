"""Error reporting put into an existing application, looked at, renewed and taken out again."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from toolkit.testing import Home, Run
from toolkit_flask import render
from toolkit_flask.manifest import NAME

Application = Callable[..., Path]
APP = "from flask import Flask\n\n\ndef create_app():\n    app = Flask(__name__)\n    return app\n"


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_without_apply_the_two_lines_are_shown_and_nothing_is_written(
    application: Application, toolkit_run: Run
) -> None:
    folder = application(APP, put_in=False)
    ended = toolkit_run("flask", "scaffold", "--into", "existing")
    assert ended.status == 0
    added = [line.strip() for line in ended.stdout.splitlines() if line.startswith("  +")]
    assert added == [
        "+++ b/app.py",
        "+from error_reporting import init_app as init_error_reporting",
        "+    init_error_reporting(app)",
    ]
    assert "Nothing was written: --apply does it." in ended.stderr
    assert files(folder) == {"app.py": APP.encode()}


def test_put_in_and_taken_out_every_byte_is_as_before(
    application: Application, toolkit_run: Run
) -> None:
    folder = application(APP)
    put_in = files(folder)
    assert set(put_in) > {"app.py", NAME, *render.reporting_files("error_reporting")}
    subprocess.run(
        [sys.executable, "-c", "import sys; sys.path.insert(0, ''); import app"],
        cwd=folder,
        check=True,
    )  # leaves caches
    ended = toolkit_run("flask", "remove", "existing")
    assert ended.status == 0, ended.stderr
    assert files(folder) == {"app.py": APP.encode()}
    assert not (folder / "error_reporting").exists()
    assert not (folder / ".toolkit-flask").exists()


def test_a_second_time_changes_nothing(application: Application, toolkit_run: Run) -> None:
    folder = application(APP)
    before = files(folder)
    ended = toolkit_run("flask", "scaffold", "--into", "existing", "--apply")
    assert ended.status == 0
    assert "Nothing to do" in ended.stderr
    assert files(folder) == before


def test_a_dry_run_of_a_removal_shows_and_writes_nothing(
    application: Application, toolkit_run: Run
) -> None:
    folder = application(APP)
    before = files(folder)
    ended = toolkit_run("flask", "remove", "existing", "--dry-run", "--diff")
    assert ended.status == 0
    assert "  -    init_error_reporting(app)" in ended.stdout
    assert files(folder) == before


def test_what_the_user_changed_in_the_copy_stays_after_a_removal(
    application: Application, toolkit_run: Run
) -> None:
    folder = application(APP)
    changed = folder / "error_reporting" / "agents.py"
    changed.write_bytes(changed.read_bytes() + b"# mine\n")
    ended = toolkit_run("flask", "remove", "existing")
    assert ended.status == 0
    assert "agents.py (you changed it: delete it by hand)" in ended.stdout
    assert set(files(folder)) == {"app.py", "error_reporting/agents.py"}


@pytest.mark.parametrize(
    ("change", "state", "words"),
    [
        (("init_error_reporting(app)", "pass"), "vanished", "no error is reported"),
        (
            ("init_error_reporting(app)", "init_error_reporting(other)"),
            "vanished",
            "create_app.app",
        ),
        (("return app", "return ("), "vanished", "does not compile"),
    ],
)
def test_a_call_site_that_vanished_is_status_1(
    change: tuple[str, str], state: str, words: str, application: Application, toolkit_run: Run
) -> None:
    path = application(APP) / "app.py"
    path.write_text(path.read_text().replace(*change))
    ended = toolkit_run("flask", "status", "existing", "--format", "json")
    assert ended.status == 1
    (found,) = json.loads(ended.stdout)["results"]
    assert (found["path"], found["state"]) == ("app.py", state)
    assert words in found["message"]


def test_drift_and_a_missing_file_are_status_1(application: Application, toolkit_run: Run) -> None:
    folder = application(APP)
    assert toolkit_run("flask", "status", "existing").status == 0
    (folder / "error_reporting" / "agents.py").write_text("changed = 1\n")
    (folder / "error_reporting" / "mail.py").unlink()
    ended = toolkit_run("flask", "status", "existing")
    assert ended.status == 1
    assert "changed   error_reporting/agents.py: differs" in ended.stdout
    assert "deleted   error_reporting/mail.py: is no longer there" in ended.stdout


def test_no_error_reporting_at_all_is_status_1(toolkit_home: Home, toolkit_run: Run) -> None:
    toolkit_home.write("existing/app.py", APP)
    ended = toolkit_run("flask", "status", "existing")
    assert ended.status == 1
    assert "absent" in ended.stdout


def test_a_call_site_that_was_moved_is_still_one(
    application: Application, toolkit_run: Run
) -> None:
    path = application(APP) / "app.py"
    call = "    init_error_reporting(app)\n"
    text = path.read_text().replace(call, "").replace("return app", f"x = 1\n{call}    return app")
    path.write_text(text)
    assert toolkit_run("flask", "status", "existing").status == 0


def test_a_vanished_call_is_put_back_by_scaffold(
    application: Application, toolkit_run: Run
) -> None:
    path = application(APP) / "app.py"
    good = path.read_text()
    path.write_text(good.replace("    init_error_reporting(app)\n", ""))
    assert toolkit_run("flask", "scaffold", "--into", "existing", "--apply").status == 0
    assert path.read_text() == good


def test_warnings_name_what_will_surprise(application: Application, toolkit_run: Run) -> None:
    application(
        APP + "\nimport logging.handlers\nh = logging.handlers.SMTPHandler('h', 'a', ['b'], 's')\n",
        put_in=False,
    )
    ended = toolkit_run("flask", "scaffold", "--into", "existing", "--format", "jsonl")
    found = [json.loads(line) for line in ended.stdout.splitlines()]
    (warning,) = [item for item in found if item["action"] == "warning"]
    assert (warning["path"], warning["line"]) == ("app.py", 9)
    assert "mailed twice" in warning["note"]


def test_several_applications_are_listed_with_status_2(
    application: Application, toolkit_run: Run
) -> None:
    folder = application(APP, put_in=False, other=APP)
    ended = toolkit_run("flask", "scaffold", "--into", "existing", "--apply")
    assert ended.status == 2
    assert "--app app.py:create_app.app" in ended.stderr
    assert "--app other.py:create_app.app" in ended.stderr
    ended = toolkit_run(
        "flask", "scaffold", "--into", "existing", "--apply", "--app", "other.py:app"
    )
    assert ended.status == 0, ended.stderr
    assert "init_error_reporting(app)" in (folder / "other.py").read_text()
    assert (folder / "app.py").read_text() == APP


def test_a_module_alone_can_be_named(application: Application, toolkit_run: Run) -> None:
    folder = application(APP, put_in=False, other=APP)
    ended = toolkit_run("flask", "scaffold", "--into", "existing/app.py", "--apply")
    assert ended.status == 0, ended.stderr
    assert (folder / "other.py").read_text() == APP


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ((), "name either DIR"),
        (("one", "--into", "two"), "name either DIR"),
        (("one", "--apply"), "are for --into"),
        (("--into", "existing", "--defaults"), "not for --into"),
        (("--into", "nowhere"), "there is no such file or folder"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    argv: tuple[str, ...], words: str, application: Application, toolkit_run: Run
) -> None:
    application(APP, put_in=False)
    ended = toolkit_run("flask", "scaffold", *argv)
    assert ended.status == 2
    assert words in ended.stderr


def test_a_scaffolded_application_is_not_taken_apart(toolkit_run: Run) -> None:
    assert toolkit_run("flask", "scaffold", "shop", "--defaults").status == 0
    ended = toolkit_run("flask", "remove", "shop")
    assert ended.status == 2
    assert "was scaffolded whole" in ended.stderr
    assert toolkit_run("flask", "scaffold", "--into", "shop").status == 2


def test_a_full_disk_leaves_the_application_as_it_was(
    application: Application, toolkit_home: Home
) -> None:
    folder = application(APP, put_in=False)
    done = subprocess.run(
        ["sh", "-c", 'ulimit -f 8; exec "$@"', "sh", sys.executable, "-P", "-m", "toolkit",
         "flask", "scaffold", "--into", "existing", "--apply"],
        cwd=toolkit_home.folder, env=toolkit_home.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert files(folder) == {"app.py": APP.encode()}
    assert [path.name for path in folder.iterdir()] == ["app.py"]
