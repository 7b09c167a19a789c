"""Names match exactly as Python's `ssl` matches them: compared in real handshakes."""

from __future__ import annotations

import ssl
import tempfile
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from toolkit_https.lab.pki import Key, Subject, ecdsa_key, issue
from toolkit_https.names import PresentedNames, described, matches, nearest_name, to_ascii


@cache
def key() -> Key:
    """One key for all certificates: making one is the slow part."""
    return ecdsa_key()


def accepted_by_ssl(name: str, dns: tuple[str, ...], addresses: tuple[str, ...] = ()) -> bool:
    """Return whether a client of the `ssl` module accepts a certificate with these names."""
    made = issue(Subject("trial", dns=dns, addresses=addresses), None, key())
    pem = made.certificate.public_bytes(Encoding.PEM)
    private = key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    server, client = (
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER),
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
    )
    client.hostname_checks_common_name = False
    client.load_verify_locations(cadata=pem.decode())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "both.pem")
        path.write_bytes(pem + private)
        server.load_cert_chain(path)
    return _handshake(server, client, name)


def _handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> bool:
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(down, up, server_hostname=name)
    theirs = server.wrap_bio(up, down, server_side=True)
    for _ in range(4):
        for side in (ours, theirs):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError as error:
                assert error.verify_code in {62, 64}  # noqa: PT017  the name, and nothing else
                return False
    return True


LABELS = st.text("abAB1-_*", min_size=1, max_size=5) | st.sampled_from(["xn--a", "*", "x", "com"])
NAMES = st.lists(LABELS, min_size=1, max_size=4).map(".".join)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(NAMES, st.lists(NAMES, min_size=1, max_size=3))
@example("a.b.com", ["*.b.com"])
@example("a.b.com", ["*.com"])
@example("a.com", ["*.com"])
@example("xn--a.b.com", ["*.b.com"])
@example("xn--a.b.com", ["x*.b.com"])
@example("a_b.x.com", ["*.x.com"])
@example("a.x_y.com", ["*.x_y.com"])
@example("*.b.com", ["*.b.com"])
@example("a.b.com", ["*.B.COM"])
@example("b.com", ["*.b.com"])
@example("a.b-.com", ["*.b-.com"])
@example("a.b.com", ["*.*.com"])
def test_dns_names_match_as_in_ssl(name: str, presented: list[str]) -> None:
    assume(not name.startswith((".", "*")) or name == "*.b.com")
    expected = accepted_by_ssl(name, tuple(presented))
    assert matches(name, PresentedNames(tuple(presented), ())) == expected


@pytest.mark.parametrize(
    ("name", "dns", "addresses"),
    [
        ("127.0.0.1", (), ("127.0.0.1",)),
        ("127.0.0.1", ("127.0.0.1",), ()),
        ("127.0.0.1", (), ("127.0.0.2",)),
        ("::1", (), ("::1",)),
        ("0:0:0:0:0:0:0:1", (), ("::1",)),
        ("localhost", (), ("127.0.0.1",)),
    ],
)
def test_addresses_match_as_in_ssl(
    name: str, dns: tuple[str, ...], addresses: tuple[str, ...]
) -> None:
    expected = accepted_by_ssl(name, dns, addresses)
    assert matches(name, PresentedNames(dns, addresses)) == expected


def test_a_trailing_dot_of_the_reference_is_dropped_as_urllib3_does() -> None:
    assert matches("a.example.", PresentedNames(("a.example",), ()))


def test_a_nul_in_a_pattern_matches_nothing() -> None:
    assert not matches("bank.example", PresentedNames(("bank.example\0.evil.example",), ()))
    assert not matches("a\0b", PresentedNames(("a\0b",), ()))


@pytest.mark.parametrize(
    ("typed", "expected"),
    [("BÜCHER.example", "xn--bcher-kva.example"), ("EXAMPLE.org", "example.org"),
     ("\uff45xample\u3002org", "example.org")],
)  # fmt: skip
def test_internationalised_names_become_a_labels(typed: str, expected: str) -> None:
    assert to_ascii(typed) == expected


def test_the_nearest_name_is_offered_and_long_lists_are_cut() -> None:
    presented = PresentedNames(("www.shop.example", "x.y"), ())
    assert nearest_name("ww.shop.example", presented) == "www.shop.example"
    assert described("abcdefg", 2) == "a, b and 5 more"
