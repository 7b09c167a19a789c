"""GRUB: grub-script-check reads what was rendered, and its words are what the site said."""

from __future__ import annotations

import shlex
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings

from toolkit_pxe.targets import find_target
from toolkit_pxe.targets._menu import kernel_words
from toolkit_pxe.targets.base import Options, Rendered

from .menus import LINUX, MAC, TEXTS, WINDOWS, file, messages, rendered

MAIN = "grub/grub.cfg"
EFI = {**WINDOWS, "arch": "x64-uefi"}


def checked(found: Rendered) -> subprocess.CompletedProcess[str]:
    """Run the target's own checker on what was rendered."""
    check = find_target("grub").check(Options())
    assert check is not None
    with tempfile.TemporaryDirectory() as folder:
        for item in found.files:
            path = Path(folder) / item.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(item.content, "utf-8")
        argv = [*check.argv(Path(folder))]
        return subprocess.run(argv, capture_output=True, text=True, check=False)


def line(found: Rendered, command: str) -> list[str]:
    """Return the words of a command's line: GRUB's single quotes are those of POSIX' shell."""
    lines = (item.strip() for item in file(found, MAIN).split("\n"))
    return shlex.split(next(item for item in lines if item.startswith(f"{command} ")))


@given(title=TEXTS, append=TEXTS)
def test_any_title_and_command_line_is_the_words_of_the_kernel_or_refused(
    title: str, append: str
) -> None:
    found = rendered("grub", [{**LINUX, "title": title, "append": append}])
    if found.limits:
        assert set("\\'") & set(append)
        return
    assert line(found, "menuentry")[1] == title
    words = [word.replace('"', "") for word in kernel_words(append)]
    assert line(found, "linux")[1:] == ["/vmlinuz", *words]


@pytest.mark.server("grub-script-check")
@settings(max_examples=15)
@given(title=TEXTS, append=TEXTS)
def test_grubs_own_checker_accepts_any_title_and_command_line(title: str, append: str) -> None:
    append = append.replace("'", "").replace("\\", "")
    found = rendered("grub", [{**LINUX, "title": title, "append": append, "arch": "uefi"}])
    done = checked(found)
    assert done.returncode == 0, done.stderr


@pytest.mark.server("grub-script-check")
def test_grubs_own_checker_accepts_every_kind_of_entry_and_hosts_files() -> None:
    entries = [
        {**LINUX, "initrd": ["a", "b"]},
        {**WINDOWS, "arch": "bios"},
        {"name": "next", "kind": "chain", "file": "ipxe.efi", "arch": "uefi"},
        {"name": "disk", "kind": "local"},
    ]
    found = rendered("grub", entries, by_group={"now": "disk"})
    assert not found.limits
    assert f"grub/hosts/{MAC}.cfg" in {item.name for item in found.files}
    assert checked(found).returncode == 0


@pytest.mark.server("grub-script-check")
def test_grubs_own_checker_refuses_a_menu_that_somebody_has_broken() -> None:
    found = rendered("grub", [LINUX])
    broken = file(found, MAIN).replace("}", "")
    made = Rendered((type(found.files[0])(MAIN, broken),))
    assert checked(made).returncode != 0


def test_a_word_with_spaces_is_quoted_by_grub_so_the_sites_own_quotes_go() -> None:
    found = rendered("grub", [{**LINUX, "append": 'quiet dyndbg="file x +p" end'}])
    assert line(found, "linux")[2:] == ["quiet", "dyndbg=file x +p", "end"]


def test_hosts_files_are_sourced_without_a_test_that_would_list_a_tftp_folder() -> None:
    text = file(rendered("grub", [LINUX], by_group={"now": "linux"}), MAIN)
    assert 'source "$prefix/hosts/$net_default_mac.cfg"' in text
    assert "-f " not in text


def test_files_by_http_are_on_a_device_of_their_own() -> None:
    found = rendered("grub", [{**LINUX, "kernel": "http://10.0.0.8:81/a/linux"}])
    assert line(found, "linux")[1] == "(http,10.0.0.8:81)/a/linux"


def test_without_a_time_it_waits_for_ever() -> None:
    assert "set timeout=-1\n" in file(rendered("grub", [LINUX], timeout=0), MAIN)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({**LINUX, "append": "a='b'"}, "GRUB writes a backslash"),
        ({**LINUX, "append": r"a=\x41"}, "GRUB writes a backslash"),
        ({**LINUX, "append": "x" * 2040}, "octets, and a kernel reads 2047"),
        ({**LINUX, "kernel": "https://10.0.0.8/linux"}, "neither by HTTP nor by TFTP"),
        ({**LINUX, "kernel": "http://10.0.0.8/linux?x"}, "would leave out the ?"),
        (EFI, "under BIOS only"),
        ({"name": "win", "kind": "chain", "file": "pxelinux.0", "arch": "bios"}, "under UEFI only"),
    ],
)
def test_what_grub_cannot_do_is_refused_by_entry_and_left_out(
    entry: dict[str, str], message: str
) -> None:
    found = rendered("grub", [entry, {"name": "disk", "kind": "local"}])
    assert message in messages(found)
    text = file(found, MAIN)
    assert "NOT EXPRESSED" in text
    assert f"--id {entry['name']}" not in text


def test_what_only_other_architectures_would_ask_of_grub_is_no_limit() -> None:
    uefi = {"kind": "grub", "files": {"x64-uefi": "grubx64.efi"}}
    chain = {"name": "next", "kind": "chain", "file": "ipxe.efi"}
    assert not rendered("grub", [chain], uefi).limits
    assert rendered("grub", [chain]).limits


def test_a_disk_is_booted_by_its_own_loader_and_under_bios_by_its_first_sector() -> None:
    """A GRUB from the network has no disks under BIOS, and `exit` is no way under UEFI."""
    text = file(rendered("grub", [{"name": "disk", "kind": "local"}]), MAIN)
    bios, _, uefi = text.partition("else")
    assert bios.index("insmod biosdisk") < bios.index("chainloader +1")
    assert "set cpu=x64" in uefi
    assert "set cpu=aa64" in uefi
    assert uefi.index("/EFI/debian/shim$cpu.efi") < uefi.index("/EFI/BOOT/boot$cpu.efi")
    # the chainloader takes its device from `root`, not from the file's name
    assert uefi.index("search --no-floppy --set=root") < uefi.index("chainloader $file")
    only = {"name": "disk", "kind": "local", "arch": "x64"}
    assert "aa64" not in file(rendered("grub", [only]), MAIN)
