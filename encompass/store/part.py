"""The parts of notifications: each tells of one duty, of one version of its incident, until it ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from uuid import UUID, uuid5

from pydantic import TypeAdapter
from sqlalchemy import Connection

from encompass.domain.audit import Actor
from encompass.domain.notification import NotificationPart, NotificationStatus, PartEnd, ended_by
from encompass.domain.run import Run
from encompass.store.data_key import open_keys, unwrapped
from encompass.store.notification import UntoldDuty, Whole, about_of, close, record
from encompass.store.queries import load
from encompass.store.sealed import DataKey, KeyRing

Q: Final = load("part")
PART: Final = TypeAdapter(NotificationPart)


@dataclass(frozen=True)
class OutdatedPart:
    """A part that tells of an incident as it was before a correction."""

    notification_id: UUID
    status: NotificationStatus
    duty: UntoldDuty
    part: NotificationPart = field(repr=False)


def duties_told(connection: Connection, notification_id: UUID) -> list[UntoldDuty]:
    """The duties of which a notification tells."""
    rows = connection.execute(Q["told_duties"], {"notification_id": notification_id})
    return [UntoldDuty(r.duty_id, r.involvement_id, about_of(r), r.duty_by) for r in rows]


def outdated(connection: Connection, ring: KeyRing, recipient_id: UUID) -> list[OutdatedPart]:
    """Parts told or held whose incident was corrected since, the child still placed as before, by notification."""
    rows = connection.execute(Q["outdated_parts"], {"recipient_id": recipient_id}).all()
    keys = open_keys(connection, ring, (row.key_id for row in rows))
    return [
        OutdatedPart(
            row.notification_id,
            NotificationStatus(row.status),
            UntoldDuty(row.duty_id, row.involvement_id, about_of(row), row.duty_by),
            open_part(keys[row.key_id], row.notification_id, row.duty_id, row.sealed),
        )
        for row in rows
    ]


def opened(connection: Connection, ring: KeyRing, notification_id: UUID) -> list[NotificationPart]:
    """The current parts of a notification, opened, in the order of their incidents."""
    rows = connection.execute(Q["parts"], {"notification_id": notification_id}).all()
    keys = unwrapped(ring, rows)
    parts = [open_part(keys[r.key_id], notification_id, r.duty_id, r.sealed) for r in rows]
    return sorted(parts, key=lambda p: p.occurred_from)


def is_in_doubt(connection: Connection, notification_id: UUID) -> bool:
    """Whether it tells of a child of whom a person has still to decide who he or she is."""
    return bool(connection.execute(Q["is_in_doubt"], {"notification_id": notification_id}).scalar_one())


def insert(
    connection: Connection,
    run: Run,
    notification_id: UUID,
    duty_id: UUID,
    part: NotificationPart,
    version: int,
    key: DataKey,
) -> None:
    """Tell of a duty, of this version of its incident, sealed with the incident's key."""
    connection.execute(
        Q["insert_part"],
        {
            "notification_id": notification_id,
            "duty_id": duty_id,
            "force_id": run.force_id,
            "version": version,
            "sealed": _seal_part(key, notification_id, duty_id, part),
            "key_id": key.key_id,
        },
    )


def rewrite(
    connection: Connection,
    run: Run,
    notification_id: UUID,
    duty_id: UUID,
    part: NotificationPart,
    version: int,
    key: DataKey,
) -> None:
    """Put a corrected part in the place of one that nobody has read."""
    values = {"notification_id": notification_id, "duty_id": duty_id, "version": version}
    sealed = _seal_part(key, notification_id, duty_id, part)
    connection.execute(Q["rewrite_part"], {**values, "sealed": sealed})
    record(connection, run, "notification_rewritten", notification_id)


def keep(connection: Connection, notification_id: UUID, duty_id: UUID, version: int) -> None:
    """The correction changed nothing of what is told."""
    values = {"notification_id": notification_id, "duty_id": duty_id, "version": version}
    connection.execute(Q["keep_part"], values)


def current(connection: Connection, involvement_id: UUID) -> list[tuple[UUID, UUID]]:
    """Notification and duty of each part that tells of this involvement now."""
    rows = connection.execute(Q["current_parts_of_involvement"], {"involvement_id": involvement_id})
    return [(row.notification_id, row.duty_id) for row in rows]


def returned(connection: Connection, force_id: str) -> list[tuple[UUID, UUID, UUID]]:
    """Notification, duty and involvement of each part that a school has returned and nobody has taken up."""
    rows = connection.execute(Q["returned"], {"force_id": force_id})
    return [(row.notification_id, row.duty_id, row.involvement_id) for row in rows]


def end(
    connection: Connection, run: Run, of: Whole, duty_id: UUID, end: PartEnd, actor: Actor = Actor.PIPELINE
) -> bool:
    """End one part; the notification with it when it was the last, which is the answer."""
    values = {"notification_id": of.notification_id, "duty_id": duty_id}
    ended = connection.execute(Q["end_part"], {**values, "ended": end.value, "ended_at": run.as_of}).first()
    if ended is None:
        return False
    record(connection, run, f"part_{end.value}", of.notification_id, actor)
    if connection.execute(Q["has_current_part"], values).scalar_one():
        return False
    close(connection, run, of, ended_by(of.status, end), actor)
    return True


def _part_row(notification_id: UUID, duty_id: UUID) -> UUID:
    """The row that a part's sealing is bound to: a duty may be told anew in another notification."""
    return uuid5(notification_id, str(duty_id))


def _seal_part(key: DataKey, notification_id: UUID, duty_id: UUID, part: NotificationPart) -> bytes:
    return key.seal("notification_part", "sealed", _part_row(notification_id, duty_id), PART.dump_json(part))


def open_part(key: DataKey, notification_id: UUID, duty_id: UUID, sealed: bytes) -> NotificationPart:
    """One part, opened."""
    return key.open_as(PART, "notification_part", "sealed", _part_row(notification_id, duty_id), sealed)
