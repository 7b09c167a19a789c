"""All paths to an anchor, the part that each certificate plays, and the tree that shows it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from toolkit.testing import Run
from toolkit_https.check import Request, check
from toolkit_https.lab import TRAPS, Lab, Presented
from toolkit_https.lab.pki import Authority, Subject, issue
from toolkit_https.model import Result, Verdict
from toolkit_https.paths import MAX_PATHS, find_paths
from toolkit_https.policy import LAX, make_policy
from toolkit_https.second import Abstained, Question, opinion, verdict
from toolkit_https.second_process import ask
from toolkit_https.targets import parse_target
from toolkit_https.trust import load_trust

NAME = "shop.example"


def trusting(folder: Path, *roots: Authority) -> Request:
    path = folder / "roots.pem"
    path.write_bytes(b"".join(item.certificate.public_bytes(Encoding.PEM) for item in roots))
    return Request(make_policy(load_trust(str(path), {}), LAX), timeout=5)


def roles(result: Result) -> list[tuple[str, bool]]:
    return [(item.role, item.in_path) for item in result.chain]


def test_a_sound_chain_has_one_path(lab: Lab, request_: Request) -> None:
    result = check(parse_target(lab.start("good").target), request_)
    (path,) = result.paths
    assert path.in_use
    assert path.expires == result.expires
    assert list(path.sha256) == [item.sha256 for item in result.chain]
    assert roles(result) == [("leaf", True), ("intermediate", True), ("root", True)]


def test_a_cross_signed_root_gives_a_second_path_to_who_trusts_the_other(
    lab: Lab, tmp_path: Path
) -> None:
    server = lab.start("cross-signed")
    one = check(parse_target(server.target), trusting(tmp_path, lab.pki.root))
    assert len(one.paths) == 1
    assert roles(one)[-1] == ("cross-signed", False)
    both = check(parse_target(server.target), trusting(tmp_path, lab.pki.root, lab.pki.stranger))
    assert [path.in_use for path in both.paths] == [True, False]
    assert both.paths[1].subjects[-1].startswith("CN=Unknown Root")
    other = check(parse_target(server.target), trusting(tmp_path, lab.pki.stranger))
    assert other.verdict is Verdict.TRUSTED
    assert roles(other)[2] == ("intermediate", True)  # nobody here knows that it is a root, too


def test_what_no_path_uses_is_surplus_and_lowers_no_verdict(lab: Lab, request_: Request) -> None:
    dead = issue(Subject("Long Gone", authority=True, days=(-90, -80)), lab.pki.stranger)
    presented = lab.pki.leaf()
    server = lab.present(Presented((*presented.chain, dead)))
    result = check(parse_target(server.target), request_)
    assert roles(result)[-1] == ("surplus", False)
    assert result.verdict is Verdict.TRUSTED
    assert [item.id for item in result.findings if item.severity != "info"] == []


def test_an_untrusted_chain_has_no_path(lab: Lab, request_: Request) -> None:
    result = check(parse_target(lab.start("untrusted-root").target), request_)
    assert result.paths == ()


@pytest.fixture(scope="module")
def maze() -> tuple[x509.Certificate, list[x509.Certificate]]:
    """Authorities that all sign each other, and a leaf of one of them: paths without number."""
    names = [f"Authority {number}" for number in range(7)]
    keys = {name: issue(Subject(name, authority=True), None) for name in names}
    crossed = [
        issue(Subject(name, authority=True), keys[other], keys[name].key).certificate
        for name in names
        for other in names
        if name != other
    ]
    return issue(Subject(NAME, dns=[NAME]), keys[names[0]]).certificate, crossed


def test_a_maze_of_issuers_is_searched_in_bounded_time(
    maze: tuple[x509.Certificate, list[x509.Certificate]],
) -> None:
    leaf, crossed = maze
    began = time.monotonic()
    assert find_paths([leaf, *crossed], [], lambda _: ()) == []
    everything = find_paths([leaf, *crossed], [], lambda _: crossed)
    assert 0 < len(everything) <= MAX_PATHS
    assert time.monotonic() - began < 5


def test_the_second_verifier_has_a_time_limit(
    maze: tuple[x509.Certificate, list[x509.Certificate]], lab: Lab
) -> None:
    leaf, crossed = maze
    now = leaf.not_valid_before_utc
    question = Question(leaf, tuple(crossed), (lab.pki.root.certificate,), NAME, now)
    began = time.monotonic()
    with pytest.raises(Abstained, match="no verdict within"):
        opinion(question, seconds=0.05)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("trap", ["good", "expired", "wrong-host", "untrusted-root"])
def test_in_a_process_of_its_own_it_says_the_same(trap: str, lab: Lab, request_: Request) -> None:
    chain = [item.certificate for item in TRAPS[trap].build(lab.pki).chain]
    root = (lab.pki.root.certificate,)
    question = Question(chain[0], tuple(chain[1:]), root, TRAPS[trap].name, request_.now())
    assert ask(question, 20) == verdict(question)


def test_a_maze_from_a_server_is_a_verdict_in_time(
    maze: tuple[x509.Certificate, list[x509.Certificate]], lab: Lab, request_: Request
) -> None:
    leaf, crossed = maze
    spare = lab.pki.leaf()
    given = Presented((*spare.chain, *(Authority(item, spare.key) for item in crossed)))
    began = time.monotonic()
    result = check(parse_target(lab.present(given).target), request_)
    assert result.verdict is Verdict.TRUSTED
    assert time.monotonic() - began < 8
    assert sum(not item.in_path for item in result.chain) == len(crossed)
    assert leaf.issuer == crossed[0].subject


def test_the_tree_hangs_each_certificate_under_its_issuer(
    lab: Lab, toolkit_run: Run, ca_file: Path
) -> None:
    command = ("https", "check", "--ca", str(ca_file))
    done = toolkit_run(*command, lab.start("expired").target)
    lines = done.stdout.splitlines()
    root = next(at for at, line in enumerate(lines) if "root: " in line)
    assert lines[root].startswith("  root: CN=Trial Root")
    assert lines[root + 1].startswith("  └─ intermediate: CN=Trial Intermediate")
    assert lines[root + 2].startswith("     └─ leaf: CN=shop.example")
    quiet = toolkit_run(*command, lab.start("good").target)
    assert "leaf: " not in quiet.stdout


def test_an_odd_root_of_the_default_store_is_no_warning(lab: Lab, toolkit_run: Run) -> None:
    """One of certifi's has a serial number that the library warns about."""
    done = toolkit_run("https", "check", lab.start("good").target)
    assert (done.status, done.stderr) == (1, "")
