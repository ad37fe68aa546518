"""What a school says of its own days on its page: closed days, and when its day starts."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Engine

from encompass.domain.access import KeyAdultViewer, NotFound, may_enter_days
from encompass.domain.entered_day import (
    Closure,
    DayFault,
    EnteredDays,
    StartTime,
    closures_of,
    fault_of_closure,
    fault_of_start,
    starts_now,
)
from encompass.domain.run import LONDON
from encompass.domain.school import DayKind
from encompass.store import entered_day
from encompass.store.database import as_session


def read_days(engine: Engine, viewer: KeyAdultViewer, now: datetime) -> EnteredDays:
    """What the viewer's school has entered and is not over. Raises NotFound for anyone but a school."""
    _check(viewer)
    today = now.astimezone(LONDON).date()
    with as_session(engine, viewer.session_token) as connection:
        known = entered_day.standing(connection)
    ahead = [(day, reason) for day, reason in known.closed if day >= today]
    return EnteredDays(closures_of(ahead), starts_now(known.starts, today))


def enter_closure(engine: Engine, viewer: KeyAdultViewer, closure: Closure, now: datetime) -> DayFault | None:
    """The school is shut on these days; or why that is not taken. Raises NotFound for anyone but a school.

    A duty that stands keeps its bell: what is entered counts for incidents placed from now on.
    """
    _check(viewer)
    today = now.astimezone(LONDON).date()
    with as_session(engine, viewer.session_token) as connection:
        ahead = {day for day, _ in entered_day.standing(connection).closed if day >= today}
        fault = fault_of_closure(closure, ahead, today)
        if fault is None:
            entered_day.enter_closure(connection, viewer, closure, now)
        return fault


def enter_start(engine: Engine, viewer: KeyAdultViewer, start: StartTime, now: datetime) -> DayFault | None:
    """When the school's day starts from a day on; or why that is not taken. Raises NotFound for anyone but a school."""
    _check(viewer)
    fault = fault_of_start(start, now.astimezone(LONDON).date())
    if fault is None:
        with as_session(engine, viewer.session_token) as connection:
            entered_day.enter_start(connection, viewer, start, now)
    return fault


def remove_days(
    engine: Engine, viewer: KeyAdultViewer, kind: DayKind, first: date, last: date, now: datetime
) -> int:
    """Take back what was entered for these days, as far as they are not over; how many days.

    Raises NotFound for anyone but a school.
    """
    _check(viewer)
    begins = max(first, now.astimezone(LONDON).date())
    with as_session(engine, viewer.session_token) as connection:
        return entered_day.remove(connection, viewer, kind, begins, last, now)


def _check(viewer: KeyAdultViewer) -> None:
    if not may_enter_days(viewer):
        raise NotFound
