"""What a school says of its own days on its pages: days on which it is shut, and when its day starts."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, time, timedelta
from enum import StrEnum
from typing import Final

MOST_AHEAD: Final = 70
"""Closed days ahead that a school may enter: a long summer and a few more, and fewer than a calendar may be shut."""
FURTHEST: Final = timedelta(days=400)
EARLIEST_START, LATEST_START = time(7, 0), time(11, 0)
"""Between which times a school's day starts; what lies outside is a slip."""


class ClosedReason(StrEnum):
    """Why a school is shut."""

    INSET = "inset"
    HOLIDAY = "holiday"
    EMERGENCY = "emergency"
    OTHER = "other"


class DayFault(StrEnum):
    """Why what a school enters of its days is not taken."""

    NO_FIRST_DAY = "no_first_day"
    NO_LAST_DAY = "no_last_day"
    IN_THE_PAST = "in_the_past"
    TOO_FAR = "too_far"
    ENDS_BEFORE_IT_BEGINS = "ends_before_it_begins"
    TOO_MANY = "too_many"
    NO_REASON = "no_reason"
    NO_TIME = "no_time"


@dataclass(frozen=True)
class Closure:
    """Days in a row on which a school is shut, for one reason; first and last included."""

    first: date
    last: date
    reason: ClosedReason


@dataclass(frozen=True)
class StartTime:
    """From a day on, when the school's day starts, in Europe/London."""

    since: date
    starts_at: time


@dataclass(frozen=True)
class EnteredDays:
    """What a school has entered: closures that are not over, and start times, the one in force now first."""

    closures: tuple[Closure, ...]
    starts: tuple[StartTime, ...]


def days_of(closure: Closure) -> tuple[date, ...]:
    """Each day of a closure."""
    length = (closure.last - closure.first).days + 1
    return tuple(closure.first + timedelta(days=n) for n in range(length))


def fault_of_closure(closure: Closure, known: Collection[date], today: date) -> DayFault | None:
    """Why a school may not enter this, None when it may. `known` are the closed days from today on entered before."""
    fault = _fault_of_day(closure.first, today)
    if fault is not None:
        return fault
    if closure.last < closure.first:
        return DayFault.ENDS_BEFORE_IT_BEGINS
    if closure.last - today > FURTHEST:
        return DayFault.TOO_FAR
    return DayFault.TOO_MANY if len({*known, *days_of(closure)}) > MOST_AHEAD else None


def fault_of_start(start: StartTime, today: date) -> DayFault | None:
    """Why a school may not enter this start time, None when it may."""
    if not EARLIEST_START <= start.starts_at <= LATEST_START:
        return DayFault.NO_TIME
    return _fault_of_day(start.since, today)


def _fault_of_day(day: date, today: date) -> DayFault | None:
    if day < today:
        return DayFault.IN_THE_PAST
    return DayFault.TOO_FAR if day - today > FURTHEST else None


def closures_of(days: Iterable[tuple[date, ClosedReason]]) -> tuple[Closure, ...]:
    """Days of the same reason in a row as one closure."""
    closures: list[Closure] = []
    for day, reason in sorted(days):
        before = closures[-1] if closures else None
        if before and before.reason is reason and day - before.last == timedelta(days=1):
            closures[-1] = Closure(before.first, day, reason)
        else:
            closures.append(Closure(day, day, reason))
    return tuple(closures)


def starts_now(starts: Iterable[StartTime], today: date) -> tuple[StartTime, ...]:
    """The start time in force on that day, and those to come; one that a later one has replaced is history."""
    ordered = sorted(starts, key=lambda s: s.since)
    before = [s for s in ordered if s.since <= today]
    return (*before[-1:], *(s for s in ordered if s.since > today))
