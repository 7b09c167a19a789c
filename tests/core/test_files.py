"""A file is written whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from toolkit.errors import ToolkitError
from toolkit.files import write_atomic


def test_content_and_mode_are_as_asked(tmp_path: Path) -> None:
    path = tmp_path / "new"
    write_atomic(path, "grüße\n", mode=0o600)
    assert path.read_text("utf-8") == "grüße\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_folder_that_is_missing_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ToolkitError, match="cannot be written: No such file"):
        write_atomic(tmp_path / "no" / "file", b"x")


def test_a_failure_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "kept"
    path.write_text("old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ToolkitError, match="No space left"):
        write_atomic(path, "new")
    assert [item.name for item in tmp_path.iterdir()] == ["kept"]
    assert path.read_text() == "old"
