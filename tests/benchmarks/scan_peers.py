"""How many of the places in the samples `https scan`, ruff and bandit find.

    python tests/benchmarks/scan_peers.py

A place counts as found if one of the peer's rules about verification is reported on its line.
A peer that isn't installed is shown so.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from toolkit_https.scan import Options, scan

SAMPLES = Path(__file__).parents[1] / "https" / "scan" / "samples"
MARK = re.compile(r"# finds: ([a-z-]+)$")
RUFF, BANDIT = {"S501", "S323"}, {"B501", "B323"}
Lines = set[tuple[str, int]]


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        marked: Lines = set()
        for sample in sorted(SAMPLES.glob("*.py.txt")):
            text = sample.read_text("utf-8")
            path = folder / sample.name.removesuffix(".txt")
            path.write_text(text, "utf-8")
            numbered = enumerate(text.splitlines(), 1)
            marked |= {(path.name, number) for number, line in numbered if MARK.search(line)}
        print(f"{len(marked)} places")
        for label, finder in (("toolkit", _ours), ("ruff", _ruff), ("bandit", _bandit)):
            print(_row(label, finder, folder, marked))


def _row(label: str, finder: Callable[[Path], Lines | None], folder: Path, marked: Lines) -> str:
    found = finder(folder)
    if found is None:
        return f"{label:10} is not installed"
    return f"{label:10} finds {len(found & marked):3}, and {len(found - marked)} other lines"


def _ours(folder: Path) -> Lines:
    return {(Path(item.path).name, item.line) for item in scan([folder], Options())}


def _ruff(folder: Path) -> Lines | None:
    found = _json("ruff", "check", "--isolated", "--select", ",".join(RUFF),
                  "--output-format", "json", str(folder))  # fmt: skip
    if found is None:
        return None
    return {(Path(item["filename"]).name, item["location"]["row"]) for item in found}


def _bandit(folder: Path) -> Lines | None:
    found = _json("bandit", "-q", "-r", "-f", "json", str(folder))
    if found is None:
        return None
    return {
        (Path(item["filename"]).name, item["line_number"])
        for item in found["results"]
        if item["test_id"] in BANDIT
    }


def _json(program: str, *arguments: str):  # type: ignore[no-untyped-def]  # noqa: ANN202  theirs
    path = shutil.which(program) or shutil.which(program, path=str(Path(sys.executable).parent))
    if path is None:
        return None
    done = subprocess.run([path, *arguments], capture_output=True, text=True, check=False)
    return json.loads(done.stdout)


if __name__ == "__main__":
    main()
