"""Plugins are found as importlib.metadata would, and a broken one never breaks another."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

import pytest

from toolkit.discovery import Found, discover, entry_points, unknown_disabled
from toolkit.plugins import CONTRACT, GROUP
from toolkit.testing import Home, Run


class Site:
    """A folder on the path with made distributions in it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        monkeypatch.syspath_prepend(str(folder))

    def add(self, name: str, source: str, *, point: str = "", module: str = "") -> None:
        """Install a distribution `name` whose module has `source`."""
        module = module or f"plugin_{name.replace('-', '_')}"
        (self.folder / f"{module}.py").write_text(source)
        metadata = self.folder / f"{name.replace('-', '_')}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        line = point or f"{name} = {module}:plugin"
        (metadata / "entry_points.txt").write_text(
            f"[console_scripts]\nx = y:z\n\n[{GROUP}]\n{line}\n"
        )

    def found(self, name: str, **environ: str) -> Found:
        """Return what discovery says of `name`."""
        return next(entry for entry in discover(environ) if entry.name == name)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(tmp_path, monkeypatch)


def plugin_source(name: str, **more: object) -> str:
    extra = "".join(f", {key}={value!r}" for key, value in more.items())
    return (
        f"from toolkit.plugins import Plugin\n"
        f"plugin = Plugin(name={name!r}, summary='It is {name}.'{extra})\n"
    )


def test_the_bundled_plugin_is_found_with_the_distributions_version() -> None:
    entry = next(entry for entry in discover({}) if entry.name == "https")
    assert (entry.state, entry.distribution) == ("active", "sysadmin-toolkit")
    assert entry.version == importlib.metadata.version("sysadmin-toolkit")


def test_entry_points_are_those_of_importlib_metadata(site: Site) -> None:
    site.add("alpha", plugin_source("alpha"))
    site.add("beta-two", plugin_source("beta"), point="beta = plugin_beta_two:plugin  # [extra]")
    ours = {(point.name, point.reference.split(" ")[0]) for point in entry_points(sys.path)}
    theirs = {
        (point.name, point.value.split(" ")[0])
        for point in importlib.metadata.entry_points(group=GROUP)
    }
    assert ours == theirs
    assert ("alpha", "plugin_alpha:plugin") in ours


def test_a_plugin_that_fails_to_import_is_listed_with_reason_and_remedy(site: Site) -> None:
    site.add("broken", "import a_module_nobody_has\n")
    site.add("whole", plugin_source("whole"))
    broken = site.found("broken")
    assert broken.state == "failed"
    assert "a_module_nobody_has" in broken.reason
    assert "pip uninstall broken" in broken.remedy
    assert site.found("whole").state == "active"


@pytest.mark.parametrize("source", ["raise SystemExit(7)", "1/0", "plugin = 3", "def ("])
def test_whatever_a_plugins_module_does_it_only_fails_itself(site: Site, source: str) -> None:
    site.add("wild", source)
    assert site.found("wild").state == "failed"
    assert site.found("https").state == "active"


def test_a_plugin_for_a_later_contract_is_refused_with_the_versions(site: Site) -> None:
    site.add("future", plugin_source("future", contract=CONTRACT + 1))
    entry = site.found("future")
    assert entry.state == "failed"
    assert f"contract {CONTRACT + 1} of a newer toolkit" in entry.reason


def test_a_second_plugin_of_a_name_never_replaces_a_bundled_one(site: Site) -> None:
    site.add("evil", plugin_source("https"), point="https = plugin_evil:plugin")
    states = {(e.distribution, e.state) for e in discover({}) if e.name == "https"}
    assert states == {("sysadmin-toolkit", "active"), ("evil", "failed")}


def test_a_name_of_the_core_cannot_be_taken(site: Site) -> None:
    site.add("config", plugin_source("config"))
    assert "reserved" in site.found("config").reason


def test_a_disabled_plugins_module_is_not_imported(site: Site) -> None:
    site.add("noisy", "raise RuntimeError('imported')\n")
    assert site.found("noisy", TOOLKIT_DISABLE_PLUGINS="noisy").state == "disabled"
    assert site.found("noisy", TOOLKIT_DISABLE_PLUGINS="all").state == "disabled"
    assert site.found("https", TOOLKIT_DISABLE_PLUGINS="noisy").state == "active"


def test_a_command_of_a_disabled_plugin_says_that_it_is_disabled(toolkit_run: Run) -> None:
    ended = toolkit_run("https", "check", environ={"TOOLKIT_DISABLE_PLUGINS": "https"})
    assert ended.status == 2
    assert 'the plugin "https" is switched off by TOOLKIT_DISABLE_PLUGINS' in ended.stderr
    assert "unset the variable" in ended.stderr


def test_a_misspelt_disabled_name_is_mentioned() -> None:
    environ = {"TOOLKIT_DISABLE_PLUGINS": "htps"}
    assert 'did you mean "https"?' in unknown_disabled(environ, discover({}))


def test_a_names_control_characters_never_reach_the_reason(site: Site) -> None:
    site.add("esc", plugin_source("e\x1b[31mvil"), point="esc = plugin_esc:plugin")
    assert "\x1b" not in site.found("esc").reason


def test_a_broken_plugin_shows_in_help_and_plugins_but_breaks_neither(
    toolkit_home: Home, toolkit_run: Run
) -> None:
    Site(toolkit_home.folder, pytest.MonkeyPatch()).add("broken", "import nobody_has_this\n")
    environ = {"PYTHONPATH": str(toolkit_home.folder)}
    page = toolkit_run("--help", environ=environ)
    assert page.status == 0
    assert "nobody_has_this" in page.stdout
    listed = toolkit_run("plugins", environ=environ)
    assert listed.status == 1
    assert "pip uninstall broken" in listed.stdout
    invoked = toolkit_run("broken", "do", environ=environ)
    assert invoked.status == 3
    assert "pip uninstall broken" in invoked.stderr
