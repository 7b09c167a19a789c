"""Secrets reach no sink, wherever they stand; forged lines, subjects and headers do nothing."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting_lab.mailbox import Mailbox, mail_server
from reporting_lab.served import MakeSite, Site, wait_until
from toolkit_flask.error_reporting.redaction import HIDDEN, Redactor, is_secret
from toolkit_flask.error_reporting.text import clean, clean_lines

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2lnbmF0dXJlLW9mLWl0"
CARD = "4111 1111 1111 1111"


def secret(number: int) -> str:
    """Return a word that nothing but its place betrays."""
    return f"plantedhere{number}x"


QUERY = {
    "token": 1, "access_token": 2, "password": 3, "api_key": 4, "apikey": 5, "client_secret": 6,
    "sig": 7, "otp": 8, "X-Amz-Signature": 9, "sessionid": 10,
}  # fmt: skip
FORM = {
    "password": 11, "new_password": 12, "passwd": 13, "pin": 14, "csrf_token": 15, "secret": 16,
    "cvv": 17, "iban": 18, "card_number": 19,
}  # fmt: skip
JSON = {"apiKey": 21, "userPassword": 22, "authToken": 23, "privateKey": 24}
NESTED = {"login": {"credentials": 25, "passphrase": 26}}
HEADERS = {
    "X-Api-Key": 31, "X-Auth-Token": 32, "X-CSRF-Token": 33, "Proxy-Authorization": 34,
    "X-Amz-Security-Token": 35, "X-Session": 36,
}  # fmt: skip
COOKIES = {"session": 37, "theme": 38, "remember_token": 39}
SHAPES = {
    "a JSON Web Token": JWT,
    "a card's number": CARD,
    "an AWS key": "AKIAIOSFODNN7EXAMPLE",
    "a GitHub token": "ghp_" + "a1B2" * 9,
    "a Slack token": "xoxb-123456789012-abcdefABCDEF",
    "a Stripe key": "sk_" + "live_" + "4eC39HqLyjWDarjtT1zdp7dc",
    "a Google key": "AIza" + "SyA-1234567890abcdefghijklmnopqrstu",
    "a password hash": "pbkdf2:sha256:600000$salt$0123456789abcdef",
    "an address with a password": "postgresql://shop:plantedhere41x@db/shop",
}
LEAK_VIEW = """
def leak():
    import json as _json
    from flask import request, session
    form, body = dict(request.form), request.get_json(silent=True)
    local_password = request.args["password"]
    api_token = "plantedhere42x"
    harmless = "a token that is " + request.args["token"]
    settings = {"db": {"password": "plantedhere43x"}, "urls": ["redis://:plantedhere44x@cache/0"]}
    session["user_name"] = "ann"
    shapes = request.headers["X-Shapes"]
    raise RuntimeError(
        f"login with password=plantedhere45x failed: {request.args['token']} {local_password} "
        f"{form} {body} {request.headers.get('Authorization')} {shapes} "
        f"{request.cookies} configured {app.config['SECRET_KEY']} {app.config['PAYMENT_API_KEY']}"
    ) from ValueError("token: plantedhere46x")

app.add_url_rule("/leak", "leak", leak, methods=["POST"])
app.add_url_rule("/reset/<token>", "reset", lambda token: 1 / 0)
app.config["SECRET_KEY"] = "plantedhere47x"
app.config["PAYMENT_API_KEY"] = "plantedhere48x"
"""


@pytest.fixture(scope="module")
def leaking(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A site with locals shown: the worst that a configuration can ask for."""
    from reporting_lab.served import lay_out

    folder = lay_out(tmp_path_factory.mktemp("leaking"))
    module = folder / "shop" / "__init__.py"
    module.write_text(module.read_text() + LEAK_VIEW)
    return Site(folder, {"ERROR_REPORTING_LOCALS": "yes", "ERROR_REPORTING_STDERR": "yes"})


def sent(site: Site) -> None:
    """Send all secrets, once as a form and once as JSON."""
    basic = base64.b64encode(f"ann:{secret(40)}".encode()).decode()
    cookies = "; ".join(f"{name}={secret(number)}" for name, number in COOKIES.items())
    headers = {name: secret(number) for name, number in HEADERS.items()} | {
        "Cookie": cookies,
        "Referer": f"https://shop.example/back?token={secret(1)}&page=2",
        "X-Shapes": " and ".join(SHAPES.values()),
    }
    query = "&".join(f"{name}={secret(number)}" for name, number in QUERY.items())
    form = "&".join(f"{name}={secret(number)}" for name, number in FORM.items())
    body = json.dumps(
        {name: secret(number) for name, number in JSON.items()}
        | {"login": {name: secret(number) for name, number in NESTED["login"].items()}}
    )
    kinds = {"application/x-www-form-urlencoded": form, "application/json": body}
    for kind, content in kinds.items():
        for login in (f"Basic {basic}", f"Bearer {secret(20)}"):
            more = {"Content-Type": kind, "Authorization": login}
            site.get(f"/plain/leak?{query}&page=2", {**headers, **more}, content.encode())
    site.get(f"/plain/reset/{secret(49)}")


def test_secrets_planted_in_forty_places_reach_no_sink(leaking: Site) -> None:
    site = leaking
    box = Mailbox()
    with mail_server(box) as port:
        site.environ |= {
            "ERROR_REPORTING_MAIL_TO": "ops@example.org",
            "ERROR_REPORTING_MAIL_SERVER": f"127.0.0.1:{port}",
            "ERROR_REPORTING_MAIL_SECURITY": "none",
            "ERROR_REPORTING_DEDUP_SECONDS": "0",
        }
        try:
            site.start()
            sent(site)
            wait_until(lambda: len(box.mails) == 5)
        finally:
            site.stop()
    kept = "".join(
        p.read_text()
        for p in site.spool.rglob("*")
        if p.is_file() and "rate" not in p.name and "windows" not in str(p)
    )
    stderr = "\n".join(line for line in site.words.splitlines() if line.startswith('{"schema"'))
    parts = [
        str(part.get_content())
        for mail in box.mails
        for part in mail.walk()
        if not part.is_multipart()
    ]
    heads = "".join(str(mail[name]) for mail in box.mails for name in mail)
    sinks = {
        "log": site.log.read_text(),
        "stderr": stderr,
        "spool": kept,
        "mail": "".join(parts) + heads,
    }
    assert len(sinks["log"].splitlines()) == 5
    assert len(stderr.splitlines()) == 5
    assert "plantedhere45x" in site.words  # Flask's own log, which hides nothing
    for name, text in sinks.items():
        assert "plantedhere" not in text, (
            name,
            text[max(0, text.find("plantedhere") - 200) :][:300],
        )
        for what, shape in SHAPES.items():
            assert shape not in text, (name, what)
    report = site.reports()[0]
    assert report["request"]["query"]["page"] == "2"  # what is no secret is still told
    assert report["chain"][0]["frames"][-1]["locals"]["api_token"] == HIDDEN


FORGED = "\r\n2026-01-01 CRITICAL forged\r\nBcc: all@example.org\x1b[2J\x00\u202e"


def test_forged_lines_subjects_and_headers_do_nothing(make_site: MakeSite) -> None:
    box = Mailbox()
    with mail_server(box) as port:
        site = make_site(
            mail_to="ops@example.org",
            mail_server=f"127.0.0.1:{port}",
            mail_security="none",
            format="text",
            stderr="yes",
        )
        module = site.folder / "shop" / "__init__.py"
        more = f"\ndef forge(name):\n    raise RuntimeError({FORGED!r} + name)\n"
        more += "\napp.add_url_rule('/forge/<name>', 'forge', forge)\n"
        module.write_text(module.read_text() + more)
        site.start()
        headers = {"X-Request-ID": "a b", "User-Agent": "x\x9b31my"}  # gunicorn lets no ESC in
        site.get("/plain/forge/%0d%0aforged%0a===%20report%20x%1b%00%E2%80%AE", headers)
        wait_until(lambda: box.mails)
        site.stop()
    log = site.log.read_text()
    said = site.words[site.words.index("RuntimeError: ") :]
    for text in (log, box.mails[0].get_body(("plain",)).get_content()):  # type: ignore[union-attr]
        assert not {"\x1b", "\x00", "\r", "\u202e", "\x9b"} & set(text.replace("\r\n", "\n"))
        assert not any(
            line.startswith(("2026-01-01", "Bcc:", "forged")) for line in text.splitlines()
        )
    assert sum(line.startswith("=== report") for line in log.splitlines()) == 1
    assert "\x9b" not in said
    assert box.recipients == [["ops@example.org"]]
    assert box.mails[0]["Bcc"] is None
    assert "\n" not in box.mails[0]["Subject"]


@given(st.text())
def test_cleaned_text_is_printable_and_on_one_line(text: str) -> None:
    assert clean(text).isprintable()


@given(st.text())
def test_cleaned_lines_hold_nothing_but_printable_text_and_line_feeds(text: str) -> None:
    assert clean_lines(text).replace("\n", "").isprintable()


@given(st.text(min_size=6, max_size=40), st.text(max_size=20), st.text(max_size=20))
def test_a_value_once_known_as_secret_stands_nowhere(value: str, before: str, after: str) -> None:
    redactor = Redactor()
    redactor.named("password", value)
    if value.lower() not in {"password", "secret", "localhost", "undefined", "bearer"}:
        assert value in HIDDEN or value not in redactor.text(f"{before}{value}{after}").replace(
            HIDDEN, ""
        )


@pytest.mark.parametrize(
    "name", ["author", "monkey", "passenger", "page", "keyboard", "assignee", "next", "compass"]
)
def test_harmless_names_are_shown(name: str) -> None:
    assert not is_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        "PASSWORD",
        "userPassword",
        "X-Api-Key",
        "db-pass",
        "authorization",
        "Set-Cookie",
        "oauth_token",
        "accessKey",
    ],
)
def test_secret_names_are_known(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize(
    "text",
    [
        "order 12345 of 2026-11-25",
        "user 4f6a failed at line 120",
        "GET /shop/item/550e8400-e29b-41d4-a716-446655440000",
        "KeyError: 'absent'",
        "4111 1111 1111 1112",
    ],
)  # fmt: skip
def test_harmless_text_is_left_as_it_is(text: str) -> None:
    assert Redactor().text(text) == text


def test_further_names_can_be_configured() -> None:
    assert Redactor(["x-device"]).named("X-Device-Id", "abc") == HIDDEN
