"""Notifications, their sealed parts, acknowledgements, and the telephone tasks of those unacknowledged."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row

from encompass.domain.access import NotFound
from encompass.domain.audit import Actor, AuditEvent
from encompass.domain.incident import PoliceHold
from encompass.domain.notification import (
    Called,
    InboxEntry,
    NotificationPage,
    NotificationPart,
    NotificationStatus,
    NotifiedChild,
    move_notification,
)
from encompass.domain.recipient import AtSchool, kind_of
from encompass.domain.run import Run
from encompass.store import audit
from encompass.store.data_key import open_keys
from encompass.store.queries import load
from encompass.store.recipient import Named
from encompass.store.sealed import DataKey, KeyRing

Q: Final = load("notification")
CHILD: Final = TypeAdapter(NotifiedChild)
PART: Final = TypeAdapter(NotificationPart)
HOLD: Final = TypeAdapter(PoliceHold)


@dataclass(frozen=True)
class About:
    """Whom a notification is about: a pupil of a roll, else the person of the police records, by a keyed hash."""

    pupil_id: UUID | None
    person_hash: bytes | None = field(repr=False)


@dataclass(frozen=True)
class UntoldDuty:
    """A duty that no notification tells of yet."""

    duty_id: UUID
    involvement_id: UUID
    about: About
    duty_by: datetime


@dataclass(frozen=True)
class NewNotification:
    """A notification to be written: held, or released at once; `key` is its first incident's."""

    to: Named
    about: About
    adds_to: UUID | None
    hold: PoliceHold | None = field(repr=False)
    child: NotifiedChild = field(repr=False)
    key: DataKey = field(repr=False)


def recipients_with_untold_duties(connection: Connection, force_id: str) -> list[UUID]:
    """Each recipient with a duty that no notification tells of yet."""
    rows = connection.execute(Q["recipients_with_untold_duties"], {"force_id": force_id})
    return [row.recipient_id for row in rows]


def lock_recipient(connection: Connection, recipient_id: UUID) -> None:
    """Other workers on the same recipient wait until the transaction ends."""
    connection.execute(Q["lock_recipient"], {"recipient_id": str(recipient_id)})


def untold_duties(connection: Connection, recipient_id: UUID) -> list[UntoldDuty]:
    """The recipient's untold duties; other workers wait until the transaction ends."""
    lock_recipient(connection, recipient_id)
    rows = connection.execute(Q["untold_duties"], {"recipient_id": recipient_id})
    return [UntoldDuty(r.duty_id, r.involvement_id, _about(r), r.duty_by) for r in rows]


def held_notification(connection: Connection, recipient_id: UUID, about: About) -> UUID | None:
    """The unreleased notification about this child to this recipient, if any."""
    values = {"recipient_id": recipient_id, **asdict(about)}
    return connection.execute(Q["held_notification"], values).scalar()


def told_this_night(connection: Connection, run: Run, recipient_id: UUID, about: About) -> UUID | None:
    """The latest notification about this child that the recipient can already read, of the same night."""
    values = {"recipient_id": recipient_id, **asdict(about), "night": run.night}
    return connection.execute(Q["told_this_night"], values).scalar()


def insert(connection: Connection, run: Run, new: NewNotification) -> UUID:
    """Write a notification, held or released at once, with its audit event; its id."""
    notification_id, hold = uuid4(), new.hold
    status = NotificationStatus.HELD if hold else NotificationStatus.RELEASED

    def sealed(column: str, plain: bytes) -> bytes:
        return new.key.seal("notification", column, notification_id, plain)

    connection.execute(
        Q["insert_notification"],
        {
            "notification_id": notification_id,
            "force_id": run.force_id,
            "recipient_id": new.to.recipient_id,
            "recipient_kind": kind_of(new.to.recipient).value,
            "urn": new.to.recipient.urn if isinstance(new.to.recipient, AtSchool) else None,
            **asdict(new.about),
            "adds_to": new.adds_to,
            "status": status.value,
            "sealed_hold": sealed("sealed_hold", HOLD.dump_json(hold)) if hold else None,
            "hold_until": hold.until if hold else None,
            "year_group": new.child.year_group,
            "sealed_child": sealed("sealed_child", CHILD.dump_json(new.child)),
            "key_id": new.key.key_id,
            "prepared_at": run.as_of,
            "released_at": None if hold else run.as_of,
            "run_id": run.run_id,
        },
    )
    _record(connection, run, f"notification_{status.value}", notification_id)
    return notification_id


def insert_part(
    connection: Connection,
    run: Run,
    notification_id: UUID,
    duty_id: UUID,
    part: NotificationPart,
    key: DataKey,
) -> None:
    """Tell of a duty in this notification, sealed with its incident's key."""
    connection.execute(
        Q["insert_part"],
        {
            "notification_id": notification_id,
            "duty_id": duty_id,
            "force_id": run.force_id,
            "sealed": key.seal("notification_part", "sealed", duty_id, PART.dump_json(part)),
            "key_id": key.key_id,
        },
    )


def withdraw_of_involvement(connection: Connection, run: Run, involvement_id: UUID) -> None:
    """Withdraw (or cancel, when unreleased) notifications that tell of this involvement only."""
    rows = connection.execute(Q["of_involvement"], {"involvement_id": involvement_id}).all()
    for row in rows:
        current = NotificationStatus(row.status)
        wanted = (
            NotificationStatus.CANCELLED
            if current is NotificationStatus.HELD
            else NotificationStatus.WITHDRAWN
        )
        if row.parts > 1 or current in (NotificationStatus.CANCELLED, NotificationStatus.WITHDRAWN):
            continue
        if _move(connection, row.notification_id, current, wanted):
            _record(connection, run, f"notification_{wanted.value}", row.notification_id)


def inbox(connection: Connection, ring: KeyRing) -> tuple[InboxEntry, ...]:
    """What the session's recipient may read: unacknowledged first, then by when each was due."""
    rows = connection.execute(Q["inbox"]).all()
    keys = open_keys(connection, ring, (row.key_id for row in rows))
    return tuple(
        InboxEntry(
            row.notification_id,
            _child_of(row, keys).initials,
            row.year_group,
            NotificationStatus(row.status),
            row.released_at,
            row.duty_by,
            row.acknowledged_at,
        )
        for row in rows
    )


def page(connection: Connection, ring: KeyRing, notification_id: UUID) -> NotificationPage:
    """One notification that the session's recipient may read. Raises NotFound."""
    row = connection.execute(Q["one"], {"notification_id": notification_id}).first()
    if row is None:
        raise NotFound
    parts = connection.execute(Q["parts"], {"notification_id": notification_id}).all()
    keys = open_keys(connection, ring, [row.key_id, *(p.key_id for p in parts)])
    opened = [keys[p.key_id].open_as(PART, "notification_part", "sealed", p.duty_id, p.sealed) for p in parts]
    return NotificationPage(
        row.notification_id,
        NotificationStatus(row.status),
        _child_of(row, keys),
        tuple(sorted(opened, key=lambda p: p.occurred_from)),
        row.released_at,
        row.duty_by,
        row.acknowledged_at,
        row.adds_to,
    )


def acknowledge(
    connection: Connection, force_id: str, notification_id: UUID, key_adult_id: UUID, at: datetime
) -> None:
    """RELEASED -> ACKNOWLEDGED by this Key Adult; nothing more when already acknowledged. Raises NotFound."""
    if _acknowledge(connection, force_id, notification_id, key_adult_id, at, "page"):
        record_by_adult(connection, force_id, "notification_acknowledged", notification_id, key_adult_id, at)


def acknowledge_by_telephone(
    connection: Connection,
    force_id: str,
    notification_id: UUID,
    key_adult_id: UUID,
    at: datetime,
    now: datetime,
) -> None:
    """RELEASED -> ACKNOWLEDGED by a Key Adult who said so on the telephone then; recorded now. Raises NotFound."""
    if _acknowledge(connection, force_id, notification_id, key_adult_id, at, "telephone"):
        details = {"key_adult_id": str(key_adult_id), "recorded_as_of": now.isoformat()}
        action = "notification_acknowledged_by_telephone"
        event = AuditEvent(
            force_id, at, Actor.OPERATOR, None, action, "notification", notification_id, details
        )
        audit.record(connection, event)


def _acknowledge(
    connection: Connection,
    force_id: str,
    notification_id: UUID,
    key_adult_id: UUID,
    at: datetime,
    channel: str,
) -> bool:
    status = connection.execute(Q["status"], {"notification_id": notification_id}).scalar()
    if status is None:
        raise NotFound
    current = NotificationStatus(status)
    if current is NotificationStatus.ACKNOWLEDGED:
        return False
    if not _move(connection, notification_id, current, NotificationStatus.ACKNOWLEDGED):
        return False
    connection.execute(
        Q["insert_acknowledgement"],
        {
            "notification_id": notification_id,
            "force_id": force_id,
            "key_adult_id": key_adult_id,
            "channel": channel,
            "acknowledged_at": at,
        },
    )
    connection.execute(Q["withdraw_phone_task"], {"notification_id": notification_id, "withdrawn_at": at})
    return True


def record_by_adult(
    connection: Connection,
    force_id: str,
    action: str,
    notification_id: UUID,
    key_adult_id: UUID,
    at: datetime,
) -> None:
    """Audit what a Key Adult did with a notification."""
    event = AuditEvent(force_id, at, Actor.KEY_ADULT, key_adult_id, action, "notification", notification_id)
    audit.record(connection, event)


def open_phone_task(
    connection: Connection,
    run: Run,
    notification_id: UUID,
    reason: str,
    called: Called = Called.KEY_ADULT,
) -> bool:
    """Somebody is to telephone; False when a task to call that person was already open."""
    phone_task_id = connection.execute(
        Q["open_phone_task"],
        {
            "phone_task_id": uuid4(),
            "force_id": run.force_id,
            "notification_id": notification_id,
            "called": called.value,
            "reason": reason,
            "opened_at": run.as_of,
            "run_id": run.run_id,
        },
    ).scalar()
    if phone_task_id is None:
        return False
    _record(connection, run, "phone_task_opened", notification_id)
    return True


def _about(row: Row[Any]) -> About:
    return About(row.pupil_id, None if row.person_hash is None else bytes(row.person_hash))


def _move(
    connection: Connection, notification_id: UUID, current: NotificationStatus, wanted: NotificationStatus
) -> bool:
    move_notification(current, wanted)
    values = {"notification_id": notification_id, "status": wanted.value, "expected": current.value}
    return connection.execute(Q["move"], values).first() is not None


def _child_of(row: Row[Any], keys: dict[UUID, DataKey]) -> NotifiedChild:
    return keys[row.key_id].open_as(
        CHILD, "notification", "sealed_child", row.notification_id, row.sealed_child
    )


def _record(connection: Connection, run: Run, action: str, notification_id: UUID) -> None:
    event = AuditEvent(run.force_id, run.as_of, Actor.PIPELINE, None, action, "notification", notification_id)
    audit.record(connection, event)
