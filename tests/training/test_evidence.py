"""What was seen moves a version's shares, and what it cannot say leaves them."""

from __future__ import annotations

import pytest

from encompass.domain.placement import FieldEvidence
from encompass.training.evidence import Shares, blended, counted

CURRENT = Shares(
    m={("sex", "same"): 0.9, ("sex", "differs"): 0.1, ("surname", "barrel"): 0.4, ("place", "house"): 0.7},
    u={("sex", "same"): 0.5, ("sex", "differs"): 0.5, ("place", "house"): 0.0005},
)


def match(**levels: str) -> list[FieldEvidence]:
    return [FieldEvidence(name, level, 1.0) for name, level in levels.items()]


def test_a_share_is_of_the_records_that_fill_the_field_in() -> None:
    seen = counted(
        [match(sex="same", born="same"), match(sex="differs"), match(born="day"), match(names="exchanged")]
    )
    assert seen.records == 4
    assert seen.m == {
        ("sex", "same"): 0.5, ("sex", "differs"): 0.5, ("born", "same"): 0.5, ("born", "day"): 0.5,
    }  # fmt: skip


@pytest.mark.parametrize(("records", "expected"), [(0, 0.9), (100, 0.7), (10_000, 0.50396)])
def test_few_records_move_little_and_many_move_all(records: int, expected: float) -> None:
    seen = Shares({("sex", "same"): 0.5, ("sex", "differs"): 0.5}, {}, records)
    moved = blended(CURRENT, seen, 100)
    assert moved.m["sex", "same"] == pytest.approx(expected, abs=1e-4)
    assert moved.m["sex", "same"] + moved.m["sex", "differs"] == pytest.approx(1)
    assert moved.u == CURRENT.u


def test_a_level_that_is_of_some_children_only_and_a_field_that_nobody_fills_in_stay() -> None:
    seen = Shares({("surname", "barrel"): 0.01, ("sex", "same"): 1.0}, {}, 10_000)
    moved = blended(CURRENT, seen, 100)
    assert moved.m["surname", "barrel"] == 0.4
    assert moved.m["place", "house"] == 0.7
    assert 0 < moved.m["sex", "differs"] < 0.01


def test_the_u_of_a_home_and_a_level_that_no_two_children_showed_stay() -> None:
    seen = Shares(
        {("sex", "same"): 0.7, ("sex", "differs"): 0.3, ("place", "house"): 0.8},
        {("sex", "same"): 1.0, ("place", "house"): 0.000001},
        10_000,
        10_000,
    )
    moved = blended(CURRENT, seen, 100)
    assert moved.u["place", "house"] == 0.0005
    assert moved.m["place", "house"] == pytest.approx(0.8, abs=0.01)
    assert moved.u["sex", "same"] == pytest.approx(0.995, abs=0.001)
    assert (moved.m["sex", "differs"], moved.u["sex", "differs"]) == (0.1, 0.5)
