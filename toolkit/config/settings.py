"""The core's own section of toolkit.yaml."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class CoreSettings:
    """The section `toolkit:`."""

    format: Literal["table", "json", "jsonl", "csv"] = field(
        default="table", metadata={"doc": "Output format where --format isn't given."}
    )
    color: Literal["auto", "always", "never"] = field(
        default="auto", metadata={"doc": "Colour where --color isn't given."}
    )
