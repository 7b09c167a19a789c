"""The root command: global options, lazy commands, and errors turned into exits."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from typer.main import get_command, get_group

from toolkit import exits, interrupts
from toolkit.command import HELP_NAMES, LEAF_OPTIONS
from toolkit.discovery import Found, discover
from toolkit.errors import ExitStatus, Terminated, ToolkitError, UsageError
from toolkit.groups import Group, LazyGroup
from toolkit.plugins import Plugin, load
from toolkit.roothelp import CORE_COMMANDS, GLOBAL_OPTIONS
from toolkit.text import clean

if TYPE_CHECKING:
    from typer._click import Command, Context


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit status; nothing is raised but by bugs in here."""
    debug = "--debug" in arguments
    interrupts.install()
    try:
        status = _run(arguments)
        sys.stdout.flush()
        interrupts.check()
    except ToolkitError as error:
        status = exits.of_toolkit_error(error, debug=debug)
        return exits.to_monitor(error.message) if exits.is_monitored(arguments) else status
    except KeyboardInterrupt:
        status = int(ExitStatus.INTERRUPTED)
    except Terminated as ended:
        status = int(ended.status)
    except OSError as error:
        if exits.is_output_error(error):
            return exits.of_output_error(error)
        return _unexpected(error, arguments)
    except Exception as error:  # noqa: BLE001  the one place where a bug becomes a sentence
        return _unexpected(error, arguments)
    if status == ExitStatus.INTERRUPTED:
        exits.complain("interrupted", kind="note")
    return status


def _unexpected(error: Exception, arguments: Sequence[str]) -> int:
    debug = "--debug" in arguments
    if isinstance(error, OSError) and exits.is_refusal(error):
        status = exits.of_refusal(error, debug=debug)
    else:
        status = exits.of_bug(error, debug=debug)
    return exits.to_monitor(exits.described(error)) if exits.is_monitored(arguments) else status


def _run(arguments: Sequence[str]) -> int:
    root = build(discover(os.environ))
    try:
        status = root.main(list(arguments), prog_name="toolkit", standalone_mode=False)
    except typer.Abort:
        return int(ExitStatus.INTERRUPTED)
    except SystemExit as ended:
        # Typer turns a closed pipe into an exit of its own; ours has one status for all commands.
        if isinstance(ended.__context__, BrokenPipeError):
            raise ended.__context__ from None
        raise
    except _usage_error_type() as error:
        return _of_usage_error(error, monitored=exits.is_monitored(arguments))
    return int(status or 0)


def _usage_error_type() -> type[Exception]:
    """Typer's base of the errors that a user made; it has no public name of its own."""
    return next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")


def _of_usage_error(error: Exception, *, monitored: bool) -> int:
    context: Context | None = getattr(error, "ctx", None)
    path = context.command_path if context else "toolkit"
    if type(error).__name__ == "NoArgsIsHelpError" and context:
        sys.stderr.write(context.get_help() + "\n")
        return int(ExitStatus.USAGE)
    describe: Callable[[], str] = getattr(error, "format_message", lambda: str(error))
    message = clean(describe())
    exits.complain(message, _misplaced(error, path) or f"see: {path} --help")
    return exits.to_monitor(message) if monitored else int(ExitStatus.USAGE)


def _misplaced(error: Exception, path: str) -> str:
    """Return the hint for an option of the leaves that was given before the command's name."""
    option, context = getattr(error, "option_name", ""), getattr(error, "ctx", None)
    if option in LEAF_OPTIONS and isinstance(getattr(context, "command", None), Group):
        return f"it comes after the command: {path} COMMAND {option}"
    return ""


def build(found: tuple[Found, ...]) -> LazyGroup:
    """Return the root command with the plugins `found`, none of them imported."""
    app = typer.Typer(
        cls=LazyGroup,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings=HELP_NAMES,
    )
    app.callback()(_root)
    group = get_command(app)
    if not isinstance(group, LazyGroup):
        raise TypeError(group)
    group.found = found
    group.lazy = {
        **{entry.name: (entry.summary, _plugin_loader(entry)) for entry in found
           if entry.state != "disabled"},
        **{name: (summary, _core_loader(reference))
           for name, (summary, reference) in CORE_COMMANDS.items()},
    }  # fmt: skip
    return group


def _core_loader(reference: str) -> Callable[[str], Command]:
    def loader(_name: str) -> Command:
        app = load(reference)
        if not isinstance(app, typer.Typer):
            raise TypeError(reference)
        return get_command(app)

    return loader


def _plugin_loader(entry: Found) -> Callable[[str], Command]:
    def loader(name: str) -> Command:
        if entry.plugin is None:
            message = f'the plugin "{name}" of {entry.distribution} failed: {entry.reason}'
            raise ToolkitError(message, hint=entry.remedy)
        return _application(entry.plugin, entry)

    return loader


def _application(plugin: Plugin, entry: Found) -> Command:
    hint = f"update {entry.distribution}, or see: toolkit plugins"
    if not plugin.app:
        raise UsageError(f'the plugin "{plugin.name}" has no commands')
    try:
        app = load(plugin.app)
    except ToolkitError as error:
        message = f'the plugin "{plugin.name}" failed: {error.message}'
        raise ToolkitError(message, hint=hint) from error
    if not isinstance(app, typer.Typer):
        raise ToolkitError(f"{plugin.app} is no typer.Typer", hint=hint)
    return get_group(app)


def _version(value: bool) -> None:
    if value:
        from toolkit import __version__

        typer.echo(f"toolkit {__version__}")
        raise typer.Exit


def _color(value: str) -> str:
    if value not in {"auto", "always", "never"}:
        raise typer.BadParameter("it is auto, always or never")
    return value


def _root(
    config: Annotated[
        str, typer.Option("--config", metavar="FILE", help=GLOBAL_OPTIONS["--config FILE"])
    ] = "",
    color: Annotated[
        str,
        typer.Option(
            "--color", metavar="WHEN", callback=_color, is_eager=True,
            help=GLOBAL_OPTIONS["--color WHEN"],
        ),
    ] = "auto",
    debug: Annotated[bool, typer.Option("--debug", help=GLOBAL_OPTIONS["--debug"])] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", "-V", is_eager=True, callback=_version,
            help=GLOBAL_OPTIONS["-V, --version"],
        ),
    ] = False,
) -> None:  # fmt: skip
    """Sysadmin tasks done with proof."""
