"""The ladder's steps, each once, and the exceptions that stand until a person has closed them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row

from encompass.domain.audit import Actor, AuditEvent
from encompass.domain.compliance import (
    CONFLICT_FOUND_LATER,
    IN_DOUBT,
    RECALL_UNCONFIRMED,
    StandingException,
)
from encompass.domain.ladder import Climb, Step, StepDue
from encompass.domain.run import Run
from encompass.store import audit
from encompass.store.data_key import open_keys
from encompass.store.queries import load
from encompass.store.sealed import KeyRing

Q: Final = load("ladder")


@dataclass(frozen=True)
class OfRecipient:
    """A duty on the ladder, and whose it is."""

    recipient_id: UUID
    urn: int | None
    climb: Climb


def climbs(connection: Connection, run: Run) -> list[OfRecipient]:
    """Every duty that still climbs at the run's instant, by recipient.

    Whether it was told in school hours is left to whoever knows the calendar. A duty met in time is not missed because
    a correction has to be acknowledged too.
    """
    rows = connection.execute(Q["climbs"], {"force_id": run.force_id, "as_of": run.as_of})
    return [
        OfRecipient(
            r.recipient_id,
            r.urn,
            Climb(
                r.duty_id,
                r.notification_id,
                r.duty_by,
                r.act_by,
                r.released_at,
                is_held=r.status == "held",
                is_told_in_school_hours=False,
                is_accepted=r.is_accepted,
                acknowledged_at=r.acknowledged_at,
                taken=frozenset(Step(s) for s in (*r.taken, *([Step.MISSED] if r.is_met else []))),
                is_in_doubt=r.is_in_doubt,
            ),
        )
        for r in rows
    ]


def take_step(connection: Connection, run: Run, duty_id: UUID, due: StepDue) -> bool:
    """Record that a step is taken; False when it was before."""
    values = {
        "duty_id": duty_id,
        "step": due.step.value,
        "force_id": run.force_id,
        "reason": due.reason.value,
        "since": due.since,
        "taken_at": run.as_of,
        "run_id": run.run_id,
    }
    if connection.execute(Q["insert_step"], values).first() is None:
        return False
    details = {"step": due.step.value, "reason": due.reason.value}
    event = AuditEvent(
        run.force_id, run.as_of, Actor.PIPELINE, None, "ladder_step_taken", "duty", duty_id, details
    )
    audit.record(connection, event)
    return True


def is_telephoned(connection: Connection, duty_id: UUID) -> bool:
    """Whether the ladder has come to the telephone for this duty: it will not come there again."""
    return bool(connection.execute(Q["is_telephoned"], {"duty_id": duty_id}).scalar_one())


def open_exception(connection: Connection, run: Run, duty_id: UUID, reason: str) -> None:
    """A duty was missed: an exception stands until a person has closed it."""
    values = {
        "exception_id": uuid4(),
        "duty_id": duty_id,
        "reason": reason,
        "opened_at": run.as_of,
        "run_id": run.run_id,
    }
    _record(
        connection,
        run,
        "exception_opened",
        connection.execute(Q["open_exception_of_duty"], values).scalars().all(),
    )


def open_exceptions_of_unplaced(connection: Connection, run: Run) -> int:
    """Children whose bell has gone before they were placed: an exception each; how many are new."""
    values = {"force_id": run.force_id, "as_of": run.as_of}
    opened: list[UUID] = []
    for row in connection.execute(Q["unplaced_past_their_bell"], values).all():
        new = {
            "exception_id": uuid4(),
            "force_id": run.force_id,
            "involvement_id": row.involvement_id,
            "duty_by": row.duty_by,
            "opened_at": run.as_of,
            "run_id": run.run_id,
        }
        opened += connection.execute(Q["open_exception_of_child"], new).scalars().all()
    _record(connection, run, "exception_opened", opened)
    return len(opened)


def settle_exceptions(connection: Connection, run: Run) -> None:
    """Close the exceptions of children since placed and of duties withdrawn; open again what has come back."""
    values = {"force_id": run.force_id, "closed_at": run.as_of}
    closed = connection.execute(Q["close_overtaken"], values).scalars().all()
    _record(connection, run, "exception_overtaken", closed)
    returned = connection.execute(Q["reopen_returned"], {"force_id": run.force_id}).scalars().all()
    _record(connection, run, "exception_opened", returned)


def exceptions(connection: Connection, force_id: str, as_of: datetime) -> tuple[StandingException, ...]:
    """Every exception that stands at an instant, the oldest first; then what a person has to finish."""
    values = {"force_id": force_id, "as_of": as_of}
    rows = connection.execute(Q["exceptions"], values)
    missed = tuple(
        StandingException(
            r.exception_id,
            r.night,
            r.duty_by,
            r.reason,
            r.urn,
            r.school_name,
            r.notification_status or r.placement_status or "unplaced",
            _by(r.acknowledged_at, as_of),
        )
        for r in rows
    )
    doubted = connection.execute(Q["told_in_doubt"], values).all()
    recalled = connection.execute(Q["recalls_unconfirmed"], values).all()
    undecided = connection.execute(Q["conflicts_undecided"], values).all()
    return (
        *missed,
        *(_unfinished(r, r.involvement_id, IN_DOUBT, as_of) for r in doubted),
        *(_unfinished(r, r.notification_id, RECALL_UNCONFIRMED, as_of) for r in recalled),
        *(_unfinished(r, r.notification_id, CONFLICT_FOUND_LATER, as_of) for r in undecided),
    )


def _unfinished(row: Row[Any], its_id: UUID, reason: str, as_of: datetime) -> StandingException:
    return StandingException(
        its_id,
        row.night,
        row.duty_by,
        reason,
        row.urn,
        row.school_name,
        row.notification_status,
        _by(row.acknowledged_at, as_of),
    )


def _by(instant: datetime | None, as_of: datetime) -> datetime | None:
    return instant if instant and instant <= as_of else None


def close_exception(
    connection: Connection,
    ring: KeyRing,
    force_id: str,
    exception_id: UUID,
    by: str,
    reason: str,
    now: datetime,
) -> bool:
    """A person closes an exception and says why, sealed with the incident's key; False when none stands."""
    identity = {"force_id": force_id, "exception_id": exception_id}
    key_id = connection.execute(Q["exception_key"], identity).scalar()
    if key_id is None:
        return False
    key = open_keys(connection, ring, [key_id])[key_id]
    values = {
        **identity,
        "closed_at": now,
        "closed_by": by,
        "sealed_reason": key.seal("duty_exception", "sealed_reason", exception_id, reason.encode()),
        "key_id": key_id,
    }
    if connection.execute(Q["close_exception"], values).first() is None:
        return False
    event = AuditEvent(
        force_id, now, Actor.OPERATOR, None, "exception_closed", "duty_exception", exception_id
    )
    audit.record(connection, event)
    return True


def _record(connection: Connection, run: Run, action: str, exception_ids: Sequence[UUID]) -> None:
    events = (
        AuditEvent(run.force_id, run.as_of, Actor.PIPELINE, None, action, "duty_exception", exception_id)
        for exception_id in exception_ids
    )
    audit.record(connection, *events)
