"""What a school has entered of its own days: as its own session reads and changes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import Connection

from encompass.domain.access import KeyAdultViewer
from encompass.domain.audit import Actor, AuditEvent
from encompass.domain.entered_day import ClosedReason, Closure, StartTime, days_of
from encompass.domain.school import DayKind
from encompass.store import audit
from encompass.store.queries import load

Q: Final = load("entered_day")
HOURS: Final = "hours"


@dataclass(frozen=True)
class Standing:
    """What stands of a school's own entries, whatever the day."""

    closed: tuple[tuple[date, ClosedReason], ...]
    starts: tuple[StartTime, ...]


def standing(connection: Connection) -> Standing:
    """Every day and start time that the session's school has entered and not removed."""
    rows = connection.execute(Q["standing_days"]).all()
    return Standing(
        tuple((r.on_day, ClosedReason(r.reason)) for r in rows if r.kind == DayKind.CLOSED),
        tuple(StartTime(r.on_day, r.starts_at) for r in rows if r.kind == DayKind.START),
    )


def enter_closure(connection: Connection, viewer: KeyAdultViewer, closure: Closure, at: datetime) -> None:
    """The school is shut on each of these days; one entered before stays as it was."""
    _enter(connection, DayKind.CLOSED, ((day, None) for day in days_of(closure)), closure.reason.value, at)
    details = {
        "first": closure.first.isoformat(),
        "last": closure.last.isoformat(),
        "reason": closure.reason.value,
    }
    _record(connection, viewer, "closed_days_entered", at, details)


def enter_start(connection: Connection, viewer: KeyAdultViewer, start: StartTime, at: datetime) -> None:
    """From that day on the school's day starts then; what was entered for the same day makes way."""
    _remove(connection, DayKind.START, start.since, start.since, at)
    _enter(connection, DayKind.START, [(start.since, start.starts_at)], HOURS, at)
    details = {"since": start.since.isoformat(), "starts_at": start.starts_at.isoformat("minutes")}
    _record(connection, viewer, "start_time_entered", at, details)


def remove(
    connection: Connection, viewer: KeyAdultViewer, kind: DayKind, first: date, last: date, at: datetime
) -> int:
    """Take back what was entered for these days; how many entries."""
    removed = _remove(connection, kind, first, last, at)
    if removed:
        details = {"kind": kind.value, "first": first.isoformat(), "last": last.isoformat(), "days": removed}
        _record(connection, viewer, "entered_days_removed", at, details)
    return removed


def _enter(
    connection: Connection, kind: DayKind, days: Iterable[tuple[date, time | None]], reason: str, at: datetime
) -> None:
    rows = [
        {
            "entered_day_id": uuid4(),
            "on_day": day,
            "kind": kind.value,
            "reason": reason,
            "starts_at": starts_at,
            "entered_at": at,
        }
        for day, starts_at in days
    ]
    connection.execute(Q["enter_day"], rows)


def _remove(connection: Connection, kind: DayKind, first: date, last: date, at: datetime) -> int:
    values = {"kind": kind.value, "first": first, "last": last, "removed_at": at}
    return len(connection.execute(Q["remove_days"], values).all())


def _record(
    connection: Connection,
    viewer: KeyAdultViewer,
    action: str,
    at: datetime,
    details: Mapping[str, str | int],
) -> None:
    of: UUID = connection.execute(Q["own_recipient"]).scalar_one()
    who = viewer.key_adult_id
    audit.record(
        connection, AuditEvent(viewer.force_id, at, Actor.KEY_ADULT, who, action, "recipient", of, details)
    )
