"""A third party's plugin, built as a distribution and installed, is at home in every command."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from toolkit.testing import Ended, Home

SOURCE = Path(__file__).parent / "third_party"
Lamp = Callable[..., Ended]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment that sees ours and has the plugin's wheel installed; its python."""
    folder = tmp_path_factory.mktemp("third-party")
    source = shutil.copytree(SOURCE, folder / "source")
    wheels = folder / "wheels"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", wheels, source], check=True
    )
    venv = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(venv), "platbase": str(venv)}))
    ours = sysconfig.get_path("purelib")
    (site / "ours.pth").write_text(f"import site; site.addsitedir({ours!r})\n")
    wheel = next(wheels.glob("lamp_for_toolkit-*.whl"))
    subprocess.run([*pip, "install", "--no-deps", "--target", site, wheel], check=True)
    return venv / "bin" / "python"


@pytest.fixture
def lamp(environment: Path, toolkit_home: Home) -> Lamp:
    """Run `toolkit` in that environment."""

    def run(*argv: str, **environ: str) -> Ended:
        done = subprocess.run(
            [environment, "-P", "-m", "toolkit", *argv],
            cwd=toolkit_home.folder, env={**toolkit_home.environ, **environ},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return Ended(argv, done.returncode, done.stdout, done.stderr)

    return run


def test_it_is_listed_with_version_and_distribution(lamp: Lamp) -> None:
    ended = lamp("plugins", "--format", "json")
    records = {record["name"]: record for record in json.loads(ended.stdout)["results"]}
    assert records["lamp"]["version"] == "3.1.4"
    assert records["lamp"]["distribution"] == "lamp-for-toolkit"
    assert records["lamp"]["state"] == "active"


def test_its_command_is_on_the_root_help_page(lamp: Lamp) -> None:
    assert "Switch the lamp." in lamp("--help").stdout


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ("table", "hall is lit white\n"),
        ("csv", "room,color\nhall,white\n"),
        ("jsonl", '{"schema": "lamp.light/1", "room": "hall", "color": "white"}\n'),
        ("morse", "-- hall\n"),
    ],
)
def test_its_results_have_every_format_and_its_own(lamp: Lamp, chosen: str, expected: str) -> None:
    assert lamp("lamp", "light", "hall", "--format", chosen).stdout == expected


def test_its_section_of_the_configuration_is_read(lamp: Lamp, toolkit_home: Home) -> None:
    toolkit_home.write("toolkit.yaml", "lamp:\n  color: red\n")
    assert lamp("lamp", "light", "hall").stdout == "hall is lit red\n"
    assert lamp("lamp", "light", "hall", TOOLKIT_LAMP_COLOR="blue").stdout == "hall is lit blue\n"


def test_a_slip_in_its_section_is_located(lamp: Lamp, toolkit_home: Home) -> None:
    toolkit_home.write("toolkit.yaml", "lamp:\n  colour: red\n")
    ended = lamp("config", "check")
    assert ended.status == 2
    assert "toolkit.yaml:2:3: lamp.colour:" in ended.stdout + ended.stderr
    assert 'did you mean "color"?' in ended.stdout + ended.stderr


def test_its_secret_is_never_shown(lamp: Lamp, toolkit_home: Home) -> None:
    toolkit_home.write("toolkit.yaml", "lamp:\n  password: hunter2\n")
    ended = lamp("config", "show", "--format", "json")
    assert "lamp.password" in ended.stdout
    assert "hunter2" not in ended.stdout + ended.stderr


def test_its_probe_is_in_doctor_with_the_package_to_install(lamp: Lamp) -> None:
    assert "apt-get install filament" in lamp("doctor").stdout


def test_its_scene_is_in_the_demo(lamp: Lamp) -> None:
    ended = lamp("demo", "lamp")
    assert ended.status == 0, ended.stderr
    assert "$ toolkit lamp light hall\nhall is lit white\n" in ended.stdout


def test_a_slip_in_its_name_is_answered_without_importing_it(lamp: Lamp) -> None:
    ended = lamp("lampp", "light")
    assert ended.status == 2
    assert 'did you mean "lamp"?' in ended.stderr


def test_it_can_be_switched_off(lamp: Lamp) -> None:
    ended = lamp("plugins", TOOLKIT_DISABLE_PLUGINS="lamp")
    assert "disabled" in ended.stdout
    assert lamp("lamp", "light", "hall", TOOLKIT_DISABLE_PLUGINS="lamp").status == 2
