"""Storms, kills, full disks and wrong clocks: nothing is lost, nothing is doubled, nobody waits.

Lost is what stands neither in the log nor in the spool though its client was answered. Doubled is a
report with an id that was seen before.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from reporting_lab.mailbox import Mailbox, mail_server, server_context
from reporting_lab.served import MakeSite, Site, wait_until

STORM = 10_000
CLIENTS = 4
LEAST_RESTARTS = 4


def rain(site: Site, client: int, number: int) -> set[str]:
    """Send errors over kept connections; return the ids of the requests answered by 500."""
    answered: set[str] = set()
    connection: http.client.HTTPConnection | None = None
    for turn in range(number):
        connection = connection or http.client.HTTPConnection("127.0.0.1", site.port, timeout=60)
        identity = f"{client}-{turn}"
        try:
            connection.request("GET", "/plain/view", headers={"X-Request-ID": identity})
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            connection = None
            time.sleep(0.05)
            continue
        if answer.status == 500:
            answered.add(identity)
        if answer.will_close:
            connection.close()
            connection = None
    if connection:
        connection.close()
    return answered


def worker_of(site: Site) -> int:
    """Return the pid of a worker of the site's gunicorn."""
    assert site.server is not None
    path = Path(f"/proc/{site.server.pid}/task/{site.server.pid}/children")
    children = path.read_text().split()
    return int(children[0]) if children else 0


def whole_reports(site: Site) -> list[dict[str, Any]]:
    """Return the reports of the log; a line that a kill cut off is no report."""
    found = []
    for line in site.log.read_text().splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


@pytest.mark.timeout(180)
def test_workers_terminated_and_killed_in_a_storm_lose_and_double_nothing(
    make_site: MakeSite, mail_settings: dict[str, object], certificate: Path
) -> None:
    box = Mailbox()
    with mail_server(box, starttls=server_context(certificate)) as port:
        site = make_site(mail_server=f"localhost:{port}", dedup_seconds=1, **mail_settings)
        site.start("--workers=2", "--worker-class=gthread", "--threads=2", "--log-level=critical")
        killed: list[int] = []
        over = threading.Event()

        def kill() -> None:
            while not over.wait(1.5):
                if worker := worker_of(site):
                    os.kill(worker, (signal.SIGTERM, signal.SIGKILL)[len(killed) % 2])
                    killed.append(worker)

        killer = threading.Thread(target=kill)
        killer.start()
        with ThreadPoolExecutor(CLIENTS) as pool:
            rains = pool.map(lambda client: rain(site, client, STORM // CLIENTS), range(CLIENTS))
            answered = set().union(*rains)
        over.set()
        killer.join()
        site.get("/plain/fine")
        wait_until(lambda: site.waiting() == [])
    reports = whole_reports(site)
    ids = Counter(report["id"] for report in reports)
    assert len(killed) >= LEAST_RESTARTS
    assert len(answered) > STORM / 2
    requests = Counter(report["request_id"] for report in reports)
    assert answered - set(requests) == set()
    assert max(requests.values()) == max(ids.values()) == 1
    assert box.mails
    mailed = Counter(
        mail["X-Report-Id"] for mail in box.mails if "more since" not in mail["Subject"]
    )
    assert set(mailed) <= set(ids)
    doubled = [identity for identity, times in mailed.items() if times > 1]
    assert len(doubled) <= len(killed)  # only where the acknowledgement died with the worker


def test_a_full_disk_is_one_line_and_the_answer_is_the_same(make_site: MakeSite) -> None:
    site = make_site(file="/dev/full", spool="/dev/full/spool", stderr="yes")
    site.start("--workers=1")
    for _ in range(20):
        assert site.get("/plain/view") == 500
    site.stop()
    lines = [
        line for line in site.words.splitlines() if "reports can't be written to the log" in line
    ]
    assert len(lines) == 1
    assert "No space left on device" in lines[0]
    assert "19 more of: log" in site.words


def test_a_disk_that_has_room_again_takes_reports_again(
    make_site: MakeSite, tmp_path: Path
) -> None:
    """A real file system of 64 KiB: full, then emptied."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mounted, check=False, capture_output=True).returncode:
        pytest.skip("mounting a small file system needs root")
    try:
        site = make_site(file=disk / "reports.log", spool=disk / "spool", stderr="yes")
        site.log = disk / "reports.log"
        filler = disk / "filler"
        filler.write_bytes(b"x" * 60_000)
        site.start("--workers=1")
        for _ in range(30):
            assert site.get("/plain/view") == 500
        wait_until(lambda: "reports can't be written to the log" in site.words)
        before = len(whole_reports(site))
        filler.unlink()
        for _ in range(3):
            assert site.get("/plain/view") == 500
        assert len(whole_reports(site)) == before + 3
        assert site.words.count("can be written again") >= 1
        site.stop()
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)


CLOCK = """
import time
from pathlib import Path

real, real_ns, step = time.time, time.time_ns, Path(__file__).with_name("step")
time.time = lambda: real() + int(step.read_text())
time.time_ns = lambda: real_ns() + int(step.read_text()) * 10**9
"""


@pytest.mark.parametrize("days", [-30, 30])
def test_a_step_of_the_clock_changes_nothing(
    make_site: MakeSite, mail_settings: dict[str, object], certificate: Path, days: int
) -> None:
    """The wall clock jumps in the running server; the monotonic one does not, as in reality."""
    box = Mailbox()
    with mail_server(box, starttls=server_context(certificate)) as port:
        site = make_site(mail_server=f"localhost:{port}", **mail_settings)
        (site.folder / "sitecustomize.py").write_text(CLOCK)
        step = site.folder / "step"
        step.write_text("0")
        site.start("--workers=1", "--timeout=0")
        site.get("/plain/view")
        wait_until(lambda: len(box.mails) == 1)
        step.write_text(str(days * 86_400))
        site.get("/plain/view")
        site.get("/plain/async")
        wait_until(lambda: len(box.mails) == 2)
        wait_until(lambda: site.waiting() == [])
        site.stop()
    reports = site.reports()
    assert [report["message"] for report in reports] == ["view", "view", "async"]
    assert abs(reports[1]["timestamp"] - reports[0]["timestamp"]) > 86_400
    assert (
        len(box.mails) == 2
    )  # the second `view` is within the window, whatever the wall clock says


def test_a_moved_log_is_followed(make_site: MakeSite) -> None:
    site = make_site()
    site.start("--workers=2")
    site.get("/plain/view")
    site.log.rename(site.folder / "reports.log.1")
    for _ in range(6):
        site.get("/plain/view")
    assert len(site.reports()) == 6


def test_the_spool_is_for_its_owner_only(
    make_site: MakeSite, mail_settings: dict[str, object]
) -> None:
    site = make_site(mail_server="localhost:1", **mail_settings)
    site.start()
    site.get("/plain/view")
    wait_until(site.waiting)
    for path in (site.spool, *site.spool.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_broken_entry_is_set_aside_and_the_others_arrive(
    make_site: MakeSite, mail_settings: dict[str, object], certificate: Path
) -> None:
    box = Mailbox()
    site = make_site(**mail_settings)
    (site.spool / "new").mkdir(parents=True)
    (site.spool / "failed").mkdir()
    (site.spool / "windows").mkdir()
    (site.spool / "new" / "00000000000000000001-x.json").write_text('{"sinks": ')
    with mail_server(box, starttls=server_context(certificate)) as port:
        site.environ["ERROR_REPORTING_MAIL_SERVER"] = f"localhost:{port}"
        site.start()
        site.get("/plain/view")
        wait_until(lambda: box.mails)
    assert [path.name for path in (site.spool / "failed").iterdir()] == [
        "00000000000000000001-x.json"
    ]
