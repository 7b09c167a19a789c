"""The help page of `toolkit` itself, made without typer and without any plugin's application."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import IO, TYPE_CHECKING

from toolkit.discovery import Found, discover

if TYPE_CHECKING:
    from toolkit.helptext import HelpPage

DESCRIPTION = "Sysadmin tasks done with proof: what is wrong, how it is known, and what to change."

GLOBAL_OPTIONS: Mapping[str, str] = {
    "--config FILE": "Read this configuration file too; it wins over those found.",
    "--color WHEN": "Colour: auto (on a terminal), always or never.",
    "--debug": "Show a traceback when the toolkit itself fails.",
    "-V, --version": "Print the version and exit.",
    "--install-completion": "Install completion for the current shell.",
    "--show-completion": "Print the completion script of the current shell.",
    "-h, --help": "Print this page and exit.",
}
"""The options before a command's name; `toolkit.cli` takes its help texts from here."""

CORE_COMMANDS: Mapping[str, tuple[str, str]] = {
    "config": ("Show, check and describe the configuration.", "toolkit.commands.config:app"),
    "demo": ("See what the toolkit does, offline, in minutes.", "toolkit.commands.demo:app"),
    "doctor": ("Show what this machine can prove with.", "toolkit.commands.doctor:app"),
    "plugins": ("List the plugins, and why one failed.", "toolkit.commands.plugins:app"),
}
"""Name → (summary, lazy reference) of the core's own commands."""

EXAMPLES = (
    ("Will clients accept this server's certificate?", "toolkit https check example.org"),
    ("A tour of everything, offline", "toolkit demo"),
)


def page(found: Iterable[Found]) -> HelpPage:
    """Return the page for the plugins `found`."""
    from toolkit.helptext import HelpPage, Section  # the tables above are needed without it

    plugins = tuple((entry.name, entry.summary) for entry in found if entry.plugin)
    broken = tuple((entry.name, entry.reason) for entry in found if entry.state == "failed")
    core = tuple((name, summary) for name, (summary, _) in CORE_COMMANDS.items())
    return HelpPage(
        usage="toolkit [OPTIONS] COMMAND …",
        description=DESCRIPTION,
        sections=(
            Section("Plugins", plugins),
            Section("Failed plugins (see: toolkit plugins)", broken),
            Section("Commands", core),
            Section("Options", tuple(GLOBAL_OPTIONS.items())),
        ),
        examples=EXAMPLES,
        epilog="--format, -q and -v come after the command: toolkit COMMAND --help lists them.",
    )


def text(environ: Mapping[str, str], stream: IO[str], color: str = "auto") -> str:
    """Return the page laid out for `stream`."""
    from toolkit import helptext

    return helptext.text(page(discover(environ)), color=color, environ=environ, stream=stream)
