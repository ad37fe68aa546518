"""Who may not open a notification: by what a Key Adult declared, or by his or her own word."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from encompass.domain.access import NotFound
from encompass.domain.audit import Actor, AuditEvent
from encompass.domain.notification import NotificationStatus
from encompass.domain.run import Run
from encompass.store import audit, recipient
from encompass.store.notification import About
from encompass.store.queries import load
from encompass.store.recipient import Named

Q: Final = load("exclusion")


@dataclass(frozen=True)
class ToReroute:
    """A notification that somebody asked not to see, and that others at the school have to."""

    notification_id: UUID
    to: Named
    status: NotificationStatus


@dataclass(frozen=True)
class ToldOrHeld:
    """A message of a recipient, or what is left of one, and the involvements of all that it ever told."""

    notification_id: UUID
    status: NotificationStatus
    involvement_ids: tuple[UUID, ...]


def exclude(connection: Connection, run: Run, notification_id: UUID, adults: Mapping[UUID, str]) -> None:
    """These Key Adults may never open the notification, each for a reason."""
    _exclude(connection, run, notification_id, adults, "key_adult_excluded", found_later=False)


def exclude_until_decided(
    connection: Connection, run: Run, notification_id: UUID, adults: Mapping[UUID, str]
) -> None:
    """These Key Adults, found in conflict after it was written, may not open it until a person decides."""
    _exclude(connection, run, notification_id, adults, "key_adult_in_conflict", found_later=True)


def _exclude(
    connection: Connection,
    run: Run,
    notification_id: UUID,
    adults: Mapping[UUID, str],
    action: str,
    *,
    found_later: bool,
) -> None:
    for key_adult_id, reason in adults.items():
        values = {"notification_id": notification_id, "key_adult_id": key_adult_id, "reason": reason}
        values |= {"excluded_at": run.as_of, "found_later": found_later}
        if connection.execute(Q["exclude"], values).first() is not None:
            event = AuditEvent(
                run.force_id, run.as_of, Actor.PIPELINE, None, action, "notification",
                notification_id, {"key_adult": str(key_adult_id), "reason": reason},
            )  # fmt: skip
            audit.record(connection, event)


def inherit(
    connection: Connection, run: Run, notification_id: UUID, recipient_id: UUID, about: About
) -> None:
    """Who may not open an earlier notification about the child may not open this one either."""
    values = {"notification_id": notification_id, "recipient_id": recipient_id, "pupil_id": about.pupil_id}
    connection.execute(Q["inherit"], {**values, "person_of": about.person_hash, "excluded_at": run.as_of})


def excuse(
    connection: Connection, force_id: str, notification_id: UUID, key_adult_id: UUID, at: datetime
) -> None:
    """The session's Key Adult asks not to see it, and never will. Raises NotFound."""
    values = {"notification_id": notification_id, "excluded_at": at}
    if connection.execute(Q["excuse"], values).rowcount != 1:
        raise NotFound
    event = AuditEvent(
        force_id, at, Actor.KEY_ADULT, key_adult_id, "key_adult_excused", "notification", notification_id
    )
    audit.record(connection, event)


def excluded(connection: Connection, notification_id: UUID) -> frozenset[UUID]:
    """The Key Adults who may not open it, under every reference that the person has."""
    return excluded_from(connection, [notification_id]).get(notification_id, frozenset())


def excluded_from(connection: Connection, notification_ids: Sequence[UUID]) -> dict[UUID, frozenset[UUID]]:
    """The same of many notifications; one that everybody may open is not there."""
    rows = connection.execute(Q["excluded_adults"], {"notification_ids": list(notification_ids)})
    found: defaultdict[UUID, set[UUID]] = defaultdict(set)
    for row in rows:
        found[row.notification_id].add(row.key_adult_id)
    return {notification_id: frozenset(adults) for notification_id, adults in found.items()}


def to_reroute(connection: Connection, force_id: str) -> list[ToReroute]:
    """Notifications that somebody asked not to see, and of which nobody else was told again."""
    rows = connection.execute(Q["to_reroute"], {"force_id": force_id})
    return [
        ToReroute(
            r.notification_id, recipient.named(connection, r.recipient_id), NotificationStatus(r.status)
        )
        for r in rows.all()
    ]


def set_rerouted(connection: Connection, run: Run, notification_id: UUID) -> None:
    """Somebody else was told, or somebody telephones."""
    connection.execute(Q["set_rerouted"], {"notification_id": notification_id, "rerouted_at": run.as_of})


def told_or_held(connection: Connection, recipient_id: UUID) -> list[ToldOrHeld]:
    """Everything that a contact of the recipient might come to read, with what it was written from."""
    rows = connection.execute(Q["told_or_held"], {"recipient_id": recipient_id})
    return [
        ToldOrHeld(row.notification_id, NotificationStatus(row.status), tuple(row.involvement_ids))
        for row in rows
    ]
