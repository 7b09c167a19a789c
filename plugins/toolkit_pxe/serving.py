"""How a target's server is run in the laboratory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from toolkit_pxe.targets.base import Options, Rendered


@dataclass(frozen=True, slots=True)
class Serving:
    """An argument list that runs the server in the foreground, on the interface srv0."""

    argv: Sequence[str]


@runtime_checkable
class Servable(Protocol):
    """A target whose server the laboratory can start."""

    def serve(self, rendered: Rendered, folder: Path, options: Options) -> Serving:
        """Write what the server needs into `folder`, and return how it is run from there."""
