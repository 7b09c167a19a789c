"""PXELINUX: what its parser reads, by the rules of readconfig.c; boots: test_firmware_boots."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.errors import UsageError
from toolkit_pxe.targets import find_target
from toolkit_pxe.targets.base import Options

from .menus import LINUX, MAC, TEXTS, WINDOWS, described, file, load, messages, rendered

DEFAULT = "pxelinux.cfg/default"


def read(text: str) -> list[tuple[str, str]]:
    """Return (keyword, value): leading space is skipped, the value is the rest of the line."""
    found = []
    for line in text.split("\n"):
        bare = line.lstrip(" \t")
        if bare and not bare.startswith("#"):
            keyword, _, value = bare.partition(" ")
            found.append((keyword, value.lstrip(" \t")))
    return found


@given(title=TEXTS, append=TEXTS)
def test_any_title_and_command_line_is_read_as_it_was_written_or_refused(
    title: str, append: str
) -> None:
    found = rendered("pxelinux", [{**LINUX, "title": title, "append": append}])
    if found.limits:
        assert "^" in title or "initrd=" in append or append.strip() == "-"
        return
    lines = read(file(found, DEFAULT))
    assert ("APPEND", append.strip(" ") or "-") in [
        (key, value.rstrip(" ") if value != "-" else value) for key, value in lines
    ]
    assert ("MENU", f"LABEL {title}") in lines
    assert ("LINUX", "vmlinuz") in lines


@given(name=st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=30))
def test_any_name_of_a_file_is_one_word_or_refused(name: str) -> None:
    if ".." in name.replace("\\", "/").split("/") or "://" in name:
        return  # the site file says so
    found = rendered("pxelinux", [{**LINUX, "initrd": [name, "b.img"]}])
    if found.limits:
        assert any(character in name for character in " ,")
        return
    value = next(value for key, value in read(file(found, DEFAULT)) if key == "INITRD")
    assert value.split(",") == [name.lstrip("/"), "b.img"]


def test_paths_are_the_roots_whatever_folder_the_loader_is_in() -> None:
    found = rendered("pxelinux", [LINUX], {"kind": "pxelinux", "file": "bios/pxelinux.0"})
    assert ("LINUX", "::vmlinuz") in read(file(found, "bios/pxelinux.cfg/default"))


def test_option_210_says_where_the_files_are_and_a_url_in_it_where_paths_begin() -> None:
    target = {"kind": "pxelinux", "file": "lpxelinux.0", "prefix": "http://10.0.0.9/px/"}
    found = rendered("pxelinux", [LINUX], target)
    assert ("LINUX", "http://10.0.0.9/vmlinuz") in read(file(found, "px/pxelinux.cfg/default"))


def test_option_209_is_the_one_file_so_hosts_of_their_own_are_refused() -> None:
    target = {"kind": "pxelinux", "file": "pxelinux.0", "config": "menu.cfg"}
    assert file(rendered("pxelinux", [LINUX], target), "menu.cfg")
    found = rendered("pxelinux", [LINUX], target, by_group={"now": "linux"})
    assert "option 209" in messages(found)


def test_a_hosts_file_boots_its_entry_and_has_no_menu() -> None:
    found = rendered("pxelinux", [LINUX, WINDOWS], by_group={"now": "win"}, default="linux")
    lines = read(file(found, f"pxelinux.cfg/01-{MAC.replace(':', '-')}"))
    assert ("DEFAULT", "win") in lines
    assert not {"UI", "MENU", "TIMEOUT"} & {key for key, _ in lines}


def test_the_time_is_in_tenths_and_ends_in_the_default_not_the_line_a_key_moved_to() -> None:
    lines = read(file(rendered("pxelinux", [LINUX, WINDOWS], timeout=7, default="win"), DEFAULT))
    assert ("TIMEOUT", "70") in lines
    assert ("ONTIMEOUT", "win") in lines


def test_without_a_time_it_waits_for_ever() -> None:
    lines = read(file(rendered("pxelinux", [LINUX], timeout=0), DEFAULT))
    assert not {"TIMEOUT", "ONTIMEOUT"} & {key for key, _ in lines}


def test_windows_is_handed_to_wimboot_by_linux_c32_under_the_names_that_it_knows() -> None:
    lines = read(file(rendered("pxelinux", [WINDOWS]), DEFAULT))
    assert ("COM32", "linux.c32") in lines
    files = "win/BCD@BCD,win/boot.sdi@boot.sdi,win/boot.wim@boot.wim"
    assert ("APPEND", f"wimboot initrdfile={files}") in lines


def test_an_entry_of_other_architectures_is_not_shown() -> None:
    found = rendered("pxelinux", [LINUX, {**WINDOWS, "arch": "x64-uefi"}])
    assert ("LABEL", "win") not in read(file(found, DEFAULT))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({**LINUX, "append": "x" * 2100}, "octets, and a kernel reads 2047"),
        ({**LINUX, "append": "root=/dev/x initrd=evil"}, "would take the text behind initrd="),
        ({**LINUX, "title": "2^3"}, "marks a key"),
        ({**LINUX, "kernel": "my kernel"}, "at its space or comma"),
        ({**WINDOWS, "file": "w@n"}, "at its space or comma"),
    ],
)
def test_what_a_line_cannot_hold_is_refused_by_entry_and_left_out(
    entry: dict[str, str], message: str
) -> None:
    found = rendered("pxelinux", [entry, {"name": "disk", "kind": "local"}])
    assert message in messages(found)
    text = file(found, DEFAULT)
    assert "NOT EXPRESSED" in text
    assert f"LABEL {entry['name']}" not in text
    assert found.limits[0].origin.line


CHAIN = {"name": "next", "kind": "chain", "file": "next.0"}


@pytest.mark.parametrize("entry", [CHAIN, WINDOWS])
@pytest.mark.parametrize(
    "target",
    [{"kind": "pxelinux", "files": {"x64": "efi64/syslinux.efi"}},
     {"kind": "pxelinux", "file": "syslinux.efi"}],
)  # fmt: skip
def test_what_it_can_load_under_bios_only_is_refused_under_uefi(
    entry: dict[str, str], target: dict[str, object]
) -> None:
    assert "under BIOS only" in messages(rendered("pxelinux", [LINUX, entry], target))
    bios = {"kind": "pxelinux", "file": "pxelinux.0"}
    assert not rendered("pxelinux", [LINUX, entry], bios).limits
    assert not rendered("pxelinux", [LINUX, {**entry, "arch": "bios"}], target).limits


def test_loaders_for_bios_and_uefi_need_folders_of_their_own() -> None:
    """Both would load menu.c32, which is another file for each."""
    files = {"bios": "pxelinux.0", "x64": "syslinux.efi"}
    found = rendered("pxelinux", [LINUX], {"kind": "pxelinux", "files": files})
    assert "their own menu.c32 in one folder" in messages(found)
    apart = {"bios": "bios/pxelinux.0", "x64": "efi64/syslinux.efi"}
    assert not rendered("pxelinux", [LINUX], {"kind": "pxelinux", "files": apart}).limits


def test_an_unknown_menu_module_is_told_with_those_that_are() -> None:
    site = load(described([LINUX]))
    with pytest.raises(UsageError, match="shows no menu"):
        find_target("pxelinux").render(site, Options(settings={"menu": "nice.c32"}))


def test_a_site_without_a_menu_renders_nothing_and_says_so() -> None:
    site = load({key: value for key, value in described([]).items() if key != "menu"})
    for loader in ("pxelinux", "grub", "ipxe"):
        found = find_target(loader).render(site, Options())
        assert not found.files
        assert "describes no menu" in messages(found)
