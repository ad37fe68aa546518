"""What is known of a school's days: open or shut, by whose word, and when the day starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta

from sqlalchemy import Engine

from encompass.pipeline.match_children import DutyRules, timetable_of
from encompass.store import school


class UnknownSchool(Exception):
    """The school register has no school of this URN."""


@dataclass(frozen=True)
class ShownDay:
    """One day of one school. `says` is whose word it is; `bell` is in Europe/London, None when it is shut."""

    on: date
    is_open: bool
    says: str
    bell: time | None


@dataclass(frozen=True)
class ShownCalendar:
    """A school's days from a day on."""

    urn: int
    name: str
    days: Sequence[ShownDay]


def show_calendar(
    engine: Engine, rules: DutyRules, force_id: str, urn: int, first: date, days: int
) -> ShownCalendar:
    """The school's next days as duties are computed by them. Raises UnknownSchool."""
    with engine.begin() as connection:
        timetable = timetable_of(connection, rules, force_id)
        names = school.names_by_urn(connection, force_id)
    if urn not in timetable.schools:
        raise UnknownSchool
    keys = timetable.schools[urn]
    shown: list[ShownDay] = []
    for number in range(days):
        day = first + timedelta(days=number)
        known = timetable.calendar.known(day, keys)
        bell = timetable.calendar.bell(day, keys, rules.school_starts) if known.is_open else None
        shown.append(ShownDay(day, known.is_open, known.says, bell))
    return ShownCalendar(urn, names[urn], shown)
