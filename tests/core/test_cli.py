"""The root command: what is imported, what is suggested, how it ends."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from toolkit import __version__
from toolkit.cli import build
from toolkit.discovery import discover
from toolkit.roothelp import CORE_COMMANDS, GLOBAL_OPTIONS, page
from toolkit.testing import Home, Run, command_paths, examples_of

HEAVY = ("requests", "flask", "jinja2", "cryptography", "pydantic", "OpenSSL", "ruamel")
REFERENCES = {name: reference for name, (_, reference) in CORE_COMMANDS.items()}
PLUGINS = {entry.name: entry.plugin.app for entry in discover({}) if entry.plugin}


def imported(*argv: str, home: Home) -> set[str]:
    """Return the top-level modules that `toolkit argv…` imports."""
    code = (
        "import sys; sys.argv[1:] = sys.argv[2:]\n"
        "from toolkit.__main__ import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(*{name.partition('.')[0] for name in sys.modules}, sep='\\n', file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, "-", *argv],
        capture_output=True, text=True, check=True, env=home.environ, cwd=home.folder,
    )  # fmt: skip
    return set(done.stderr.split())


def paths() -> list[tuple[str, ...]]:
    """Every command's path."""
    found: list[tuple[str, ...]] = [()]
    for name, reference in REFERENCES.items():
        found += command_paths(reference, name) if name == "config" else [(name,)]
    for name, reference in PLUGINS.items():
        found += command_paths(reference, name)
    return found


def test_version_imports_neither_typer_nor_a_plugin(toolkit_home: Home) -> None:
    assert not imported("--version", home=toolkit_home) & {"typer", "rich", "toolkit_https"}


@pytest.mark.parametrize("argv", [("--help",), ("--color", "never", "--help"), ("nonsense",)])
def test_help_imports_no_plugins_libraries(argv: tuple[str, ...], toolkit_home: Home) -> None:
    assert not imported(*argv, home=toolkit_home) & set(HEAVY)


def test_version_is_the_packages(toolkit_run: Run) -> None:
    for flag in ("--version", "-V"):
        assert toolkit_run(flag).stdout == f"toolkit {__version__}\n"


def test_the_quick_help_page_is_that_of_the_real_command(toolkit_run: Run) -> None:
    assert toolkit_run("--help").stdout == toolkit_run("--color", "auto", "--help").stdout


def test_every_global_option_is_on_the_page_and_nothing_else() -> None:
    real = {name for option in build(()).params for name in (*option.opts, *option.secondary_opts)}
    shown = {word.strip(",") for row in GLOBAL_OPTIONS for word in row.split() if word[0] == "-"}
    assert shown == real | {"-h", "--help"}


def test_every_command_is_on_the_page() -> None:
    rows = {name for section in page(discover({})).sections for name, _ in section.rows}
    assert rows >= {*REFERENCES, *PLUGINS}


@pytest.mark.parametrize("path", paths(), ids=" ".join)
def test_every_command_has_a_help_page(path: tuple[str, ...], toolkit_run: Run) -> None:
    ended = toolkit_run(*path, "--help")
    assert ended.status == 0, ended.stderr
    assert ended.stdout.startswith(" ".join(["Usage: toolkit", *path]))


@pytest.mark.parametrize("path", [path for path in paths() if path], ids=" ".join)
def test_every_leaf_has_an_example(path: tuple[str, ...], toolkit_run: Run) -> None:
    shown = toolkit_run(*path, "--help").stdout
    assert "Examples:" in shown or "Commands:" in shown


@pytest.mark.parametrize(
    "line", [line for reference in REFERENCES.values() for line in examples_of(reference)]
)
def test_every_example_of_the_core_runs(line: str, toolkit_run: Run) -> None:
    _, *argv = line.split()
    assert toolkit_run(*argv).status == 0


@pytest.mark.parametrize(
    ("argv", "near"),
    [
        (("htps", "check"), '"https"'),
        (("https", "chek"), '"check"'),
        (("conifg",), '"config"'),
        (("plugins", "--fromat", "json"), "--format"),
        (("-q", "plugins"), "toolkit COMMAND -q"),
        (("--format", "json", "plugins"), "toolkit COMMAND --format"),
        (("https", "-v", "check"), "toolkit https COMMAND -v"),
        (("plugins", "--format", "jsno"), '"json"'),
    ],
)
def test_a_slip_is_answered_with_what_was_meant(
    argv: tuple[str, ...], near: str, toolkit_run: Run
) -> None:
    ended = toolkit_run(*argv)
    assert ended.status == 2
    assert near in ended.stderr
    assert ended.stdout == ""


@pytest.mark.parametrize("argv", [(), ("https",), ("config",)])
def test_no_command_shows_the_help_page_as_a_usage_error(
    argv: tuple[str, ...], toolkit_run: Run
) -> None:
    ended = toolkit_run(*argv)
    assert ended.status == 2
    assert "Usage: toolkit" in ended.stderr


def test_what_the_user_typed_is_never_echoed_raw(toolkit_run: Run) -> None:
    ended = toolkit_run("plugins", "--format", "\x1b[31mred\u202e")
    assert ended.status == 2
    assert "\x1b" not in ended.stderr
    assert "\u202e" not in ended.stderr


def test_a_closed_pipe_ends_quietly(toolkit_home: Home) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    for argv in (["--help"], ["plugins"], ["--version"]):
        done = subprocess.run(
            [sys.executable, "-P", "-m", "toolkit", *argv],
            stdout=writer, stderr=subprocess.PIPE, env=toolkit_home.environ, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (141, b"")
    os.close(writer)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_under_standard_output_is_a_sentence(toolkit_home: Home) -> None:
    for argv in (["--help"], ["plugins"], ["--version"]):
        with Path("/dev/full").open("w") as full:
            done = subprocess.run(
                [sys.executable, "-P", "-m", "toolkit", *argv],
                stdout=full, stderr=subprocess.PIPE, text=True, env=toolkit_home.environ,
                check=False,
            )  # fmt: skip
        assert done.returncode == 3
        assert done.stderr.startswith("toolkit: error: standard output: No space left")
        assert "Traceback" not in done.stderr


def test_completion_completes_lazy_names_without_importing_them(toolkit_home: Home) -> None:
    environ = {
        **toolkit_home.environ,
        "_TOOLKIT_COMPLETE": "complete_bash",
        "COMP_WORDS": "toolkit ht",
        "COMP_CWORD": "1",
    }
    done = subprocess.run(
        [sys.executable, "-P", "-X", "importtime", "-m", "toolkit"],
        capture_output=True, text=True, env=environ, check=False,
    )  # fmt: skip
    assert done.stdout.split() == ["https"]
    assert "toolkit_https.cli" not in done.stderr


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1", "FORCE_COLOR": "1"}, {}, {"TERM": "dumb"}])
def test_a_pipe_gets_no_codes(environ: dict[str, str], toolkit_run: Run) -> None:
    assert "\x1b" not in toolkit_run("--help", environ=environ).stdout


@pytest.mark.parametrize("argv", [("--help",), ("plugins",), ("plugins", "--help")])
def test_force_color_and_the_option_give_codes(argv: tuple[str, ...], toolkit_run: Run) -> None:
    assert "\x1b[" in toolkit_run(*argv, environ={"FORCE_COLOR": "1"}).stdout
    assert "\x1b[" in toolkit_run("--color", "always", *argv).stdout


def test_a_terminal_gets_codes_and_its_width(toolkit_home: Home) -> None:
    leader, follower = pty.openpty()
    subprocess.run(
        [sys.executable, "-P", "-m", "toolkit", "--help"],
        stdout=follower, env={**toolkit_home.environ, "TERM": "xterm", "COLUMNS": "60"}, check=True,
    )  # fmt: skip
    os.close(follower)
    shown = os.read(leader, 65536).decode()
    os.close(leader)
    assert "\x1b[1m" in shown


def test_an_unexpected_exception_is_a_sentence_and_a_traceback_only_with_debug(
    toolkit_home: Home, toolkit_run: Run
) -> None:
    toolkit_home.write(
        "plugin_bug.py",
        "from toolkit.plugins import Plugin\n"
        "plugin = Plugin(name='bug', summary='It has one.', app='plugin_bug_cli:app')\n",
    )
    toolkit_home.write(
        "plugin_bug_cli.py",
        "from toolkit.command import application, command\n"
        "app = application('x')\n"
        "@command(app, 'go', examples=())\n"
        "def go(session):\n    1 / 0\n",
    )
    toolkit_home.write(
        "bug-1.0.dist-info/entry_points.txt", "[toolkit.plugins]\nbug=plugin_bug:plugin\n"
    )
    environ = {"PYTHONPATH": str(toolkit_home.folder)}
    plain = toolkit_run("bug", "go", environ=environ)
    assert plain.status == 3
    assert "ZeroDivisionError" in plain.stderr
    assert "--debug" in plain.stderr
    assert "Traceback" not in plain.stderr
    assert "Traceback" in toolkit_run("--debug", "bug", "go", environ=environ).stderr


def test_debug_shows_the_traceback_and_changes_no_status(toolkit_run: Run) -> None:
    ended = toolkit_run("--debug", "plugins", "--format", "nonsense")
    assert ended.status == 2
    assert "Traceback" in ended.stderr
    assert 'toolkit: error: there is no output format "nonsense"' in ended.stderr


def test_what_the_system_refuses_is_no_fault_of_the_toolkit(
    toolkit_home: Home, toolkit_run: Run
) -> None:
    home = toolkit_home.write("a-file", "")  # no folder can be made in it, not even by root
    ended = toolkit_run("--install-completion", "bash", environ={"HOME": f"{home}/below"})
    assert ended.status == 3
    assert f"toolkit: error: {home}/below" in ended.stderr
    assert "Not a directory" in ended.stderr
    assert "fault of the toolkit" not in ended.stderr


@pytest.mark.parametrize("columns", [40, 60, 80, 100])
def test_help_stays_within_the_terminal(columns: int, toolkit_run: Run) -> None:
    for argv in (("--help",), ("https", "--help"), ("config", "show", "--help")):
        shown = toolkit_run(*argv, environ={"COLUMNS": str(columns)}).stdout
        lines = [line for line in shown.splitlines() if not line.startswith(("Usage:", "  $ "))]
        assert [line for line in lines if len(line) > columns] == []


def test_a_missing_working_directory_is_a_sentence(toolkit_home: Home) -> None:
    gone = toolkit_home.folder / "gone"
    gone.mkdir()
    code = (
        "import os, sys; os.rmdir(os.getcwd())\n"
        "from toolkit.cli import run\nsys.exit(run(['plugins']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=gone, env=toolkit_home.environ,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "working directory" in done.stderr


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_an_interrupted_demo_leaves_no_folder(
    number: signal.Signals, status: int, toolkit_home: Home
) -> None:
    temporary = toolkit_home.folder / "tmp"
    temporary.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "toolkit", "demo"],
        env={**toolkit_home.environ, "TMPDIR": str(temporary)}, cwd=toolkit_home.folder,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    deadline = time.monotonic() + 20
    while not list(temporary.glob("toolkit-demo-*")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(number)
    process.communicate(timeout=20)
    assert process.returncode == status
    assert list(temporary.iterdir()) == []
