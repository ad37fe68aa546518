"""The first bell after an incident: weekends, bank holidays, closures, the clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encompass.domain.school import ClosedDay
from encompass.domain.school_day import NoSchoolDay, SchoolCalendar, calendar_of, chased_by, first_bell_after
from encompass.formats.bank_holidays import bank_holidays

LONDON = ZoneInfo("Europe/London")
BELL = time(8, 45)
CALENDAR = calendar_of(
    bank_holidays("england-and-wales"),
    [
        ClosedDay("default", None, date(2026, 2, 16), "half term"),
        ClosedDay("la", "212", date(2026, 2, 17), "snow"),
        ClosedDay("school", "100001", date(2026, 2, 18), "inset"),
    ],
)


def bell(instant: str, urn: int = 100000, la_code: str = "999") -> str:
    when = datetime.fromisoformat(instant).replace(tzinfo=LONDON)
    return first_bell_after(when, CALENDAR, urn, la_code, BELL).strftime("%a %d %b %H:%M %z")


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
    found = first_bell_after(instant, CALENDAR, 100000, "999", BELL).astimezone(LONDON)
    assert found > instant
    assert (found.hour, found.minute) == (8, 45)
    assert CALENDAR.is_open(found.date(), 100000, "999")
    day = instant.astimezone(LONDON).date()
    while day < found.date():
        assert not CALENDAR.is_open(day, 100000, "999") or datetime.combine(day, BELL, LONDON) <= instant
        day += timedelta(days=1)


def test_a_calendar_without_an_open_day_is_a_fault() -> None:
    shut = SchoolCalendar(
        frozenset(), {("default", ""): frozenset(date(2026, 1, 1) + timedelta(days=n) for n in range(200))}
    )
    with pytest.raises(NoSchoolDay):
        first_bell_after(datetime(2026, 1, 1, tzinfo=LONDON), shut, 1, "1", BELL)


def test_a_person_is_chased_before_the_bell_and_within_days_in_a_holiday() -> None:
    friday = datetime(2026, 3, 13, 22, 0, tzinfo=LONDON)
    monday = datetime(2026, 3, 16, 8, 45, tzinfo=LONDON)
    tuesday_night = datetime(2026, 3, 10, 1, 0, tzinfo=LONDON)
    same_day = datetime(2026, 3, 10, 8, 45, tzinfo=LONDON)
    assert chased_by(tuesday_night, same_day, time(8, 15), 1) == datetime(2026, 3, 10, 8, 15, tzinfo=LONDON)
    assert chased_by(friday, monday, time(8, 15), 1) == datetime(2026, 3, 15, 8, 15, tzinfo=LONDON)
