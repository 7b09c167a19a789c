"""Names match exactly as Python's `ssl` matches them: compared in real handshakes."""

from __future__ import annotations

import ipaddress
import ssl
import tempfile
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from toolkit_https.lab.pki import Key, Subject, ecdsa_key, issue
from toolkit_https.names import PresentedNames, described, matches, nearest_name, to_ascii


@cache
def key() -> Key:
    """One key for all certificates: making one is the slow part."""
    return ecdsa_key()


def accepted_by_ssl(name: str, dns: tuple[str, ...], addresses: tuple[str, ...] = ()) -> bool:
    """Return whether a client of the `ssl` module accepts a certificate with these names.

    What `ssl` refuses to look for at all (an empty label, a NUL …) isn't accepted.
    """
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
    try:
        ours = client.wrap_bio(down, up, server_hostname=name)
    except (ValueError, TypeError):
        return False
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


LABELS = st.text("abAB1-_*", min_size=1, max_size=5) | st.sampled_from(
    ["xn--a", "*", "x", "com", "127", "0", "01", "", "a\0", "\x1b[", "%", " a", "b" * 63, "b" * 64]
)
NAMES = st.lists(LABELS, min_size=1, max_size=4).map(".".join)
OCTETS = st.sampled_from(["0", "1", "127", "01", "+1", "-0", "-1", "255", "256", "a", ""])
GROUPS = st.sampled_from(
    ["", "0", "1", "01", "0001", "00001", "ffff", "FFFF", "1.0.0.1", "0.0.0.01"]
)
ADDRESSES = st.lists(OCTETS, min_size=3, max_size=5).map(".".join) | (
    st.lists(GROUPS, min_size=2, max_size=9).map(":".join)
)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[str, list[str]]:
    """Draw a name to expect and names to present, most of them near it: so that many match."""
    name = draw(NAMES)
    head, dot, rest = name.partition(".")
    near = [name, name.swapcase(), f"*{dot}{rest}", f"{head[:1]}*{dot}{rest}", f"{name}.",
            f".{name}", f"{name}\0", f"a.{name}", f"*.{name}", rest, f"*.*.{rest}"]  # fmt: skip
    return name, draw(st.lists(st.sampled_from(near) | NAMES, min_size=1, max_size=2))


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(pairs())
@example(("a.b.com", ["*.b.com"]))
@example(("a.b.com", ["*.com"]))
@example(("a.com", ["*.com"]))
@example(("xn--a.b.com", ["*.b.com"]))
@example(("xn--a.b.com", ["x*.b.com"]))
@example(("xn--a.b.com", ["xn--*.b.com"]))
@example(("a.xn--b.com", ["*.xn--b.com"]))
@example(("a_b.x.com", ["*.x.com"]))
@example(("a.x_y.com", ["*.x_y.com"]))
@example(("*.b.com", ["*.b.com"]))
@example(("a.b.com", ["*.B.COM"]))
@example(("b.com", ["*.b.com"]))
@example(("a.b-.com", ["*.b-.com"]))
@example(("a.-b.com", ["*.-b.com"]))
@example(("a.b.com", ["*.*.com"]))
@example(("a.b.com", ["a.*.com"]))
@example(("a.b.com", ["*.b.com."]))
@example(("a.b.com", ["*.b.com\0.evil.com"]))
@example((".b.com", [".b.com", "a.b.com"]))
@example(("a..com", ["a..com"]))
@example(("", [""]))
@example(("b" * 64 + ".com", ["b" * 64 + ".com"]))
@example(("1.2.3.4.5", ["*.2.3.4.5"]))
@example(("127.0.0.1", ["*.0.0.1", "127.0.0.1"]))
def test_dns_names_match_as_in_ssl(pair: tuple[str, list[str]]) -> None:
    name, presented = pair
    expected = accepted_by_ssl(name.rstrip("."), tuple(presented))  # rstrip: as urllib3 does
    assert matches(name, PresentedNames(tuple(presented), ())) == expected


@settings(max_examples=200)
@given(ADDRESSES)
@example("127.0.0.01")
@example("+127.0.0.1")
@example("-0.0.0.1")
@example("127.1")
@example("127.0.0.1.")
@example("::0.0.0.01")
@example("::00001")
@example("0:0:0:0:0:0:0:1")
@example("::ffff:127.0.0.1")
def test_addresses_are_read_as_in_ssl(name: str) -> None:
    """Each is presented in its own canonical form, where it has one, and beside others."""
    presented = (
        "127.0.0.1",
        "::1",
        "0.0.0.1",
        "::1.0.0.1",
        "1.1.1.1",
        "::ffff:1.0.0.1",
        *known(name),
    )
    expected = accepted_by_ssl(name.rstrip("."), (), presented)
    assert matches(name, PresentedNames((), presented)) == expected


def known(text: str) -> list[str]:
    """Return the canonical form of an address, or nothing."""
    try:
        return [str(ipaddress.ip_address(text))]
    except ValueError:
        return []


@pytest.mark.parametrize(
    ("name", "dns", "addresses"),
    [
        ("127.0.0.1", (), ("127.0.0.1",)),
        ("127.0.0.1", ("127.0.0.1",), ()),
        ("127.0.0.1", (), ("127.0.0.2",)),
        ("127.0.0.1", (), ("::ffff:127.0.0.1",)),
        ("::1", (), ("::1",)),
        ("::1", ("::1",), ()),
        ("localhost", (), ("127.0.0.1",)),
    ],
)
def test_addresses_match_as_in_ssl(
    name: str, dns: tuple[str, ...], addresses: tuple[str, ...]
) -> None:
    expected = accepted_by_ssl(name, dns, addresses)
    assert matches(name, PresentedNames(dns, addresses)) == expected


def test_the_zone_of_an_address_is_left_out_as_urllib3_does() -> None:
    assert matches("fe80::1%eth0", PresentedNames((), ("fe80::1",)))


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
