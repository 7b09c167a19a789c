"""Typer's commands and groups with our help page, lazy loading and "did you mean".

Typer's own help loads rich's tables, panels and markdown (twice the cost of typer itself) and its
suggestions know only commands that are imported already; these classes change just that.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from typer.core import TyperCommand, TyperGroup

from toolkit import roothelp
from toolkit.discovery import Found
from toolkit.errors import UsageError
from toolkit.text import did_you_mean

if TYPE_CHECKING:
    from typer._click import Command as AnyCommand
    from typer._click import Context
    from typer._click.shell_completion import CompletionItem

    from toolkit.helptext import HelpPage


def color_of(context: Context) -> str:
    """Return what `--color` said: auto, always or never."""
    return str(context.find_root().params.get("color") or "auto")


Rows: TypeAlias = tuple[tuple[str, str], ...]
"""(name, what it is) pairs."""


def _render(page: HelpPage, context: Context) -> str:
    from toolkit import helptext  # a command that runs needs no page

    styled = helptext.text(
        page, color=color_of(context), environ=os.environ, stream=sys.stdout
    ).rstrip("\n")
    if "\x1b" in styled:
        context.color = True  # else the codes that were asked for are stripped on a pipe
    return styled


def _page(
    command: AnyCommand, context: Context, commands: Rows = (), examples: Rows = ()
) -> HelpPage:
    from toolkit.helptext import HelpPage, Section  # as in _render

    rows = {"Commands": commands, **_parameters(command, context)}
    sections = tuple(Section(title, found) for title, found in rows.items())
    return HelpPage(_usage(command, context), command.help or "", sections, examples)


def _parameters(command: AnyCommand, context: Context) -> dict[str, Rows]:
    rows: dict[str, list[tuple[str, str]]] = {"argument": [], "option": []}
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record:
            rows[parameter.param_type_name].append(record)
    titles = {"argument": "Arguments", "option": "Options"}
    return {titles[kind]: tuple(found) for kind, found in rows.items()}


def _usage(command: AnyCommand, context: Context) -> str:
    return " ".join([context.command_path, *command.collect_usage_pieces(context)])


class Command(TyperCommand):
    """A leaf command with examples, (what it does, command line) pairs, on its help page."""

    examples: Rows = ()

    def get_help(self, ctx: Context) -> str:
        """Return the help page as text for standard output."""
        return _render(_page(self, ctx, examples=self.examples), ctx)


class Group(TyperGroup):
    """A group of commands with our help page and suggestions."""

    def summaries(self, context: Context) -> Rows:
        """Return (name, summary) of each command that help lists, importing nothing new."""
        names = self.list_commands(context)
        found = [(name, self.get_command(context, name)) for name in names]
        return tuple(
            (name, command.get_short_help_str(limit=200))
            for name, command in found
            if command and not command.hidden
        )

    def get_help(self, ctx: Context) -> str:
        """Return the help page as text for standard output."""
        return _render(_page(self, ctx, self.summaries(ctx)), ctx)

    def resolve_command(
        self, ctx: Context, args: list[str]
    ) -> tuple[str | None, AnyCommand | None, list[str]]:
        """Find the command that `args` name; a slip is answered with the nearest one."""
        name = args[0]
        if not ctx.resilient_parsing and not name.startswith("-"):
            names = self.list_commands(ctx)
            if name not in names:
                hint = did_you_mean(name, names)
                available = f"available: {', '.join(names)}"
                ctx.fail(f'{ctx.command_path} has no command "{name}"; {hint or available}')
        return super().resolve_command(ctx, args)


class LazyGroup(Group):
    """The root: commands are known by name and summary, and imported when they are invoked."""

    lazy: Mapping[str, tuple[str, Callable[[str], AnyCommand]]] = {}
    found: tuple[Found, ...] = ()

    def resolve_command(
        self, ctx: Context, args: list[str]
    ) -> tuple[str | None, AnyCommand | None, list[str]]:
        """As in Group; a plugin that is switched off is told as such."""
        for entry in self.found:
            if entry.name == args[0] and entry.state == "disabled" and not ctx.resilient_parsing:
                message = f'the plugin "{entry.name}" is {entry.reason}'
                raise UsageError(message, hint=entry.remedy)
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: Context) -> list[str]:  # noqa: ARG002  click's signature
        """Return all names, imported or not."""
        return list(self.lazy)

    def get_command(
        self,
        ctx: Context,  # noqa: ARG002  click's signature
        cmd_name: str,
    ) -> AnyCommand | None:
        """Import and return the command `cmd_name`, or None where there is none."""
        if cmd_name not in self.lazy:
            return None
        if cmd_name not in self.commands:
            _, loader = self.lazy[cmd_name]
            command = loader(cmd_name)
            command.name = cmd_name  # generated documentation shows it
            self.commands[cmd_name] = command
        return self.commands[cmd_name]

    def summaries(self, context: Context) -> Rows:  # noqa: ARG002  as in Group
        """Return (name, summary) of each command from its static description."""
        return tuple((name, summary) for name, (summary, _) in self.lazy.items())

    def get_help(self, ctx: Context) -> str:
        """Return the root's page: the very one that `toolkit --help` prints without typer."""
        return _render(roothelp.page(self.found), ctx)

    def shell_complete(self, ctx: Context, incomplete: str) -> list[CompletionItem]:
        """Complete names and options without importing a plugin."""
        from typer._click.core import Command as Base
        from typer._click.shell_completion import CompletionItem

        items = [
            CompletionItem(name, help=summary)
            for name, (summary, _) in self.lazy.items()
            if name.startswith(incomplete)
        ]
        options: Any = Base.shell_complete(self, ctx, incomplete)
        return [*items, *options]
