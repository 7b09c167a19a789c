"""Where servers and their checkers are: Debian keeps them out of the path of everybody but root."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping

SBIN = ("/usr/sbin", "/sbin")


def search_path(environ: Mapping[str, str] = os.environ) -> str:
    """Return PATH, and the folders of servers after it."""
    return os.pathsep.join([environ.get("PATH", os.defpath), *SBIN])


def find(program: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """Return the path of `program`, or None."""
    return shutil.which(program, path=search_path(environ))
