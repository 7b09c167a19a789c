"""`toolkit flask prove`: what it finds, what it holds back, and what it leaves alone."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from toolkit.testing import Ended, Home, Run
from toolkit_flask.driver.situations import ALL

Application = Callable[..., Path]
APP = "from flask import Flask\n\napp = Flask(__name__)\n"
MAILING = """
import logging.handlers, os, smtplib, socket, subprocess
from flask import Flask
app = Flask(__name__)
app.config.update(
    ERROR_REPORTING_MAIL_TO="real@shop.example", ERROR_REPORTING_RATE=1,
    ERROR_REPORTING_MAIL_SERVER="127.0.0.1:PORT", ERROR_REPORTING_MAIL_SECURITY="none")
app.logger.addHandler(logging.handlers.SMTPHandler(
    ("127.0.0.1", 25), "a@b.example", ["real@shop.example"], "broken"))
for act in (lambda: smtplib.SMTP("mail.shop.example", 25),
            lambda: smtplib.SMTP("192.0.2.25", 587, timeout=5),
            lambda: smtplib.SMTP("127.0.0.1", PORT),
            lambda: socket.create_connection(("192.0.2.80", 443)),
            lambda: os.system("echo hello | /usr/sbin/sendmail real@shop.example"),
            lambda: subprocess.run(["sendmail", "real@shop.example"])):
    try:
        act()
    except OSError as error:
        print(error)
"""
pytestmark = pytest.mark.timeout(150)


def cells(ended: Ended) -> dict[str, dict[str, object]]:
    return {cell["situation"]: cell for cell in json.loads(ended.stdout)["results"]}


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*")) if path.is_file()
    }  # fmt: skip


@contextmanager
def trap() -> Iterator[tuple[int, list[object]]]:
    """Listen on loopback; yield the port and the connections that came."""
    came: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def take() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                came.append(connection)
                connection.close()

        threading.Thread(target=take, daemon=True).start()
        yield server.getsockname()[1], came
        server.shutdown(socket.SHUT_RDWR)


def test_a_fresh_scaffold_reports_every_situation_once(toolkit_run: Run) -> None:
    assert toolkit_run("flask", "scaffold", "shop", "--defaults").status == 0
    ended = toolkit_run("flask", "prove", "shop", "--format", "json", timeout=120)
    found = cells(ended)
    assert ended.status == 0, ended.stdout
    assert list(found) == list(ALL)
    unreached = {name for name, cell in found.items() if cell["verdict"] == "unreached"}
    pages = {"trap-http-exceptions", "trap-bad-request-errors"}
    assert unreached == pages  # it shows a page of its own for every HTTP error
    for name, cell in found.items():
        counts = (cell["file"], cell["spool"], cell["mail"], cell["missing"])
        assert name in unreached or counts == (1, 1, 1, []), cell
        assert cell["recipients"] == ["operators@prove.invalid"]


def test_an_application_without_pages_for_errors_reaches_all_of_them(
    application: Application, toolkit_run: Run
) -> None:
    application(APP)
    ended = toolkit_run("flask", "prove", "existing", "--format", "json", timeout=120)
    assert ended.status == 0, ended.stdout
    assert {cell["verdict"] for cell in cells(ended).values()} == {"reported"}


def test_no_configured_recipient_is_ever_mailed(application: Application, toolkit_run: Run) -> None:
    """The application mails by itself, too: by a handler, when it is imported, by a program."""
    with trap() as (port, came):
        application(MAILING.replace("PORT", str(port)))
        environ = {
            "ERROR_REPORTING_MAIL_TO": "real@shop.example",
            "ERROR_REPORTING_MAIL_SERVER": f"127.0.0.1:{port}",
        }
        ended = toolkit_run(
            "flask", "prove", "existing", "--format", "json", environ=environ, timeout=120
        )
        assert came == []
    assert ended.status == 0, ended.stdout + ended.stderr
    cell = cells(ended)["view"]
    assert cell["recipients"] == ["operators@prove.invalid"]
    assert cell["held_back"] == [
        "mail to the server mail.shop.example port 25",
        "mail to the server 192.0.2.25 port 587",
        f"mail to the server 127.0.0.1 port {port}",
        "a connection to 192.0.2.80 port 443",
        "the program sendmail",
        "mail to the server 127.0.0.1 port 25",
    ]  # fmt: skip


def test_what_is_not_reported_is_status_1(application: Application, toolkit_run: Run) -> None:
    application(APP + "app.config['ERROR_REPORTING_IGNORE'] = 'RuntimeError'\n")
    ended = toolkit_run("flask", "prove", "existing", timeout=120)
    assert ended.status == 1
    assert [
        line.split()[1:5] for line in ended.stdout.splitlines() if line.startswith("view ")
    ] == [["0", "0", "0", "missed"]]


def test_a_report_made_twice_is_status_1(application: Application, toolkit_run: Run) -> None:
    """A second copy of the reporter, under another name, reports everything again."""
    folder = application(APP)
    text = (folder / "error_reporting" / "logfile.py").read_text()
    assert "def append(self, line: bytes) -> None:" in text
    (folder / "app.py").write_text(
        (folder / "app.py").read_text() + "from error_reporting import logfile\n"
        "once = logfile.LogFile.append\n"
        "logfile.LogFile.append = lambda self, line: (once(self, line), once(self, line))[0]\n"
    )
    ended = toolkit_run("flask", "prove", "existing", "--format", "json", timeout=120)
    assert ended.status == 1
    cell = cells(ended)["view"]
    assert (cell["file"], cell["spool"], cell["mail"], cell["verdict"]) == (2, 1, 1, "doubled")


def test_hooks_that_bar_the_way_are_told_and_passed(
    application: Application, toolkit_run: Run
) -> None:
    application(
        "from flask import Flask, abort\napp = Flask(__name__)\n\n"
        "@app.before_request\ndef closed():\n    abort(403)\n"
    )
    ended = toolkit_run("flask", "prove", "existing", "--format", "json", timeout=120)
    cell = cells(ended)["view"]
    assert cell["verdict"] == "reported"
    assert "before_request functions, which answered 403" in str(cell["note"])
    assert cells(ended)["log-outside"]["note"] == ""


def test_the_original_is_left_alone(application: Application, toolkit_run: Run) -> None:
    folder = application(APP + "open('written', 'w').close()\n")
    (folder / ".venv").mkdir()
    (folder / ".venv" / "pyvenv.cfg").touch()
    (folder / "loop").symlink_to(folder)
    before = files(folder)
    ended = toolkit_run("flask", "prove", "existing", "--format", "jsonl", timeout=120)
    assert ended.status == 0, ended.stderr
    assert files(folder) == before


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("raise OSError('no database')", "OSError: no database"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("import os; os._exit(5)", "ended early"),
        ("import time; time.sleep(60)", "not within 3 s"),
        ("raise OSError('\\x1b[31mred')", "OSError: \\x1b[31mred"),
    ],
)
def test_an_application_that_does_not_start_is_status_4(
    text: str, words: str, application: Application, toolkit_run: Run
) -> None:
    application(f"{APP}{text}\n")
    ended = toolkit_run("flask", "prove", "existing", "--timeout", "3")
    assert (ended.status, ended.stdout) == (4, "")
    assert words in ended.stderr


def test_a_call_that_is_not_made_is_told(application: Application, toolkit_run: Run) -> None:
    path = application(APP) / "app.py"
    path.write_text(path.read_text().replace("init_error_reporting(app)", "pass"))
    ended = toolkit_run("flask", "prove", "existing")
    assert ended.status == 4
    assert "init_app of error_reporting was not called" in ended.stderr


def test_each_of_several_applications_is_proven(application: Application, toolkit_run: Run) -> None:
    application("from flask import Flask\none = Flask('one')\ntwo = Flask('two')\n", put_in=False)
    which = ("--app", "app.py:one", "--app", "app.py:two")
    assert toolkit_run("flask", "scaffold", "--into", "existing", "--apply", *which).status == 0
    ended = toolkit_run("flask", "prove", "existing", "--format", "jsonl", timeout=120)
    assert ended.status == 0, ended.stdout
    found = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [cell["application"] for cell in found] == ["one"] * len(ALL) + ["two"] * len(ALL)


def test_without_error_reporting_it_says_how_to_put_it_in(
    application: Application, toolkit_run: Run
) -> None:
    application(APP, put_in=False)
    ended = toolkit_run("flask", "prove", "existing")
    assert ended.status == 2
    assert "scaffold --into PATH --apply" in ended.stderr


def test_a_python_that_is_none_is_one_sentence(application: Application, toolkit_run: Run) -> None:
    application(APP)
    ended = toolkit_run("flask", "prove", "existing", "--python", "/nowhere/python")
    assert ended.status == 4
    assert "/nowhere/python: cannot be run" in ended.stderr


def test_a_relative_path_to_python_is_from_where_the_user_is(
    application: Application, toolkit_home: Home, toolkit_run: Run
) -> None:
    application(f"{APP}raise OSError('it ran')\n")
    script = toolkit_home.write("bin/python", f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    script.chmod(0o755)
    ended = toolkit_run("flask", "prove", "existing", "--python", "bin/python")
    assert "OSError: it ran" in ended.stderr


def test_a_disk_too_small_for_the_copy_is_told_and_left_empty(
    application: Application, toolkit_home: Home, toolkit_run: Run
) -> None:
    application(APP)
    disk = toolkit_home.folder / "disk"
    disk.mkdir()
    mounted = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mounted, check=False, capture_output=True).returncode:
        pytest.skip("mounting a small file system needs root")
    try:
        ended = toolkit_run("flask", "prove", "existing", environ={"TMPDIR": str(disk)})
        assert ended.status == 3
        assert "cannot be copied: " in ended.stderr
        assert ".py: [Errno 28] No space left on device" in ended.stderr
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)


def test_nothing_is_left_behind(
    application: Application, toolkit_home: Home, toolkit_run: Run
) -> None:
    application(APP)
    temporary = toolkit_home.folder / "tmp"
    temporary.mkdir()
    environ = {"TMPDIR": str(temporary)}
    assert toolkit_run("flask", "prove", "existing", environ=environ, timeout=120).status == 0
    assert list(temporary.iterdir()) == []


def test_the_scene_of_the_demonstration_plays(toolkit_home: Home, toolkit_run: Run) -> None:
    temporary = toolkit_home.folder / "tmp"
    temporary.mkdir()
    ended = toolkit_run("demo", "flask", environ={"TMPDIR": str(temporary)}, timeout=120)
    assert ended.status == 0, ended.stderr
    assert "Subject: [shop] ZeroDivisionError" in ended.stdout
    assert "hunter2" not in ended.stdout
    assert list(temporary.iterdir()) == []


LEAVING = """
import os, time
if os.fork() == 0:
    os.setsid()  # out of the reach of who ends the proof's processes
    time.sleep(40)
    os._exit(0)
"""


def test_a_process_that_the_application_leaves_behind_keeps_nobody_waiting(
    application: Application, toolkit_run: Run
) -> None:
    application(APP + LEAVING)
    started = time.monotonic()
    ended = toolkit_run("flask", "prove", "existing", timeout=120)
    assert ended.status == 0, ended.stdout + ended.stderr
    application("from flask import Flask\n" + LEAVING + "app = Flask(__name__)\nos._exit(7)\n")
    assert toolkit_run("flask", "prove", "existing").status == 4
    assert time.monotonic() - started < 38


def test_a_process_forked_by_a_request_keeps_nobody_waiting(
    application: Application, toolkit_run: Run
) -> None:
    text = LEAVING.replace("os.fork() == 0", "request.path.endswith('/view') and os.fork() == 0")
    body = text.replace("\n", "\n    ")
    application(
        "from flask import Flask, request\napp = Flask(__name__)\n"
        f"@app.before_request\ndef leave():{body}\n"
    )
    started = time.monotonic()
    ended = toolkit_run("flask", "prove", "existing", timeout=120)
    assert ended.status == 0, ended.stdout + ended.stderr
    assert time.monotonic() - started < 38


def test_a_fork_that_goes_on_as_the_application_raises_nothing_twice(
    application: Application, toolkit_run: Run
) -> None:
    application("import os\nos.fork()\n" + APP)
    ended = toolkit_run("flask", "prove", "existing", "--format", "json", timeout=120)
    assert ended.status == 0, ended.stdout + ended.stderr
    assert {cell["verdict"] for cell in cells(ended).values()} == {"reported"}


def test_a_situation_that_does_not_end_costs_only_itself(
    application: Application, toolkit_run: Run
) -> None:
    application(
        "import time\nfrom flask import Flask, request\napp = Flask(__name__)\n\n"
        "@app.before_request\ndef hang():\n"
        "    if request.path.endswith('/blueprint'):\n        time.sleep(100)\n"
    )
    ended = toolkit_run(
        "flask", "prove", "existing", "--timeout", "48", "--format", "json", timeout=120
    )
    assert ended.status == 0, ended.stdout + ended.stderr
    found = cells(ended)
    assert (found["blueprint"]["verdict"], found["view"]["verdict"]) == ("unreached", "reported")
    assert "did not end in time" in str(found["blueprint"]["why"])


def test_an_application_that_hangs_in_every_request_is_not_waited_for_thirty_times(
    application: Application, toolkit_run: Run
) -> None:
    application(
        "import time\nfrom flask import Flask\napp = Flask(__name__)\n\n"
        "@app.before_request\ndef hang():\n    time.sleep(100)\n"
    )
    ended = toolkit_run("flask", "prove", "existing", "--timeout", "24", timeout=60)
    assert ended.status == 4, ended.stdout + ended.stderr
    assert ended.stdout.count("its process did not end in time") == 2
    assert ended.stdout.count("not tried, as 2 did not end in time") == len(ALL) - 2


def test_what_an_application_prints_is_not_kept(
    application: Application, toolkit_home: Home, toolkit_run: Run
) -> None:
    application(
        f"{APP}for _ in range(300):\n    print('x' * 1_000_000)\nraise OSError('at last')\n"
    )
    ended = toolkit_run("flask", "prove", "existing")
    assert ended.status == 4
    assert "OSError: at last" in ended.stderr
    assert "app.py" in ended.stderr  # where it was raised
    assert len(ended.stderr) < 2000


def test_an_application_that_asks_gets_no_answer(
    application: Application, toolkit_run: Run
) -> None:
    application(f"{APP}input('which database? ')\n")
    ended = toolkit_run("flask", "prove", "existing")
    assert ended.status == 4
    assert "EOFError" in ended.stderr


def test_an_application_that_wants_its_environment_is_told_what_is_missing(
    application: Application, toolkit_run: Run
) -> None:
    application(f"{APP}import os\nos.environ['DATABASE_URL']\nraise OSError('went on')\n")
    ended = toolkit_run("flask", "prove", "existing")
    assert ended.status == 4
    assert "KeyError: 'DATABASE_URL'" in ended.stderr
    assert "its configuration in the environment" in ended.stderr
    ended = toolkit_run("flask", "prove", "existing", environ={"DATABASE_URL": "none"})
    assert "OSError: went on" in ended.stderr


GUIDE = Path(__file__).parents[3] / "docs" / "how-to" / "flask-prove.md"
FROM_A_CLASS, FROM_MAIN = re.findall(r"```python\n(?!class)(.*?)```", GUIDE.read_text(), re.DOTALL)
IN_A_CLASS = """
from flask import Flask

class Interface:
    def __init__(self, environment):
        self.app = Flask(__name__)
"""
IN_MAIN = """
from flask import Flask

def main():
    app = Flask(__name__)
    app.run()
"""


def test_an_application_inside_of_a_class_is_proven_as_the_refusal_and_the_guide_say(
    toolkit_home: Home, toolkit_run: Run
) -> None:
    toolkit_home.write("existing/web.py", IN_A_CLASS)
    assert toolkit_run("flask", "scaffold", "--into", "existing", "--apply").status == 0
    ended = toolkit_run("flask", "prove", "existing")
    assert ended.status == 2
    said = ended.stderr.replace("hint: ", "")
    for line in ("from web import Interface", "app = Interface(…).app", "--app prove_me:app"):
        assert line in said
    toolkit_home.write("existing/prove_me.py", FROM_A_CLASS)
    ended = toolkit_run("flask", "prove", "existing", "--app", "prove_me:app", timeout=120)
    assert ended.status == 0, ended.stderr


def test_an_application_that_main_makes_and_serves_is_proven_as_the_guide_says(
    toolkit_home: Home, toolkit_run: Run
) -> None:
    toolkit_home.write("existing/serve.py", IN_MAIN)
    assert toolkit_run("flask", "scaffold", "--into", "existing", "--apply").status == 0
    toolkit_home.write("existing/prove_me.py", FROM_MAIN)
    ended = toolkit_run("flask", "prove", "existing", "--app", "prove_me:app", timeout=120)
    assert ended.status == 0, ended.stderr


def test_a_module_of_a_package_is_not_taken_for_pythons_own(
    toolkit_home: Home, toolkit_run: Run
) -> None:
    toolkit_home.write("existing/__init__.py", APP)
    toolkit_home.write("existing/html.py", "from . import app\n")
    assert toolkit_run("flask", "scaffold", "--into", "existing", "--apply").status == 0
    ended = toolkit_run("flask", "prove", "existing", timeout=120)
    assert ended.status == 0, ended.stderr
