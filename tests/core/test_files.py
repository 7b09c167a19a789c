"""A file is written whole or not at all."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
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


def test_a_new_file_is_as_open_as_the_users_mask_allows(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomic(tmp_path / "new", "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


@pytest.mark.parametrize("mode", [0o600, 0o664])
def test_a_file_that_was_there_keeps_its_mode(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "old"
    path.touch()
    path.chmod(mode)
    write_atomic(path, "x")
    assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_that_was_there_keeps_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "old"
    path.touch()
    os.chown(path, 12345, 54321)
    write_atomic(path, "x")
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 54321)


def test_a_link_stays_one_and_what_it_names_is_written(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link = tmp_path / "link"
    link.symlink_to("there/file")
    for content in ("first", "second"):  # a file that isn't there yet, and one that is
        write_atomic(link, content)
        assert link.is_symlink()
        assert (tmp_path / "there" / "file").read_text() == content
    assert [item.name for item in (tmp_path / "there").iterdir()] == ["file"]


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(path.read_text()), daemon=True)
    reader.start()
    write_atomic(path, "through\n")
    reader.join(10)
    assert read == ["through\n"]
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_a_standard_stream_by_its_path_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("before\n")
    code = "from pathlib import Path; from toolkit.files import write_atomic as w\n"
    code += "for name in ('/dev/stdout', '/dev/fd/1'): w(Path(name), 'x\\n')"
    with log.open("a") as stream:
        subprocess.run([sys.executable, "-P", "-c", code], stdout=stream, check=True, timeout=30)
        stream.write("after\n")
    assert log.read_text() == "before\nx\nx\nafter\n"


def test_a_full_device_is_a_sentence_and_stays_a_device(tmp_path: Path) -> None:
    path = tmp_path / "full"  # never the machine's own: a fault here would replace it
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, Path("/dev/full").stat().st_rdev)
        path.open("wb").close()
    except OSError:
        pytest.skip("only root can make a device, and not on every file system")
    with pytest.raises(ToolkitError, match="full: cannot be written: No space left"):
        write_atomic(path, "x")
    assert stat.S_ISCHR(path.stat().st_mode)
