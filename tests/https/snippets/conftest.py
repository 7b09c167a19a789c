"""The fixture that anybody's suite has, here without its plugin: the suite imports it already."""

from __future__ import annotations

from toolkit_https.testing import https_traps

__all__ = ["https_traps"]
