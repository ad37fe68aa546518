"""A closed school's pupils are its one successor's, once somebody has checked it; anything else is a person's."""

from __future__ import annotations

import pytest

from encompass.domain.placement import ReviewReason
from encompass.domain.successors import SchoolsNow

FOLLOWERS = {
    10: frozenset({20}),
    11: frozenset({21, 22}),
    12: frozenset({10}),
    13: frozenset({14}),
    14: frozenset({13}),
    15: frozenset({40}),
    17: frozenset({99}),
}
NOW = SchoolsNow(
    open=frozenset({1, 2, 20, 21, 22}),
    closed=frozenset({10, 11, 12, 13, 14, 15, 16, 17}),
    followers=FOLLOWERS,
    confirmed=frozenset({20}),
)


@pytest.mark.parametrize(
    ("urns", "told"),
    [
        ((1,), (1,)),
        ((1, 2), (1, 2)),
        ((10,), (20,)),
        ((12,), (20,)),  # closed twice over
        ((10, 20), (20,)),  # dual at both: one school
        ((1, 10), (1, 20)),
        ((11,), ReviewReason.SCHOOL_SPLIT),
        ((1, 11), ReviewReason.SCHOOL_SPLIT),
        ((13,), ReviewReason.SCHOOL_CLOSED),  # each the other's successor
        ((15,), ReviewReason.SCHOOL_CLOSED),  # not open yet
        ((16,), ReviewReason.SCHOOL_CLOSED),
        ((17,), ReviewReason.SCHOOL_CLOSED),  # unknown to the register
    ],
)
def test_who_is_told_in_a_closed_schools_stead(
    urns: tuple[int, ...], told: tuple[int, ...] | ReviewReason
) -> None:
    assert NOW.told(urns) == told


def test_a_successor_is_told_once_somebody_has_checked_it() -> None:
    unchecked = SchoolsNow(NOW.open, NOW.closed, FOLLOWERS, frozenset())
    assert unchecked.told((10,)) is ReviewReason.SUCCESSOR_UNCONFIRMED
    assert NOW.all_successors == {20, 21, 22}
