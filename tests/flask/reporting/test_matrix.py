"""The situations under other Flasks, Pythons and servers, so that each two of them meet."""

from __future__ import annotations

from pathlib import Path

import pytest

from reporting_lab.matrix import Case, Environments, full, interpreter, pairwise, run


@pytest.fixture(scope="module")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Environments:
    """Environments made by pip."""
    return Environments(tmp_path_factory.mktemp("matrix"))


@pytest.mark.timeout(240)  # the first of a Python or a Flask installs it
@pytest.mark.parametrize("case", pairwise(), ids=lambda case: case.name)
def test_each_situation_is_reported_once(
    case: Case, environments: Environments, tmp_path: Path
) -> None:
    if interpreter(case.python) is None:
        pytest.skip(f"python{case.python} is not installed")
    assert run(case, environments, tmp_path / "site") == []


def test_each_two_values_meet_in_the_pairwise_matrix() -> None:
    def pairs(cases: list[Case]) -> set[object]:
        return {
            (i, j, case[i], case[j])
            for case in cases
            for i in range(len(case))
            for j in range(i + 1, len(case))
        }

    assert pairs(pairwise()) == pairs(full())
    assert len(full()) == 54
