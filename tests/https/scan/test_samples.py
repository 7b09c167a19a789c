"""Every line of the samples that ends with `# finds: rule` is found, and no other line is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from toolkit_https.scan import RULES, Options, scan

SAMPLES = Path(__file__).parent / "samples"
MARK = re.compile(r"# finds: ([a-z-]+)$")
UNMARKED = {
    # What no comment can follow in these files, as (line, rule).
    "Dockerfile.txt": {(4, "environment-off"), (5, "environment-off"), (10, "command-insecure")},
    "Makefile.txt": {(1, "command-insecure")},
    "commands.sh.txt": {(54, "command-insecure")},
}


def marked(text: str) -> set[tuple[int, str]]:
    lines = enumerate(text.splitlines(), 1)
    return {(number, match[1]) for number, line in lines if (match := MARK.search(line))}


def named(sample: Path, folder: Path) -> Path:
    """Copy a sample under the name that it is about."""
    path = folder / sample.name.removesuffix(".txt")
    path.write_text(sample.read_text("utf-8"), "utf-8")
    return path


@pytest.mark.parametrize("sample", sorted(SAMPLES.iterdir()), ids=lambda path: path.name)
def test_what_is_marked_is_found_and_nothing_else(sample: Path, tmp_path: Path) -> None:
    found = {(hit.line, hit.rule) for hit in scan([named(sample, tmp_path)], Options())}
    expected = marked(sample.read_text("utf-8")) | UNMARKED.get(sample.name, set())
    assert found == expected


def test_the_samples_have_every_rule() -> None:
    seen = {rule for sample in SAMPLES.iterdir() for _, rule in marked(sample.read_text("utf-8"))}
    assert seen == set(RULES) - {"unused-suppression", "not-read"}
