"""Print what a whole audit of curl takes beside as many plain runs of curl, one after the other.

Usage: python tests/benchmarks/audit.py [RUNS]

Both are measured RUNS times (default 5) in alternation; a row is the median in seconds. The plain
runs go to one sound server that is up. It prints and does not judge; its status is 0.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from toolkit_https.audit import CASES
from toolkit_https.lab import Lab

RUNS = 5
TOOLKIT = (sys.executable, "-P", "-m", "toolkit", "https", "audit", "--")
CURL = ("curl", "-q", "-sS", "-o", "/dev/null")


def seconds(work: Callable[[], object]) -> float:
    """Return how long `work` takes."""
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


def whole_audit() -> None:
    """Audit curl as a user does: start-up, keys, servers and all."""
    subprocess.run([*TOOLKIT, *CURL, "--cacert", "{ca}", "{url}"], stdout=subprocess.DEVNULL,
                   check=True)  # fmt: skip


def plain_runs(url: str, ca: Path) -> None:
    """Run curl as often as an audit does."""
    for _ in CASES:
        subprocess.run([*CURL, "--cacert", ca, url], check=True)


def main() -> None:
    """Measure and print."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    audits, plain = [], []
    with Lab() as lab, tempfile.TemporaryDirectory() as folder:
        server = lab.start("ip")
        ca = Path(folder, "ca.pem")
        ca.write_bytes(lab.ca_pem)
        for _ in range(runs):
            audits.append(seconds(whole_audit))
            plain.append(seconds(lambda: plain_runs(server.url, ca)))
    print(f"{len(CASES)} servers, median of {runs} runs, {os.cpu_count()} processors")
    print(f"audit of curl              {median(audits):6.2f} s")
    print(f"{len(CASES)} runs of curl, in a row  {median(plain):6.2f} s")
    print(f"ratio                      {median(audits) / median(plain):6.2f}")


if __name__ == "__main__":
    main()
