"""The public path validation cases: no crash, no hang, and no fewer right than once reached."""

from __future__ import annotations

import importlib.util
import json
import lzma
import os
import warnings
from pathlib import Path
from types import ModuleType

import pytest

SOURCE = os.environ.get("X509_LIMBO", "")
BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "path_validation.py"


def benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("path_validation", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(not SOURCE, reason="X509_LIMBO names no file of cases")
def test_the_cases_are_judged_in_time_and_as_well_as_before() -> None:
    module = benchmark()
    cases = json.loads(lzma.decompress(Path(SOURCE).read_bytes()))["testcases"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # certificates that break rules are the point
        scored = [module.score(case) for case in cases if module.applicable(case)]
    assert max(item.seconds for item in scored) < 1
    right = [item.strict == item.expected for item in scored]
    theirs = ["bettertls" in item.case for item in scored]
    own_right = sum(ok for ok, other in zip(right, theirs, strict=True) if not other)
    their_right = sum(ok for ok, other in zip(right, theirs, strict=True) if other)
    assert (own_right >= 187, their_right >= 985) == (True, True), (own_right, their_right)
    too_lax = [item.case for item in scored if item.strict and not item.expected]
    assert len(too_lax) <= 1, too_lax
