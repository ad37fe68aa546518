"""Who is told while somebody stands in: nobody is dropped, and naming opens nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from encompass.domain.cover import (
    Cover,
    CoverFault,
    CoverRule,
    CoverState,
    NamedCover,
    WantedCover,
    fault_of_cover,
    with_cover,
)
from encompass.domain.key_adults import LapsedTraining, leads_of, told_of
from encompass.domain.school import KeyAdultEntry, KeyAdultRole

DAY = date(2026, 3, 17)
LEAD, DEPUTY, OTHER = (UUID(int=n) for n in (1, 2, 3))
DAYS = timedelta(days=1)


def adult(role: KeyAdultRole, **changes: Any) -> KeyAdultEntry:
    whole = KeyAdultEntry("K", 100000, role, "A Key Adult", "adult@school.example", None, "en", DAY, None)
    return replace(whole, **changes)


ADULTS = [(LEAD, adult(KeyAdultRole.DSL)), (DEPUTY, adult(KeyAdultRole.DEPUTY))]
COVER = Cover(LEAD, DEPUTY, DAY, DAY + DAYS)


def told(
    rule: CoverRule, day: date, adults: list[tuple[UUID, KeyAdultEntry]], *covers: Cover[UUID]
) -> set[UUID]:
    return set(told_of(with_cover(adults, covers, day, rule), day, LapsedTraining.WARN).adults)


@pytest.mark.parametrize(
    ("rule", "day", "nudged"),
    [
        (CoverRule.INSTEAD, DAY, {DEPUTY}),
        (CoverRule.INSTEAD, DAY + DAYS, {DEPUTY}),
        (CoverRule.INSTEAD, DAY - DAYS, {LEAD, DEPUTY}),
        (CoverRule.INSTEAD, DAY + 2 * DAYS, {LEAD, DEPUTY}),
        (CoverRule.AS_WELL, DAY, {LEAD, DEPUTY}),
    ],
)
def test_the_stand_in_is_told_instead_or_as_well_on_those_days(
    rule: CoverRule, day: date, nudged: set[UUID]
) -> None:
    assert told(rule, day, ADULTS, COVER) == nudged


@pytest.mark.parametrize("rule", CoverRule)
def test_who_stands_in_for_the_lead_is_told_first_where_deputies_come_later(rule: CoverRule) -> None:
    standing = with_cover(ADULTS, [COVER], DAY, rule)
    assert DEPUTY in leads_of(told_of(standing, DAY, LapsedTraining.WARN), standing)
    assert set(leads_of(told_of(ADULTS, DAY, LapsedTraining.WARN), ADULTS)) == {LEAD}


def test_where_nobody_else_is_left_the_one_covered_is_told_all_the_same() -> None:
    assert told(CoverRule.INSTEAD, DAY, ADULTS[:1], COVER) == {LEAD}  # the stand-in is no contact that day
    away = adult(KeyAdultRole.DEPUTY, away_from=DAY, away_to=DAY)
    standing = with_cover([ADULTS[0], (DEPUTY, away)], [COVER], DAY, CoverRule.INSTEAD)
    found = told_of(standing, DAY, LapsedTraining.WARN)
    assert (set(found.adults), found.is_everybody_away) == ({LEAD, DEPUTY}, True)
    assert told(CoverRule.INSTEAD, DAY, ADULTS, COVER, Cover(DEPUTY, LEAD, DAY, DAY)) == {LEAD, DEPUTY}


def named(adult: UUID, first: int, last: int) -> NamedCover:
    days = (DAY + first * DAYS, DAY + last * DAYS)
    return NamedCover(UUID(int=9), adult, "A", OTHER, "B", *days, CoverState.READY, is_own=True)


@pytest.mark.parametrize(
    ("first", "last", "fault"),
    [
        (0, 0, None),
        (0, 100, None),
        (0, 101, CoverFault.TOO_LONG),
        (-1, 1, CoverFault.IN_THE_PAST),
        (2, 1, CoverFault.ENDS_BEFORE_IT_BEGINS),
        (390, 401, CoverFault.TOO_FAR),
        (300, 305, CoverFault.OVERLAPS),
        (205, 210, CoverFault.AWAY_TOO),
    ],
)
def test_the_days_of_a_cover(first: int, last: int, fault: CoverFault | None) -> None:
    others = [named(LEAD, 305, 310), named(DEPUTY, 200, 205)]
    wanted = WantedCover(DAY + first * DAYS, DAY + last * DAYS, DEPUTY)
    assert fault_of_cover(wanted, LEAD, others, DAY) is fault
