"""One served application for the tests that only ask it, and certificates for mail servers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reporting_lab.mailbox import make_certificate
from reporting_lab.served import MakeSite, Site, lay_out, serving


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


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[MakeSite]:
    """A function that lays out the application with settings of its own, until the test ends."""
    made: list[Site] = []

    def make(**settings: object) -> Site:
        folder = tmp_path / f"site{len(made)}"
        folder.mkdir()
        environ = {
            f"ERROR_REPORTING_{name.upper()}": str(value) for name, value in settings.items()
        }
        made.append(Site(lay_out(folder), environ))
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.fixture
def mail_settings(certificate: Path) -> dict[str, object]:
    """What all mail in tests has in common; `mail_server` is each test's own."""
    return {
        "mail_to": "ops@example.org, Second <second@example.org>",
        "mail_from": "shop@example.org",
        "mail_ca": certificate,
        "timeout": 3,
    }
