"""A whole application: what is generated works, and is renewed without losing anything."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toolkit.testing import Home, Run
from toolkit_flask import render
from toolkit_flask.answers import Answers
from toolkit_flask.manifest import NAME, digest, pristine_name
from toolkit_flask.quoting import logrotate

ANSWERS = Answers(
    name="shop", title="The shop", mail_to=["op@shop.example"], mail_from="errors@shop.example",
    mail_server="mail.shop.example:587", mail_security="starttls", user="shop", folder="/srv/shop",
    logs="/var/log/shop", bind="127.0.0.1:8000", workers=2, hops=1,
)  # fmt: skip


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scaffolded application that no test touches."""
    folder = tmp_path_factory.mktemp("fresh")
    subprocess.run(
        [sys.executable, "-P", "-m", "toolkit", "flask", "scaffold", "shop", "--defaults"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    return folder / "shop"


@pytest.fixture
def shop(fresh: Path, toolkit_home: Home) -> Path:
    """A copy of it in a user's home."""
    return shutil.copytree(fresh, toolkit_home.folder / "shop")


def test_the_tests_of_a_new_application_pass(shop: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=shop, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 passed" in done.stdout


def test_the_same_answers_give_the_same_bytes(toolkit_home: Home, toolkit_run: Run) -> None:
    toolkit_home.write("answers.yaml", "name: shop\nmail_from: a@b.example\n")
    for folder in ("one", "two"):
        assert toolkit_run("flask", "scaffold", folder, "--answers", "answers.yaml").status == 0
    one, two = (files(toolkit_home.folder / folder) for folder in ("one", "two"))
    assert one == two


def test_error_reporting_is_copied_verbatim(shop: Path) -> None:
    copied = {name: raw for name, raw in files(shop).items() if "/error_reporting/" in name}
    assert copied == render.reporting_files("shop/error_reporting")


def test_a_second_run_changes_nothing(shop: Path, toolkit_run: Run) -> None:
    before = files(shop)
    ended = toolkit_run("flask", "scaffold", "shop")
    assert (ended.status, ended.stdout) == (0, "")
    assert "Nothing to do" in ended.stderr
    assert files(shop) == before


def test_a_dry_run_writes_nothing(toolkit_home: Home, toolkit_run: Run) -> None:
    ended = toolkit_run("flask", "scaffold", "shop", "--defaults", "--dry-run", "--diff")
    assert ended.status == 0
    assert "+++ b/shop/__init__.py" in ended.stdout
    assert list(toolkit_home.folder.iterdir()) == []


def test_files_of_others_are_never_overwritten(toolkit_home: Home, toolkit_run: Run) -> None:
    toolkit_home.write("shop/README.md", "mine\n")
    toolkit_home.write("shop/notes.txt", "mine too\n")
    ended = toolkit_run("flask", "scaffold", "shop", "--defaults")
    assert ended.status == 2
    assert "README.md: a file that the toolkit did not make" in ended.stderr
    assert set(files(toolkit_home.folder / "shop")) == {"README.md", "notes.txt"}


def test_without_a_terminal_the_questions_need_answers(toolkit_run: Run) -> None:
    ended = toolkit_run("flask", "scaffold", "shop")
    assert ended.status == 2
    assert "no terminal to ask on" in ended.stderr
    assert "--answers" in ended.stderr


def test_on_a_terminal_it_asks_and_a_wrong_answer_is_asked_for_again(toolkit_home: Home) -> None:
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "toolkit", "flask", "scaffold", "shop"],
        cwd=toolkit_home.folder, env=toolkit_home.environ, stdin=slave,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    os.close(slave)
    os.write(master, b"my shop\nmy-shop\nMy \xe2\x9c\xa8 shop\nop@shop.example\n" + b"\n" * 9)
    _, said = process.communicate(timeout=30)
    os.close(master)
    assert process.returncode == 0, said
    assert "lower case letters" in said
    config = (toolkit_home.folder / "shop" / "my_shop" / "config.py").read_text("utf-8")
    assert 'TITLE = "My ✨ shop"' in config


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: shop\nworkers: 0\n", "answers.yaml:2:10: workers"),
        ("name: Shop!\n", "lower case letters"),
        ("name: json\n", "name of a module that Python"),
        ("name: error-reporting\n", "name of a module that Python"),
        ("nme: shop\n", 'did you mean "name"?'),
        ("mail_to: [nobody]\n", "is no mail address"),
        ("mail_from: 'a@b.example\\nBcc: c@d.example'\n", "is no mail address"),
        ("folder: ../up\n", "an absolute path without .."),
        ('title: "two\\nlines"\n', "control characters"),
        ("logs: /\n", "the root folder"),
    ],
)
def test_a_wrong_answer_is_located(
    text: str, words: str, toolkit_home: Home, toolkit_run: Run
) -> None:
    toolkit_home.write("answers.yaml", text)
    ended = toolkit_run("flask", "scaffold", "shop", "--answers", "answers.yaml")
    assert ended.status == 2
    assert words in ended.stderr
    assert not (toolkit_home.folder / "shop").exists()


TITLES = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")),
                 min_size=1, max_size=30).filter(lambda text: text.isprintable()
                                                 and text == text.strip())  # fmt: skip


@settings(max_examples=30, suppress_health_check=[HealthCheck.filter_too_much])
@given(title=TITLES | st.sampled_from(['"; import os #', "%h $HOME `id`", "</title>", "{{ 7*7 }}"]))
def test_any_title_makes_files_that_their_formats_read(title: str) -> None:
    import ast
    import tomllib
    from dataclasses import replace

    if title.endswith("\\"):
        return  # systemd would join the next line: refused, as another test shows
    made = render.application(replace(ANSWERS, title=title))
    for name, raw in made.items():
        if name.endswith(".py"):
            ast.parse(raw)
    assert tomllib.loads(made["pyproject.toml"].decode())["project"]["description"] == title
    tree = ast.parse(made["shop/config.py"])
    values = [ast.literal_eval(node.value) for node in tree.body if isinstance(node, ast.Assign)]
    assert title in values


@pytest.mark.server("systemd-analyze")
def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    raw = render.application(ANSWERS)["deploy/shop.service"].decode()
    unit = tmp_path / "shop.service"
    unit.write_text(raw.replace("/srv/shop/venv/bin/gunicorn", "/bin/true").replace(
        "User=shop", "User=root").replace("Group=shop", "Group=root"))  # fmt: skip
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True,
                          check=False)  # fmt: skip
    assert (done.returncode, "shop.service:" in done.stderr) == (0, False), done.stderr


@pytest.mark.server("logrotate")
def test_logrotate_rotates_the_log(tmp_path: Path) -> None:
    log = tmp_path / 'a [1]* "log" $x\\' / "error-reports.log"
    log.parent.mkdir()
    log.write_text("report\n")
    raw = render.application(ANSWERS)["deploy/shop.logrotate"].decode()
    raw = raw.replace('"/var/log/shop/error-reports.log"', logrotate(str(log)))
    config = tmp_path / "shop"
    config.write_text(raw.replace("shop shop", "root root"))
    config.chmod(0o644)
    done = subprocess.run(["logrotate", "--force", "--state", str(tmp_path / "state"), str(config)],
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in log.parent.iterdir()) == [
        "error-reports.log", "error-reports.log.1",
    ]  # fmt: skip


def older(shop: Path, name: str, change: tuple[bytes, bytes]) -> None:
    """Make the application one that an older version generated, with another text in `name`."""
    path, manifest = shop / name, json.loads((shop / NAME).read_text())
    old = path.read_bytes().replace(*change)
    assert old != path.read_bytes()
    path.write_bytes(old)
    manifest["files"][name] = digest(old)
    manifest["toolkit"] = "0.0.1"
    (shop / pristine_name(digest(old))).write_bytes(old)
    (shop / NAME).write_text(json.dumps(manifest))


def test_an_older_version_is_told_and_renewed(shop: Path, toolkit_run: Run) -> None:
    new = (shop / "shop" / "views.py").read_bytes()
    older(shop, "shop/views.py", (b"Show the first page.", b"Show it."))
    ended = toolkit_run("flask", "status", "shop")
    assert ended.status == 1
    assert re.search(r"older +shop/error_reporting: made by 0.0.1; .* 1 file:", ended.stdout)
    ended = toolkit_run("flask", "scaffold", "shop")
    assert ended.status == 0
    assert ended.stdout.split() == ["update", "shop/views.py"]
    assert (shop / "shop" / "views.py").read_bytes() == new
    assert toolkit_run("flask", "status", "shop").status == 0
    copies = {path.name for path in (shop / ".toolkit-flask" / "pristine").iterdir()}
    assert copies == set(json.loads((shop / NAME).read_text())["files"].values())


def test_the_users_changes_and_the_new_versions_are_merged(shop: Path, toolkit_run: Run) -> None:
    older(shop, "shop/views.py", (b"Show the first page.", b"Show it."))
    views = shop / "shop" / "views.py"
    views.write_bytes(views.read_bytes() + b'\n\n# mine\nMINE = "kept"\n')
    ended = toolkit_run("flask", "scaffold", "shop")
    assert ended.status == 0, ended.stderr
    assert ended.stdout.startswith("merge      shop/views.py")
    text = views.read_text()
    assert "Show the first page." in text
    assert text.endswith('# mine\nMINE = "kept"\n')


def test_the_same_lines_changed_on_both_sides_are_refused_or_marked(
    shop: Path, toolkit_run: Run
) -> None:
    older(shop, "shop/views.py", (b"Show the first page.", b"Show it."))
    views = shop / "shop" / "views.py"
    views.write_bytes(views.read_bytes().replace(b"Show it.", b"Show my page."))
    (shop / "shop" / "health.py").unlink()
    before = files(shop)
    ended = toolkit_run("flask", "scaffold", "shop")
    assert ended.status == 2
    assert "shop/views.py: both changed 1 place" in ended.stderr
    assert files(shop) == before
    assert toolkit_run("flask", "scaffold", "shop", "--markers").status == 0
    text = views.read_text()
    assert text.index("<<<<<<< yours") < text.index("Show my page.") < text.index("=======")
    assert text.index("=======") < text.index("Show the first page.")
    ended = toolkit_run("flask", "status", "shop")
    assert ended.status == 1
    assert "holds conflict markers" in ended.stdout


def test_another_answer_renews_the_files_and_is_remembered(
    shop: Path, toolkit_home: Home, toolkit_run: Run
) -> None:
    readme = shop / "README.md"
    readme.write_text(readme.read_text() + "\nMine.\n")
    toolkit_home.write("answers.yaml", "title: The new shop\n")
    assert toolkit_run("flask", "scaffold", "shop", "--answers", "answers.yaml").status == 0
    text = readme.read_text()
    assert text.startswith("# The new shop\n")
    assert text.endswith("\nMine.\n")
    again = toolkit_run("flask", "scaffold", "shop")
    assert again.stdout == "keep       README.md (with your changes)\n"


def test_what_the_user_deleted_stays_deleted(shop: Path, toolkit_run: Run) -> None:
    (shop / "shop" / "health.py").unlink()
    older(shop, "shop/views.py", (b"Show the first page.", b"Show it."))
    for _ in range(2):
        assert toolkit_run("flask", "scaffold", "shop").status == 0
        assert not (shop / "shop" / "health.py").exists()


def test_a_file_that_a_new_version_drops_goes_unless_it_was_changed(
    shop: Path, toolkit_run: Run
) -> None:
    for name in ("dropped.py", "changed.py"):
        (shop / name).write_bytes(b"old\n")
        manifest = json.loads((shop / NAME).read_text())
        manifest["files"][name] = digest(b"old\n")
        (shop / NAME).write_text(json.dumps(manifest))
    (shop / pristine_name(digest(b"old\n"))).write_bytes(b"old\n")
    (shop / "changed.py").write_bytes(b"mine\n")
    assert toolkit_run("flask", "scaffold", "shop").status == 0
    assert not (shop / "dropped.py").exists()
    assert (shop / "changed.py").read_bytes() == b"mine\n"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"files": {"../../etc/passwd": "00"}}, "is outside of the application"),
        ({"files": {"/etc/passwd": "00"}}, "is outside of the application"),
        ({"package": "../x"}, "is outside of the application"),
        ({"schema": "toolkit.flask.manifest/9"}, "is not known"),
        ({"surprise": 1}, "is no known key"),
    ],
)
@pytest.mark.parametrize("command", ["status", "remove", "prove"])
def test_a_manifest_of_somebody_else_leads_nowhere(
    change: dict[str, object], words: str, command: str, shop: Path, toolkit_run: Run
) -> None:
    manifest = json.loads((shop / NAME).read_text())
    (shop / NAME).write_text(json.dumps(manifest | change))
    ended = toolkit_run("flask", command, "shop")
    assert ended.status == 2
    assert words in ended.stderr


def test_a_damaged_pristine_copy_is_told_and_never_merged(shop: Path, toolkit_run: Run) -> None:
    older(shop, "shop/views.py", (b"Show the first page.", b"Show it."))
    views = shop / "shop" / "views.py"
    manifest = json.loads((shop / NAME).read_text())
    (shop / pristine_name(manifest["files"]["shop/views.py"])).write_bytes(b"forged\n")
    views.write_bytes(views.read_bytes() + b"# mine\n")
    ended = toolkit_run("flask", "status", "shop")
    assert ended.status == 1
    assert "pristine copy is missing or damaged" in ended.stdout
    assert toolkit_run("flask", "scaffold", "shop").status == 2
    assert views.read_bytes().endswith(b"# mine\n")


def test_a_full_disk_leaves_no_half_application(toolkit_home: Home) -> None:
    done = subprocess.run(
        ["sh", "-c", 'ulimit -f 8; exec "$@"', "sh", sys.executable, "-P", "-m", "toolkit",
         "flask", "scaffold", "shop", "--defaults"],
        cwd=toolkit_home.folder, env=toolkit_home.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert "/shop/shop/error_reporting/" in done.stderr
    assert "cannot be written" in done.stderr
    assert "everything is as it was before" in done.stderr
    assert done.stdout == "", "nothing was created"
    assert not (toolkit_home.folder / "shop").exists()


def test_a_folder_with_blanks_and_accents_is_a_name_and_a_command_to_paste(
    toolkit_home: Home, toolkit_run: Run
) -> None:
    ended = toolkit_run("flask", "scaffold", "My Café's 日本", "--defaults")
    assert ended.status == 0, ended.stderr
    assert (toolkit_home.folder / "My Café's 日本" / "my_cafe_s" / "__init__.py").exists()
    command = ended.stderr.partition("Next: ")[2].strip()
    assert shlex.split(command)[-1] == str(toolkit_home.folder / "My Café's 日本")
    assert toolkit_run("flask", "status", "My Café's 日本").status == 0
