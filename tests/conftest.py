"""What all tests share: an environment that is the same everywhere, real programs, honest skips."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Generator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ["toolkit.testing"]
SERVERS = Path(__file__).with_name("servers.txt")
SWAYING = (
    "ALL_PROXY",
    "COLUMNS",
    "CURL_CA_BUNDLE",
    "FORCE_COLOR",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_COLOR",
    "NO_PROXY",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
)
"""Variables that change what is trusted, where a request goes or how text looks."""

settings.register_profile("steady", derandomize=True, deadline=None, database=None)
settings.load_profile("steady")


def pytest_configure(config: pytest.Config) -> None:
    """Take away what the machine would bring into a test, and find servers as root does."""
    del config
    for name in tuple(os.environ):
        if name.upper() in SWAYING or name.startswith(("TOOLKIT_", "XDG_")):
            del os.environ[name]
    path = os.environ.get("PATH", os.defpath).split(os.pathsep)
    more = [folder for folder in ("/usr/sbin", "/sbin") if folder not in path]
    os.environ["PATH"] = os.pathsep.join([*path, *more])


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose real program is missing, with the command that installs it."""
    for marker in item.iter_markers("server"):
        program = str(marker.args[0])
        if shutil.which(program) is None:
            package = _packages().get(program)
            if package is None:
                raise pytest.UsageError(f"{SERVERS.name} has no line for {program}")
            pytest.skip(f"{program} is not installed (apt-get install {package})")
    for marker in item.iter_markers("interpreter"):
        version = str(marker.args[0])
        if found_interpreter(version) is None:
            pytest.skip(f"python{version} is not installed")


@pytest.fixture
def interpreter(request: pytest.FixtureRequest) -> str:
    """The path of the interpreter whose version is the fixture's parameter."""
    found = found_interpreter(request.param)
    assert found is not None, "the test has no marker that skips it"
    return found


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skipped real-server test into a failure in CI, whoever skipped it."""
    report = yield
    wanted = os.environ.get("CI") == "true" and item.get_closest_marker("server") is not None
    if wanted and report.skipped and not hasattr(report, "wasxfail"):
        reason = _reason(report)
        report.outcome = "failed"
        report.longrepr = f"in CI a real-server test must run: {reason}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name every skipped test with its reason, and what would let it run."""
    skipped = terminalreporter.stats.get("skipped", [])
    if not skipped:
        return
    terminalreporter.section("skipped")
    for report in skipped:
        terminalreporter.write_line(f"{report.nodeid}: {_reason(report)}")
    if any("apt-get install" in _reason(report) for report in skipped):
        terminalreporter.write_line("`tests/run --servers`, as root on Debian, installs these.")


def _packages() -> dict[str, str]:
    """Return the Debian package of each program in tests/servers.txt."""
    lines = [line for line in SERVERS.read_text().splitlines() if not line.startswith("#")]
    rows = [[cell.strip() for cell in line.split("|")] for line in lines if line.strip()]
    return {program: package for package, program, _reason in rows}


@cache
def found_interpreter(version: str) -> str | None:
    """Return an interpreter that starts, on PATH or among pyenv's versions; None if there is none.

    pyenv's shim for a version that is not chosen is on PATH and does not start.
    """
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    known = sorted(map(str, root.glob(f"versions/{version}.*/bin/python{version}")))
    candidates = [shutil.which(f"python{version}"), *known]
    return next((path for path in candidates if path and _runs(path)), None)


def _runs(interpreter: str) -> bool:
    done = subprocess.run([interpreter, "-c", "pass"], capture_output=True, check=False)
    return done.returncode == 0


def _reason(report: pytest.TestReport) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")
