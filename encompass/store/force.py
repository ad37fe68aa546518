"""Forces, their runs and their alarms."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row

from encompass.domain.audit import Actor, AuditEvent
from encompass.domain.run import Run
from encompass.store import audit
from encompass.store.queries import load

Q: Final = load("force")


class UnknownRun(Exception):
    """No run has this id, or the night has none."""


def upsert_force(
    connection: Connection, force_id: str, name: str, partnership_id: str, partnership_name: str
) -> None:
    """Make the force and its partnership known."""
    connection.execute(Q["upsert_partnership"], {"partnership_id": partnership_id, "name": partnership_name})
    connection.execute(
        Q["upsert_force"], {"force_id": force_id, "partnership_id": partnership_id, "name": name}
    )


def force_name(connection: Connection, force_id: str) -> str:
    """The force's name."""
    return connection.execute(Q["force_name"], {"force_id": force_id}).scalar_one()


def open_run(connection: Connection, force_id: str, night: date, as_of: datetime) -> Run:
    """The force's run of this night at this instant, opened if new. A replay is audited as one."""
    run_id = uuid4()
    values = {"run_id": run_id, "force_id": force_id, "night": night, "as_of": as_of}
    opened = connection.execute(Q["open_run"], values).first()
    if opened is None:
        known = connection.execute(Q["run_of_instant"], values).scalar_one()
        return Run(known, force_id, night, as_of)
    action = "run_replayed" if opened.replay else "run_opened"
    audit.record(connection, AuditEvent(force_id, as_of, Actor.PIPELINE, None, action, "run", run_id))
    return Run(run_id, force_id, night, as_of)


def run_by_id(connection: Connection, run_id: UUID) -> Run:
    """The run. Raises UnknownRun."""
    return _run_of(connection.execute(Q["run_by_id"], {"run_id": run_id}).first())


def last_run_of_night(connection: Connection, force_id: str, night: date) -> Run:
    """The night's run with the latest instant. Raises UnknownRun."""
    return _run_of(connection.execute(Q["last_run_of_night"], {"force_id": force_id, "night": night}).first())


def nights(connection: Connection, force_id: str) -> tuple[date, ...]:
    """Every night with a run, newest first."""
    return tuple(connection.execute(Q["nights"], {"force_id": force_id}).scalars())


def raise_alarm(connection: Connection, run: Run, kind: str, source: str) -> bool:
    """Raise an alarm of the run's night, once; whether it is news."""
    alarm_id = connection.execute(
        Q["raise_alarm"],
        {
            "alarm_id": uuid4(),
            "force_id": run.force_id,
            "night": run.night,
            "kind": kind,
            "source": source,
            "raised_at": run.as_of,
        },
    ).scalar()
    if alarm_id is None:
        return False
    details = {"kind": kind, "source": source}
    audit.record(
        connection,
        AuditEvent(run.force_id, run.as_of, Actor.PIPELINE, None, "alarm_raised", "alarm", alarm_id, details),
    )
    return True


def set_alarms(connection: Connection, run: Run, source: str, kinds: Mapping[str, bool]) -> None:
    """The source's alarms of the night are now those kinds that are true: raise these, clear all others."""
    true = [kind for kind, holds in kinds.items() if holds]
    values = {
        "force_id": run.force_id,
        "night": run.night,
        "source": source,
        "cleared_at": run.as_of,
        "still_true": true,
    }
    for alarm_id in connection.execute(Q["clear_alarms"], values).scalars():
        audit.record(
            connection,
            AuditEvent(run.force_id, run.as_of, Actor.PIPELINE, None, "alarm_cleared", "alarm", alarm_id),
        )
    for kind in true:
        raise_alarm(connection, run, kind, source)


def standing_alarms(connection: Connection, force_id: str, night: date, as_of: datetime) -> tuple[str, ...]:
    """The night's alarms raised by then and not cleared, each as `kind: source`."""
    rows = connection.execute(Q["standing_alarms"], {"force_id": force_id, "night": night, "as_of": as_of})
    return tuple(f"{row.kind}: {row.source}" for row in rows)


def _run_of(row: Row[Any] | None) -> Run:
    if row is None:
        raise UnknownRun
    return Run(row.run_id, row.force_id, row.night, row.as_of)
