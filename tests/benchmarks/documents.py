"""Print CPU milliseconds of binding 100,000 nested records, beside pydantic and msgspec.

python tests/benchmarks/documents.py     (rivals: pip install pydantic msgspec)
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys

MODELS = """
from __future__ import annotations
import time
from dataclasses import dataclass
@dataclass(frozen=True, slots=True)
class Port:
    mac: str
    speed: int
@dataclass(frozen=True, slots=True)
class Host:
    name: str
    uefi: bool
    tags: list[str]
    port: Port
    note: str | None = None
@dataclass(frozen=True, slots=True)
class Site:
    hosts: list[Host]
raw = {"hosts": [
    {"name": f"host{n}", "uefi": True, "tags": ["a", "b"], "port": {"mac": "52:54:00:00:00:01",
     "speed": n}} for n in range(100_000)]}
"""
RIVALS = {
    "toolkit.documents": (
        "from toolkit.documents.binding import bind",
        "model, faults = bind(Site, raw); assert not faults",
    ),
    "pydantic": (
        "from pydantic import TypeAdapter",
        "TypeAdapter(Site).validate_python(raw)",
    ),
    "msgspec": ("import msgspec", "msgspec.convert(raw, Site)"),
}
RUNNER = """
{models}
begin = time.process_time()
{imports}
ready = time.process_time()
{work}
done = time.process_time()
print(f"{{(ready - begin) * 1000:10.0f}} {{(done - ready) * 1000:10.0f}}")
"""


def main() -> None:
    """Run each rival three times in a process of its own, and print the quickest."""
    print(f"{'':20}{'import ms':>10} {'bind ms':>10}")
    for name, (imports, work) in RIVALS.items():
        if importlib.util.find_spec(name.partition(".")[0]) is None:
            print(f"{name:20}not installed")
            continue
        code = RUNNER.format(models=MODELS, imports=imports, work=work)
        runs = [
            subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
            for _ in range(3)
        ]
        best = min((run.stdout.rstrip() for run in runs), key=lambda line: float(line.split()[1]))
        print(f"{name:20}{best}")


if __name__ == "__main__":
    main()
