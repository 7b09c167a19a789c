"""The laboratory, one for all tests of a run, and the policy that trusts its authority."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from toolkit_https.check import Request
from toolkit_https.lab import Lab
from toolkit_https.policy import make_policy
from toolkit_https.trust import load_trust


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """Servers on loopback."""
    with Lab() as running:
        yield running


@pytest.fixture(scope="session")
def ca_file(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The laboratory's root in a file."""
    path = tmp_path_factory.mktemp("trust") / "ca.pem"
    path.write_bytes(lab.ca_pem)
    return path


@pytest.fixture(scope="session")
def request_(ca_file: Path) -> Request:
    """A request that trusts the laboratory."""
    return Request(make_policy(load_trust(str(ca_file), {})), timeout=5)
