"""`toolkit pxe …` as a user types it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from toolkit.testing import Home, Run
from toolkit_pxe import check_command
from toolkit_pxe import folder as files
from toolkit_pxe.site.resolve import load_site
from toolkit_pxe.targets import find_target
from toolkit_pxe.targets.base import Options

SITE = r"""
name: campus
boot_servers: {tftp: 10.77.0.9}
subnets:
- {subnet: 10.77.0.0/24, pools: [10.77.0.100-10.77.0.199]}
targets:
  wds: {kind: wds, file: 'boot\x64\wdsnbp.com'}
profiles:
  standard:
    rules:
    - {mac: '52:54:ff', boot: none}
    default: wds
reservations:
- {name: h1, mac: '52:54:00:12:34:56', address: 10.77.0.10}
"""
CONF = "out/isc-dhcp/dhcpd.conf"
RENDER = ("pxe", "render", "site.yaml", "--for", "isc-dhcp", "--output", "out")


NOWHERE = """
from toolkit_pxe.targets.base import Check, Rendered

name, summary, families, settings = "nowhere", "A server that nobody has.", (4,), {}

def render(site, options):
    return Rendered(())

def check(options):
    return Check("nowhere-daemon", lambda folder: ["nowhere-daemon"], "nowhere-server")
"""


@pytest.fixture
def home(toolkit_home: Home) -> Home:
    toolkit_home.write("site.yaml", SITE)
    return toolkit_home


def test_explain_tells_words_and_bytes_and_the_place(home: Home, toolkit_run: Run) -> None:
    ended = toolkit_run("pxe", "explain", "site.yaml", "--arch", "x86-bios", "--for", "isc-dhcp")
    assert ended.status == 0, ended.stderr
    assert "boots wds: the default (any client)" in ended.stdout
    assert "site.yaml:12" in ended.stdout
    assert r"option 67  boot\x64\wdsnbp.com<NUL> (boot file)  62 6f 6f 74 5c" in ended.stdout


def test_explain_in_json_has_hex_by_number(home: Home, toolkit_run: Run) -> None:
    ended = toolkit_run(
        "pxe", "explain", "site.yaml", "--mac", "52:54:00:12:34:56", "--arch", "0", "--for",
        "isc-dhcp", "--format", "json",
    )  # fmt: skip
    (told,) = json.loads(ended.stdout)["results"]
    path = rb"boot\x64\wdsnbp.com"
    assert told["siaddr"] == "10.77.0.9"
    assert told["sname"] == ""
    assert told["file"] == path.hex()
    assert told["options"] == {"66": b"10.77.0.9".hex(), "67": path.hex() + "00"}
    assert (told["target"], told["host"]) == ("wds", "h1")
    assert told["origin"].endswith("site.yaml:12")


def test_explain_says_that_a_rule_keeps_a_client_from_booting(home: Home, toolkit_run: Run) -> None:
    ended = toolkit_run(
        "pxe", "explain", "site.yaml", "--mac", "52:54:ff:00:00:01", "--for", "isc-dhcp"
    )
    assert "boots nothing: rule 1 (MAC 52:54:ff…) → don't boot" in ended.stdout


@pytest.mark.parametrize(
    ("option", "told"),
    [
        (("--arch", "amd64"), '--arch: "amd64" is no known client architecture'),
        (("--arch", "x64"), '--arch: "x64" names several'),
        (("--mac", "zz"), '--mac: "zz" is no MAC address'),
        (("--relay", "10.1.1.1"), "10.1.1.1 is in no subnet of the site"),
        (("--subnet", "10.77.0.0/24", "--relay", "10.77.0.1"), "say the same"),
        (("--asks", "1,x"), '--asks "1,x" is no list of numbers'),
        (("--for", "isc"), 'there is no target "isc"'),
        (("--set", "x=1", "--for", "isc-dhcp"), 'isc-dhcp has no setting "x"'),
    ],
)
def test_a_wrong_option_of_explain_is_told(
    option: tuple[str, ...], told: str, home: Home, toolkit_run: Run
) -> None:
    ended = toolkit_run("pxe", "explain", "site.yaml", *option)
    assert ended.status == 2
    assert told in ended.stderr
    assert ended.stdout == ""


@pytest.mark.parametrize("server", ["isc-dhcp", "kea", "dnsmasq", "infoblox", "windows-dhcp"])
def test_bootfile_answers_without_a_site(server: str, home: Home, toolkit_run: Run) -> None:
    argv = ("pxe", "bootfile", r"boot\x64\wdsnbp.com", "--for", server, "--next-server", "10.0.0.8")
    ended = toolkit_run(*argv)
    assert ended.status == 0, ended.stderr
    head, _, rest = ended.stdout.partition("On the wire")
    assert "wdsnbp.com" in head
    assert "10.0.0.8" in ended.stdout
    assert "Why" in rest
    told = json.loads(toolkit_run(*argv, "--format", "json").stdout)["results"][0]
    assert told["enter"]
    assert told["wire"]


def test_bootfile_for_dhcpd_escapes_and_ends_in_nul(home: Home, toolkit_run: Run) -> None:
    ended = toolkit_run("pxe", "bootfile", r"boot\x64\wdsnbp.com", "--for", "isc-dhcp")
    assert r'filename "boot\\x64\\wdsnbp.com";' in ended.stdout
    assert r'option bootfile-name "boot\\x64\\wdsnbp.com\000";' in ended.stdout


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (("x" * 128, "--for", "isc-dhcp"), "has 128 octets"),
        (("a\nb", "--for", "isc-dhcp"), "control character"),
        (("a", "--for", "isc-dhcp", "--next-server", "pxe.example.org"), "is no IPv4 address"),
        (("a", "--for", "grub"), "is no DHCP server with fields to fill"),
    ],
)
def test_a_boot_file_that_cannot_be_is_refused(
    argv: tuple[str, ...], told: str, home: Home, toolkit_run: Run
) -> None:
    ended = toolkit_run("pxe", "bootfile", *argv)
    assert ended.status == 2
    assert told in ended.stderr


def test_render_prints_and_writes_the_same(home: Home, toolkit_run: Run) -> None:
    printed = toolkit_run("pxe", "render", "site.yaml", "--for", "isc-dhcp")
    written = toolkit_run(*RENDER)
    assert written.status == 0, written.stderr
    assert (home.folder / CONF).read_text() == printed.stdout
    assert "create isc-dhcp/dhcpd.conf" in written.stdout
    for word in ("install: install -m 0644", "check:   dhcpd -t -4", "reload:  systemctl restart"):
        assert word in written.stderr
    again = toolkit_run(*RENDER)
    assert again.stdout == "same   isc-dhcp/dhcpd.conf\n"


def test_check_finds_drift_and_diff_shows_it(home: Home, toolkit_run: Run) -> None:
    toolkit_run(*RENDER)
    assert toolkit_run(*RENDER, "--check").status == 0
    home.write("site.yaml", SITE.replace("wdsnbp.com", "other.com"))
    ended = toolkit_run(*RENDER, "--check", "--diff")
    assert ended.status == 1
    assert r'-  filename "boot\\x64\\wdsnbp.com";' in ended.stdout
    assert r'+  filename "boot\\x64\\other.com";' in ended.stdout
    assert toolkit_run(*RENDER, "--diff").status == 0
    assert "wdsnbp.com" in (home.folder / CONF).read_text()
    assert toolkit_run(*RENDER).status == 0
    assert "other.com" in (home.folder / CONF).read_text()


def test_diff_is_coloured_where_colour_is_wanted(home: Home, toolkit_run: Run) -> None:
    ended = toolkit_run("--color", "always", *RENDER, "--diff")
    assert "\x1b[32m  +option" in ended.stdout


@pytest.mark.parametrize("foreign", ["mine\n", "# rendered by toolkit pxe 0.0 for isc-dhcp\n"])
def test_nothing_foreign_is_overwritten(foreign: str, home: Home, toolkit_run: Run) -> None:
    path = home.write(CONF, foreign)
    ended = toolkit_run(*RENDER)
    assert ended.status == 2
    assert "not written by toolkit pxe, or changed since" in ended.stderr
    assert path.read_text() == foreign


def test_a_link_to_nothing_is_not_overwritten(home: Home, toolkit_run: Run) -> None:
    path = home.folder / CONF
    path.parent.mkdir(parents=True)
    path.symlink_to(home.folder / "elsewhere")
    ended = toolkit_run(*RENDER)
    assert ended.status == 2
    assert "not written by toolkit pxe" in ended.stderr
    assert path.is_symlink()


def test_files_are_written_though_nobody_reads_what_is_said(home: Home) -> None:
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "toolkit", *RENDER],
        cwd=home.folder, env=home.environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(timeout=30) in {0, 141}
    assert (home.folder / CONF).exists()


def test_what_was_changed_by_hand_is_not_overwritten(home: Home, toolkit_run: Run) -> None:
    toolkit_run(*RENDER)
    path = home.folder / CONF
    path.write_text(path.read_text() + "# mine\n")
    ended = toolkit_run(*RENDER)
    assert ended.status == 2
    assert path.read_text().endswith("# mine\n")


def test_a_file_that_is_no_longer_rendered_is_removed(home: Home, toolkit_run: Run) -> None:
    six = SITE.replace("subnets:", "subnets:\n- {subnet: '2001:db8::/64'}")
    home.write("site.yaml", six)
    toolkit_run(*RENDER)
    assert (home.folder / "out/isc-dhcp/dhcpd6.conf").exists()
    home.write("site.yaml", SITE)
    assert "remove isc-dhcp/dhcpd6.conf" in toolkit_run(*RENDER).stdout
    assert not (home.folder / "out/isc-dhcp/dhcpd6.conf").exists()


def test_a_rendering_that_was_killed_can_be_repeated(home: Home, toolkit_run: Run) -> None:
    """The manifest is written before the files, so what a killed run left behind is known."""
    toolkit_run(*RENDER)
    out = home.folder / "out"
    before = (home.folder / CONF).read_bytes()
    change = files.Change("isc-dhcp/dhcpd.conf", before, b"# next\n")
    other = files.Change("isc-dhcp/later.conf", None, b"# later\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "_apply_one", dies_after_the_first(files._apply_one))
        with pytest.raises(KeyboardInterrupt):
            files.apply(out, [change, other], "digest")
    assert (home.folder / CONF).read_bytes() == b"# next\n"
    ended = toolkit_run(*RENDER)
    assert ended.status == 0, ended.stderr
    assert (home.folder / CONF).read_bytes() == before


def dies_after_the_first(
    real: Callable[[Path, files.Change], None],
) -> Callable[[Path, files.Change], None]:
    done: list[files.Change] = []

    def step(folder: Path, change: files.Change) -> None:
        if done:
            raise KeyboardInterrupt
        done.append(change)
        real(folder, change)

    return step


@pytest.mark.parametrize("name", ["/etc/passwd", "../../x", "a/../../x"])
def test_a_manifest_cannot_make_us_remove_what_is_elsewhere(
    name: str, home: Home, toolkit_run: Run
) -> None:
    toolkit_run(*RENDER)
    path = home.folder / "out" / files.MANIFEST
    manifest = json.loads(path.read_text())
    manifest["files"][f"isc-dhcp/{name}" if name.startswith("..") else name] = ["0"]
    path.write_text(json.dumps(manifest))
    ended = toolkit_run(*RENDER)
    assert ended.status in {0, 2}
    assert "create" not in ended.stdout
    assert Path("/etc/passwd").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_is_told(home: Home, toolkit_run: Run) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "toolkit", "pxe", "render", "site.yaml", "--for",
             "isc-dhcp"],
            cwd=home.folder, env=home.environ, stdout=full, stderr=subprocess.PIPE, text=True,
            check=False,
        )  # fmt: skip
    assert done.returncode == 3
    assert "No space left" in done.stderr


def test_a_folder_that_cannot_be_written_is_told(home: Home, toolkit_run: Run) -> None:
    home.write("out", "a file")
    ended = toolkit_run(*RENDER)
    assert ended.status == 3
    assert "out" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_what_a_server_cannot_do_stops_the_rendering(home: Home, toolkit_run: Run) -> None:
    home.write("site.yaml", f"{SITE}dhcp: {{proxy: true}}\n")
    ended = toolkit_run(*RENDER)
    assert ended.status == 2
    assert "isc-dhcp cannot express what the site asks for" in ended.stderr
    assert "dhcpd is no proxyDHCP server" in ended.stderr
    assert not (home.folder / CONF).exists()
    degraded = toolkit_run(*RENDER, "--allow-degraded")
    assert degraded.status == 0
    assert "NOT EXPRESSED: dhcpd is no proxyDHCP server" in (home.folder / CONF).read_text()


@pytest.mark.parametrize(
    "target", ["isc-dhcp", "kea", "dnsmasq", "windows-dhcp", "tftpd", "http-boot", "bind"]
)
def test_the_name_of_the_site_file_ends_no_comment(
    target: str, home: Home, toolkit_run: Run
) -> None:
    text = SITE.replace("file: 'boot", "files: {bios: 'boot").replace("com'}", "com'}}")
    home.write("a\nevil line;\u2028evil.yaml", text)
    argv = ("pxe", "render", "a\nevil line;\u2028evil.yaml", "--for", target)
    ended = toolkit_run(*argv, "--allow-degraded")
    assert ended.status == 0, ended.stderr
    assert "evil line" in ended.stdout
    assert not [line for line in ended.stdout.splitlines() if line.startswith("evil")]


def test_what_several_servers_cannot_do_is_told_at_once(home: Home, toolkit_run: Run) -> None:
    home.write("site.yaml", f"{SITE}dhcp: {{proxy: true}}\n")
    ended = toolkit_run(*RENDER, "--for", "kea", "--for", "bind")
    assert ended.status == 2
    for name in ("isc-dhcp", "kea"):
        assert f"{name} cannot express what the site asks for" in ended.stderr
    assert "there is nothing to write for bind" in ended.stderr


def test_a_checker_that_hangs_is_told(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = home.write("bin/dhcpd", "#!/bin/sh\nexec sleep 60\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(check_command, "_SECONDS", 1)
    site = load_site(home.folder / "site.yaml")
    verdict = check_command.check_target(site, find_target("isc-dhcp"), Options(4))
    assert (verdict.state, verdict.detail) == (
        "could not run", "dhcpd did not end within 1 seconds",
    )  # fmt: skip


@pytest.mark.server("dhcpd")
def test_a_fragment_is_the_boot_part_alone(home: Home, toolkit_run: Run) -> None:
    ended = toolkit_run("pxe", "render", "site.yaml", "--for", "isc-dhcp", "--fragment")
    assert "filename" in ended.stdout
    assert "subnet" not in ended.stdout
    assert "authoritative" not in ended.stdout


@pytest.mark.server("dhcpd")
def test_check_asks_the_servers_own_checker(home: Home, toolkit_run: Run) -> None:
    ended = toolkit_run("pxe", "check", "site.yaml", "--for", "isc-dhcp")
    assert ended.status == 0, ended.stderr
    assert "isc-dhcp      IPv4  valid" in ended.stdout


@pytest.mark.server("dhcpd")
def test_a_users_path_needs_no_folders_of_servers(home: Home, toolkit_run: Run) -> None:
    """Debian has them on root's path alone."""
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    ended = toolkit_run("pxe", "check", "site.yaml", "--for", "isc-dhcp", environ={"PATH": path})
    assert (ended.status, "valid" in ended.stdout) == (0, True)


@pytest.mark.server("dhcpd")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes network namespaces")
@pytest.mark.timeout(120)
def test_the_demonstration_proves_it_with_that_path_too(toolkit_run: Run) -> None:
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    ended = toolkit_run("demo", "pxe", environ={"PATH": path}, timeout=110)
    assert ended.status == 0, ended.stderr
    assert "112 cells: 112 proven" in ended.stdout


def test_what_a_site_does_not_describe_is_no_fault_unless_it_is_asked_for(
    home: Home, toolkit_run: Run
) -> None:
    everything = toolkit_run("pxe", "check", "site.yaml")
    assert everything.status == 0, everything.stdout
    assert "bind          IPv4  nothing to write: " in everything.stdout
    assert "the site file has no section `dns` (add dns: " in everything.stdout
    assert toolkit_run("pxe", "check", "site.yaml", "--for", "bind").status == 1
    rendered = toolkit_run("pxe", "render", "site.yaml", "--for", "bind", "--output", "out")
    assert rendered.status == 2
    assert "error: there is nothing to write for bind:" in rendered.stderr
    assert "--allow-degraded" not in rendered.stderr


def test_check_without_the_named_server_is_unchecked(
    home: Home, toolkit_run: Run, tmp_path: Path
) -> None:
    """A server of a third party's target, which is nowhere."""
    info = tmp_path / "nowhere-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: nowhere\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[toolkit_pxe.targets]\nnowhere = nowhere_target\n")
    (tmp_path / "nowhere_target.py").write_text(NOWHERE)
    environ = {"PYTHONPATH": str(tmp_path)}
    ended = toolkit_run("pxe", "check", "site.yaml", "--for", "nowhere", environ=environ)
    assert ended.status == 4, ended.stderr
    assert "not installed" in ended.stdout
    assert "apt-get install nowhere-server" in ended.stdout


@pytest.mark.parametrize(
    ("said", "status", "word"),
    [
        ("Can't open /x/dhcpd.conf: Permission denied", 4, "cannot read"),
        ("dhcpd.conf line 3: semicolon expected.", 1, "invalid"),
    ],
)
def test_cannot_read_is_told_apart_from_invalid(
    said: str, status: int, word: str, home: Home, toolkit_run: Run
) -> None:
    """A profile of AppArmor keeps a checker from a file that may be right."""
    fake = home.write("bin/dhcpd", f'#!/bin/sh\necho "{said}" >&2\nexit 1\n')
    fake.chmod(0o755)
    path = f"{fake.parent}:{os.environ['PATH']}"
    ended = toolkit_run("pxe", "check", "site.yaml", "--for", "isc-dhcp", environ={"PATH": path})
    assert ended.status == status
    assert word in ended.stdout


def test_a_wrong_site_is_told_with_its_place_by_every_command(home: Home, toolkit_run: Run) -> None:
    home.write("site.yaml", SITE.replace("10.77.0.10}", "10.99.0.10}"))
    for command in ("explain", "check", "render"):
        ended = toolkit_run("pxe", command, "site.yaml", "--for", "isc-dhcp")
        assert ended.status == 2
        assert "site.yaml:14:49: reservations[0].address: the address lies in no" in ended.stderr


def test_the_schema_admits_the_site_and_refuses_a_wrong_one(home: Home, toolkit_run: Run) -> None:
    schema = json.loads(toolkit_run("pxe", "schema").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    profiles = {"p": {"default": "none"}}
    site = {"name": "a", "subnets": [{"subnet": "10.0.0.0/24"}], "profiles": profiles}
    assert validator.is_valid(site)
    assert not validator.is_valid({**site, "subnet": []})
    assert not validator.is_valid({**site, "subnets": [{"subnet": 5}]})


def test_init_writes_a_site_that_is_right_and_overwrites_none(home: Home, toolkit_run: Run) -> None:
    assert toolkit_run("pxe", "init", "new.yaml", "--defaults").status == 0
    assert toolkit_run("pxe", "render", "new.yaml", "--for", "isc-dhcp").status == 0
    text = (home.folder / "new.yaml").read_text()
    assert toolkit_run("pxe", "init", "new.yaml", "--defaults").status == 2
    assert (home.folder / "new.yaml").read_text() == text


@pytest.mark.parametrize("loader", ["ipxe", "pxelinux", "grub", "shim", "wds"])
def test_init_asks_six_questions(loader: str, home: Home, toolkit_run: Run) -> None:
    answers = f"lab\n10.5.0.0/22\n\nlab.example\n10.5.0.2\n{loader}\n"
    (home.folder / "site.yaml").unlink()
    done = subprocess.run(
        [sys.executable, "-P", "-m", "toolkit", "pxe", "init"],
        cwd=home.folder, env=home.environ, input=answers, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(" [") == 6
    ended = toolkit_run("pxe", "explain", "site.yaml", "--arch", "x64-uefi", "--for", "isc-dhcp")
    assert ended.status == 0, ended.stderr
    assert "siaddr     10.5.0.2" in ended.stdout or loader == "pxelinux"


def test_a_closed_pipe_ends_quietly(home: Home) -> None:
    rows = "".join(f"h{i},52:54:00:00:{i >> 8:02x}:{i & 255:02x}\n" for i in range(20000))
    home.write("hosts.csv", f"name,mac\n{rows}")
    home.write("site.yaml", f"{SITE.partition('reservations:')[0]}reservation_files: [hosts.csv]\n")
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "toolkit", "pxe", "render", "site.yaml", "-q", "--for",
         "isc-dhcp"],
        cwd=home.folder, env=home.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=30) == 141
