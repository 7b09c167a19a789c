"""Anybody may bring a target: it is at home in every command, and touches no other file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from toolkit.testing import Ended, Home, Run

MODULE = """
from toolkit_pxe.decide.decision import decide
from toolkit_pxe.decide.wire import Wire
from toolkit_pxe.targets.base import Prediction, Rendered, RenderedFile, header

name = "paper"
summary = "A sheet of paper for the wall"
families = (4,)
settings = {"colour": "of the paper"}


def render(site, options):
    lines = [f"{host.address} {host.name}" for host in site.reservations]
    colour = options.settings.get("colour", "white")
    text = header(site, name) + "\\n".join([f"colour {colour}", *lines]) + "\\n"
    return Rendered((RenderedFile("sheet.txt", text, "/srv/sheet.txt"),))


def check(options):
    return None


def predict(site, client, options):
    return Prediction(decide(site, client), Wire(siaddr="10.9.9.9"))
"""
SITE = """
name: campus
boot_servers: {tftp: 10.77.0.9}
subnets: [{subnet: 10.77.0.0/24}]
targets: {p: {kind: pxelinux, file: pxelinux.0}}
profiles: {standard: {default: p}}
reservations: [{name: h1, mac: '52:54:00:12:34:56', address: 10.77.0.10}]
"""


class Paper:
    """A home with an installed distribution, and commands that see it."""

    def __init__(self, home: Home, run: Run) -> None:
        self.folder = home.folder / "installed"
        home.write("site.yaml", SITE)
        metadata = self.folder / "paper_target-1.0.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text(
            "Metadata-Version: 2.1\nName: paper-target\nVersion: 1.0\n"
        )
        (metadata / "entry_points.txt").write_text("[toolkit_pxe.targets]\npaper = paper_target\n")
        self.module = self.folder / "paper_target.py"
        self.module.write_text(MODULE)
        self.run = run

    def __call__(self, *argv: str) -> Ended:
        return self.run("pxe", *argv, environ={"PYTHONPATH": str(self.folder)})


@pytest.fixture
def paper(toolkit_home: Home, toolkit_run: Run) -> Paper:
    return Paper(toolkit_home, toolkit_run)


def test_it_renders_with_its_setting(paper: Paper, toolkit_home: Home) -> None:
    ended = paper("render", "site.yaml", "--for", "paper", "--set", "colour=red", "-o", "out")
    assert ended.status == 0, ended.stderr
    text = Path(toolkit_home.folder / "out/paper/sheet.txt").read_text()
    assert text.endswith("colour red\n10.77.0.10 h1\n")
    assert "install -m 0644" in ended.stderr


def test_explain_asks_it_among_the_others(paper: Paper) -> None:
    told = json.loads(paper("explain", "site.yaml", "--format", "json").stdout)["results"]
    servers = {item["server"]: item for item in told}
    assert {"paper", "isc-dhcp", "kea", "dnsmasq"} <= {*servers}
    assert servers["paper"]["siaddr"] == "10.9.9.9"


def test_check_says_that_it_has_no_checker(paper: Paper) -> None:
    ended = paper("check", "site.yaml", "--for", "paper")
    assert ended.status == 0
    assert "no checker" in ended.stdout


@pytest.mark.parametrize(
    ("module", "told"),
    [
        ("1/0", "cannot be loaded: ZeroDivisionError"),
        ("name = 'paper'", "lacks what a target has"),
    ],
)
def test_a_broken_one_is_told_when_it_is_named(module: str, told: str, paper: Paper) -> None:
    paper.module.write_text(module)
    ended = paper("render", "site.yaml", "--for", "paper")
    assert ended.status == 3
    assert told in ended.stderr


@pytest.mark.parametrize("command", ["explain", "check"])
def test_a_broken_one_breaks_no_other(command: str, paper: Paper) -> None:
    paper.module.write_text("1/0")
    ended = paper(command, "site.yaml")
    assert ended.status in {0, 4}, ended.stderr
    assert "isc-dhcp" in ended.stdout
    assert 'the target "paper" cannot be loaded' in ended.stderr
