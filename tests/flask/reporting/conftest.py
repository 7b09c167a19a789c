"""One served application for the tests that only ask it, and certificates for mail servers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reporting_lab.mailbox import make_certificate
from reporting_lab.served import Site, lay_out, serving


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The application under gunicorn's sync worker, with a log and nothing else."""
    folder = lay_out(tmp_path_factory.mktemp("site"))
    with serving(Site(folder, {}), "--workers=1") as running:
        yield running


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate with its key for `localhost`, and its own issuer."""
    return make_certificate(tmp_path_factory.mktemp("certificate"), "localhost")
