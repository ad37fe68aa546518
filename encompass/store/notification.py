"""Notifications, their sealed parts, acknowledgements, and the telephone tasks of those unacknowledged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row

from encompass.domain.access import NotFound
from encompass.domain.audit import Actor, AuditEvent
from encompass.domain.hold import Hold
from encompass.domain.notification import Called, NotificationStatus, NotifiedChild, move_notification
from encompass.domain.recipient import AtSchool, kind_of
from encompass.domain.run import Run
from encompass.domain.telling import Advice
from encompass.store import audit, recipient
from encompass.store.data_key import open_keys
from encompass.store.queries import load
from encompass.store.recipient import Named
from encompass.store.sealed import DataKey, KeyRing

Q: Final = load("notification")
CHILD: Final = TypeAdapter(NotifiedChild)
HOLD: Final = TypeAdapter(Hold)
ADVICE: Final = TypeAdapter(Advice)


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
    supersedes: UUID | None
    hold: Hold | None = field(repr=False)
    child: NotifiedChild = field(repr=False)
    advice: Advice
    key: DataKey = field(repr=False)


@dataclass(frozen=True)
class Whole:
    """A notification as its row holds it, locked until the transaction ends; its hold where it is held."""

    notification_id: UUID
    to: Named
    about: About
    status: NotificationStatus
    released_at: datetime | None
    child: NotifiedChild = field(repr=False)
    hold: Hold | None = field(repr=False)
    key: DataKey = field(repr=False)


def recipients_to_tell(connection: Connection, run: Run) -> list[UUID]:
    """Each recipient with something untold: a duty, a correction, a hold that ended, a notice."""
    values = {"force_id": run.force_id, "as_of": run.as_of}
    untold = connection.execute(Q["recipients_with_untold_duties"], values).all()
    again = connection.execute(Q["recipients_to_look_at_again"], values).all()
    return list(dict.fromkeys(row.recipient_id for row in (*untold, *again)))


def recipient_of(connection: Connection, force_id: str, notification_id: UUID) -> UUID | None:
    """Whom a notification of the force tells; None when there is none of this id."""
    values = {"force_id": force_id, "notification_id": notification_id}
    return connection.execute(Q["recipient_of"], values).scalar()


def lock_recipient(connection: Connection, recipient_id: UUID) -> None:
    """Other workers on the same recipient wait until the transaction ends."""
    connection.execute(Q["lock_recipient"], {"recipient_id": str(recipient_id)})


def untold_duties(connection: Connection, recipient_id: UUID) -> list[UntoldDuty]:
    """The recipient's untold duties, by pupil."""
    rows = connection.execute(Q["untold_duties"], {"recipient_id": recipient_id})
    return [UntoldDuty(r.duty_id, r.involvement_id, about_of(r), r.duty_by) for r in rows]


def expired_police_holds(connection: Connection, run: Run, recipient_id: UUID) -> Sequence[UUID]:
    """Held notifications of the recipient whose police hold has ended."""
    values = {"recipient_id": recipient_id, "as_of": run.as_of}
    return connection.execute(Q["expired_police_holds"], values).scalars().all()


def whole(connection: Connection, ring: KeyRing, force_id: str, notification_id: UUID) -> Whole | None:
    """One notification of the force, opened and locked; None when there is none."""
    values = {"force_id": force_id, "notification_id": notification_id}
    row = connection.execute(Q["whole"], values).first()
    if row is None:
        return None
    key = open_keys(connection, ring, [row.key_id])[row.key_id]
    status = NotificationStatus(row.status)
    is_held = status is NotificationStatus.HELD
    return Whole(
        notification_id,
        recipient.named(connection, row.recipient_id),
        about_of(row),
        status,
        row.released_at,
        child_of(row, {key.key_id: key}),
        key.open_as(HOLD, "notification", "sealed_hold", notification_id, row.sealed_hold)
        if is_held
        else None,
        key,
    )


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
            "supersedes": new.supersedes,
            "status": status.value,
            **_hold_values(hold, new.key, notification_id),
            "year_group": new.child.year_group,
            "sealed_child": new.key.seal(
                "notification", "sealed_child", notification_id, CHILD.dump_json(new.child)
            ),
            "advice": ADVICE.dump_json(new.advice).decode(),
            "key_id": new.key.key_id,
            "prepared_at": run.as_of,
            "released_at": None if hold else run.as_of,
            "run_id": run.run_id,
        },
    )
    record(connection, run, f"notification_{status.value}", notification_id)
    return notification_id


def set_hold(
    connection: Connection, run: Run, held: Whole, hold: Hold, supersedes: UUID | None = None
) -> None:
    """A held notification waits for other reasons, or for more of them."""
    values = _hold_values(hold, held.key, held.notification_id)
    connection.execute(
        Q["set_hold"], {**values, "notification_id": held.notification_id, "supersedes": supersedes}
    )
    record(connection, run, "notification_held", held.notification_id)


def release(connection: Connection, run: Run, held: Whole, actor: Actor = Actor.PIPELINE) -> bool:
    """HELD -> RELEASED; False when somebody else was first. One told earlier the same night is added to."""
    move_notification(held.status, NotificationStatus.RELEASED)
    values = {
        "notification_id": held.notification_id,
        "status": NotificationStatus.RELEASED.value,
        "expected": held.status.value,
        "released_at": run.as_of,
        "adds_to": told_this_night(connection, run, held.to.recipient_id, held.about),
        "run_id": run.run_id,
    }
    is_released = connection.execute(Q["release"], values).first() is not None
    if is_released:
        record(connection, run, "notification_released", held.notification_id, actor)
    return is_released


def close(connection: Connection, run: Run, of: Whole, wanted: NotificationStatus, actor: Actor) -> None:
    """Nothing of it is told any more: its status moves, unless the school has moved it, and nobody telephones."""
    if of.status is not wanted and _move(connection, of.notification_id, of.status, wanted):
        record(connection, run, f"notification_{wanted.value}", of.notification_id, actor)
    values = {"notification_id": of.notification_id, "withdrawn_at": run.as_of}
    connection.execute(Q["withdraw_phone_task"], values)


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


def return_to_sender(
    connection: Connection, force_id: str, notification_id: UUID, key_adult_id: UUID, at: datetime
) -> None:
    """The school says that the child is not its pupil: nobody there can open it any more. Raises NotFound."""
    status = connection.execute(Q["status"], {"notification_id": notification_id}).scalar()
    if status is None:
        raise NotFound
    move_notification(NotificationStatus(status), NotificationStatus.NOT_OUR_PUPIL)
    values = {"notification_id": notification_id, "expected": status}
    if not connection.execute(Q["return"], values).scalar_one():
        raise NotFound
    record_by_adult(connection, force_id, "notification_not_our_pupil", notification_id, key_adult_id, at)


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
    record(connection, run, "phone_task_opened", notification_id)
    return True


def _move(
    connection: Connection, notification_id: UUID, current: NotificationStatus, wanted: NotificationStatus
) -> bool:
    move_notification(current, wanted)
    values = {"notification_id": notification_id, "status": wanted.value, "expected": current.value}
    return connection.execute(Q["move"], values).first() is not None


def _hold_values(hold: Hold | None, key: DataKey, notification_id: UUID) -> dict[str, object]:
    plain = HOLD.dump_json(hold) if hold else None
    return {
        "sealed_hold": plain and key.seal("notification", "sealed_hold", notification_id, plain),
        "hold_kinds": [kind.value for kind in hold.kinds] if hold else None,
        "hold_until": hold.until if hold else None,
    }


def about_of(row: Row[Any]) -> About:
    """Whom a row with these columns is about."""
    return About(row.pupil_id, None if row.person_hash is None else bytes(row.person_hash))


def child_of(row: Row[Any], keys: dict[UUID, DataKey]) -> NotifiedChild:
    """The child of a notification's row, with the keys that open it."""
    return keys[row.key_id].open_as(
        CHILD, "notification", "sealed_child", row.notification_id, row.sealed_child
    )


def record(
    connection: Connection, run: Run, action: str, notification_id: UUID, actor: Actor = Actor.PIPELINE
) -> None:
    """Audit what became of a notification."""
    event = AuditEvent(run.force_id, run.as_of, actor, None, action, "notification", notification_id)
    audit.record(connection, event)
