"""Held notifications, and what people decide of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import Connection

from encompass.domain.hold import HeldNotification, HoldKind
from encompass.domain.run import Run
from encompass.store.notification import Whole
from encompass.store.queries import load

Q: Final = load("hold")


@dataclass(frozen=True)
class Decision:
    """What one person decided of a held notification: released or cancelled."""

    decision_id: UUID
    outcome: str
    needs_two: bool
    by: str


def held(connection: Connection, force_id: str) -> list[HeldNotification]:
    """Every held notification, the earliest duty first."""
    rows = connection.execute(Q["held"], {"force_id": force_id})
    return [
        HeldNotification(
            row.notification_id,
            row.recipient,
            tuple(HoldKind(kind) for kind in row.hold_kinds),
            row.hold_until,
            row.duty_by,
            row.prepared_at,
            row.proposed,
        )
        for row in rows
    ]


def is_overdue(connection: Connection, force_id: str, as_of: datetime) -> bool:
    """Whether a notification waits for a person past the time by which its school should have been told."""
    return bool(connection.execute(Q["overdue"], {"force_id": force_id, "as_of": as_of}).scalar_one())


def night_of(connection: Connection, force_id: str, notification_id: UUID) -> date | None:
    """The night in which a notification was prepared; None when the force has none of this id."""
    values = {"force_id": force_id, "notification_id": notification_id}
    return connection.execute(Q["night_of"], values).scalar()


def propose(
    connection: Connection, run: Run, of: Whole, outcome: str, by: str, reason: str, *, needs_two: bool
) -> Decision | None:
    """Keep a decision with its reason, sealed; None when another waits to be confirmed."""
    decision_id = uuid4()
    row = connection.execute(
        Q["insert_decision"],
        {
            "decision_id": decision_id,
            "force_id": run.force_id,
            "notification_id": of.notification_id,
            "outcome": outcome,
            "needs_two": needs_two,
            "sealed_reason": of.key.seal("hold_decision", "sealed_reason", decision_id, reason.encode()),
            "key_id": of.key.key_id,
            "proposed_by": by,
            "proposed_at": run.as_of,
        },
    ).first()
    return Decision(decision_id, outcome, needs_two, by) if row else None


def proposal(connection: Connection, notification_id: UUID) -> Decision | None:
    """The decision that waits for a second person, locked until the transaction ends."""
    row = connection.execute(Q["open_decision"], {"notification_id": notification_id}).first()
    return Decision(row.decision_id, row.outcome, row.needs_two, row.proposed_by) if row else None


def confirm(connection: Connection, run: Run, decision: Decision, by: str) -> bool:
    """Record who confirmed a decision; False when it was confirmed or withdrawn before."""
    values = {"decision_id": decision.decision_id, "confirmed_by": by, "confirmed_at": run.as_of}
    return connection.execute(Q["confirm_decision"], values).first() is not None


def withdraw(connection: Connection, run: Run, notification_id: UUID) -> bool:
    """Drop the decision that waits for a second person; False when there is none."""
    values = {"notification_id": notification_id, "withdrawn_at": run.as_of}
    return connection.execute(Q["withdraw_decision"], values).first() is not None
