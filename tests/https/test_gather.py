"""Targets from files and addresses, pins, and names whose addresses differ."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from toolkit.errors import UsageError
from toolkit.testing import Home, Run
from toolkit_https.check import Request, check
from toolkit_https.gather import Leaves, Wanted, differing, gather
from toolkit_https.lab import Lab
from toolkit_https.pins import make_pins
from toolkit_https.targets import parse_target


def texts(wanted: Wanted, cwd: Path) -> list[str]:
    return [target.text for target in gather(wanted, cwd)]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("t.txt", "# ours\na.example\n\n b.example:8443  # two\n", ["a.example", "b.example:8443"]),
        ("t.csv", "owner,target\nann,a.example\nbob,b.example\n", ["a.example", "b.example"]),
        ("t.csv", "a.example,x\nb.example,y\n", ["a.example", "b.example"]),
        ("t.txt", "\ufeffa.example\na.example\n", ["a.example"]),
    ],
)
def test_a_file_adds_targets(name: str, content: str, expected: list[str], tmp_path: Path) -> None:
    (tmp_path / name).write_text(content, "utf-8")
    assert texts(Wanted((), Path(name), ("configured.example",)), tmp_path) == expected


def test_the_configured_ones_count_only_where_none_is_named(tmp_path: Path) -> None:
    assert texts(Wanted((), None, ("c.example",)), tmp_path) == ["c.example"]
    assert texts(Wanted(("a.example",), None, ("c.example",)), tmp_path) == ["a.example"]


def test_a_file_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no\.txt: cannot be read"):
        gather(Wanted((), Path("no.txt"), ()), tmp_path)
    (tmp_path / "latin.txt").write_bytes(b"b\xfccher.example")
    with pytest.raises(UsageError, match="isn't UTF-8"):
        gather(Wanted((), Path("latin.txt"), ()), tmp_path)


def test_every_address_of_a_name_becomes_a_target(tmp_path: Path) -> None:
    found = gather(Wanted(("localhost:8443",), None, (), all_addresses=True, ipv4=True), tmp_path)
    assert [(target.name, target.address) for target in found] == [("localhost", "127.0.0.1")]


def test_standard_input_is_a_file_named_dash(
    lab: Lab, toolkit_home: Home, toolkit_run: Run
) -> None:
    toolkit_home.write("ca.pem", lab.ca_pem.decode())
    toolkit_home.write("targets.txt", lab.start("good").target + "\n")
    argv = ["https", "check", "--ca", "ca.pem"]
    assert toolkit_run(*argv, "--file", "targets.txt").status == 0
    assert toolkit_run(*argv, "--file", "-").status == 2  # it is empty: no target


def test_another_name_can_be_sent(lab: Lab, request_: Request) -> None:
    target = replace(parse_target(lab.start("good").target), sni="other.example")
    assert check(target, request_).verdict == "trusted"


def test_pins_are_compared_with_what_is_presented(lab: Lab, request_: Request) -> None:
    target = parse_target(lab.start("good").target)
    leaf = check(target, request_).chain[0].sha256
    colons = ":".join(leaf[at : at + 2] for at in range(0, 64, 2)).upper()
    for issuer, fingerprint, expected in (
        ("trial root", colons, set()),
        ("Let's Encrypt", "", {"unexpected-issuer"}),
        ("", "0" * 64, {"unexpected-fingerprint"}),
    ):
        pinned = replace(request_, pins=make_pins(issuer, fingerprint))
        found = {item.id for item in check(target, pinned).findings if item.severity == "critical"}
        assert found == expected


def test_a_malformed_fingerprint_is_refused() -> None:
    with pytest.raises(UsageError, match="no SHA-256 fingerprint"):
        make_pins("", "abc")


def test_addresses_that_differ_are_told(lab: Lab, request_: Request) -> None:
    first = check(parse_target(lab.start("good").target), request_)
    second = replace(check(parse_target(lab.start("good").target), request_), port=first.port)
    leaves: Leaves = {}
    assert differing(first, leaves) == first
    assert [item.id for item in differing(second, leaves).findings][-1] == "addresses-differ"
    assert differing(first, leaves) == first


def test_the_key_exchange_group_is_reported(lab: Lab, toolkit_home: Home, toolkit_run: Run) -> None:
    toolkit_home.write("ca.pem", lab.ca_pem.decode())
    target = lab.start("good").target
    ended = toolkit_run("https", "check", target, "--ca", "ca.pem", "--format", "json")
    (result,) = json.loads(ended.stdout)["results"]
    assert "MLKEM" in result["group"]
    older = toolkit_run(
        "https", "check", lab.start("tls1.2").target, "--ca", "ca.pem", "--format", "json"
    )
    (result,) = json.loads(older.stdout)["results"]
    assert [item["id"] for item in result["findings"]] == ["no-post-quantum"]
