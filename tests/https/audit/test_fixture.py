"""`toolkit_https.testing` as a third party's suite uses it: their project, their pytest."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

GUIDE = Path(__file__).parents[3] / "docs" / "how-to" / "audit-clients.md"
UNVERIFYING = """
import ssl, urllib.request

def test_it(https_traps):
    context = ssl._create_unverified_context()
    https_traps.assert_verifies(lambda url, ca: urllib.request.urlopen(url, context=context).read())
"""
REFUSING = """
import ssl, urllib.request

def test_it(https_traps):
    context = ssl.create_default_context()
    https_traps.assert_verifies(lambda url, ca: urllib.request.urlopen(url, context=context).read())
"""
IDLE = """
def test_it(https_traps):
    https_traps.assert_verifies(lambda url, ca: None)
"""
PARTICULAR = """
import requests

def test_it(https_traps):
    https_traps.assert_verifies(lambda url, ca: requests.get(url, verify=ca), lax={"leaf-is-a-ca"})
"""
SURROUNDINGS = """
import os, socket

def test_it(https_traps):
    before = dict(os.environ), socket.getaddrinfo
    https_traps.audit(lambda url, ca: None)
    assert before == (dict(os.environ), socket.getaddrinfo)
"""


PROJECT = {
    "unverifying": UNVERIFYING,
    "refusing": REFUSING,
    "idle": IDLE,
    "particular": PARTICULAR,
    "surroundings": SURROUNDINGS,
}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ET.Element]:
    """The third party's tests, run once as a process of their own: name → testcase element."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "conftest.py").write_text('pytest_plugins = ["toolkit_https.testing"]\n')
    (folder / "pytest.ini").write_text("[pytest]\n")
    blocks = re.findall(r"```python\n(# .*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    (guide,) = [block for block in blocks if block.startswith("# test_client.py")]
    for name, source in {**PROJECT, "guide": guide}.items():
        (folder / f"test_{name}.py").write_text(source)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider",
         "--junit-xml", "report.xml"],
        cwd=folder, env=dict(os.environ), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    tree = ET.parse(folder / "report.xml")  # noqa: S314  pytest wrote it
    return {f"{case.get('classname')}::{case.get('name')}": case for case in tree.iter("testcase")}


@pytest.mark.server("curl")
@pytest.mark.timeout(180)
@pytest.mark.parametrize("test", ["test_our_client_verifies", "test_our_script_verifies"])
def test_the_example_of_the_guide_passes(test: str, report: dict[str, ET.Element]) -> None:
    assert report[f"test_guide::{test}"].find("failure") is None


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("name", "messages"),
    [
        ("unverifying", ("expired: expired yesterday: accepted, dangerous",
                         "→ switch certificate verification on")),
        ("refusing", ("good: a sound certificate: refused", "CERTIFICATE_VERIFY_FAILED")),
        ("idle", ("good: a sound certificate: not tested (it made no connection)",)),
        ("particular", ("redirect-to-http: a redirect to plain HTTP: accepted, lax",)),
    ],
)  # fmt: skip
def test_a_client_that_does_not_verify_fails_its_test_with_the_reason(
    name: str, messages: tuple[str, ...], report: dict[str, ET.Element]
) -> None:
    failure = report[f"test_{name}::test_it"].find("failure")
    assert failure is not None
    for message in messages:
        assert message in (failure.text or "")


@pytest.mark.timeout(180)
def test_the_surroundings_are_as_they_were(report: dict[str, ET.Element]) -> None:
    assert report["test_surroundings::test_it"].find("failure") is None
