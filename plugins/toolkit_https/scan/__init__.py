"""Disabled verification in source code: found where it is written, with what to write instead.

    for found in scan([Path("src")], Options()):
        ...

Files are read and never run or imported. Python is read by its syntax tree, shell by its words.
"""

from __future__ import annotations

from toolkit_https.scan.model import Finding, Level
from toolkit_https.scan.rules import RULES, Rule
from toolkit_https.scan.tree import Options, scan

__all__ = ["RULES", "Finding", "Level", "Options", "Rule", "scan"]
