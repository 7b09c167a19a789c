"""Who accepts what: the table of docs/explanation/clients.md, measured again, cell by cell."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from toolkit.testing import Ended, Run

PAGE = Path(__file__).parents[3] / "docs" / "explanation" / "clients.md"
COLUMNS = (
    "expired", "not-yet-valid", "wrong-host", "self-signed", "untrusted-root", "incomplete-chain",
    "cn-only", "client-auth-eku", "name-constraint-broken", "issuer-not-a-ca",
    "rsa-1024", "sha1",
    "tls1.0", "tls1.1",
)  # fmt: skip
VERIFYING = "rrrrrr Arrr rr rr"
NO_NAME = "rrArrr Arrr rr rr"
NOTHING = "AAAAAA AAAA AA rr"
EXPECTED: Mapping[str, str] = {
    "curl": VERIFYING,
    "urllib": VERIFYING,
    "httpx": VERIFYING,
    "aiohttp": VERIFYING,
    "LWP": VERIFYING,
    "pycurl": VERIFYING,
    "pycurl VERIFYHOST=1": VERIFYING,
    "pycurl VERIFYHOST=2": VERIFYING,
    "openssl s_client -verify_hostname -verify_return_error": VERIFYING,
    "requests": "rrrrrr rrrr rr rr",
    "requests with truststore": "rrrrrr rrrr rr rr",
    "cryptography's verifier": "rrrrrr rrrr Ar rr",
    "smtplib": VERIFYING,
    "imaplib": VERIFYING,
    "poplib": VERIFYING,
    "ftplib": VERIFYING,
    "smtplib starttls() without context": NOTHING,
    "imaplib starttls() without ssl_context": NOTHING,
    "poplib stls() without context": NOTHING,
    "ftplib FTP_TLS() without context": NOTHING,
    "wget": "rrrrrr AArr Ar AA",
    "gnutls-cli": "rrrrrr Arrr Ar AA",
    "pycurl VERIFYHOST=0": NO_NAME,
    "LWP verify_hostname=>0": NO_NAME,
    "pycurl VERIFYPEER=0 VERIFYHOST=2": "AArAAA AAAA AA rr",
    "curl -k": NOTHING,
    "requests verify=False": NOTHING,
    "httpx verify=False": NOTHING,
    "aiohttp ssl=False": NOTHING,
    "urllib with ssl._create_unverified_context": NOTHING,
    "ssl.wrap_socket": NOTHING,
    "openssl s_client": NOTHING,
    "wget --no-check-certificate": "AAAAAA AAAA AA AA",
    "gnutls-cli --insecure": "AAAAAA AAAA AA AA",
}
"""Way of using a client → A accepted, r refused, in the order of COLUMNS."""
OF_OLD_INTERPRETERS = {"ssl.wrap_socket"}
"""Removed in Python 3.12."""
CONTROLS = {"good", "rsa", "tls1.2"}
LETTERS = {"accepted": "A", "refused": "r"}


def rows(ended: Ended) -> dict[str, str]:
    """Return the row of each client in an audit's JSON; a control that is refused is an error."""
    found = {}
    for record in json.loads(ended.stdout)["results"]:
        outcomes = {t["case"]: LETTERS.get(t["outcome"], "?") for t in record["trials"]}
        assert {outcomes[name] for name in CONTROLS} == {"A"}, record["client"]
        found[record["client"]] = "".join(outcomes[name] for name in COLUMNS)
    return found


@pytest.mark.timeout(300)
@pytest.mark.server("curl")
@pytest.mark.server("wget")
@pytest.mark.server("lwp-request")
@pytest.mark.server("gnutls-cli")
@pytest.mark.server("openssl")
def test_one_command_measures_the_whole_table(toolkit_run: Run) -> None:
    argv = ("--client", "all", "--weakened", "--trap", ",".join(COLUMNS), "--format", "json")
    found = rows(toolkit_run("https", "audit", *argv, timeout=280))
    expected = {name: row.replace(" ", "") for name, row in EXPECTED.items()}
    missing = set(expected) - set(found)
    assert missing <= OF_OLD_INTERPRETERS
    assert found == {name: row for name, row in expected.items() if name not in missing}


@pytest.mark.parametrize(
    "interpreter",
    [
        pytest.param(version, marks=pytest.mark.interpreter(version))
        for version in ("2.7", "3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13")
    ],
    indirect=True,
)
def test_urllib_verifies_alike_in_every_interpreter(interpreter: str, toolkit_run: Run) -> None:
    argv = ("--client", "urllib", "--python", interpreter, "--trap", ",".join(COLUMNS))
    found = rows(toolkit_run("https", "audit", *argv, "--format", "json", timeout=55))
    assert found == {"urllib": VERIFYING.replace(" ", "")}


def test_the_page_shows_that_table() -> None:
    shown = {}
    for line in PAGE.read_text("utf-8").splitlines():
        name, *cells = [cell.strip() for cell in line.strip("| ").split(" | ")]
        if line.startswith("| ") and set(cells) <= {"A", "r"} and len(cells) == len(COLUMNS):
            shown[name.rpartition(" (")[0]] = "".join(cells)
    assert {name: EXPECTED[name].replace(" ", "") for name in shown} == shown
    assert set(shown) == set(EXPECTED)
