"""How a plugin makes its commands: an application, and leaf commands that get a `Session`.

    app = application("Check HTTPS servers as their clients do.")

    @command(app, "check", examples=(("One server", "toolkit https check example.org"),))
    def check(session: Session, targets: Annotated[list[str], typer.Argument(...)]) -> ExitStatus:
        ...

`--format`, `-q` and `-v` are added to the leaves; they fill the session's output.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from toolkit.errors import ExitStatus
from toolkit.groups import Command, Group
from toolkit.output import FORMATS
from toolkit.session import LeafOptions, open_session

Examples = tuple[tuple[str, str], ...]
LEAF_OPTIONS = ("--format", "--quiet", "-q", "--verbose", "-v")
HELP_NAMES = {"help_option_names": ["-h", "--help"]}


def application(summary: str) -> typer.Typer:
    """Return an empty application for a plugin; `summary` heads its help page."""
    return typer.Typer(
        cls=Group,
        help=summary,
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings=HELP_NAMES,
    )


def command(
    app: typer.Typer,
    name: str,
    *,
    examples: Examples,
    formats: tuple[str, ...] | None = (),
    lenient: bool = False,
) -> Callable[[Callable[..., ExitStatus]], Callable[..., ExitStatus]]:
    """Register a function as the leaf command `name` of `app`.

    The function's parameter `session` gets a Session; its other parameters are typer's. It returns
    the exit status. `examples` are (what it does, command line) pairs; `formats` are the output
    formats that it has besides table, json, jsonl and csv (None: it prints no results, and has no
    --format). A `lenient` command is about the configuration itself: it runs even if that is wrong.
    """

    def register(function: Callable[..., ExitStatus]) -> Callable[..., ExitStatus]:
        leaf = type("Leaf", (Command,), {"examples": examples})
        known = () if formats is None else (*FORMATS, *formats)
        wrapper = _with_session(function, known, lenient=lenient)
        app.command(name, cls=leaf, context_settings=HELP_NAMES)(wrapper)
        return function

    return register


def _with_session(
    function: Callable[..., ExitStatus], formats: tuple[str, ...], *, lenient: bool
) -> Callable[..., ExitStatus]:
    """Return a function that typer can read: `session` replaced by the common options."""

    def invoke(ctx: typer.Context, **values: Any) -> ExitStatus:  # noqa: ANN401  typer's values
        root = ctx.find_root()
        leaf = LeafOptions(
            format=values.pop("format_", FORMATS[0]),
            quiet=values.pop("quiet"),
            verbose=values.pop("verbose"),
            lenient=lenient,
        )
        session = open_session(root.params, getattr(root.command, "found", ()), leaf)
        return function(session=session, **values)

    signature = inspect.signature(function, eval_str=True)
    own = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in signature.parameters.values()
        if parameter.name != "session"
    ]
    context = inspect.Parameter(
        "ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context
    )
    parameters = [context, *own, *_common(formats)]
    invoke.__name__ = function.__name__
    invoke.__doc__ = inspect.getdoc(function)
    invoke.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    invoke.__annotations__ = {item.name: item.annotation for item in parameters}
    return invoke


def _common(formats: tuple[str, ...]) -> list[inspect.Parameter]:
    known = ", ".join(formats)
    options: dict[str, tuple[object, object]] = {
        "format_": (
            Annotated[
                str,
                typer.Option("--format", metavar="FORMAT", help=f"Output as one of: {known}."),
            ],
            "",
        ),
        "quiet": (
            Annotated[bool, typer.Option("--quiet", "-q", help="Print results and errors only.")],
            False,
        ),
        "verbose": (
            Annotated[bool, typer.Option("--verbose", "-v", help="Print all that is known.")],
            False,
        ),
    }
    if not formats:
        del options["format_"]
    return [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default
        )
        for name, (annotation, default) in options.items()
    ]
