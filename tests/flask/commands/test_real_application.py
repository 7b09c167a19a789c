"""One application from PyPI, as a new user would; all: tests/benchmarks/flask_applications.py."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

TRIAL = Path(__file__).parents[2] / "benchmarks" / "flask_applications.py"


@pytest.fixture
def trials() -> ModuleType:
    """The program that tries all of them."""
    spec = importlib.util.spec_from_file_location("flask_applications", TRIAL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.timeout(300)
def test_httpbin_reports_every_situation_and_is_restored_to_the_byte(
    trials: ModuleType, tmp_path: Path
) -> None:
    httpbin = next(item for item in trials.APPLICATIONS if item.name == "httpbin")
    row = trials.trial(httpbin, tmp_path)
    assert "| status 0: 30 reported | Flask 3" in row, row
    assert row.endswith("| to the byte |")
