"""The parts by themselves: settings, windows and rates, user agents, chains, sizes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit_flask.error_reporting import agents, config, fields, render, reports, trace
from toolkit_flask.error_reporting.gate import Gate
from toolkit_flask.error_reporting.mail import compose
from toolkit_flask.error_reporting.notes import Notes
from toolkit_flask.error_reporting.redaction import Redactor
from toolkit_flask.error_reporting.spool import Spool

SETTINGS = config.Settings(name="shop", mail_to=("ops@example.org",), stderr=True)


def raised(error: BaseException) -> BaseException:
    try:
        raise error  # noqa: TRY301  # to have a traceback
    except BaseException as caught:  # noqa: BLE001  # as above
        return caught


def report_of(error: BaseException, settings: config.Settings = SETTINGS) -> dict[str, Any]:
    return reports.build(raised(error), None, settings, frozenset())


# --- settings ---------------------------------------------------------------------------------


def read(config_: dict[str, object], **environ: str) -> tuple[config.Settings, list[str]]:
    told: list[str] = []
    names = {f"ERROR_REPORTING_{name.upper()}": value for name, value in environ.items()}
    return config.read(config_, names, told.append), told


def test_the_applications_configuration_precedes_the_environment() -> None:
    settings, told = read({"ERROR_REPORTING_RATE": 5}, rate="6", dedup_seconds="7")
    assert (settings.rate, settings.dedup_seconds, told) == (5, 7.0, [])


@pytest.mark.parametrize(
    ("text", "security", "expected"),
    [
        ("mail.example", "starttls", ("mail.example", 587)),
        ("mail.example", "tls", ("mail.example", 465)),
        ("mail.example:2525", "none", ("mail.example", 2525)),
        ("[2001:db8::1]:26", "none", ("2001:db8::1", 26)),
        ("2001:db8::1", "none", ("2001:db8::1", 25)),
        ("[2001:db8::1]", "none", ("2001:db8::1", 25)),
    ],
)
def test_a_mail_server_is_a_host_and_perhaps_a_port(
    text: str, security: str, expected: tuple[str, int]
) -> None:
    settings, told = read({}, mail_server=text, mail_security=security)
    assert settings.mail_address == expected
    assert told == []


@given(st.sampled_from(sorted(config.FIELDS)), st.text() | st.integers() | st.none() | st.floats())
def test_no_value_stops_an_application(key: str, value: object) -> None:
    told: list[str] = []
    settings = config.read({key: value}, {}, told.append)
    item = config.FIELDS[key]
    if told:
        assert told[0].startswith(f"{key} is not used: ")
        assert getattr(settings, item.name) == item.default


def test_secrets_do_not_stand_in_the_settings_representation() -> None:
    settings, _ = read(
        {},
        mail_password="planted-1",  # noqa: S106  # to be found, or not
        sentry_dsn="https://planted@h/1",
    )
    assert "planted" not in repr(settings)


def test_every_key_is_documented() -> None:
    """The docstring of a field is the only documentation of its key."""
    import ast

    tree = ast.parse(Path(config.__file__).read_text())
    settings = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "Settings")
    pairs = zip(settings.body, settings.body[1:], strict=False)
    told = {a.target.id for a, b in pairs if isinstance(a, ast.AnnAssign)
            and isinstance(a.target, ast.Name) and isinstance(b, ast.Expr)}  # fmt: skip
    assert told == {item.name for item in config.FIELDS.values()}


# --- what leaves ------------------------------------------------------------------------------


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 10_000.0

    def __call__(self) -> float:
        return self.now


def gate_of(folder: Path, clock: Clock, **changed: Any) -> Gate:
    settings = replace(SETTINGS, **changed)
    return Gate(Spool(str(folder), settings.spool_entries), settings, clock)


def admit(gate: Gate, error: BaseException) -> bool:
    report = report_of(error)
    return gate.admit(report, render.to_json(report)) is not None


def test_one_of_a_kind_leaves_in_a_window_and_the_next_tells_how_many_did_not(
    tmp_path: Path,
) -> None:
    clock = Clock()
    gate = gate_of(tmp_path, clock, dedup_seconds=60)
    assert [admit(gate, KeyError(number)) for number in range(5)] == [True, *[False] * 4]
    clock.now += 61
    assert admit(gate, KeyError(6))
    spool = Spool(str(tmp_path), 10)
    entries = [spool.load(name) for name in spool.names()]
    assert [entry and entry["before"] for entry in entries] == [0, 4]


def test_windows_are_shared_by_processes(tmp_path: Path) -> None:
    clock = Clock()
    first, second = (gate_of(tmp_path, clock) for _ in range(2))
    assert admit(first, KeyError("a"))
    assert not admit(second, KeyError("b"))
    assert not admit(first, KeyError("c"))
    first.flush()
    assert second.untold() == 2


def test_a_flood_of_kinds_is_limited_and_the_bucket_fills_again(tmp_path: Path) -> None:
    clock = Clock()
    gate = gate_of(tmp_path, clock, rate=3)
    kinds = [ValueError, KeyError, OSError, TypeError, LookupError]
    assert [admit(gate, kind("x")) for kind in kinds] == [True] * 3 + [False] * 2
    clock.now += 1200  # a third of an hour: one of three
    assert admit(gate, ArithmeticError("x"))
    assert not admit(gate, RuntimeError("x"))


def test_a_full_spool_takes_no_more(tmp_path: Path) -> None:
    gate = gate_of(tmp_path, Clock(), spool_entries=2, rate=0)
    kinds = [ValueError, KeyError, OSError, TypeError]
    assert [admit(gate, kind("x")) for kind in kinds] == [True, True, False, False]
    assert gate.untold() == 2


def test_a_digest_tells_all_that_ended_and_nothing_twice(tmp_path: Path) -> None:
    clock = Clock()
    gate = gate_of(tmp_path, clock, dedup_seconds=60)
    for kind in (KeyError, ValueError):
        for _ in range(3):
            admit(gate, kind("x"))
    gate.flush()
    assert gate.digest() is None  # the windows are open
    clock.now += 61
    assert gate.digest() is not None
    assert gate.digest() is None
    assert gate.untold() == 0
    spool = Spool(str(tmp_path), 10)
    entry = spool.load(spool.names()[-1])
    assert entry is not None
    assert entry["digest"]["total"] == 4
    mail = compose(entry, SETTINGS)
    assert mail["Subject"] == "[shop] 4 more since: errors of 2 kinds"


def test_after_a_reboot_a_window_is_over(tmp_path: Path) -> None:
    clock = Clock()
    assert admit(gate_of(tmp_path, clock), KeyError("x"))
    clock.now = 5.0  # the clock began anew
    assert admit(gate_of(tmp_path, clock), KeyError("x"))


def test_a_spool_of_somebody_else_is_not_used() -> None:
    if os.geteuid() != 0:
        pytest.skip("to be somebody else needs root")
    program = (
        "import os, sys\n"
        "from toolkit_flask.error_reporting.spool import Spool\n"
        "os.seteuid(65534)\n"
        "Spool(sys.argv[1], 1).make()"
    )
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders let nobody else in
        Path(name).chmod(0o755)
        folder = Path(name, "spool")
        folder.mkdir()
        done = subprocess.run(
            [sys.executable, "-c", program, str(folder)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert "belongs to another user" in done.stderr


def test_what_a_killed_process_left_half_written_is_swept(tmp_path: Path) -> None:
    spool = Spool(str(tmp_path), 10)
    spool.make()
    child = subprocess.Popen(["true"])
    child.wait()
    ended = child.pid
    for owner in (ended, os.getpid()):
        (tmp_path / "new" / f".1-x.json.{owner}").write_text("{")
    spool.sweep()
    assert [path.name for path in (tmp_path / "new").iterdir()] == [f".1-x.json.{os.getpid()}"]


# --- what is told -----------------------------------------------------------------------------

AGENTS = {
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0": ("Linux", "Firefox"),
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36 Edg/126.0.2592.87": ("Windows", "Edge"),
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Safari/605.1.15": ("macOS", "Safari"),
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) CriOS/126.0.6478.153 Mobile/15E148 Safari/604.1": ("iOS", "Chrome"),
    "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 "
    "Chrome/121.0.0.0 Mobile Safari/537.36": ("Android", "Samsung Internet"),
    "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko": (
        "Windows",
        "Internet Explorer",
    ),
    "curl/8.5.0": ("-", "curl"),
    "": ("-", "-"),
    "\x00" * 2000: ("-", "-"),
}


@pytest.mark.parametrize("header", AGENTS)
def test_a_user_agent_is_told_apart(header: str) -> None:
    assert agents.parse(header)[:2] == AGENTS[header]


@given(st.text())
def test_no_user_agent_fails(header: str) -> None:
    assert len(agents.parse(header)) == 3


def test_ua_parser_is_asked_if_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace as Named

    system, browser = (
        Named(family="Plan 9"),
        Named(family="Mothra", major="1", minor="2", patch=None),
    )
    library = Named(parse=lambda _: Named(os=system, user_agent=browser))
    monkeypatch.setitem(sys.modules, "ua_parser", library)
    assert agents.parse("Mothra/1.2 of a test") == ("Plan 9", "Mothra", "1.2")


class Mute(Exception):  # noqa: N818  # as the message says
    """Can't be shown."""

    def __str__(self) -> str:
        raise OSError("no message")


def test_an_exception_without_a_message_is_reported() -> None:
    assert report_of(Mute())["message"] == "<its message can't be shown>"


def test_a_recursion_is_cut_and_stays_small() -> None:
    def deeper(number: int) -> int:
        return deeper(number + 1)

    with pytest.raises(RecursionError) as caught:
        deeper(0)
    report = reports.build(caught.value, None, replace(SETTINGS, locals=True), frozenset())
    assert len(report["chain"][0]["frames"]) == trace.MOST_FRAMES
    assert "frames left out]" in render.to_text(report)
    assert len(render.to_json(report)) <= render.MOST_BYTES


@given(st.integers(0, 12), st.integers(1, 60_000), st.booleans())
def test_no_report_is_longer_than_it_may_be(
    depth: int, size: int, show: bool
) -> None:  # a property
    error: Exception = ValueError("x" * size)
    for _ in range(depth):
        error = ExceptionGroup("g" * size, [error] * 12)
    report = report_of(error, replace(SETTINGS, locals=show))
    line = render.to_json(report)
    assert len(line) <= render.MOST_BYTES
    assert b"\n" not in line
    assert json.loads(line)["id"] == report["id"]
    assert len(render.subject(report)) <= 121


PATHOLOGICAL = (
    "x",
    "x-",
    "1",
    "1 ",
    "password",
    "a.b:",
    "eyJ-",
    "eyJ",
    "+x",
    "SG.",
    "a/",
    "://",
    '="',
)


@pytest.mark.parametrize("part", PATHOLOGICAL)
def test_no_text_keeps_the_redaction_busy(part: str) -> None:
    """A client chooses it, and a request waits; the bound is for a loaded machine."""
    text = (part * 8000)[:8000] + "="
    started = time.process_time()
    Redactor().text(text)
    Redactor().source(text)
    assert time.process_time() - started < 1


@given(st.text(max_size=200))
def test_a_subject_and_a_mail_survive_any_message(message: str) -> None:
    report = report_of(RuntimeError(message))
    mail = compose({"kind": "report", "report": report, "before": 0}, SETTINGS)
    head = mail.as_bytes().split(b"\r\n\r\n")[0]
    names = [line.split(b":")[0] for line in head.split(b"\r\n") if line[:1] not in {b" ", b"\t"}]
    assert set(names) == {
        b"From", b"To", b"Date", b"Auto-Submitted", b"Subject", b"Message-ID", b"In-Reply-To",
        b"References", b"X-Report-Id", b"MIME-Version", b"Content-Type",
    }  # fmt: skip


def test_a_chain_and_a_group_are_told_whole() -> None:
    try:
        try:
            raise KeyError("cause")  # noqa: TRY301  # for its traceback
        except KeyError as cause:
            raise ExceptionGroup("outer", [ValueError("one"), TypeError("two")]) from cause
    except ExceptionGroup as error:
        error.add_note("a note")
        report = reports.build(error, None, SETTINGS, frozenset())
    text = render.to_text(report)
    expected = (
        "outer (2 sub-exceptions)", "+-- 1 of 2", "ValueError: one", "TypeError: two", "| a note",
        "which was raised directly because of", "KeyError: 'cause'",
    )  # fmt: skip
    assert [told for told in expected if told not in text] == []


def test_kinds_are_told_apart_by_their_line_not_by_their_message() -> None:
    def fail(value: object) -> None:
        raise ValueError(value)

    prints = set()
    for value in (1, 2):
        with pytest.raises(ValueError, match=str(value)) as caught:
            fail(value)
        prints.add(trace.fingerprint(caught.value))
    assert len(prints) == 1
    assert trace.fingerprint(raised(ValueError(1))) not in prints


@given(st.lists(st.sampled_from(["192.0.2.1", "2001:db8::2", "<script>", "", "x y"]), max_size=4),
       st.integers(0, 4))  # fmt: skip
def test_only_the_entry_that_a_trusted_proxy_wrote_is_believed(
    entries: list[str], hops: int
) -> None:
    environ = {"REMOTE_ADDR": "198.51.100.9", "HTTP_X_FORWARDED_FOR": ", ".join(entries)}
    address = fields.client_address(environ, hops)
    if 0 < hops <= len(entries) and entries[-hops] in {"192.0.2.1", "2001:db8::2"}:
        assert address == entries[-hops]
    else:
        assert address == "198.51.100.9"


def test_configured_secrets_are_known_and_ordinary_settings_are_not() -> None:
    found = reports.secrets_of(
        {
            "SECRET_KEY": "configured-secret-1",
            "SQLALCHEMY_DATABASE_URI": "postgresql://shop:database-pass@db/shop",
            "SESSION_COOKIE_NAME": "session-of-shop",
            "NESTED": {"api_token": "configured-token-2"},
            "SECRET_KEY_FALLBACKS": ["older-secret-key"],
        },
        {"AWS_SECRET_ACCESS_KEY": "environment-secret", "SSH_AUTH_SOCK": "/run/agent.sock"},
    )
    assert found == {
        "configured-secret-1", "database-pass", "configured-token-2", "environment-secret",
        "older-secret-key",
    }  # fmt: skip


def test_locals_are_shown_without_secrets() -> None:
    def fail() -> None:
        password, harmless = "planted-word", "shown-word"  # to be found, or not
        raise RuntimeError(f"{len(password)} {harmless}")

    with pytest.raises(RuntimeError) as caught:
        fail()
    described = trace.Trace(Redactor(), show_locals=True).chain(caught.value)
    assert "planted-word" not in json.dumps(described).replace("password, harmless =", "")
    assert described[0]["frames"][-1]["locals"]["harmless"] == "'shown-word'"


def test_an_enormous_local_costs_no_more_than_is_shown() -> None:
    def fail() -> None:
        numbers, text = list(range(3_000_000)), "y" * 30_000_000
        raise RuntimeError(len(numbers) + len(text))

    with pytest.raises(RuntimeError) as caught:
        fail()
    started = time.process_time()
    described = trace.Trace(Redactor(), show_locals=True).chain(caught.value)
    assert time.process_time() - started < 1
    assert described[0]["frames"][-1]["locals"]["numbers"].startswith("[0, 1, 2, ")


def test_the_second_of_a_kind_of_note_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    notes = Notes()
    for _ in range(3):
        notes.say("log", "no room\nforged")
    notes.close()
    assert capsys.readouterr().err.splitlines() == [
        "error_reporting: no room\\x0aforged",
        "error_reporting: 2 more of: log",
    ]
