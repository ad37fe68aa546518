"""When a school's day begins: the first bell after an instant, in Europe/London."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from encompass.domain.run import LONDON
from encompass.domain.school import CalendarDay, CalendarScope, DayKind

SATURDAY: Final = 5
LONGEST_CLOSURE: Final = timedelta(days=100)
Owner = tuple[CalendarScope, str]


class NoSchoolDay(Exception):
    """The calendar has no open day within a hundred days: it must be wrong."""


@dataclass(frozen=True)
class SchoolKeys:
    """By what a calendar knows a school: itself, its trust, its local authority."""

    urn: int
    la_code: str
    trust_code: str | None = None

    @property
    def owners(self) -> tuple[Owner, ...]:
        """Whose calendar is heard, the narrowest first."""
        trust = ((CalendarScope.TRUST, self.trust_code),) if self.trust_code else ()
        return (
            (CalendarScope.SCHOOL, str(self.urn)),
            *trust,
            (CalendarScope.LA, self.la_code),
            (CalendarScope.DEFAULT, ""),
        )


@dataclass(frozen=True)
class Known:
    """What a calendar says of one day for one school, and who says it: an owner, or the rule of the week."""

    is_open: bool
    says: str


@dataclass(frozen=True)
class SchoolCalendar:
    """Days on which schools are shut or open, and when their day starts.

    A day about which nothing is known is open: send, rather than not.
    """

    bank_holidays: frozenset[date]
    days: Mapping[Owner, Mapping[date, DayKind]]
    starts: Mapping[Owner, tuple[tuple[date, time], ...]]

    def known(self, day: date, school: SchoolKeys) -> Known:
        """What is known of a day: the narrowest of school, trust, authority and default decides."""
        for owner in school.owners:
            kind = self.days.get(owner, {}).get(day)
            if kind is not None:
                return Known(kind is DayKind.OPEN, owner[0].value)
        if day in self.bank_holidays:
            return Known(is_open=False, says="bank holiday")
        if day.weekday() >= SATURDAY:
            return Known(is_open=False, says="weekend")
        return Known(is_open=True, says="nothing known against it")

    def is_open(self, day: date, school: SchoolKeys) -> bool:
        """Whether this school is open on this day."""
        return self.known(day, school).is_open

    def bell(self, day: date, school: SchoolKeys, default: time) -> time:
        """When the school's day starts on this day: as the narrowest owner says who says anything."""
        for owner in school.owners:
            before = [at for since, at in self.starts.get(owner, ()) if since <= day]
            if before:
                return before[-1]
        return default


def calendar_of(bank_holidays: Iterable[date], days: Iterable[CalendarDay]) -> SchoolCalendar:
    """The calendar of these bank holidays and days. Where one owner says both open and closed, it is open."""
    kinds: dict[Owner, dict[date, DayKind]] = {}
    starts: dict[Owner, list[tuple[date, time]]] = {}
    for day in days:
        owner = (day.scope, day.code or "")
        if day.starts_at is not None:
            starts.setdefault(owner, []).append((day.on, day.starts_at))
        elif kinds.get(owner, {}).get(day.on) is not DayKind.OPEN:
            kinds.setdefault(owner, {})[day.on] = day.kind
    return SchoolCalendar(
        frozenset(bank_holidays), kinds, {owner: tuple(sorted(own)) for owner, own in starts.items()}
    )


def first_bell_after(
    instant: datetime, calendar: SchoolCalendar, school: SchoolKeys, default: time
) -> datetime:
    """The school's first bell strictly after an aware instant, as an aware instant in Europe/London.

    `default` is the start of the day of a school that none is known of. Source: the duty is to tell before the start
    of the next school day. Raises NoSchoolDay.
    """
    local = instant.astimezone(LONDON)
    day = local.date()
    while day - local.date() <= LONGEST_CLOSURE:
        bell = datetime.combine(day, calendar.bell(day, school, default), LONDON)
        if bell > instant and calendar.is_open(day, school):
            return bell
        day += timedelta(days=1)
    raise NoSchoolDay


def chased_by(instant: datetime, duty_by: datetime, chase_after: time, holiday_act_days: int) -> datetime:
    """When a person is chased: the chase time on the duty's day, capped in holidays, never after the duty itself.

    The cap is `holiday_act_days` days after the incident, so that a long holiday never means silence.
    """
    on_the_day = datetime.combine(duty_by.astimezone(LONDON).date(), chase_after, LONDON)
    capped_day = instant.astimezone(LONDON).date() + timedelta(days=1 + holiday_act_days)
    return min(on_the_day, duty_by, datetime.combine(capped_day, chase_after, LONDON))
