"""The first bell after an incident: weekends, bank holidays, closures, the clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encompass.domain.school import CalendarDay, CalendarScope, DayKind
from encompass.domain.school_day import (
    NoSchoolDay,
    SchoolCalendar,
    SchoolKeys,
    calendar_of,
    chased_by,
    first_bell_after,
)
from encompass.formats.bank_holidays import bank_holidays

LONDON = ZoneInfo("Europe/London")
BELL = time(8, 45)
CLOSED, OPEN, START = DayKind.CLOSED, DayKind.OPEN, DayKind.START
DEFAULT, LA, TRUST, SCHOOL = (
    CalendarScope.DEFAULT,
    CalendarScope.LA,
    CalendarScope.TRUST,
    CalendarScope.SCHOOL,
)
CALENDAR = calendar_of(
    bank_holidays("england-and-wales"),
    [
        CalendarDay(DEFAULT, None, date(2026, 2, 16), CLOSED, "half term"),
        CalendarDay(LA, "212", date(2026, 2, 17), CLOSED, "snow"),
        CalendarDay(SCHOOL, "100001", date(2026, 2, 18), CLOSED, "inset"),
    ],
)


ANYWHERE = SchoolKeys(100000, "999")


def bell(instant: str, urn: int = 100000, la_code: str = "999") -> str:
    when = datetime.fromisoformat(instant).replace(tzinfo=LONDON)
    return first_bell_after(when, CALENDAR, SchoolKeys(urn, la_code), BELL).strftime("%a %d %b %H:%M %z")


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        ("2026-03-09T23:35", "Tue 10 Mar 08:45 +0000"),
        ("2026-03-10T05:30", "Tue 10 Mar 08:45 +0000"),
        ("2026-03-10T08:44", "Tue 10 Mar 08:45 +0000"),
        ("2026-03-10T08:45", "Wed 11 Mar 08:45 +0000"),  # in school hours: the next bell
        ("2026-03-13T22:00", "Mon 16 Mar 08:45 +0000"),  # Friday night
        ("2026-04-02T22:00", "Tue 07 Apr 08:45 +0100"),  # Good Friday to Easter Monday
        ("2025-12-24T22:00", "Mon 29 Dec 08:45 +0000"),  # Christmas Day and Boxing Day, then a weekend
        ("2026-03-28T23:59", "Mon 30 Mar 08:45 +0100"),  # the clocks go forward in between
        ("2026-10-24T23:59", "Mon 26 Oct 08:45 +0000"),  # and back
        ("2026-02-13T22:00", "Tue 17 Feb 08:45 +0000"),  # closed for every school
    ],
)
def test_the_first_bell(instant: str, expected: str) -> None:
    assert bell(instant) == expected


def test_a_closure_of_an_authority_or_of_a_school_is_its_own() -> None:
    assert bell("2026-02-16T22:00", la_code="212") == "Wed 18 Feb 08:45 +0000"
    assert bell("2026-02-16T22:00", urn=100001) == "Tue 17 Feb 08:45 +0000"
    assert bell("2026-02-16T22:00", urn=100001, la_code="212") == "Thu 19 Feb 08:45 +0000"


@given(st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)))
def test_a_bell_is_later_open_and_the_first(instant: datetime) -> None:
    found = first_bell_after(instant, CALENDAR, ANYWHERE, BELL).astimezone(LONDON)
    assert found > instant
    assert (found.hour, found.minute) == (8, 45)
    assert CALENDAR.is_open(found.date(), ANYWHERE)
    day = instant.astimezone(LONDON).date()
    while day < found.date():
        assert not CALENDAR.is_open(day, ANYWHERE) or datetime.combine(day, BELL, LONDON) <= instant
        day += timedelta(days=1)


def test_a_calendar_without_an_open_day_is_a_fault() -> None:
    shut = SchoolCalendar(
        frozenset(),
        {(DEFAULT, ""): {date(2026, 1, 1) + timedelta(days=n): CLOSED for n in range(200)}},
        {},
    )
    with pytest.raises(NoSchoolDay):
        first_bell_after(datetime(2026, 1, 1, tzinfo=LONDON), shut, ANYWHERE, BELL)


def test_a_person_is_chased_before_the_bell_and_within_days_in_a_holiday() -> None:
    friday = datetime(2026, 3, 13, 22, 0, tzinfo=LONDON)
    monday = datetime(2026, 3, 16, 8, 45, tzinfo=LONDON)
    tuesday_night = datetime(2026, 3, 10, 1, 0, tzinfo=LONDON)
    same_day = datetime(2026, 3, 10, 8, 45, tzinfo=LONDON)
    assert chased_by(tuesday_night, same_day, time(8, 15), 1) == datetime(2026, 3, 10, 8, 15, tzinfo=LONDON)
    assert chased_by(friday, monday, time(8, 15), 1) == datetime(2026, 3, 15, 8, 15, tzinfo=LONDON)
    early = datetime(2026, 3, 10, 8, 0, tzinfo=LONDON)
    assert chased_by(tuesday_night, early, time(8, 15), 1) == early  # a school that begins before the chase


@pytest.mark.parametrize(
    ("says", "is_open"),
    [
        ([(LA, "212", CLOSED), (TRUST, "5001", OPEN)], True),
        ([(TRUST, "5001", CLOSED), (LA, "212", OPEN)], False),
        ([(TRUST, "5001", CLOSED), (SCHOOL, "100001", OPEN)], True),
        ([(DEFAULT, None, CLOSED), (LA, "212", OPEN)], True),
        ([(SCHOOL, "100001", CLOSED), (SCHOOL, "100001", OPEN)], True),  # it contradicts itself: send
        ([(SCHOOL, "100002", CLOSED)], True),
        ([], True),
    ],
)
def test_school_goes_before_trust_before_authority_before_default(says: list, is_open: bool) -> None:
    day = date(2026, 2, 16)
    calendar = calendar_of((), [CalendarDay(scope, code, day, kind, "") for scope, code, kind in says])
    assert calendar.is_open(day, SchoolKeys(100001, "212", "5001")) is is_open


def test_a_school_may_open_on_a_bank_holiday_and_begin_at_its_own_time() -> None:
    monday = date(2026, 5, 4)
    days = [
        CalendarDay(SCHOOL, "100001", monday, OPEN, "open"),
        CalendarDay(LA, "212", date(2025, 9, 1), START, "hours", time(8, 30)),
        CalendarDay(SCHOOL, "100001", date(2026, 5, 1), START, "hours", time(9, 5)),
    ]
    calendar = calendar_of(bank_holidays("england-and-wales"), days)
    friday_night = datetime(2026, 5, 1, 23, 0, tzinfo=LONDON)

    def first(urn: int) -> str:
        found = first_bell_after(friday_night, calendar, SchoolKeys(urn, "212"), BELL)
        return found.strftime("%a %d %H:%M")

    assert first(100001) == "Mon 04 09:05"
    assert first(100002) == "Tue 05 08:30"
    assert calendar.bell(date(2026, 4, 30), SchoolKeys(100001, "212"), BELL) == time(8, 30)


closures = st.lists(
    st.builds(
        lambda scope, start, length, kind: [
            CalendarDay(scope[0], scope[1], date(2020, 1, 1) + timedelta(days=start + n), kind, "") for n in range(length)
        ],
        st.sampled_from([(SCHOOL, "100000"), (TRUST, "5001"), (LA, "999"), (DEFAULT, None)]),
        st.integers(0, 3650), st.integers(1, 45), st.sampled_from([CLOSED, CLOSED, OPEN]),
    ),
    max_size=12,
)  # fmt: skip


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2029, 12, 31), timezones=st.just(UTC)),
    closures,
    st.sampled_from(["england-and-wales"]),
    st.integers(0, 60 * 24 * 5),
)
def test_over_ten_years_each_duty_has_one_bell_and_one_chase_and_lateness_moves_neither(
    instant: datetime, closed: list, division: str, late_minutes: int
) -> None:
    school = SchoolKeys(100000, "999", "5001")
    calendar = calendar_of(bank_holidays(division), [day for days in closed for day in days])
    try:
        duty_by = first_bell_after(instant, calendar, school, BELL)
    except NoSchoolDay:
        return
    act_by = chased_by(instant, duty_by, time(8, 15), 1)
    assert instant < duty_by
    assert act_by <= duty_by
    assert calendar.is_open(duty_by.astimezone(LONDON).date(), school)
    assert (duty_by.astimezone(LONDON).hour, duty_by.astimezone(LONDON).minute) == (8, 45)
    # what arrives later has a later bell of its own, never an earlier incident's
    assert first_bell_after(instant + timedelta(minutes=late_minutes), calendar, school, BELL) >= duty_by
    day = instant.astimezone(LONDON).date()
    while day < duty_by.astimezone(LONDON).date():
        assert not calendar.is_open(day, school) or datetime.combine(day, BELL, LONDON) <= instant
        day += timedelta(days=1)
