"""Cover: who stands in for whom, as the school's session names it and as the steps of the night use it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import Connection

from encompass.domain.access import KeyAdultViewer, NotFound
from encompass.domain.audit import Actor, AuditEvent
from encompass.domain.cover import Cover
from encompass.store import audit
from encompass.store.data_key import open_keys
from encompass.store.key_adult import ENTRY
from encompass.store.queries import load
from encompass.store.sealed import KeyRing

Q: Final = load("cover")


@dataclass(frozen=True)
class StandingCover:
    """A cover of the session's school that is not over. `stand_in` is None while a new contact is not confirmed.

    `new_name` and `new_reference` are those of a new contact.
    """

    cover_id: UUID
    adult: UUID
    stand_in: UUID | None
    new_name: str | None
    new_reference: str | None
    first: date
    last: date


def name(
    connection: Connection,
    viewer: KeyAdultViewer,
    first: date,
    last: date,
    by: UUID | None,
    change_id: UUID | None,
    at: datetime,
) -> None:
    """Somebody stands in for the session's own person: a contact, or one whose change still waits."""
    cover_id = uuid4()
    connection.execute(
        Q["name_cover"],
        {
            "cover_id": cover_id,
            "stand_in_id": by,
            "change_id": change_id,
            "first_day": first,
            "last_day": last,
            "named_at": at,
        },
    )
    details = {"first": first.isoformat(), "last": last.isoformat()}
    _record(connection, viewer, "cover_named", cover_id, at, details)


def end(connection: Connection, viewer: KeyAdultViewer, cover_id: UUID, at: datetime) -> UUID | None:
    """The session's own cover ends; the change of a contact that it waits for, if it does. Raises NotFound."""
    row = connection.execute(Q["end_cover"], {"cover_id": cover_id, "withdrawn_at": at}).first()
    if row is None:
        raise NotFound
    _record(connection, viewer, "cover_ended", cover_id, at, {})
    return row.change_id


def standing(connection: Connection, ring: KeyRing, day: date) -> list[StandingCover]:
    """Every cover of the session's school that is not over on that day, the first to begin first."""
    rows = connection.execute(Q["standing_covers"], {"day": day}).all()
    keys = open_keys(connection, ring, (r.key_id for r in rows if r.key_id is not None))
    covers: list[StandingCover] = []
    for r in rows:
        new = None
        if r.change_id is not None:
            new = keys[r.key_id].open_as(ENTRY, "contact_change", "sealed", r.change_id, r.sealed)
        covers.append(
            StandingCover(
                r.cover_id,
                r.key_adult_id,
                r.stand_in_id,
                new.full_name if new else None,
                new.key_adult_ref if new else None,
                r.first_day,
                r.last_day,
            )
        )
    return covers


def in_force(connection: Connection, recipient_id: UUID, day: date) -> list[Cover[UUID]]:
    """Who stands in at a recipient on that day: contacts only, bound by a code and with a second factor."""
    rows = connection.execute(Q["covers_in_force"], {"recipient_id": recipient_id, "day": day})
    return [Cover(r.key_adult_id, r.stand_in_id, r.first_day, r.last_day) for r in rows]


def _record(
    connection: Connection,
    viewer: KeyAdultViewer,
    action: str,
    cover_id: UUID,
    at: datetime,
    details: dict[str, str],
) -> None:
    who = viewer.key_adult_id
    audit.record(
        connection, AuditEvent(viewer.force_id, at, Actor.KEY_ADULT, who, action, "cover", cover_id, details)
    )
