"""The outbox: nudges queued with their notifications, leased to one sender, completed with its token."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import Connection

from encompass.domain.audit import Actor, AuditEvent
from encompass.domain.nudge import NudgeStatus, Rung, move_nudge
from encompass.domain.run import Run
from encompass.store import audit
from encompass.store.queries import load

Q: Final = load("nudge")
LEASE: Final = timedelta(seconds=60)


@dataclass(frozen=True)
class Lease:
    """The right to send one nudge, until the database's clock passes the lease."""

    nudge_id: UUID
    key_adult_id: UUID
    attempts: int
    token: UUID


def enqueue(
    connection: Connection,
    run: Run,
    recipient_id: UUID,
    key_adult_id: UUID,
    notification_id: UUID,
    rung: Rung = Rung.FIRST,
) -> None:
    """Queue one nudge a person, rung and run, however many notifications it is about; one a rung for each of these."""
    values = {"key_adult_id": key_adult_id, "run_id": run.run_id, "rung": rung.value}
    link = {"notification_id": notification_id, "key_adult_id": key_adult_id, "rung": rung.value}
    if connection.execute(Q["is_nudged"], link).first() is not None:
        return
    connection.execute(
        Q["insert_nudge"],
        {
            **values,
            "nudge_id": uuid4(),
            "force_id": run.force_id,
            "recipient_id": recipient_id,
            "queued_at": run.as_of,
        },
    )
    nudge_id = connection.execute(Q["nudge_of_adult"], values).scalar_one()
    connection.execute(
        Q["link_notification"],
        {**link, "nudge_id": nudge_id, "force_id": run.force_id},
    )


def recover(connection: Connection, run: Run) -> int:
    """Nudges whose sender is gone become ambiguous, and go once more: they say nothing, so may repeat."""
    move_nudge(NudgeStatus.SENDING, NudgeStatus.AMBIGUOUS)
    lost = connection.execute(Q["lost_leases"], {"force_id": run.force_id}).scalars().all()
    for nudge_id in lost:
        _record(connection, run, "nudge_ambiguous", nudge_id)
    move_nudge(NudgeStatus.AMBIGUOUS, NudgeStatus.QUEUED)
    for nudge_id in connection.execute(Q["requeue_ambiguous"], {"force_id": run.force_id}).scalars().all():
        _record(connection, run, "nudge_requeued", nudge_id)
    return len(lost)


def lease(connection: Connection, run: Run) -> Lease | None:
    """The next queued nudge, leased to this connection's session; None when none is due."""
    move_nudge(NudgeStatus.QUEUED, NudgeStatus.SENDING)
    token = uuid4()
    row = connection.execute(
        Q["lease"], {"force_id": run.force_id, "lease_token": token, "lasts": LEASE}
    ).first()
    return Lease(row.nudge_id, row.key_adult_id, row.attempts, token) if row else None


def complete(
    connection: Connection, run: Run, leased: Lease, status: NudgeStatus, reason: str | None, wait: timedelta
) -> bool:
    """SENDING -> what became of it, by the holder of the lease only, with its audit event."""
    move_nudge(NudgeStatus.SENDING, status)
    done = connection.execute(
        Q["complete"],
        {
            "nudge_id": leased.nudge_id,
            "lease_token": leased.token,
            "status": status.value,
            "reason": reason,
            "wait": wait,
        },
    ).first()
    if done is not None:
        _record(connection, run, f"nudge_{status.value}", leased.nudge_id)
    return done is not None


def insert_receipt(
    connection: Connection, run: Run, nudge_id: UUID, kind: NudgeStatus, provider_reference: str | None
) -> None:
    """What the provider said of a nudge."""
    connection.execute(
        Q["insert_receipt"],
        {
            "receipt_id": uuid4(),
            "force_id": run.force_id,
            "nudge_id": nudge_id,
            "kind": kind.value,
            "provider_reference": provider_reference,
            "received_at": run.as_of,
        },
    )


def counts(connection: Connection, force_id: str) -> dict[str, int]:
    """How many nudges are in each status."""
    return {row.status: row.nudges for row in connection.execute(Q["counts"], {"force_id": force_id})}


def _record(connection: Connection, run: Run, action: str, nudge_id: UUID) -> None:
    event = AuditEvent(run.force_id, run.as_of, Actor.PIPELINE, None, action, "nudge", nudge_id)
    audit.record(connection, event)
