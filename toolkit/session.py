"""What a command gets from the core: the environment, the configuration and the output."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from toolkit import terminal
from toolkit.config import Config, CoreSettings, load
from toolkit.discovery import Found, discover, unknown_disabled
from toolkit.errors import UsageError
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
        """Import and return the settings type of the core and of each active plugin, by section."""
        found: dict[str, type] = {"toolkit": CoreSettings}
        for entry in self.plugins:
            if entry.plugin and entry.plugin.settings:
                settings = load_reference(entry.plugin.settings)
                if isinstance(settings, type):
                    found[entry.name] = settings
        return found


def open_session(
    options: Mapping[str, object], *, format: str, quiet: bool, verbose: bool, lenient: bool = False
) -> Session:
    """Return the session of this process for the root's `options` and a leaf's.

    Raises UsageError (DocumentError) where the core's own section is wrong, unless `lenient`.
    """
    environ, cwd = os.environ, _working_directory()
    config = load(environ=environ, cwd=cwd, explicit=str(options.get("config") or ""))
    settings = _core_settings(config, lenient=lenient)
    chosen = str(options.get("color") or "auto")
    output = Output(
        format=format or settings.format,
        look=Look(verbose=verbose, quiet=quiet, width=terminal.width(environ, sys.stdout)),
        color=settings.color if chosen == "auto" else chosen,
        environ=environ,
    )
    for warning in config.warnings:
        output.warn(warning.message, warning.hint)
    plugins = discover(environ)
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
