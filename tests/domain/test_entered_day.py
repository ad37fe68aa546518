"""What a school may enter of its days, and that nothing entered loses a duty."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encompass.domain.entered_day import (
    ClosedReason,
    Closure,
    DayFault,
    StartTime,
    closures_of,
    days_of,
    fault_of_closure,
    fault_of_start,
    starts_now,
)
from encompass.domain.run import LONDON
from encompass.domain.school import CalendarDay, CalendarScope, DayKind
from encompass.domain.school_day import SchoolKeys, calendar_of, chased_by, first_bell_after
from encompass.formats.bank_holidays import bank_holidays

TODAY = date(2026, 3, 17)
INSET, HOLIDAY = ClosedReason.INSET, ClosedReason.HOLIDAY
SCHOOL = SchoolKeys(102884, "318")


def days(first: int, last: int, reason: ClosedReason = INSET) -> Closure:
    return Closure(TODAY + timedelta(days=first), TODAY + timedelta(days=last), reason)


@pytest.mark.parametrize(
    ("closure", "fault"),
    [
        (days(0, 0), None),  # shut today: an emergency
        (days(1, 70), None),
        (days(-1, 0), DayFault.IN_THE_PAST),
        (days(2, 1), DayFault.ENDS_BEFORE_IT_BEGINS),
        (days(1, 71), DayFault.TOO_MANY),
        (days(400, 400), None),
        (days(401, 401), DayFault.TOO_FAR),
        (days(400, 401), DayFault.TOO_FAR),
    ],
)
def test_a_closure_is_ahead_in_order_and_no_more_than_a_long_summer(
    closure: Closure, fault: DayFault | None
) -> None:
    assert fault_of_closure(closure, (), TODAY) is fault


def test_what_was_entered_before_counts_once() -> None:
    known = set(days_of(days(1, 69)))
    assert fault_of_closure(days(69, 70), known, TODAY) is None
    assert fault_of_closure(days(70, 71), known, TODAY) is DayFault.TOO_MANY


@pytest.mark.parametrize(
    ("start", "fault"),
    [
        (StartTime(TODAY, time(8, 45)), None),
        (StartTime(TODAY, time(6, 59)), DayFault.NO_TIME),
        (StartTime(TODAY, time(11, 1)), DayFault.NO_TIME),
        (StartTime(TODAY - timedelta(days=1), time(8, 45)), DayFault.IN_THE_PAST),
        (StartTime(TODAY + timedelta(days=401), time(8, 45)), DayFault.TOO_FAR),
    ],
)
def test_a_start_time_is_of_a_morning_and_ahead(start: StartTime, fault: DayFault | None) -> None:
    assert fault_of_start(start, TODAY) is fault


def test_days_in_a_row_for_one_reason_are_one_closure() -> None:
    entered = [(d, INSET) for d in days_of(days(3, 4))] + [(d, HOLIDAY) for d in days_of(days(5, 6))]
    entered += [(d, HOLIDAY) for d in days_of(days(8, 8))]
    assert closures_of(reversed(entered)) == (days(3, 4), days(5, 6, HOLIDAY), days(8, 8, HOLIDAY))


def test_the_start_time_in_force_and_those_to_come_are_shown() -> None:
    early, now, later = (
        StartTime(TODAY + timedelta(days=n), time(8, m)) for n, m in ((-9, 30), (0, 40), (9, 50))
    )
    assert starts_now([later, early, now], TODAY) == (now, later)
    assert starts_now([], TODAY) == ()


@given(
    st.datetimes(datetime(2026, 3, 10), datetime(2026, 9, 20), timezones=st.just(UTC)),
    st.lists(st.tuples(st.integers(0, 120), st.integers(0, 69)), max_size=4),
    st.integers(7 * 60, 11 * 60),
)
def test_whatever_a_school_enters_each_duty_has_a_bell_and_somebody_telephones_by_then(
    instant: datetime, entered: list[tuple[int, int]], starts: int
) -> None:
    """Seventy days at most may be entered, and a calendar without an open day within a hundred days is refused."""
    closed: set[date] = set()
    for first, length in entered:
        closure = days(first, first + length)
        if fault_of_closure(closure, closed, TODAY) is None:
            closed |= set(days_of(closure))
    own = CalendarScope.SCHOOL
    calendar = calendar_of(
        bank_holidays("england-and-wales"),
        [
            *(CalendarDay(own, "102884", day, DayKind.CLOSED, "inset") for day in closed),
            CalendarDay(own, "102884", TODAY, DayKind.START, "hours", time(starts // 60, starts % 60)),
        ],
    )
    duty_by = first_bell_after(instant, calendar, SCHOOL, time(8, 45))
    act_by = chased_by(instant, duty_by, time(8, 15), 1)
    assert instant < duty_by
    assert duty_by.astimezone(LONDON).date() not in closed
    assert act_by <= duty_by
    assert act_by <= instant + timedelta(days=3)
