"""Recalls of what the wrong school was told, and the breaches that they open."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row

from encompass.domain.audit import Actor, AuditEvent
from encompass.domain.hold import REPORT_WITHIN
from encompass.domain.notification import NotificationStatus
from encompass.domain.run import Run
from encompass.store import audit
from encompass.store.data_key import open_keys
from encompass.store.notification import Whole
from encompass.store.queries import load
from encompass.store.sealed import DataKey, KeyRing

Q: Final = load("recall")


@dataclass(frozen=True)
class Proposal:
    """A recall that a second person has still to confirm; `right_urn` is the school that should have been told.

    `duty_id` is the only part that it takes back; None: the whole message.
    """

    recall_id: UUID
    right_urn: int | None
    duty_id: UUID | None
    by: str
    at: datetime


@dataclass(frozen=True)
class Readable:
    """A message that its recipient can read, by code and name of the recipient; nothing of the child."""

    notification_id: UUID
    night: date
    recipient: str
    recipient_name: str
    status: NotificationStatus
    released_at: datetime
    acknowledged_at: datetime | None


@dataclass(frozen=True)
class View:
    """One opening of a notification: by which Key Adult, and when."""

    key_adult_id: UUID
    at: datetime


@dataclass(frozen=True)
class Breach:
    """A personal data breach with its clock."""

    breach_id: UUID
    notification_id: UUID
    recipient: str
    opened_at: datetime
    report_by: datetime
    outcome: str | None
    closed_by: str | None
    closed_at: datetime | None


@dataclass(frozen=True)
class OpenedBreach:
    """One breach with its reasons, opened. One that the queue opened has nobody who confirmed a recall."""

    breach: Breach
    proposed_by: str
    confirmed_by: str | None
    reason: str = field(repr=False)
    closing: str | None = field(repr=False)
    key: DataKey = field(repr=False)


def propose(
    connection: Connection,
    run: Run,
    of: Whole,
    right_urn: int | None,
    by: str,
    reason: str,
    duty_id: UUID | None = None,
) -> bool:
    """Keep a recall with its reason, sealed; False when there is one already. Nobody can open it from now on.

    Of one duty's part alone, the rest of the message can be read all the while.
    """
    recall_id = uuid4()
    row = connection.execute(
        Q["insert_recall"],
        {
            "recall_id": recall_id,
            "force_id": run.force_id,
            "notification_id": of.notification_id,
            "duty_id": duty_id,
            "right_urn": right_urn,
            "sealed_reason": of.key.seal("recall", "sealed_reason", recall_id, reason.encode()),
            "key_id": of.key.key_id,
            "proposed_by": by,
            "proposed_at": run.as_of,
        },
    ).first()
    return row is not None


def readable(
    connection: Connection, force_id: str, night: date | None, recipient: str | None
) -> list[Readable]:
    """Up to 1,000 messages that can be read, of one night or one recipient where asked, the newest night first."""
    rows = connection.execute(Q["readable"], {"force_id": force_id, "night": night, "recipient": recipient})
    return [
        Readable(
            row.notification_id,
            row.night,
            row.recipient,
            row.recipient_name,
            NotificationStatus(row.status),
            row.released_at,
            row.acknowledged_at,
        )
        for row in rows
    ]


def open_breaches(connection: Connection, force_id: str) -> int:
    """How many breach cases are open."""
    return connection.execute(Q["open_breaches"], {"force_id": force_id}).scalar_one()


def proposal(connection: Connection, notification_id: UUID) -> Proposal | None:
    """The first recall that waits for a second person, locked until the transaction ends."""
    row = connection.execute(Q["open_recall"], {"notification_id": notification_id}).first()
    return (
        Proposal(row.recall_id, row.right_urn, row.duty_id, row.proposed_by, row.proposed_at) if row else None
    )


def confirm(connection: Connection, run: Run, recall_id: UUID, by: str) -> bool:
    """Record who confirmed a recall; False when it was confirmed or withdrawn before."""
    values = {"recall_id": recall_id, "confirmed_by": by, "confirmed_at": run.as_of}
    return connection.execute(Q["confirm_recall"], values).first() is not None


def withdraw(connection: Connection, run: Run, notification_id: UUID) -> bool:
    """Drop a recall that waits for a second person: the school can open the message again. False when there is none."""
    values = {"notification_id": notification_id, "withdrawn_at": run.as_of}
    return connection.execute(Q["withdraw_recall"], values).first() is not None


def views_of(connection: Connection, notification_id: UUID) -> list[View]:
    """Every opening of a notification, by the audit."""
    rows = connection.execute(Q["views_of"], {"notification_id": notification_id})
    return [View(row.actor_id, row.happened_at) for row in rows]


def open_phone_task(connection: Connection, run: Run, notification_id: UUID) -> None:
    """Somebody telephones the wrong school, whatever was telephoned about the message before."""
    values = {"phone_task_id": uuid4(), "force_id": run.force_id, "notification_id": notification_id}
    connection.execute(Q["reopen_phone_task"], {**values, "opened_at": run.as_of, "run_id": run.run_id})
    _record(connection, run.force_id, run.as_of, "phone_task_opened", "notification", notification_id)


def open_breach(connection: Connection, run: Run, of: Whole, recall_id: UUID) -> UUID:
    """Open a breach case: its clock runs from now. Its id."""
    breach_id = uuid4()
    connection.execute(
        Q["insert_breach"],
        {
            "breach_id": breach_id,
            "force_id": run.force_id,
            "recall_id": recall_id,
            "notification_id": of.notification_id,
            "opened_at": run.as_of,
            "report_by": run.as_of + REPORT_WITHIN,
            "key_id": of.key.key_id,
        },
    )
    _record(connection, run.force_id, run.as_of, "breach_opened", "breach", breach_id)
    return breach_id


def open_breach_of_pupil(connection: Connection, run: Run, of: Whole, by: str, cause: str) -> UUID:
    """Open a breach case where a school was told of another of its pupils: nothing is left to recall. Its id."""
    breach_id = uuid4()
    connection.execute(
        Q["insert_breach_of_pupil"],
        {
            "breach_id": breach_id,
            "force_id": run.force_id,
            "notification_id": of.notification_id,
            "opened_at": run.as_of,
            "report_by": run.as_of + REPORT_WITHIN,
            "opened_by": by,
            "sealed_cause": of.key.seal("breach", "sealed_cause", breach_id, cause.encode()),
            "key_id": of.key.key_id,
        },
    )
    _record(connection, run.force_id, run.as_of, "breach_opened", "breach", breach_id)
    return breach_id


def breaches(connection: Connection, force_id: str) -> list[Breach]:
    """Every breach, the open ones first, by when they have to be reported."""
    return [_breach(row) for row in connection.execute(Q["breaches"], {"force_id": force_id})]


def breach(connection: Connection, ring: KeyRing, force_id: str, breach_id: UUID) -> OpenedBreach | None:
    """One breach, opened and locked; None when the force has none of this id."""
    row = connection.execute(Q["one_breach"], {"force_id": force_id, "breach_id": breach_id}).first()
    if row is None:
        return None
    key = open_keys(connection, ring, [row.key_id])[row.key_id]
    closing = row.sealed_outcome
    is_of_recall = row.recall_id is not None
    return OpenedBreach(
        _breach(row),
        row.proposed_by,
        row.confirmed_by,
        key.open("recall", "sealed_reason", row.recall_id, bytes(row.sealed_reason)).decode()
        if is_of_recall
        else key.open("breach", "sealed_cause", breach_id, bytes(row.sealed_cause)).decode(),
        key.open("breach", "sealed_outcome", breach_id, bytes(closing)).decode() if closing else None,
        key,
    )


def close_breach(
    connection: Connection, force_id: str, of: OpenedBreach, outcome: str, by: str, why: str, at: datetime
) -> bool:
    """Close a breach with what was done about it, sealed; False when it was closed before."""
    breach_id = of.breach.breach_id
    values = {
        "breach_id": breach_id,
        "outcome": outcome,
        "sealed_outcome": of.key.seal("breach", "sealed_outcome", breach_id, why.encode()),
        "closed_by": by,
        "closed_at": at,
    }
    if connection.execute(Q["close_breach"], values).first() is None:
        return False
    _record(connection, force_id, at, "breach_closed", "breach", breach_id)
    return True


def _breach(row: Row[Any]) -> Breach:
    return Breach(
        row.breach_id,
        row.notification_id,
        row.recipient,
        row.opened_at,
        row.report_by,
        row.outcome,
        row.closed_by,
        row.closed_at,
    )


def _record(
    connection: Connection, force_id: str, at: datetime, action: str, kind: str, subject_id: UUID
) -> None:
    audit.record(connection, AuditEvent(force_id, at, Actor.OPERATOR, None, action, kind, subject_id))
