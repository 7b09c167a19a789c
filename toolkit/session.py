"""What a command gets from the core: the environment, the configuration and the output."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, is_dataclass
from pathlib import Path

from toolkit import terminal
from toolkit.config import Config, CoreSettings, load
from toolkit.discovery import Found, unknown_disabled
from toolkit.errors import ToolkitError, UsageError
from toolkit.output import Look, Output
from toolkit.plugins import load as load_reference


@dataclass(frozen=True, slots=True)
class Session:
    """One invocation: everything a command would otherwise read from globals."""

    environ: Mapping[str, str]
    cwd: Path
    config: Config
    output: Output
    plugins: tuple[Found, ...]

    def settings_types(self) -> dict[str, type]:
        """Import and return the settings type of the core and of each active plugin, by section.

        One that is none is a warning: the others' settings are what they were.
        """
        found: dict[str, type] = {"toolkit": CoreSettings}
        for entry in self.plugins:
            if entry.plugin and entry.plugin.settings:
                try:
                    found[entry.name] = _settings_type(entry.plugin.settings)
                except ToolkitError as error:
                    message = f'the plugin "{entry.name}" has no settings: {error.message}'
                    self.output.warn(message, entry.update)
        return found


def _settings_type(reference: str) -> type:
    settings = load_reference(reference)
    if not (isinstance(settings, type) and is_dataclass(settings)):
        raise ToolkitError(f"{reference} is no dataclass")
    return settings


@dataclass(frozen=True, slots=True)
class LeafOptions:
    """The options that every leaf command has; a `lenient` one runs with a wrong configuration."""

    format: str = ""
    quiet: bool = False
    verbose: bool = False
    lenient: bool = False


def open_session(
    root: Mapping[str, object], plugins: tuple[Found, ...], leaf: LeafOptions
) -> Session:
    """Return the session of this process for the options of root and leaf, and what was found.

    Raises UsageError (DocumentError) where the core's own section is wrong, unless `lenient`.
    """
    environ, cwd = os.environ, _working_directory()
    config = load(environ=environ, cwd=cwd, explicit=str(root.get("config") or ""))
    settings = _core_settings(config, lenient=leaf.lenient)
    chosen = str(root.get("color") or "auto")
    width = terminal.width(environ, sys.stdout)
    wrap = width if terminal.is_terminal(sys.stdout) else 0
    output = Output(
        format=leaf.format or settings.format,
        look=Look(verbose=leaf.verbose, quiet=leaf.quiet, width=width, wrap=wrap),
        color=settings.color if chosen == "auto" else chosen,
        environ=environ,
    )
    for warning in config.warnings:
        output.warn(warning.message, warning.hint)
    unknown = unknown_disabled(environ, plugins)
    if unknown:
        output.warn(unknown)
    return Session(environ, cwd, config, output, plugins)


def _core_settings(config: Config, *, lenient: bool) -> CoreSettings:
    try:
        return config.section("toolkit", CoreSettings)
    except UsageError:
        if not lenient:
            raise
        return CoreSettings()


def _working_directory() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        message = "the working directory no longer exists"
        raise UsageError(message, hint="change to another folder: cd") from error
