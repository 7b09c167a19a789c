"""Sites written to a folder of their own, and real servers in networks of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from toolkit_pxe.lab import Lab
from toolkit_pxe.site.model import Site
from toolkit_pxe.site.resolve import load_site


class MakeSite(Protocol):
    """Write a site file (and others beside it, by name) and load it."""

    def __call__(self, text: str, **files: str) -> Site: ...


@pytest.fixture
def make_site(tmp_path: Path) -> MakeSite:
    def make(text: str, **files: str) -> Site:
        for name, content in files.items():
            (tmp_path / name.replace("_", ".")).write_text(content, "utf-8")
        path = tmp_path / "site.yaml"
        path.write_text(text, "utf-8")
        return load_site(path)

    return make


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A client's and a server's end of a cable; each `prove` starts another server in it."""
    with Lab() as lab:
        yield lab
