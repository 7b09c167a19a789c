"""What operators and strangers do to a running application: reports go on, nobody gains by it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from reporting_lab.served import MakeSite, Site, wait_until

NOBODY = 65534
RECORD = b"\x16\x03\x03\x40\x00"  # the head of a TLS record of 16 KiB
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


def run(site: Site, text: str) -> subprocess.CompletedProcess[str]:
    """Run a program of the application's."""
    begin = "import json, logging, os, shutil, sys, shop\nclient = shop.app.test_client()\n"
    return subprocess.run(
        [site.python, "-c", begin + text], cwd=site.folder, env=site.environ, capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip


def test_a_log_whose_folder_is_removed_is_made_again(make_site: MakeSite, tmp_path: Path) -> None:
    site = make_site(file=tmp_path / "logs" / "deep" / "reports.log")
    site.log = tmp_path / "logs" / "deep" / "reports.log"
    site.start("--workers=1")
    site.get("/plain/view")
    shutil.rmtree(tmp_path / "logs")
    site.get("/plain/view")
    assert len(site.reports()) == 1
    assert "can't be written" not in site.words


def test_a_spool_that_is_removed_is_made_again(make_site: MakeSite) -> None:
    site = make_site(mail_to="ops@example.org", mail_server="127.0.0.1:1", mail_security="none")
    site.start("--workers=1")
    site.get("/plain/view")
    wait_until(site.waiting)
    gone = site.spool.rename(site.folder / "gone")  # at once: the sender would make it anew
    shutil.rmtree(gone)
    site.get("/plain/shop/view")
    wait_until(site.waiting)
    assert [entry["report"]["message"] for entry in site.waiting()] == ["blueprint"]
    assert "can't be written" not in site.words


def test_a_spool_may_be_a_link_of_its_owner(make_site: MakeSite, tmp_path: Path) -> None:
    site = make_site(mail_to="ops@example.org", mail_server="127.0.0.1:1", mail_security="none")
    other = tmp_path / "elsewhere"
    other.mkdir(mode=0o700)
    site.spool.symlink_to(other)
    site.start("--workers=1")
    site.get("/plain/view")
    wait_until(site.waiting)
    assert list((other / "new").iterdir())


@needs_root
@pytest.mark.parametrize("name", ["reports.log.spool", "reports.log"])
def test_root_follows_no_link_that_the_application_could_have_put(
    make_site: MakeSite, tmp_path: Path, name: str
) -> None:
    """Else whoever owns the folder would have root write to any file, and give it away."""
    site = make_site(mail_to="ops@example.org", mail_server="127.0.0.1:1", mail_security="none")
    victim = tmp_path / "victim"
    if name.endswith("spool"):
        victim.mkdir(mode=0o755)
    else:
        victim.write_text("of root\n")
        victim.chmod(0o644)
    before = victim.stat()
    os.chown(site.folder, NOBODY, NOBODY)
    (site.folder / name).symlink_to(victim)
    done = site.run("report-test")
    assert done.returncode == 1
    assert "FAILED" in done.stdout.split(str(site.folder / name))[0].splitlines()[-1]
    after = victim.stat()
    assert (after.st_uid, after.st_mode, after.st_size) == (
        before.st_uid, before.st_mode, before.st_size,
    )  # fmt: skip


@needs_root
def test_what_root_makes_first_belongs_to_the_application(make_site: MakeSite) -> None:
    site = make_site(mail_to="ops@example.org", mail_server="127.0.0.1:1", mail_security="none")
    os.chown(site.folder, NOBODY, NOBODY)
    run(site, "client.get('/view')")
    site.run("report-test")
    made = [site.log, site.spool, *site.spool.rglob("*")]
    assert any(path.parent.name == "windows" for path in made)
    assert {path.stat().st_uid for path in made} == {NOBODY}


@pytest.mark.parametrize(
    "agent",
    ["a" * 1_000_000, "x-" * 500_000, "a\r\nX-Forged: yes\x1b[2J\x00\u202e", "\udcff\udcfe"],
)
def test_a_user_agent_of_any_kind_costs_no_report_and_forges_nothing(
    make_site: MakeSite, agent: str
) -> None:
    site = make_site(stderr="yes", format="text")
    started = time.monotonic()
    done = run(
        site,
        "environ = {'REQUEST_METHOD': 'GET', 'PATH_INFO': '/view', 'SERVER_NAME': 'x',\n"
        "    'SERVER_PORT': '80', 'wsgi.url_scheme': 'http', 'wsgi.input': sys.stdin.buffer,\n"
        f"    'HTTP_USER_AGENT': {agent[:20]!r} * {len(agent) // 20 or 1}}}\n"
        "print(b''.join(shop.app(environ, lambda *_: None)))\n",
    )
    assert done.stdout == "b'an error page'\n", done.stderr
    assert time.monotonic() - started < 30
    text = site.log.read_text()
    assert len(text) < 20_000
    assert not set(text) & set("\r\x1b\x00\u202e\udcff")
    assert [line for line in text.splitlines() if line.startswith("X-Forged")] == []


def test_a_path_that_is_no_utf_8_is_shown_with_escapes(make_site: MakeSite) -> None:
    site = make_site()
    site.start("--workers=1")
    site.get("/plain/shop/order/%ff%fe%0d%0aforged%1b%5b2J")
    (report,) = site.reports()
    assert report["path"] == "/plain/shop/order/\\xff\\xfe\\x0d\\x0aforged\\x1b[2J"


RAISING = {
    "of flask-login": (
        "class User:\n"
        "    def __getattribute__(self, name): raise OSError('the database is gone')\n"
        "@shop.app.before_request\n"
        "def load():\n"
        "    from flask import g\n"
        "    g._login_user = User()\n"
    ),
    "in the session": (
        "class User:\n"
        "    def __str__(self): raise OSError('the database is gone')\n"
        "    __repr__ = __str__\n"
        "    def __bool__(self): raise OSError('the database is gone')\n"
        "shop.app.config['ERROR_REPORTING_USER'] = lambda: User()\n"
    ),
}  # fmt: skip


@pytest.mark.parametrize("where", RAISING)
def test_a_user_that_raises_when_looked_at_costs_one_field(make_site: MakeSite, where: str) -> None:
    site = make_site()
    done = run(
        site,
        RAISING[where] + "answer = client.get('/view'); print(answer.status_code, answer.text)",
    )
    assert done.stdout == "500 an error page\n", done.stderr
    (report,) = site.reports()
    assert (report["message"], report["path"]) == ("view", "/view")


def test_an_error_handler_that_raises_is_told_with_what_it_was_for(make_site: MakeSite) -> None:
    site = make_site()
    run(site, "client.get('/handler')")
    (report,) = site.reports()
    assert [one["type"] for one in report["chain"]] == ["RuntimeError", "ZeroDivisionError"]


BROKEN = """
import shop

app = shop.create("testing")
app.testing = False


@app.errorhandler(Exception)
def broken(error):
    raise LookupError("broken handler")


@app.after_request
def after(response):
    if shop.request.path == "/fine":
        raise RuntimeError("after the view")
    return response


for path in ("/view", "/fine"):
    try:
        app.test_client().get(path)
    except LookupError:
        print("passed on")
"""


def test_a_handler_for_everything_that_raises_is_one_report_of_both(make_site: MakeSite) -> None:
    site = make_site()
    (site.folder / "broken.py").write_text(BROKEN)
    assert run(site, "import broken").stdout == "passed on\n" * 2
    told = [[one["message"] for one in report["chain"]] for report in site.reports()]
    assert [messages[0] for messages in told] == ["broken handler", "broken handler"]
    assert "view" in told[0]
    assert "after the view" in told[1]


@contextmanager
def dripping(first: bytes) -> Iterator[int]:
    """Listen on loopback and send a byte now and then, for ever; yield the port."""

    def drip(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            connection.sendall(first)
            while True:
                connection.sendall(b"2")
                time.sleep(0.2)

    def take(server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=drip, args=server.accept()[:1], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=take, args=[server], daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("first", [b"", b"220 x ESMTP\r\n"], ids=["greeting", "answer"])
def test_a_mail_server_that_drips_keeps_the_sender_only_so_long(
    make_site: MakeSite, first: bytes
) -> None:
    with dripping(first) as port:
        site = make_site(
            mail_to="ops@example.org", mail_server=f"127.0.0.1:{port}", mail_security="none",
            timeout=0.5, stderr="yes",
        )  # fmt: skip
        site.start("--workers=1")
        site.get("/plain/view")
        wait_until(lambda: "reports wait, next try" in site.words)
        site.get("/plain/async")
        wait_until(
            lambda: '"message":"async"' in site.words.replace(" ", "")
        )  # the other sink is served again
        assert len(site.waiting()) == 2


def test_a_handshake_that_drips_keeps_the_sender_only_so_long(make_site: MakeSite) -> None:
    with dripping(RECORD) as port:
        site = make_site(
            mail_to="ops@example.org", mail_server=f"127.0.0.1:{port}", mail_security="tls",
            timeout=0.5,
        )  # fmt: skip
        site.start("--workers=1")
        site.get("/plain/view")
        wait_until(lambda: "reports wait, next try" in site.words)


@pytest.mark.parametrize(("scheme", "first"), [("http", b"HTTP/1.1 200 O"), ("https", RECORD)])
def test_a_sentry_server_that_drips_keeps_the_sender_only_so_long(
    make_site: MakeSite, scheme: str, first: bytes
) -> None:
    with dripping(first) as port:
        site = make_site(sentry_dsn=f"{scheme}://key@127.0.0.1:{port}/1", timeout=0.5)
        site.start("--workers=1")
        site.get("/plain/view")
        wait_until(lambda: "reports wait, next try" in site.words)


def test_an_application_made_twice_by_its_factory_reports_once(make_site: MakeSite) -> None:
    site = make_site()
    done = run(
        site,
        "again = shop.create('plain').test_client()\n"
        "again.get('/view'); client.get('/async')\n"
        "try:\n    1 / 0\nexcept ZeroDivisionError:\n    logging.exception('outside')\n",
    )
    assert [report["message"] for report in site.reports()] == [
        "view", "async", "division by zero",
    ], done.stderr  # fmt: skip


def test_applications_that_a_test_suite_has_made_can_go_again(make_site: MakeSite) -> None:
    """A factory is called for each test; each application would hold its memory to the end."""
    site = make_site(mail_to="ops@example.org", mail_server="127.0.0.1:1", exit_seconds=0)
    done = run(
        site,
        "import gc, weakref\n"
        "before = len(os.listdir('/proc/self/fd'))\n"
        "made = []\n"
        "for _ in range(20):\n"
        "    app = shop.create('plain'); app.test_client().get('/view')\n"
        "    made.append(weakref.ref(app)); del app\n"
        "import threading, time\n"
        "for _ in range(100):\n"
        "    gc.collect(); time.sleep(0.1)\n"
        "    if threading.active_count() == 1: break\n"
        "gc.collect()\n"
        "alive = sum(one() is not None for one in made)\n"
        "print(json.dumps([alive, len(os.listdir('/proc/self/fd')) - before]))\n"
        "client.get('/async')\n",
    )
    alive, descriptors = json.loads(done.stdout or "[20, 20]")
    assert alive <= 1, done.stderr
    assert descriptors <= 4
    assert site.reports()[-1]["message"] == "async"
