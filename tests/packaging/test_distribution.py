"""The installed distribution: what a user gets from the wheel."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import sysconfig
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import toolkit

ROOT = Path(__file__).parents[2]
DISTRIBUTION = metadata.distribution("sysadmin-toolkit")
IMPORT_PACKAGES = {
    "toolkit": ROOT / "toolkit",
    **{folder.name: folder for folder in (ROOT / "plugins").glob("toolkit_*")},
}


def installed_files() -> set[str]:
    return {str(file) for file in DISTRIBUTION.files or ()}


def source_files() -> set[str]:
    return {
        f"{package}/{path.relative_to(folder)}"
        for package, folder in IMPORT_PACKAGES.items()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


OPTIONAL = {"ua_parser"}
"""What error reporting uses in applications that happen to have it, and never asks for."""


def is_editable() -> bool:
    origin = json.loads(DISTRIBUTION.read_text("direct_url.json") or "{}")
    return bool(origin.get("dir_info", {}).get("editable"))


def third_party_imports() -> set[str]:
    ours = {*IMPORT_PACKAGES, *sys.stdlib_module_names}
    found: set[str] = set()
    for folder in IMPORT_PACKAGES.values():
        for path in folder.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    found.update(alias.name.partition(".")[0] for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                    found.add(node.module.partition(".")[0])
    return found - ours


def declared() -> set[str]:
    requirements = map(Requirement, DISTRIBUTION.requires or ())
    return {canonicalize_name(item.name) for item in requirements if item.marker is None}


wheel_only = pytest.mark.skipif(
    is_editable(), reason="an editable install; tests/run has the wheel"
)


@wheel_only
def test_the_tests_run_against_the_installed_wheel() -> None:
    packages = Path(sysconfig.get_path("purelib"))
    assert Path(toolkit.__file__).is_relative_to(packages)


@wheel_only
def test_the_wheel_holds_every_file_of_the_import_packages_and_no_other() -> None:
    ours = {name for name in installed_files() if name.partition("/")[0] in IMPORT_PACKAGES}
    assert {name for name in ours if "__pycache__" not in name} == source_files()


@wheel_only
def test_the_wheel_brings_the_command_the_license_and_nothing_else() -> None:
    tops = {name.partition("/")[0] for name in installed_files()} - {".."}
    assert tops == {*IMPORT_PACKAGES, f"sysadmin_toolkit-{DISTRIBUTION.version}.dist-info"}
    assert any(name.endswith("licenses/LICENSE") for name in installed_files())
    assert any(name.endswith("/bin/toolkit") for name in installed_files())


def test_the_import_packages_are_marked_as_typed() -> None:
    assert {f"{package}/py.typed" for package in IMPORT_PACKAGES} <= source_files()


def test_the_versions_of_distribution_and_package_agree() -> None:
    assert DISTRIBUTION.version == toolkit.__version__


def test_the_changelog_has_a_section_for_this_version() -> None:
    assert f"\n## {toolkit.__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_every_bundled_plugin_is_registered_by_an_entry_point() -> None:
    registered = {
        entry.value for entry in DISTRIBUTION.entry_points.select(group="toolkit.plugins")
    }
    bundled = [folder.name for folder in (ROOT / "plugins").iterdir() if folder.is_dir()]
    assert registered == {f"{name}:plugin" for name in bundled if not name.startswith(".")}


# pytest belongs to those who use toolkit.testing, and is there when they do.
@pytest.mark.parametrize("module", sorted(third_party_imports() - {"pytest"} - OPTIONAL))
def test_what_is_imported_is_a_declared_dependency(module: str) -> None:
    owners = metadata.packages_distributions()[module]
    assert {canonicalize_name(owner) for owner in owners} & declared()


@pytest.mark.parametrize("name", sorted(declared()))
def test_a_declared_dependency_is_imported_and_its_reason_written_down(name: str) -> None:
    owners = metadata.packages_distributions()
    modules = third_party_imports() - OPTIONAL
    used = {canonicalize_name(o) for module in modules for o in owners[module]}
    assert name in used
    reasons = (ROOT / "docs/explanation/dependencies.md").read_text().lower()
    assert f"\n## {name}\n" in reasons.replace("ruamel.yaml", "ruamel-yaml")


def test_the_pins_satisfy_the_declared_bounds() -> None:
    pins = (ROOT / "tests/constraints.txt").read_text().splitlines()
    pinned = dict(line.split(" ;")[0].split("==") for line in pins if "==" in line)
    for text in DISTRIBUTION.requires or ():
        requirement = Requirement(text)
        version = pinned[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version.strip()), text


@pytest.mark.parametrize("flag", ["--version", "--help"])
def test_python_m_toolkit_answers_as_the_command_does(flag: str) -> None:
    environ = {**os.environ, "COLUMNS": "80"}
    answers = [
        subprocess.run(command, capture_output=True, text=True, check=True, env=environ).stdout
        for command in (
            [sys.executable, "-P", "-m", "toolkit", flag],
            [str(Path(sys.executable).with_name("toolkit")), flag],
        )
    ]
    assert answers[0] == answers[1] != ""
