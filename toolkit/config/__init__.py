"""Configuration in layers: built in < system < user < project < --config < environment < option.

Each later one wins, key by key. A section is checked when a command uses it; `toolkit config check`
checks all of them. Nothing heavy is imported where no file exists.
"""

from __future__ import annotations

from toolkit.config.layers import Config, Layer, Origin, load
from toolkit.config.settings import CoreSettings

__all__ = ["Config", "CoreSettings", "Layer", "Origin", "load"]
