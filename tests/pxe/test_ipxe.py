"""iPXE: scripts are read as src/core/exec.c reads them, and say what the site said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit_pxe.targets._menu import kernel_words

from .menus import LINUX, MAC, TEXTS, WINDOWS, file, messages, rendered

OURS = "${mac:hexhyp}", "${platform}", "${buildarch}", "${chosen}", "${next-server}"
IPXE = {"kind": "ipxe", "file": "ipxe.efi", "script": "boot.ipxe"}


def commands(text: str) -> Iterator[list[str]]:
    """Yield each command's words: split at white space, ended by an operator, then expanded."""
    settings: dict[str, str] = {}
    for line in text.split("\n"):
        words: list[str] = []
        for token in re.findall(r"[^ \t\v\f\r]+", line):  # octets: no other space counts
            if token.startswith("#"):
                break
            if token in {"||", "&&", ";"}:
                yield words
                words = []
                continue
            for name, value in settings.items():
                token = token.replace(f"${{{name}:string}}", value)  # noqa: PLW2901
            words.append(token)
        if words[:1] == ["set"]:
            settings[words[1].removesuffix(":hex")] = chr(int(words[2], 16))
        if words:
            yield words


def command(text: str, name: str) -> list[str]:
    return next(words for words in commands(text) if words and words[0] == name)


@given(title=TEXTS, append=TEXTS)
def test_any_title_and_command_line_is_read_as_it_was_written_or_refused(
    title: str, append: str
) -> None:
    found = rendered("ipxe", [{**LINUX, "title": title, "append": append}])
    if found.limits:
        assert "${" in title + append
        return
    text = file(found, "boot.ipxe")
    assert " ".join(command(text, "item")[2:]) == title
    assert command(text, "kernel")[2:] == kernel_words(append)


@given(title=TEXTS)
def test_any_title_of_the_menu_is_shown_as_it_was_written_or_refused(title: str) -> None:
    found = rendered("ipxe", [LINUX], title=title)
    shown = " ".join(command(file(found, "boot.ipxe"), "menu")[1:])
    if found.limits:
        assert "${" in title
        assert shown == "Boot menu"
    else:
        assert shown == (f"-- {title}" if title.startswith("-") else title)


@given(name=st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=30))
def test_any_name_of_a_file_is_one_relative_uri(name: str) -> None:
    if ".." in name.replace("\\", "/").split("/") or "://" in name:
        return  # the site file says so
    found = rendered("ipxe", [{**LINUX, "initrd": [name]}])
    uri = command(file(found, "boot.ipxe"), "initrd")[3]
    assert unquote(uri) == name.lstrip("/")
    assert not set(uri) & set(":#?$ ")


@pytest.mark.parametrize(
    "text", ["a || b", "a && b", "a ; b", "# a", "a #b", "a  b", " a ", "-- a"]
)
def test_operators_comments_and_spaces_reach_the_kernel(text: str) -> None:
    found = rendered("ipxe", [{**LINUX, "append": f'x="{text}" {text}'}])
    assert command(file(found, "boot.ipxe"), "kernel")[2:] == [f'x="{text}"', *kernel_words(text)]


def test_the_first_line_says_what_it_is() -> None:
    for item in rendered("ipxe", [LINUX], by_group={"now": "linux"}).files:
        assert item.content.startswith("#!ipxe\n")


@pytest.mark.parametrize(
    ("script", "path", "kernel"),
    [
        ("boot.ipxe", "boot.ipxe", "vmlinuz"),
        ("a/b/boot.ipxe", "a/b/boot.ipxe", "../../vmlinuz"),
        ("http://10.0.0.9/boot/menus/boot.ipxe", "menus/boot.ipxe", "../vmlinuz"),
    ],
)
def test_the_script_lies_where_the_target_names_it_and_its_paths_begin_at_the_root(
    script: str, path: str, kernel: str
) -> None:
    found = rendered("ipxe", [LINUX], {**IPXE, "script": script}, by_group={"now": "linux"})
    assert command(file(found, path), "kernel")[1] == kernel
    host = file(found, f"hosts/{MAC.replace(':', '-')}.ipxe")
    assert command(host, "kernel")[1] == "../vmlinuz"


def test_a_chain_to_an_ipxe_that_would_get_this_script_again_is_refused() -> None:
    chain = {"name": "loop", "kind": "chain", "file": "/ipxe.efi"}
    found = rendered("ipxe", [chain, LINUX], IPXE)
    assert "for ever" in messages(found)
    assert ":boot-loop" not in file(found, "boot.ipxe")


def test_a_failure_waits_before_the_menu_is_shown_again() -> None:
    text = file(rendered("ipxe", [LINUX]), "boot.ipxe")
    failed = text[text.index(":failed\n") :]
    assert failed.index("prompt --timeout 10000") < failed.index("goto menu")


def test_the_script_to_build_in_asks_no_dhcp_server_what_to_boot() -> None:
    target = {**IPXE, "script": "http://10.0.0.9/boot/boot.ipxe"}
    text = file(rendered("ipxe", [LINUX], target), "embed.ipxe")
    assert command(text, "chain") == ["chain", "--autofree", "http://10.0.0.9/boot/boot.ipxe"]
    assert "filename" not in text


def test_every_label_that_is_gone_to_is_there_once() -> None:
    entries = [LINUX, WINDOWS, {"name": "disk", "kind": "local"},
               {"name": "next", "kind": "chain", "file": "pxelinux.0", "arch": "bios"}]  # fmt: skip
    for item in rendered("ipxe", entries, by_group={"now": "win"}).files:
        labels = [line[1:] for line in item.content.split("\n") if line.startswith(":")]
        assert len(labels) == len({*labels}), item.name
        for words in commands(item.content):
            if words[0] == "goto":
                assert words[1].replace("${chosen}", "linux") in labels, item.name


def test_windows_gets_each_file_under_both_names_that_wimboot_reads() -> None:
    text = file(rendered("ipxe", [WINDOWS]), "boot.ipxe")
    files = [words for words in commands(text) if words[0] == "initrd"]
    assert files[0] == ["initrd", "--name", "BCD", "win/BCD", "BCD"]
    assert [words[2] for words in files] == ["BCD", "boot.sdi", "boot.wim"]


def test_an_entry_of_one_architecture_is_shown_there_only_and_others_everywhere() -> None:
    entries = [LINUX, {**WINDOWS, "arch": ["bios", "x64-uefi"]}]
    text = file(rendered("ipxe", entries), "boot.ipxe")
    tests = "iseq ${platform} pcbios || iseq ${buildarch}-${platform} x86_64-efi"
    assert f"{tests} && item win win ||" in text
    assert "\nitem linux linux\n" in text


def test_nothing_else_is_expanded() -> None:
    text = file(rendered("ipxe", [LINUX, WINDOWS], by_group={"now": "win"}), "boot.ipxe")
    for known in OURS:
        text = text.replace(known, "")
    assert "${" not in text


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({**LINUX, "append": "a=${net0/mac}"}, "would expand the ${"),
        ({**LINUX, "append": "x" * 2048}, "octets, and a kernel reads 2047"),
        ({**LINUX, "kernel": "http://10.0.0.8/${platform} x"}, "has a space or #"),
    ],
)
def test_what_a_script_cannot_say_is_refused_by_entry(entry: dict[str, str], message: str) -> None:
    found = rendered("ipxe", [entry, {"name": "disk", "kind": "local"}])
    assert message in messages(found)
    assert f":boot-{entry['name']}" not in file(found, "boot.ipxe")


def test_a_script_with_a_name_that_changes_is_refused() -> None:
    found = rendered("ipxe", [LINUX], {**IPXE, "script": "http://10.0.0.9/${mac}.ipxe"})
    assert "no file with one name" in messages(found)
    assert not found.files
