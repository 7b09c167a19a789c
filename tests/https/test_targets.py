"""Targets as people write them, and a helpful sentence for the rest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.errors import UsageError
from toolkit_https.targets import Target, parse_target


@pytest.mark.parametrize(
    ("text", "name", "address", "port", "url"),
    [
        ("shop.example", "shop.example", "shop.example", 443, ""),
        ("SHOP.example:8443", "shop.example", "shop.example", 8443, ""),
        ("https://shop.example", "shop.example", "shop.example", 443, "https://shop.example/"),
        ("https://shop.example:444/a?b=c#d", "shop.example", "shop.example", 444,
         "https://shop.example:444/a?b=c"),
        ("HTTPS://[::1]:444/", "::1", "::1", 444, "https://[::1]:444/"),
        ("shop.example@192.0.2.1", "shop.example", "192.0.2.1", 443, ""),
        ("shop.example@[2001:db8::1]:8443", "shop.example", "2001:db8::1", 8443, ""),
        ("shop.example@backend:8443", "shop.example", "backend", 8443, ""),
        ("192.0.2.1:444", "192.0.2.1", "192.0.2.1", 444, ""),
        ("[2001:DB8::1]", "2001:db8::1", "2001:db8::1", 443, ""),
        ("2001:db8::1", "2001:db8::1", "2001:db8::1", 443, ""),
        ("::1@[::1]:4443", "::1", "::1", 4443, ""),
        ("bücher.example", "xn--bcher-kva.example", "xn--bcher-kva.example", 443, ""),
    ],
)  # fmt: skip
def test_every_form_is_understood(text: str, name: str, address: str, port: int, url: str) -> None:
    assert parse_target(text) == Target(text, name, address, port, url)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "names no host"),
        ("shop.example:", "no port"),
        ("shop.example:99999", "no port"),
        ("shop.example:https", "no port"),
        ("shop.example:0", "no port"),
        ("shop.example:0000443000", "no port"),
        ("shop.example:" + "9" * 50, "no port"),
        ("https://shop.example:0/", "no port"),
        ("gopher://shop.example", "no scheme"),
        ("smtp://", "names no host"),
        ("smtp://mx.example/inbox", "a path needs a URL"),
        ("imap://anna:geheim@mx.example", "credentials"),
        ("anna:geheim@shop.example:8443", "credentials"),
        ("shop.example:8443/login", "a path needs a URL: https://shop.example:8443/login"),
        ("shop.example@192.0.2.1:8443/login", "a path needs a URL"),
        ("http://shop.example", "no https URL"),
        ("https://", "names no host"),
        ("https://user:geheim@shop.example/", "credentials"),
        ("shop.example/path", "a path needs a URL"),
        ("[::1", "bracket"),
        ("[::zz]:443", "no IPv6 address"),
        ("1.2.3.4.5", "no IPv4 address"),
        ("999.1.1.1", "no IPv4 address"),
        ("@shop.example", "the name before @ is empty"),
        ("-shop.example", "no host name"),
        ("sh op.example", "no host name"),
        ("a..b", "no host name"),
        ("x" * 64 + ".example", "no host name"),
    ],
)
def test_what_is_no_target_is_explained(text: str, words: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_target(text)
    assert words in raised.value.message
    assert "host:port" in raised.value.hint
    assert "geheim" not in raised.value.message


@pytest.mark.parametrize(
    ("text", "scheme", "port", "starttls"),
    [
        ("smtp://mx.example", "smtp", 25, "smtp"),
        ("SMTP://mx.example:587/", "smtp", 587, "smtp"),
        ("imap://mx.example", "imap", 143, "imap"),
        ("pop3://mx.example", "pop3", 110, "pop3"),
        ("ftp://mx.example", "ftp", 21, "ftp"),
        ("ldap://mx.example", "ldap", 389, "ldap"),
        ("postgres://mx.example", "postgres", 5432, "postgres"),
        ("postgresql://mx.example", "postgres", 5432, "postgres"),
        ("smtps://mx.example", "smtps", 465, ""),
        ("imaps://mx.example", "imaps", 993, ""),
        ("pop3s://mx.example", "pop3s", 995, ""),
        ("ftps://mx.example", "ftps", 990, ""),
        ("ldaps://mx.example", "ldaps", 636, ""),
    ],
)
def test_other_protocols_have_schemes(text: str, scheme: str, port: int, starttls: str) -> None:
    target = parse_target(text)
    assert (target.name, target.port, target.url) == ("mx.example", port, "")
    assert (target.scheme, target.starttls) == (scheme, starttls)


def test_a_scheme_goes_with_an_address_and_ipv6() -> None:
    target = parse_target("smtp://mx.example@[2001:db8::1]:587")
    assert (target.name, target.address, target.port) == ("mx.example", "2001:db8::1", 587)
    assert parse_target("ldap://[::1]").address == "::1"
    assert parse_target("ldap://::1@[::1]").name == "::1"


@given(st.text())
def test_any_text_is_a_target_or_a_clean_usage_error(text: str) -> None:
    try:
        parse_target(text)
    except UsageError as error:
        assert error.message.isprintable()  # noqa: PT017  one of two outcomes
