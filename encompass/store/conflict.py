"""Key Adults found in conflict after a message was written, and what people decide of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import Connection

from encompass.domain.audit import Actor, AuditEvent
from encompass.domain.notification import NotificationStatus
from encompass.domain.run import Run
from encompass.store import audit
from encompass.store.notification import Whole
from encompass.store.queries import load

Q: Final = load("conflict")
ADMITTED: Final = "admitted"
KEPT_OUT: Final = "kept_out"


@dataclass(frozen=True)
class Undecided:
    """A Key Adult found in conflict after a message was told: nothing of it opens until a person decides.

    `proposed` is an outcome that a second person has still to confirm.
    """

    notification_id: UUID
    recipient: str
    status: NotificationStatus
    key_adult_id: UUID
    reason: str
    since: datetime
    proposed: str | None


@dataclass(frozen=True)
class ConflictDecision:
    """What one person decided of one Key Adult and one message: admitted or kept out."""

    decision_id: UUID
    outcome: str
    needs_two: bool
    by: str


@dataclass(frozen=True)
class OfAdult:
    """One Key Adult and one message of which he or she may not know."""

    told: Whole
    key_adult_id: UUID = field(repr=False)


def undecided(connection: Connection, force_id: str) -> list[Undecided]:
    """Every Key Adult found in conflict afterwards of whom nobody has decided, the first found first."""
    rows = connection.execute(Q["undecided"], {"force_id": force_id})
    return [
        Undecided(
            row.notification_id,
            row.recipient,
            NotificationStatus(row.status),
            row.key_adult_id,
            row.reason,
            row.excluded_at,
            row.proposed,
        )
        for row in rows
    ]


def propose(
    connection: Connection, run: Run, of: OfAdult, outcome: str, by: str, reason: str, *, needs_two: bool
) -> ConflictDecision | None:
    """Keep a decision with its reason, sealed; None when another waits to be confirmed."""
    decision_id, key = uuid4(), of.told.key
    values = {
        "decision_id": decision_id,
        "notification_id": of.told.notification_id,
        "key_adult_id": of.key_adult_id,
        "outcome": outcome,
        "needs_two": needs_two,
        "sealed_reason": key.seal("conflict_decision", "sealed_reason", decision_id, reason.encode()),
        "key_id": key.key_id,
        "proposed_by": by,
        "proposed_at": run.as_of,
    }
    if connection.execute(Q["insert_decision"], values).first() is None:
        return None
    _record(connection, run, "conflict_decision_proposed", of)
    return ConflictDecision(decision_id, outcome, needs_two, by)


def proposal(connection: Connection, of: OfAdult) -> ConflictDecision | None:
    """The decision that waits for a second person, locked until the transaction ends."""
    values = {"notification_id": of.told.notification_id, "key_adult_id": of.key_adult_id}
    row = connection.execute(Q["open_decision"], values).first()
    return ConflictDecision(row.decision_id, row.outcome, row.needs_two, row.proposed_by) if row else None


def confirm(connection: Connection, run: Run, of: OfAdult, decision: ConflictDecision, by: str) -> bool:
    """Record who confirmed a decision, which then holds; False when it was confirmed or withdrawn before."""
    values = {"decision_id": decision.decision_id, "confirmed_by": by, "confirmed_at": run.as_of}
    if connection.execute(Q["confirm_decision"], values).first() is None:
        return False
    decided = {"notification_id": of.told.notification_id, "key_adult_id": of.key_adult_id}
    decided |= {"admitted": decision.outcome == ADMITTED, "decided_at": run.as_of}
    connection.execute(Q["set_decided"], decided)
    _record(connection, run, f"key_adult_{decision.outcome}", of)
    return True


def withdraw(connection: Connection, run: Run, of: OfAdult, decision: ConflictDecision) -> None:
    """Drop a decision that waits for a second person."""
    values = {"decision_id": decision.decision_id, "withdrawn_at": run.as_of}
    connection.execute(Q["withdraw_decision"], values)
    _record(connection, run, "conflict_decision_withdrawn", of)


def _record(connection: Connection, run: Run, action: str, of: OfAdult) -> None:
    event = AuditEvent(
        run.force_id, run.as_of, Actor.OPERATOR, None, action, "notification", of.told.notification_id,
        {"key_adult": str(of.key_adult_id)},
    )  # fmt: skip
    audit.record(connection, event)
