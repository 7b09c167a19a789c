"""Files change all together or not at all."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from toolkit.errors import ToolkitError, UsageError
from toolkit_flask.changes import Action, Change, carry_out, current


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "old.txt").write_bytes(b"old")
    (tmp_path / "gone").mkdir()
    (tmp_path / "gone" / "file").write_bytes(b"gone")
    (tmp_path / "run.sh").write_bytes(b"#!")
    (tmp_path / "run.sh").chmod(0o755)
    return tmp_path


CHANGES = [
    Change("new/deep/file", Action.CREATE, None, b"new"),
    Change("old.txt", Action.UPDATE, b"old", b"newer"),
    Change("run.sh", Action.UPDATE, b"#!", b"#! "),
    Change("gone/file", Action.REMOVE, b"gone", None),
]


def test_all_changes_are_made_modes_kept_and_empty_folders_removed(root: Path) -> None:
    carry_out(root, CHANGES, {"record": b"r"})
    assert files(root) == {
        "new/deep/file": b"new", "old.txt": b"newer", "run.sh": b"#! ", "record": b"r",
    }  # fmt: skip
    assert (root / "run.sh").stat().st_mode & 0o777 == 0o755
    assert not (root / "gone").exists()


def test_a_failure_at_the_last_file_leaves_all_as_it_was(root: Path) -> None:
    before = files(root)
    (root / "blocked").mkdir()
    (root / "blocked" / "inside").mkdir()
    blocked = Change("blocked", Action.UPDATE, b"", b"cannot replace a folder")
    with pytest.raises(ToolkitError, match="blocked: cannot be written") as caught:
        carry_out(root, [*CHANGES, blocked], {})
    assert caught.value.hint == "everything is as it was before"
    assert files(root) == before
    assert sorted(path.name for path in root.iterdir()) == ["blocked", "gone", "old.txt", "run.sh"]


def test_an_interruption_leaves_all_as_it_was(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, calls = files(root), []

    def interrupted(source: object, target: object) -> None:
        calls.append(target)
        if len(calls) == 2:
            raise KeyboardInterrupt
        link(source, target)  # type: ignore[arg-type]  # as it came

    link = os.link
    monkeypatch.setattr(os, "link", interrupted)
    with pytest.raises(KeyboardInterrupt):
        carry_out(root, CHANGES, {})
    assert files(root) == before


def test_what_a_killed_run_left_is_swept_and_a_running_one_is_not(root: Path) -> None:
    with subprocess.Popen(["true"]) as ended:
        pass
    left = root / f".toolkit-flask-new-{ended.pid}-x"
    running = root / f".toolkit-flask-new-{os.getppid()}-x"
    for folder in (left, running):
        folder.mkdir()
    carry_out(root, CHANGES, {})
    assert not left.exists()
    assert running.exists()


def test_a_link_out_of_the_application_is_not_followed(root: Path) -> None:
    (root / "link").symlink_to("/etc/hostname")
    with pytest.raises(UsageError, match="is a link out of the application"):
        current(root, "link")


def test_a_diff_shows_no_character_that_acts() -> None:
    lines = Change("a\x1b[31m", Action.UPDATE, b"x\n", b"\x1b]0;evil\x07\n").diff()
    assert all(line.isprintable() for line in lines)
    assert "+\\x1b]0;evil\\x07" in lines
