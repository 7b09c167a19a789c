"""Trust stores: found where requests finds them, named with the origin, refused in a sentence."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import certifi
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from toolkit.errors import UsageError
from toolkit_https.check import Request, check
from toolkit_https.lab import Lab
from toolkit_https.model import Verdict
from toolkit_https.policy import make_policy
from toolkit_https.targets import parse_target
from toolkit_https.trust import TrustStore, load_trust


def test_the_default_is_the_bundle_of_requests() -> None:
    store = load_trust("", {})
    assert store.path == certifi.where() == requests.utils.DEFAULT_CA_BUNDLE_PATH
    assert "certifi" in store.origin
    assert store.count > 50


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_variables_of_requests_win_over_it(variable: str, ca_file: Path) -> None:
    store = load_trust("", {variable: str(ca_file)})
    assert (store.path, store.origin) == (str(ca_file), variable)


def test_requests_bundle_wins_over_curls(ca_file: Path) -> None:
    environ = {"CURL_CA_BUNDLE": "/nowhere", "REQUESTS_CA_BUNDLE": str(ca_file)}
    assert load_trust("", environ).origin == "REQUESTS_CA_BUNDLE"


def test_the_option_wins_over_the_variables(ca_file: Path) -> None:
    assert load_trust(str(ca_file), {"REQUESTS_CA_BUNDLE": "/nowhere"}).origin == "--ca"


def test_a_relative_path_is_relative_to_the_working_directory(ca_file: Path) -> None:
    assert load_trust(ca_file.name, {}, cwd=ca_file.parent).count == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "holds no certificate"),
        (b"-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n", "holds no certificate"),
        (b"\x00\xff" * 100, "holds no certificate"),
    ],
)
def test_a_file_without_a_certificate_is_refused(
    content: bytes, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "ca.pem"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=words) as raised:
        load_trust(str(path), {})
    assert str(path) in raised.value.message
    assert raised.value.hint


@pytest.mark.parametrize("copies", [1, 2])
def test_a_broken_certificate_is_refused(copies: int, ca_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    lines = ca_file.read_bytes().splitlines(keepends=True)
    broken = b"".join([*lines[:2], *lines[4:]])
    path.write_bytes(broken + ca_file.read_bytes() * (copies - 1))
    with pytest.raises(UsageError, match="can't read a certificate"):
        make_policy(load_trust(str(path), {}))


def test_a_missing_file_and_an_empty_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        load_trust(str(tmp_path / "missing.pem"), {})
    with pytest.raises(UsageError, match="the folder named by --ca holds no certificate"):
        load_trust(str(tmp_path), {})


def test_an_endless_file_is_cut_off() -> None:
    with pytest.raises(UsageError, match="larger than 64 MiB"):
        load_trust("/dev/zero", {})


def test_a_folder_is_used_and_an_unhashed_one_is_a_finding(
    lab: Lab, ca_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "lab.crt").write_bytes(ca_file.read_bytes())
    target = parse_target(lab.start("good").target)
    result = check(target, Request(make_policy(load_trust(str(tmp_path), {}))))
    assert result.verdict is Verdict.TRUSTED
    assert [found.id for found in result.findings] == ["ca-directory-not-hashed"]
    assert f"openssl rehash {tmp_path}" in result.findings[0].remedy
    subprocess.run(["openssl", "rehash", str(tmp_path)], check=True)
    again = check(target, Request(make_policy(load_trust(str(tmp_path), {}))))
    assert again.findings == ()
    assert again.trust.certificates == 1


def test_the_systems_store_is_named() -> None:
    store = load_trust("system", {})
    assert store.origin == "--ca system"
    assert store.count > 50


def as_der(ca_file: Path, folder: Path) -> Path:
    path = folder / "ca.der"
    path.write_bytes(ssl.PEM_cert_to_DER_cert(ca_file.read_text()))
    return path


def as_trusted(ca_file: Path, folder: Path, *options: str) -> Path:
    """Return the certificate in OpenSSL's own format, which has trust settings."""
    path = folder / "trusted.pem"
    command: list[str | Path] = [
        "openssl",
        "x509",
        "-in",
        ca_file,
        "-trustout",
        *options,
        "-out",
        path,
    ]
    subprocess.run([*command, *options], check=True)
    assert b"BEGIN TRUSTED CERTIFICATE" in path.read_bytes()
    return path


@pytest.mark.server("openssl")
@pytest.mark.parametrize("write", [as_der, as_trusted])
def test_other_formats_of_a_root_are_trusted_over_http_too(
    write: Callable[[Path, Path], Path], lab: Lab, ca_file: Path, tmp_path: Path
) -> None:
    trust = load_trust(str(write(ca_file, tmp_path)), {})
    assert trust.ders == load_trust(str(ca_file), {}).ders
    server = lab.start("good")
    target = replace(parse_target(server.url), address=server.host)
    result = check(target, Request(make_policy(trust), timeout=5))
    assert [item.id for item in result.findings if item.severity != "info"] == []
    assert result.verdict is Verdict.TRUSTED
    assert result.http is not None


@pytest.mark.server("openssl")
def test_a_root_that_openssls_format_rejects_is_not_trusted(
    lab: Lab, ca_file: Path, tmp_path: Path
) -> None:
    path = as_trusted(ca_file, tmp_path, "-addreject", "serverAuth")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "root.pem").write_bytes(path.read_bytes())
    for choice in (path, folder):
        request = Request(make_policy(load_trust(str(choice), {})), timeout=5)
        assert check(parse_target(lab.start("good").target), request).verdict is Verdict.UNTRUSTED


@given(st.binary(max_size=300))
def test_any_pem_block_has_a_der_or_none(raw: bytes) -> None:
    text = b"-----BEGIN CERTIFICATE-----\n" + raw + b"\n-----END CERTIFICATE-----"
    assert isinstance(TrustStore("", "", (text,), "").ders, tuple)
