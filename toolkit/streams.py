"""Stand-ins for standard streams that were closed before the start (`>&-` in a shell).

Python has None in their place, and the operating system gives their numbers to the next files
opened: what is meant for the user would end up in one of those.
"""

from __future__ import annotations

import os
import sys

STREAMS = (("stdin", os.O_RDONLY, "r"), ("stdout", os.O_RDONLY, "w"), ("stderr", os.O_WRONLY, "w"))
"""By number: how /dev/null is opened. Standard output can't be written to, as its closer meant:
results that nobody gets are a failure (EBADF), unlike talk that nobody hears."""


def stand_in() -> None:
    """Give each closed stream its stand-in."""
    for number, (name, flags, mode) in enumerate(STREAMS):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, flags)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            stream = open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115  for good
            setattr(sys, name, stream)
