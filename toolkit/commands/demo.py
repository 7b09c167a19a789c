"""`toolkit demo`: the product shown by real commands, offline, in a temporary folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, cast

import typer

from toolkit import interrupts
from toolkit.command import application, command
from toolkit.demo import Stage, demo_environment
from toolkit.discovery import Found
from toolkit.errors import ExitStatus, ToolkitError, UsageError
from toolkit.plugins import load
from toolkit.session import Session
from toolkit.text import clean, did_you_mean

app = application("See what the toolkit does, offline.")


@command(
    app,
    "demo",
    formats=None,
    examples=(
        ("Everything, in a folder that is removed afterwards", "toolkit demo"),
        ("One plugin's part, its files kept to look at", "toolkit demo https --keep"),
    ),
)
def demo(
    session: Session,
    scenes: Annotated[
        list[str] | None, typer.Argument(metavar="[PLUGIN]…", help="Only these plugins' scenes.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the folder.")] = False,  # noqa: FBT002
) -> ExitStatus:
    """Show what the toolkit does: each plugin's scene, with the commands a user would type.

    Offline; servers listen on loopback only and end with the demonstration. Files are made in a
    temporary folder, which is named, and removed unless --keep says otherwise.
    """
    playing = _chosen(session.plugins, scenes or [])
    with interrupts.temporary_folder("toolkit-demo-", keep=keep) as folder:
        _play(session, playing, folder)
    kept = f"Its files are in {folder}." if keep else "Its folder is removed."
    session.output.say(f"The demonstration is over. {kept} Next: toolkit doctor")
    return ExitStatus.OK


def _chosen(plugins: tuple[Found, ...], names: list[str]) -> list[Found]:
    able = [entry for entry in plugins if entry.plugin and entry.plugin.demo]
    known = [entry.name for entry in able]
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known) or f"there are: {', '.join(known) or 'none'}"
            raise UsageError(f'no plugin "{clean(name)}" has a scene', hint=hint)
    if not able:
        message = "no active plugin has a scene to show"
        raise ToolkitError(message, hint="see what is installed: toolkit plugins")
    return [entry for entry in able if not names or entry.name in names]


def _play(session: Session, playing: list[Found], folder: Path) -> None:
    session.output.say(f"Everything happens in {folder}, offline.")
    for entry in playing:
        if entry.plugin is None:
            continue
        place = folder / entry.name
        place.mkdir()
        stage = Stage(place, session.output, demo_environment(session.environ, folder))
        stage.title(f"{entry.name}: {entry.summary}")
        _scene(entry.plugin.demo)(stage)


def _scene(reference: str) -> Callable[[Stage], None]:
    scene = load(reference)
    if not callable(scene):
        raise ToolkitError(f"{reference} is no function")
    return cast("Callable[[Stage], None]", scene)
