"""Its command, settings, probe and scene."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated

import typer

from toolkit.command import application, command
from toolkit.demo import Stage
from toolkit.doctor import Probe
from toolkit.errors import ExitStatus
from toolkit.output import Look, View
from toolkit.session import Session
from toolkit.terminal import Line

app = application("Switch the lamp.")


@dataclass(frozen=True, slots=True)
class Settings:
    """The section `lamp:`."""

    color: str = "white"
    password: str = ""


@dataclass(frozen=True, slots=True)
class Lamp:
    """What the command finds."""

    room: str
    color: str


def _lines(lamps: Iterable[Lamp], _look: Look) -> Iterator[Line]:
    for lamp in lamps:
        yield ((lamp.room, "name"), (f" is lit {lamp.color}", ""))


VIEW: View[Lamp] = View(
    schema="lamp.light/1",
    record=lambda lamp: {"room": lamp.room, "color": lamp.color},
    lines=_lines,
    columns=("room", "color"),
    formats={"morse": lambda lamps: (f"-- {lamp.room}\n" for lamp in lamps)},
)


@command(app, "light", examples=(("Light it", "toolkit lamp light hall"),), formats=("morse",))
def light(
    session: Session, rooms: Annotated[list[str], typer.Argument(metavar="ROOM…")]
) -> ExitStatus:
    """Light the lamp in each ROOM."""
    settings = session.config.section("lamp", Settings)
    session.output.emit((Lamp(room, settings.color) for room in rooms), VIEW)
    return ExitStatus.OK


def probes(_session: Session) -> Iterable[Probe]:
    """A probe of its own."""
    yield Probe("filament", found=False, detail="not found", remedy="apt-get install filament")


def scene(stage: Stage) -> None:
    """A scene of its own."""
    stage.say("The lamp is lit.")
    stage.run("lamp", "light", "hall")
