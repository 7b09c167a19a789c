"""What this machine has for Flask applications: Flask itself, the proof's mail server, servers."""

from __future__ import annotations

import importlib.metadata
import os
import sys
from collections.abc import Iterable, Iterator
from importlib.util import find_spec

from toolkit.doctor import Probe, program
from toolkit.session import Session


def probes(session: Session) -> Iterable[Probe]:
    """Yield what `toolkit doctor` shows for this plugin."""
    yield from _libraries()
    yield Probe(
        "processes that fork",
        found=hasattr(os, "fork"),
        detail="yes" if hasattr(os, "fork") else "not on this system",
        remedy="prove the application on Linux",
        needed_for="toolkit flask prove",
    )
    path = session.environ.get("PATH")
    yield program(
        "systemd-analyze", package="systemd", needed_for="verifying the generated unit", path=path
    )
    yield program(
        "logrotate", package="logrotate", needed_for="rotating the log of error reports", path=path
    )


def _libraries() -> Iterator[Probe]:
    for name, needed in (("Flask", "prove, with an application that has no Python of its own"),
                         ("aiosmtpd", "the mail server of prove")):  # fmt: skip
        yield Probe(name, found=True, detail=importlib.metadata.version(name), needed_for=needed,
                    required=True)  # fmt: skip
    found = find_spec("asgiref") is not None
    detail = importlib.metadata.version("asgiref") if found else "not found"
    remedy = f"{sys.executable} -m pip install asgiref"
    yield Probe("asgiref", found=found, detail=detail, remedy=remedy,
                needed_for="proving async views in our own Python")  # fmt: skip
