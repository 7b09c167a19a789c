"""One ground for all audits of a run, and the laboratory of its tests."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from toolkit_https.audit import Ground, prepared


@pytest.fixture(scope="session")
def ground() -> Iterator[Ground]:
    """A laboratory with a trial CA of its own, and a namespace where names resolve."""
    with prepared(os.environ, seconds=20) as made:
        assert made.sandbox.works, made.sandbox.detail
        yield made
