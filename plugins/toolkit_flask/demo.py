"""The scene: an application is scaffolded, raises, and the mail that arrived is shown."""

from __future__ import annotations

import json
import subprocess
import sys
import time

from toolkit.demo import Stage
from toolkit.errors import ToolkitError
from toolkit.files import write_atomic
from toolkit.terminal import render
from toolkit.text import clean
from toolkit_flask.proving.mailbox import HOST, Mail, Mailbox

SHOWN_LINES = 30
SECONDS = 30
_VISIT = """
from shop import create_app
app = create_app()
@app.get("/order/<int:number>")
def order(number):
    return str(1 // (number - 42))
answer = app.test_client().get("/order/42?token=hunter2", headers={
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"})
print("the visitor gets:", answer.status)
"""


def scene(stage: Stage) -> None:
    """Scaffold an application, let a visitor meet its error, and show the operator's mail."""
    stage.say("A new Flask application, with the defaults for every question.")
    stage.run("flask", "scaffold", "shop", "--defaults", "--quiet")
    with Mailbox() as mailbox:
        mailbox.open()
        stage.say("A visitor asks for order 42, and the application divides by zero. A mail server "
                  "on loopback is waiting; this is the mail that its operator gets. The token in "
                  "the address is not in it.")  # fmt: skip
        _visit(stage, mailbox.port)
        _show(stage, _first(mailbox))
    stage.say("That was one way to raise. These are all of them, with the mail server down while "
              "they happen, in a copy of the application.")  # fmt: skip
    stage.run("flask", "prove", "shop")
    stage.run("flask", "status", "shop")


def _visit(stage: Stage, port: int) -> None:
    folder = stage.folder / "shop"
    override = stage.folder / "override.json"
    settings = {
        "ERROR_REPORTING_FILE": str(stage.folder / "reports.log"),
        "ERROR_REPORTING_MAIL_TO": "operator@shop.example",
        "ERROR_REPORTING_MAIL_FROM": "errors@shop.example",
        "ERROR_REPORTING_MAIL_SERVER": f"{HOST}:{port}",
        "ERROR_REPORTING_MAIL_SECURITY": "none",
        "ERROR_REPORTING_EXIT_SECONDS": SECONDS,
    }
    write_atomic(override, json.dumps(settings))
    done = subprocess.run(
        [sys.executable, "-c", _VISIT],
        cwd=folder,
        env={**stage.environ, "ERROR_REPORTING_OVERRIDE": str(override),
             "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True, timeout=2 * SECONDS, check=False,
    )  # fmt: skip
    _print(stage, done.stdout.strip())


def _first(mailbox: Mailbox) -> Mail:
    deadline = time.monotonic() + SECONDS
    while not mailbox.mails and time.monotonic() < deadline:
        time.sleep(0.05)
    if not mailbox.mails:
        raise ToolkitError("no mail arrived from the application of the demonstration",
                           hint="toolkit doctor may tell why")  # fmt: skip
    return mailbox.mails[0]


def _show(stage: Stage, mail: Mail) -> None:
    lines = mail.text.splitlines()
    _print(stage, f"To: {', '.join(mail.recipients)}", f"Subject: {mail.subject}", "",
           *lines[:SHOWN_LINES], *(["…"] if len(lines) > SHOWN_LINES else []))  # fmt: skip


def _print(stage: Stage, *lines: str) -> None:
    shown = [((f"  {clean(line)}", "note"),) for line in lines]
    stage.output.stdout.write(render(shown, color=False))
    stage.output.stdout.flush()
