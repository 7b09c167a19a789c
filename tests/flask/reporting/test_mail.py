"""Reports as mail: through real SMTP servers, encrypted, readable, threaded, and never forged."""

from __future__ import annotations

import time
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from reporting_lab.mailbox import Mailbox, mail_server, make_certificate, server_context
from reporting_lab.served import FIREFOX, MakeSite, free_port, wait_until


def body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    text: str = part.get_content()
    return text


def test_a_mail_has_both_parts_and_an_identity(
    make_site: MakeSite, mail_settings: dict[str, object], certificate: Path
) -> None:
    box = Mailbox()
    with mail_server(box, starttls=server_context(certificate)) as port:
        site = make_site(mail_server=f"localhost:{port}", **mail_settings)
        site.start()
        site.get("/plain/view")
        wait_until(lambda: box.mails)
    mail, report = box.mails[0], site.reports()[0]
    assert box.encrypted == [True]
    assert box.recipients == [["ops@example.org", "second@example.org"]]
    assert mail["Subject"] == "[shop-plain] RuntimeError: view in _views.<locals>.view"
    assert mail["Message-ID"].startswith(f"<{report['id']}@")
    assert report["fingerprint"] in mail["References"]
    assert mail["Auto-Submitted"] == "auto-generated"
    for part in ("plain", "html"):
        text = body(mail, part)
        for told in ("GET /plain/view", "ann", "127.0.0.1", "Firefox 128.0", "Linux", FIREFOX):
            assert told in text, (part, told)
        assert "raise RuntimeError" in text
    assert site.waiting() == []


def test_port_465_is_spoken_from_the_start(
    make_site: MakeSite, mail_settings: dict[str, object], certificate: Path
) -> None:
    box = Mailbox()
    with mail_server(box, tls=server_context(certificate)) as port:
        site = make_site(mail_server=f"localhost:{port}", mail_security="tls", **mail_settings)
        site.start()
        site.get("/plain/view")
        wait_until(lambda: box.mails)
    assert box.encrypted == [True]


def test_a_certificate_for_another_name_gets_no_report(
    make_site: MakeSite, mail_settings: dict[str, object], tmp_path: Path
) -> None:
    other = make_certificate(tmp_path, "other.example")
    box = Mailbox()
    with mail_server(box, starttls=server_context(other)) as port:
        settings = {**mail_settings, "mail_ca": other}
        site = make_site(mail_server=f"localhost:{port}", **settings)
        site.start()
        site.get("/plain/view")
        wait_until(lambda: "Hostname mismatch" in site.words)
        site.stop()
    assert box.mails == []
    assert len(site.waiting()) == 1


def test_a_server_without_starttls_gets_no_report(
    make_site: MakeSite, mail_settings: dict[str, object]
) -> None:
    box = Mailbox()
    with mail_server(box) as port:
        site = make_site(mail_server=f"localhost:{port}", **mail_settings)
        site.start()
        site.get("/plain/view")
        wait_until(lambda: "STARTTLS" in site.words)
        site.stop()
    assert box.mails == []
    assert len(site.waiting()) == 1


def test_after_an_outage_each_report_arrives_once(
    make_site: MakeSite, mail_settings: dict[str, object], certificate: Path
) -> None:
    port = free_port()
    site = make_site(mail_server=f"localhost:{port}", **mail_settings)
    site.start()
    for path in ("/plain/view", "/plain/async", "/plain/stream"):
        site.get(path)
    wait_until(lambda: "Connection refused" in site.words)
    assert len(site.waiting()) == 3
    box = Mailbox()
    with mail_server(box, starttls=server_context(certificate), port=port):
        wait_until(lambda: len(box.mails) == 3)
        wait_until(lambda: site.waiting() == [])
    assert len({mail["Message-ID"] for mail in box.mails}) == 3


def test_what_one_life_left_the_next_one_delivers_without_an_error_of_its_own(
    make_site: MakeSite, mail_settings: dict[str, object], certificate: Path
) -> None:
    port = free_port()
    site = make_site(mail_server=f"localhost:{port}", **mail_settings)
    site.start()
    site.get("/plain/view")
    wait_until(lambda: len(site.waiting()) == 1)
    site.stop()
    box = Mailbox()
    with mail_server(box, starttls=server_context(certificate), port=port):
        site.start()
        wait_until(lambda: box.mails)
    assert len(site.reports()) == 1


@pytest.mark.parametrize("delay", [0, 2])
def test_the_request_waits_for_no_server(
    make_site: MakeSite, mail_settings: dict[str, object], certificate: Path, delay: float
) -> None:
    """A black hole accepts and says nothing; a slow server takes seconds for each mail."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as hole:
        port = hole.getsockname()[1]
        box = Mailbox(delay=delay)
        with mail_server(box, starttls=server_context(certificate)) as slow:
            chosen = slow if delay else port
            site = make_site(mail_server=f"127.0.0.1:{chosen}", **mail_settings)
            site.environ["ERROR_REPORTING_MAIL_SERVER"] = f"localhost:{chosen}"
            site.start()
            started = time.monotonic()
            for path in ("/plain/view", "/plain/async", "/plain/stream", "/plain/chained"):
                site.get(path)
            assert time.monotonic() - started < 2  # each mail alone takes 2 s or 3 s
            if delay:
                wait_until(lambda: len(box.mails) == 4)
            else:
                wait_until(lambda: "timed out" in site.words)
                site.stop()
                assert len(site.waiting()) == 4


def test_a_mail_that_is_refused_for_good_is_set_aside(
    make_site: MakeSite, mail_settings: dict[str, object], certificate: Path
) -> None:
    box = Mailbox({"DATA": "554 5.7.1 not in this house"})
    with mail_server(box, starttls=server_context(certificate)) as port:
        site = make_site(mail_server=f"localhost:{port}", **mail_settings)
        site.start()
        site.get("/plain/view")
        wait_until(lambda: "set aside" in site.words)
        wait_until(lambda: site.waiting() == [])
    assert len(list((site.spool / "failed").iterdir())) == 1
    assert "not in this house" in site.words


def test_a_mail_that_is_refused_for_now_is_tried_again(
    make_site: MakeSite, mail_settings: dict[str, object], certificate: Path
) -> None:
    box = Mailbox({"DATA": "451 4.7.1 greylisted"})
    with mail_server(box, starttls=server_context(certificate)) as port:
        site = make_site(mail_server=f"localhost:{port}", **mail_settings)
        site.start()
        site.get("/plain/view")
        wait_until(lambda: "greylisted" in site.words)
        box.answers.clear()
        wait_until(lambda: box.mails)
        wait_until(lambda: site.waiting() == [])
    assert len(box.mails) == 1


def test_one_recipient_that_is_refused_costs_the_others_nothing(
    make_site: MakeSite, mail_settings: dict[str, object], certificate: Path
) -> None:
    box = Mailbox({"RCPT second@example.org": "550 5.1.1 nobody here"})
    with mail_server(box, starttls=server_context(certificate)) as port:
        site = make_site(mail_server=f"localhost:{port}", **mail_settings)
        site.start()
        site.get("/plain/view")
        wait_until(lambda: "refused for second@example.org" in site.words)
    assert box.recipients == [["ops@example.org"]]
    assert site.waiting() == []


class Deaf(Mailbox):
    """Keeps the first mail and hangs up without an answer, as a server that crashes does."""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        answer = await super().handle_DATA(server, session, envelope)
        if len(self.mails) == 1:
            server.transport.abort()
        return answer


def test_a_lost_acknowledgement_repeats_the_same_message_id(
    make_site: MakeSite, mail_settings: dict[str, object], certificate: Path
) -> None:
    box = Deaf()
    with mail_server(box, starttls=server_context(certificate)) as port:
        site = make_site(mail_server=f"localhost:{port}", **mail_settings)
        site.start()
        site.get("/plain/view")
        wait_until(lambda: len(box.mails) == 2)
    assert len({mail["Message-ID"] for mail in box.mails}) == 1


def test_many_of_a_kind_are_one_mail_and_the_number_of_the_others(
    make_site: MakeSite, mail_settings: dict[str, object], certificate: Path
) -> None:
    box = Mailbox()
    with mail_server(box, starttls=server_context(certificate)) as port:
        site = make_site(mail_server=f"localhost:{port}", dedup_seconds=3, **mail_settings)
        site.start("--workers=2")
        for _ in range(40):
            site.get("/plain/view")
        wait_until(lambda: len(box.mails) == 2)
    assert len(site.reports()) == 40
    assert len({report["id"] for report in site.reports()}) == 40
    assert box.mails[1]["Subject"] == "[shop-plain] 39 more since: RuntimeError: view"
    assert box.mails[1]["References"] == box.mails[0]["References"]
    assert "39 more" in box.raw[1].decode()


def test_many_kinds_are_limited_by_the_hour_and_told_in_one_digest(
    make_site: MakeSite, mail_settings: dict[str, object], certificate: Path
) -> None:
    box = Mailbox()
    paths = ("/plain/view", "/plain/async", "/plain/stream", "/plain/chained", "/plain/group")
    with mail_server(box, starttls=server_context(certificate)) as port:
        site = make_site(mail_server=f"localhost:{port}", rate=2, dedup_seconds=2, **mail_settings)
        site.start()
        for path in paths:
            site.get(path)
        wait_until(lambda: len(box.mails) == 3)
    assert "3 more since: errors of 3 kinds" in box.mails[2]["Subject"]
    text = box.mails[2].get_content()
    assert all(kind in text for kind in ("stream", "chained", "ExceptionGroup"))


def test_the_override_keeps_the_configured_recipients_out(
    make_site: MakeSite, mail_settings: dict[str, object], tmp_path: Path
) -> None:
    box = Mailbox()
    with mail_server(box) as port:
        site = make_site(
            mail_server=f"localhost:{port}", mail_security="none", stderr="yes", **mail_settings
        )
        other = tmp_path / "other.log"
        override = tmp_path / "override.json"
        override.write_text(f'{{"ERROR_REPORTING_FILE": "{other}"}}')
        site.environ["ERROR_REPORTING_OVERRIDE"] = str(override)
        site.start()
        site.get("/plain/view")
        override.write_text("{")
        site.stop()
        site.start()
        site.get("/plain/view")
        wait_until(lambda: "reports go nowhere" in site.words)
        site.stop()
    assert box.mails == []
    assert not site.log.exists()
    assert not site.spool.exists()
    assert len(other.read_text().splitlines()) == 1
