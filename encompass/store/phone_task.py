"""Who is to be telephoned about what, and what came of each call."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row

from encompass.domain.audit import Actor, AuditEvent
from encompass.domain.notification import Called, CallOutcome, NotificationStatus, NotifiedChild
from encompass.store import audit
from encompass.store.data_key import open_keys
from encompass.store.notification import CHILD
from encompass.store.queries import load
from encompass.store.sealed import DataKey, KeyRing

Q: Final = load("phone_task")


@dataclass(frozen=True)
class ToCall:
    """One unacknowledged notification, and whom to telephone about it; `called` None where nobody is to yet."""

    notification_id: UUID
    phone_task_id: UUID | None
    called: Called | None
    reason: str | None
    opened_at: datetime | None
    urn: int | None
    recipient_id: UUID
    recipient_name: str
    telephone: str | None
    la_code: str | None
    la_name: str | None
    duty_by: datetime
    calls: int
    last_outcome: CallOutcome | None
    is_in_conflict: bool
    is_in_doubt: bool


@dataclass(frozen=True)
class CalledAbout:
    """The notification that a call was about. `occurred_from` is its earliest incident."""

    notification_id: UUID
    status: NotificationStatus
    recipient_id: UUID
    occurred_from: datetime
    child: NotifiedChild = field(repr=False)
    key: DataKey = field(repr=False)


@dataclass(frozen=True)
class Call:
    """A call that was made: to whom (a Key Adult, when acknowledged; else the role, in words), by whom, when."""

    outcome: CallOutcome
    key_adult_id: UUID | None
    spoke_to: str | None = field(repr=False)
    by: str
    at: datetime


def to_call(connection: Connection, force_id: str) -> list[ToCall]:
    """Every unacknowledged notification with the telephone tasks open for it, the earliest duty first."""
    return [_to_call(row) for row in connection.execute(Q["to_call"], {"force_id": force_id})]


def called_about(connection: Connection, ring: KeyRing, force_id: str, called_id: UUID) -> CalledAbout | None:
    """The notification of this id, or of the telephone task of this id."""
    row = connection.execute(Q["called_about"], {"force_id": force_id, "called_id": called_id}).first()
    if row is None:
        return None
    key = open_keys(connection, ring, [row.key_id])[row.key_id]
    return CalledAbout(
        row.notification_id,
        NotificationStatus(row.status),
        row.recipient_id,
        row.occurred_from,
        key.open_as(CHILD, "notification", "sealed_child", row.notification_id, row.sealed_child),
        key,
    )


def record_call(connection: Connection, force_id: str, about: CalledAbout, call: Call, now: datetime) -> None:
    """Keep what came of a call, with its audit event as of the call itself.

    Where somebody was told of a recall, nobody telephones about it any more, but about the rest where that waits.
    """
    call_id, notification_id = uuid4(), about.notification_id
    sealed = call.spoke_to and about.key.seal(
        "phone_call", "sealed_spoke_to", call_id, call.spoke_to.encode()
    )
    connection.execute(
        Q["insert_call"],
        {
            "call_id": call_id,
            "force_id": force_id,
            "notification_id": notification_id,
            "outcome": call.outcome.value,
            "key_adult_id": call.key_adult_id,
            "sealed_spoke_to": sealed,
            "key_id": about.key.key_id if sealed else None,
            "called_by": call.by,
            "called_at": call.at,
        },
    )
    if call.outcome is CallOutcome.TOLD:
        values = {"notification_id": notification_id, "withdrawn_at": call.at}
        connection.execute(Q["close_recalled"], values)
    details = {"outcome": call.outcome.value, "recorded_as_of": now.isoformat()}
    event = AuditEvent(
        force_id,
        call.at,
        Actor.OPERATOR,
        None,
        "phone_call_made",
        "notification",
        notification_id,
        details,
    )
    audit.record(connection, event)


def record_look(connection: Connection, force_id: str, notification_id: UUID, now: datetime) -> None:
    """A child's name was opened for a call sheet."""
    event = AuditEvent(
        force_id, now, Actor.OPERATOR, None, "call_sheet_opened", "notification", notification_id
    )
    audit.record(connection, event)


def _to_call(row: Row[Any]) -> ToCall:
    return ToCall(
        row.notification_id,
        row.phone_task_id,
        Called(row.called) if row.called else None,
        row.reason,
        row.opened_at,
        row.urn,
        row.recipient_id,
        row.recipient_name,
        row.telephone,
        row.la_code,
        row.la_name,
        row.duty_by,
        row.calls,
        CallOutcome(row.last_outcome) if row.last_outcome else None,
        row.is_in_conflict,
        row.is_in_doubt,
    )
