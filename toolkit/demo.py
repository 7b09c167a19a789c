"""The stage on which plugins show what they do: a folder, a voice, and real commands.

A scene prepares what it needs in `Stage.folder`, then runs commands as a user would type them.
Each runs as a process of its own; a status other than the expected one ends the demonstration.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from toolkit import interrupts, terminal
from toolkit.errors import ToolkitError
from toolkit.output import Output
from toolkit.terminal import Line


@dataclass(slots=True)
class Stage:
    """What a scene gets. `folder` is temporary and becomes the commands' working directory."""

    folder: Path
    output: Output
    environ: Mapping[str, str]
    commands: int = field(default=0)

    def title(self, text: str) -> None:
        """Print a scene's heading."""
        self._print(())
        self._print(((f"── {text} ", "title"), ("─" * max(0, 70 - len(text)), "dim")))

    def say(self, text: str) -> None:
        """Print a paragraph for the user, wrapped."""
        self._print(())
        for line in textwrap.wrap(" ".join(text.split()), 78):
            self._print(((line, ""),))

    def run(self, *argv: str, expect: int = 0) -> None:
        """Print `$ toolkit argv…` and run it, its output going where ours goes.

        Raises ToolkitError when its exit status isn't `expect`.
        """
        shown = shlex.join(["toolkit", *argv])
        interrupts.check()
        self._print((("$ ", "dim"), (shown, "name")))
        done = subprocess.run(
            [sys.executable, "-P", "-m", "toolkit", "--color", self._color(), *argv],
            cwd=self.folder,
            env=dict(self.environ),
            stdin=subprocess.DEVNULL,
            check=False,
        )
        self.commands += 1
        if done.returncode != expect:
            message = f"{shown} ended with status {done.returncode}, not {expect}"
            raise ToolkitError(message, hint="run it by hand with --debug; toolkit doctor may help")
        self._print(((f"(exit status {done.returncode})", "dim"),))

    def _color(self) -> str:
        on = terminal.takes_color(self.output.color, self.environ, self.output.stdout)
        return "always" if on else "never"

    def _print(self, line: Line) -> None:
        color = self._color() == "always"
        self.output.stdout.write(terminal.render([line], color=color))
        self.output.stdout.flush()


def demo_environment(environ: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return `environ` for the demonstration: the user's configuration and trust settings left out.

    What the demonstration shows must not depend on the machine; HOME and the like are `folder`.
    """
    kept = {
        name: value
        for name, value in environ.items()
        if not name.startswith("TOOLKIT_")
        and name not in {"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"}
    }
    disabled = environ.get("TOOLKIT_DISABLE_PLUGINS")
    more = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder / ".config")}
    more["TOOLKIT_CONFIG_SYSTEM"] = str(folder / "none.yaml")
    return {**kept, **more, **({"TOOLKIT_DISABLE_PLUGINS": disabled} if disabled else {})}
