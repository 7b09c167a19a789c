"""Print what start-up costs: CPU milliseconds beside what nobody can avoid.

Usage: python tests/benchmarks/startup.py [RUNS]

Each command runs RUNS times (default 15) in alternation with the others; a row is the median of
user and system time, the children's included. It prints and does not judge; its status is 0.
"""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan, nan
from pathlib import Path
from statistics import median

from toolkit_https.lab import Lab

RUNS = 15
PYTHON = sys.executable
TOOLKIT = str(Path(PYTHON).with_name("toolkit"))
BARE = "import sys, requests; requests.get(sys.argv[1], verify=sys.argv[2]).raise_for_status()"
FLOORS = ("pass", "import typer", "bare requests")


@dataclass(frozen=True, slots=True)
class Row:
    """One command; `aim` is its largest ratio to the floor `against`."""

    name: str
    argv: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict)
    aim: float = 0
    against: str = ""


def cpu_milliseconds(row: Row, environ: Mapping[str, str]) -> float:
    """Run it once, its output thrown away, and return what it used: NaN if it failed."""
    null = os.open(os.devnull, os.O_RDWR)
    actions = [(os.POSIX_SPAWN_DUP2, null, descriptor) for descriptor in (0, 1)]
    process = os.posix_spawn(
        row.argv[0], row.argv, {**environ, **row.environ}, file_actions=actions
    )
    os.close(null)
    _, status, used = os.wait4(process, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        return nan
    return (used.ru_utime + used.ru_stime) * 1000


def measure(rows: Sequence[Row], runs: int, environ: Mapping[str, str]) -> dict[str, float]:
    """Return the median of each row in milliseconds, NaN for one that ever failed.

    A first run of each warms the caches.
    """
    found: dict[str, list[float]] = {row.name: [] for row in rows}
    for turn in range(runs + 1):
        for row in rows:
            used = cpu_milliseconds(row, environ)
            if turn:
                found[row.name].append(used)
    return {
        name: nan if any(map(isnan, values)) else median(values) for name, values in found.items()
    }


def rows_for(url: str, target: str, authority: str) -> list[Row]:
    """Return the floors and the commands, for a server that `authority` (a file) vouches for."""
    check = (TOOLKIT, "https", "check", "--ca", authority)
    return [
        Row("pass", (PYTHON, "-c", "pass")),
        Row("import typer", (PYTHON, "-c", "import typer")),
        Row("bare requests", (PYTHON, "-c", BARE, url, authority)),
        Row("--version", (TOOLKIT, "--version"), aim=1.7, against="pass"),
        Row("--help", (TOOLKIT, "--help"), aim=1.8, against="import typer"),
        Row("--help, colour", (TOOLKIT, "--help"), {"FORCE_COLOR": "1"}, 1.8, "import typer"),
        Row("https --help", (TOOLKIT, "https", "--help")),
        Row("check host:port", (*check, target), aim=1.3, against="bare requests"),
        Row("check URL", (*check, url), aim=1.3, against="bare requests"),
    ]


def table(rows: Sequence[Row], medians: Mapping[str, float]) -> list[str]:
    """Return the lines of the table: milliseconds, ratios to the three floors, the aim."""
    lines = [f"{'':18}{'CPU ms':>8}" + "".join(f"{'× ' + floor:>17}" for floor in FLOORS) + "  aim"]
    for row in rows:
        spent = medians[row.name]
        if isnan(spent):
            lines.append(f"{row.name:18}  failed: {shlex.join(row.argv)}")
            continue
        ratios = "".join(f"{spent / medians[floor]:17.2f}" for floor in FLOORS)
        aim = f"  ≤ {row.aim} × {row.against}" if row.aim else ""
        lines.append(f"{row.name:18}{spent:8.1f}{ratios}{aim}")
    return lines


def main() -> None:
    """Start a local server, measure, print."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    with tempfile.TemporaryDirectory() as home, Lab() as lab:
        server = lab.start("ip")  # valid for the address, so that no name need resolve
        authority = Path(home, "authority.pem")
        authority.write_bytes(server.ca_pem)
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": home,
            "TOOLKIT_CONFIG_SYSTEM": f"{home}/none.yaml",
        }
        rows = rows_for(server.url, f"{server.host}:{server.port}", str(authority))
        medians = measure(rows, runs, environ)
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} processors, median of {runs} runs")
    print("\n".join(table(rows, medians)))


if __name__ == "__main__":
    main()
