"""When a school's day begins: the first bell after an instant, in Europe/London."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from encompass.domain.run import LONDON
from encompass.domain.school import ClosedDay

SATURDAY: Final = 5
LONGEST_CLOSURE: Final = timedelta(days=100)


class NoSchoolDay(Exception):
    """The calendar has no open day within a hundred days: it must be wrong."""


@dataclass(frozen=True)
class SchoolCalendar:
    """Days on which schools are shut. A day about which nothing is known is open: send, rather than not."""

    bank_holidays: frozenset[date]
    closed: Mapping[tuple[str, str], frozenset[date]]

    def is_open(self, day: date, urn: int, la_code: str) -> bool:
        """Whether this school is open on this day."""
        if day.weekday() >= SATURDAY or day in self.bank_holidays:
            return False
        scopes = (("school", str(urn)), ("la", la_code), ("default", ""))
        return not any(day in self.closed.get(scope, frozenset()) for scope in scopes)


def calendar_of(bank_holidays: Iterable[date], closed_days: Iterable[ClosedDay]) -> SchoolCalendar:
    """The calendar of these bank holidays and closures."""
    closed: dict[tuple[str, str], set[date]] = {}
    for day in closed_days:
        closed.setdefault((day.scope, day.code or ""), set()).add(day.on)
    return SchoolCalendar(
        frozenset(bank_holidays), {scope: frozenset(days) for scope, days in closed.items()}
    )


def first_bell_after(
    instant: datetime, calendar: SchoolCalendar, urn: int, la_code: str, bell: time
) -> datetime:
    """The school's first bell strictly after an aware instant, as an aware instant in Europe/London.

    Source: the duty is to tell before the start of the next school day. Raises NoSchoolDay.
    """
    local = instant.astimezone(LONDON)
    day = local.date()
    while day - local.date() <= LONGEST_CLOSURE:
        candidate = datetime.combine(day, bell, LONDON)
        if candidate > instant and calendar.is_open(day, urn, la_code):
            return candidate
        day += timedelta(days=1)
    raise NoSchoolDay


def chased_by(instant: datetime, duty_by: datetime, chase_after: time, holiday_act_days: int) -> datetime:
    """When a person is chased: the chase time on the duty's day, capped in holidays.

    The cap is `holiday_act_days` days after the incident, so that a long holiday never means silence.
    """
    on_the_day = datetime.combine(duty_by.astimezone(LONDON).date(), chase_after, LONDON)
    capped_day = instant.astimezone(LONDON).date() + timedelta(days=1 + holiday_act_days)
    return min(on_the_day, datetime.combine(capped_day, chase_after, LONDON))
