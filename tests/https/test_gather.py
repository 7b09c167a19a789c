"""Targets from files and addresses, pins, and names whose addresses differ."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest

from toolkit.errors import ToolkitError, UsageError
from toolkit.testing import Home, Run
from toolkit_https.addresses import compared
from toolkit_https.check import Request, check
from toolkit_https.gather import Wanted, gather
from toolkit_https.lab import Lab
from toolkit_https.model import Result
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
        ("t.csv", "Host,Port\na.example,8443\nb.example,\n", ["a.example:8443", "b.example"]),
        ("t.csv", "port,host\n25,2001:db8::1\n", ["[2001:db8::1]:25"]),
        ("t.csv", "host\na.example\n", ["a.example"]),
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


def test_wrong_targets_of_a_file_are_told_all_with_their_lines(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("# ours\ngood.example\nhttp://a.example\n\nb ad # two\n")
    with pytest.raises(UsageError) as raised:
        gather(Wanted((), Path("t.txt"), ()), tmp_path)
    told = raised.value.message.splitlines()
    assert told[0] == "2 problems:"
    assert told[1].startswith('  t.txt:3:1: "http://a.example": ')
    assert told[2].startswith('  t.txt:5:1: "b ad": ')


def test_a_wrong_target_of_a_csv_file_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('note,target\n"two\nlines",a.example\nx,b.example:0\n')
    with pytest.raises(UsageError, match=r'^t\.csv:4:1: "b\.example:0": ') as raised:
        gather(Wanted((), Path("t.csv"), ()), tmp_path)
    assert "a target is host" in raised.value.hint


def test_a_wrong_target_of_the_configuration_is_told_with_its_place(
    toolkit_home: Home, toolkit_run: Run
) -> None:
    path = toolkit_home.write("toolkit.yaml", "https:\n  targets: [a.example, b:x]\n")
    ended = toolkit_run("https", "check")
    assert ended.status == 2
    assert f'{path}:2: https.targets: "b:x": ' in ended.stderr


def test_every_address_of_a_name_becomes_a_target(tmp_path: Path) -> None:
    found = gather(Wanted(("localhost:8443",), None, (), all_addresses=True, ipv4=True), tmp_path)
    assert [(target.name, target.address) for target in found] == [("localhost", "127.0.0.1")]


def test_an_address_that_is_named_as_well_is_checked_once(tmp_path: Path) -> None:
    named = ("localhost:8443", "localhost@127.0.0.1:8443")
    found = gather(Wanted(named, None, (), all_addresses=True, ipv4=True), tmp_path)
    assert [target.text for target in found] == ["localhost@127.0.0.1:8443"]


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


SAME, OTHER = "a" * 64, "b" * 64


def shown(address: str, digest: str, like: Result) -> Result:
    """A result of `shop.example` at `address`, which presented the certificate `digest`, if any."""
    chain = (replace(like.chain[0], sha256=digest),) if digest else ()
    text = f"shop.example@{address}:443"
    return replace(like, target=text, name="shop.example", port=443, address=address, chain=chain)


@pytest.fixture
def like(lab: Lab, request_: Request) -> Result:
    return check(parse_target(lab.start("good").target), request_)


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_which_address_differs_does_not_depend_on_who_answers_first(
    order: tuple[int, ...], like: Result
) -> None:
    """What is compared with is the first address, as resolved, that presents a certificate."""
    digests = ("", SAME, OTHER, SAME)
    results = [shown(f"192.0.2.{at}", digest, like) for at, digest in enumerate(digests)]
    targets = [parse_target(result.target) for result in results]
    told = list(compared((results[at] for at in order), targets))
    assert sorted(result.target for result in told) == [target.text for target in targets]
    found = {result.address: [item.message for item in result.findings
                              if item.id == "addresses-differ"] for result in told}  # fmt: skip
    message = "192.0.2.2 presents another certificate for shop.example than 192.0.2.1."
    assert found == {"192.0.2.0": [], "192.0.2.1": [], "192.0.2.2": [message], "192.0.2.3": []}


def test_a_name_with_one_address_waits_for_nobody(like: Result) -> None:
    alone = replace(like, target="alone.example", name="alone.example", port=443)
    two = [shown("192.0.2.1", SAME, like), shown("192.0.2.2", OTHER, like)]
    targets = [parse_target(text) for text in (two[0].target, "alone.example", two[1].target)]
    came: list[str] = []

    def results() -> Iterator[Result]:
        yield two[1]
        yield alone
        assert came == ["alone.example"]
        yield two[0]

    came += (result.target for result in compared(results(), targets))
    assert came == ["alone.example", two[0].target, two[1].target]


def test_what_waits_is_not_lost_when_a_check_fails(like: Result) -> None:
    two = [shown("192.0.2.1", SAME, like), shown("192.0.2.2", OTHER, like)]

    def results() -> Iterator[Result]:
        yield two[1]
        raise ToolkitError("the check of the first failed")

    came: list[Result] = []
    with pytest.raises(ToolkitError):
        came.extend(compared(results(), [parse_target(result.target) for result in two]))
    assert came == [two[1]]


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
