"""Outside of requests, in log records, and around sessions and users: reported, and undisturbed."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from reporting_lab.mailbox import Mailbox, mail_server
from reporting_lab.served import MakeSite, Site, wait_until

CLIENT = """
import json, logging, sys
import shop
client = shop.app.test_client()
"""


def script(site: Site, text: str, *, begin: str = CLIENT) -> subprocess.CompletedProcess[str]:
    """Run a program of the application's."""
    return subprocess.run(
        [site.python, "-c", begin + text],
        cwd=site.folder,
        env=site.environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def only(site: Site) -> dict[str, Any]:
    reports = site.reports()
    assert len(reports) == 1, [report["type"] for report in reports]
    return reports[0]


def test_a_task_that_fails_after_the_request_is_reported_with_its_fields(
    make_site: MakeSite,
) -> None:
    site = make_site()
    script(
        site,
        "import threading\nfrom concurrent.futures import ThreadPoolExecutor\n"
        "pool, over = ThreadPoolExecutor(1), threading.Event()\n"
        "def task():\n    over.wait(); raise OSError('later')\n"
        "@shop.app.get('/submit')\n"
        "def submit():\n    pool.submit(task); return 'going on'\n"
        "client.get('/submit'); over.set(); pool.shutdown()\n",
    )
    report = only(site)
    assert (report["endpoint"], report["path"], report["user_name"]) == ("submit", "/submit", "ann")


def test_requests_leave_nothing_to_the_garbage_collector(make_site: MakeSite) -> None:
    """Neither those with a body nor those with a stream hold themselves in a circle."""
    site = make_site()
    done = script(
        site,
        "import gc\n"
        "@shop.app.get('/parts')\n"
        "def parts():\n    return (part for part in 'abc')\n"
        "def serve(path):\n"
        "    environ = client.application.test_request_context(path).request.environ.copy()\n"
        "    body = shop.app(environ, lambda *_: None); list(body); body.close()\n"
        "counts = []\n"
        "for path in ('/fine', '/parts'):\n"
        "    serve(path); gc.collect(); gc.disable()\n"
        "    for _ in range(50): serve(path)\n"
        "    counts.append(sum(type(one).__name__ == 'Visit' for one in gc.get_objects()))\n"
        "    gc.enable()\n"
        "print(counts)\n",
    )
    assert done.stdout == "[0, 0]\n", done.stderr


def test_a_command_that_fails_is_reported(make_site: MakeSite) -> None:
    site = make_site()
    done = site.run("fail")
    assert done.returncode == 1
    assert "RuntimeError: in a command" in done.stderr
    report = only(site)
    assert (report["message"], report["path"]) == ("in a command", "-")
    assert report["command"]


def test_a_command_that_a_test_runs_is_reported(make_site: MakeSite) -> None:
    site = make_site()
    script(site, "shop.app.test_cli_runner().invoke(args=['fail'])")
    assert only(site)["command"] == "shop-plain" or only(site)["message"] == "in a command"


def test_a_usage_error_is_no_fault(make_site: MakeSite) -> None:
    site = make_site()
    assert site.run("fail", "--unknown").returncode == 2
    assert site.reports() == []


def test_a_script_that_fails_is_reported(make_site: MakeSite) -> None:
    site = make_site()
    done = script(site, "with shop.app.app_context():\n    raise LookupError('in a script')")
    assert "LookupError: in a script" in done.stderr
    assert only(site)["type"] == "LookupError"


def test_what_is_logged_outside_of_a_request_is_reported(make_site: MakeSite) -> None:
    site = make_site()
    script(site, "try:\n    1 / 0\nexcept ZeroDivisionError:\n    logging.exception('nightly job')")
    report = only(site)
    assert report["logged"] == "nightly job"
    assert report["process"] > 1


def test_a_warning_is_not_reported(make_site: MakeSite) -> None:
    site = make_site()
    script(
        site, "try:\n    1 / 0\nexcept ZeroDivisionError:\n    logging.warning('x', exc_info=True)"
    )
    assert site.reports() == []


def test_the_same_object_raised_in_two_requests_is_reported_twice(make_site: MakeSite) -> None:
    site = make_site()
    script(site, "client.get('/single'); client.get('/single')")
    assert [report["type"] for report in site.reports()] == ["ValueError", "ValueError"]


def test_an_exception_that_was_caught_can_be_reported(make_site: MakeSite) -> None:
    site = make_site()
    done = script(
        site,
        "error = OSError('caught')\n"
        "print(shop.error_reporting.report(error), shop.error_reporting.report(error))",
    )
    identity, again = done.stdout.split()
    assert only(site)["id"] == identity
    assert again == "None"


def test_every_record_has_the_fields_and_extra_wins(make_site: MakeSite) -> None:
    site = make_site()
    done = script(
        site,
        "form = '%(path)s %(method)s %(endpoint)s %(client_address)s %(browser)s %(user_name)s'\n"
        "form += ' %(request_id)s %(status)s %(host)s %(process)s|%(message)s'\n"
        "logging.basicConfig(format=form, stream=sys.stdout)\n"
        "log = logging.getLogger('any')\n"
        "@shop.app.get('/logs')\n"
        "def logs():\n"
        "    log.warning('inside')\n"
        "    log.warning('extra', extra={'path': 'mine'})\n"
        "    return ''\n"
        "log.warning('before')\n"
        "client.get('/logs?token=x', headers={'X-Request-ID': 'r-1', 'User-Agent': 'curl/8.5'})\n"
        "log.warning('after')\n",
    )
    split = [line.partition("|") for line in done.stdout.splitlines()]
    lines = {message: fields for fields, _, message in split}
    assert lines["inside"].startswith("/logs GET logs 127.0.0.1 curl ann r-1 - ")
    assert lines["extra"].startswith("mine GET logs")
    assert lines["before"].startswith("- - - - - - - - ")
    assert lines["after"].startswith("- - - - - - - - ")
    assert site.reports() == []


def test_a_log_record_does_not_make_responses_vary_by_cookie(make_site: MakeSite) -> None:
    """Flask adds `Vary: Cookie` as soon as anybody has looked into the session."""
    site = make_site()
    text = (
        "from flask import Flask\n"
        "app = Flask('bare'); app.secret_key = 'x'; shop.error_reporting.init_app(app)\n"
        "@app.get('/')\n"
        "def index():\n"
        "    logging.warning('looked at'); return ''\n"
        "print(app.test_client().get('/').headers.get('Vary'))\n"
    )
    assert script(site, text).stdout == "None\n"


def test_a_log_of_the_application_is_configured_as_without_us(make_site: MakeSite) -> None:
    site = make_site()
    done = script(
        site, "logging.basicConfig(level='INFO', stream=sys.stdout)\nlogging.info('seen')"
    )
    assert "INFO:root:seen" in done.stdout
    assert script(site, "print(logging.getLogger().handlers)").stdout == "[]\n"


def test_who_is_logged_in_is_told_without_loading_them(make_site: MakeSite) -> None:
    site = make_site()
    script(site, "client.get('/shop/login')")
    assert only(site)["user_name"] == "bea"


FAILING = {
    "session": (
        "class Broken(type(shop.app.session_interface)):\n"
        "    def open_session(self, app, request): raise OSError('no sessions today')\n"
        "shop.app.session_interface = Broken()\n",
        "OSError",
    ),
    "user": (
        "def loader(): raise OSError('no users today')\n"
        "shop.app.config['ERROR_REPORTING_USER'] = loader\n",
        "RuntimeError",
    ),
    "agent": ("shop.error_reporting.agents.parse = None\n", "RuntimeError"),
}


@pytest.mark.parametrize("part", FAILING)
def test_what_fails_while_fields_are_read_hides_no_error(make_site: MakeSite, part: str) -> None:
    site = make_site()
    break_it, expected = FAILING[part]
    done = script(
        site,
        break_it + "answer = client.get('/view'); print(answer.status_code, answer.text)",
        begin=CLIENT + "import shop.error_reporting.agents\n",
    )
    assert done.stdout.split()[0] == "500"
    report = only(site)
    assert report["type"] == expected
    assert report["path"] == "/view"
    assert report["method"] == "GET"


def test_a_body_that_a_middleware_makes_is_watched(make_site: MakeSite) -> None:
    """What is between Flask and the reporting may fail after Flask's own response is there."""
    site = make_site()
    done = script(
        site,
        "from flask import Flask\n"
        "app = Flask('wrapped'); flasks = app.wsgi_app\n"
        "def parts(body):\n"
        "    yield from body\n"
        "    raise RuntimeError('in a middleware')\n"
        "def middleware(environ, start_response):\n"
        "    return parts(flasks(environ, start_response))\n"
        "app.wsgi_app = middleware\n"
        "shop.error_reporting.init_app(app)\n"
        "app.add_url_rule('/', 'index', lambda: 'index')\n"
        "try:\n    app.test_client().get('/').data\nexcept RuntimeError:\n    print('passed on')\n",
    )
    assert done.stdout == "passed on\n", done.stderr
    report = only(site)
    assert (report["message"], report["path"], report["status"]) == ("in a middleware", "/", 200)


def test_a_body_that_is_encoded_as_it_is_sent_is_watched(make_site: MakeSite) -> None:
    site = make_site()
    script(
        site,
        "from flask import Response\n"
        "shop.app.add_url_rule('/late', 'late', lambda: Response(['\\udc80']))\n"
        "try:\n    client.get('/late').data\nexcept UnicodeError:\n    pass\n",
    )
    report = only(site)
    assert (report["type"], report["endpoint"]) == ("UnicodeEncodeError", "late")


def test_a_status_is_passed_on_however_it_is_given(make_site: MakeSite) -> None:
    """PEP 3333's third argument comes by position, or from some programs by its name."""
    site = make_site()
    done = script(
        site,
        "from flask import Flask\n"
        "app = Flask('given')\n"
        "def inner(environ, start_response):\n"
        "    start_response('200 OK', [])\n"
        "    start_response('500 ERROR', [('a', 'b')], exc_info=(None, None, None))\n"
        "    start_response('503 BUSY', [], (None, None, None))\n"
        "    return []\n"
        "app.wsgi_app = inner\n"
        "shop.error_reporting.init_app(app)\n"
        "app({'REQUEST_METHOD': 'GET'}, lambda *given: print(len(given), given[0]))\n",
    )
    assert done.stdout == "2 200 OK\n3 500 ERROR\n3 503 BUSY\n", done.stderr


def test_a_fault_of_the_reporting_changes_no_answer(make_site: MakeSite) -> None:
    site = make_site()
    done = script(
        site,
        "shop.error_reporting.reports.build = None\n"
        "for _ in range(3): answer = client.get('/view'); print(answer.status_code, answer.text)",
    )
    assert done.stdout == "500 an error page\n" * 3
    said = [line for line in done.stderr.splitlines() if line.startswith("error_reporting:")]
    assert len(said) == 2  # the first, and at the end the number of the others
    assert "not reported in full" in said[0]


def test_wrong_settings_are_told_and_defaults_stand(make_site: MakeSite) -> None:
    site = make_site(rate="many", mail_security="ssl")
    done = script(site, "client.get('/view')")
    assert "ERROR_REPORTING_RATE is not used" in done.stderr
    assert "one of starttls, tls, none is wanted" in done.stderr
    assert len(site.reports()) == 1


def test_a_proxy_is_trusted_for_as_many_hops_as_configured(make_site: MakeSite) -> None:
    site = make_site(trusted_hops=1)
    forged = "headers={'X-Forwarded-For': '6.6.6.6, 192.0.2.7'}"
    script(site, f"client.get('/view', {forged}); client.get('/view')")
    assert [r["client_address"] for r in site.reports()] == ["192.0.2.7", "127.0.0.1"]
    other = make_site()
    script(other, f"client.get('/view', {forged})")
    assert only(other)["client_address"] == "127.0.0.1"


def test_a_request_id_that_is_not_well_formed_is_replaced(make_site: MakeSite) -> None:
    site = make_site()
    script(site, "client.get('/view', headers={'X-Request-ID': '<script>'})")
    assert len(only(site)["request_id"]) == 32


def test_what_is_left_at_the_end_of_a_process_is_delivered(make_site: MakeSite) -> None:
    box = Mailbox()
    with mail_server(box) as port:
        site = make_site(
            mail_to="ops@example.org", mail_server=f"127.0.0.1:{port}", mail_security="none",
            exit_seconds=20,
        )  # fmt: skip
        script(site, "client.get('/view')")
    assert len(box.mails) == 1


def test_report_test_sends_one_marked_report_through_every_sink(make_site: MakeSite) -> None:
    box = Mailbox()
    with mail_server(box) as port:
        site = make_site(
            mail_to="ops@example.org", mail_server=f"127.0.0.1:{port}", mail_security="none",
            stderr="yes",
        )  # fmt: skip
        done = site.run("report-test")
    assert done.returncode == 0, done.stdout + done.stderr
    report = only(site)
    assert report["test"] is True
    assert box.mails[0]["Subject"].startswith("[test] [shop-plain] ")
    assert json.loads(done.stderr.splitlines()[-1])["id"] == report["id"]
    for word in (
        report["id"],
        "log     written",
        "spool   written",
        "stderr  accepted",
        "mail    accepted",
    ):
        assert word in done.stdout
    assert site.waiting() == []


def test_report_test_tells_what_does_not_work(make_site: MakeSite) -> None:
    site = make_site(file="/dev/full", mail_to="ops@example.org", mail_server="127.0.0.1:1")
    site.environ["ERROR_REPORTING_SPOOL"] = str(site.folder / "spool")
    done = site.run("report-test")
    assert done.returncode == 1
    assert "log     FAILED  /dev/full: No space left on device" in done.stdout
    assert "mail    FAILED  mail server 127.0.0.1:1: Connection refused" in done.stdout
    assert "Traceback" not in done.stderr


def test_many_reports_of_one_application_in_many_processes_are_whole_lines(
    make_site: MakeSite,
) -> None:
    site = make_site()
    text = "for _ in range(200): client.get('/view')"
    runs = [
        subprocess.Popen(
            [site.python, "-c", CLIENT + text],
            cwd=site.folder,
            env=site.environ,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(4)
    ]
    for run in runs:
        assert run.wait(120) == 0
    assert len({report["id"] for report in site.reports()}) == 800


def test_nothing_runs_and_nothing_is_written_before_an_error(make_site: MakeSite) -> None:
    site = make_site(mail_to="ops@example.org")
    done = script(site, "client.get('/fine')\nimport threading; print(threading.active_count())")
    assert done.stdout == "1\n"
    assert not site.log.exists()
    assert not site.spool.exists()


def test_the_worker_timeout_is_reported(make_site: MakeSite) -> None:
    """Gunicorn ends a worker that takes too long by an exception in whatever it does."""
    site = make_site()
    site.start("--workers=1", "--timeout=2")
    module = "/plain/exit"
    site.get(module)
    wait_until(site.reports)
    report = only(site)
    assert (report["type"], report["path"]) == ("SystemExit", "/plain/exit")
