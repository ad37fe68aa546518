"""What a school reads: its inbox, what stands before a notification, and the notification itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row

from encompass.domain.access import NotFound
from encompass.domain.notification import InboxEntry, NotificationPage, NotificationStatus
from encompass.domain.support import NOTHING_YET
from encompass.domain.telling import Advice
from encompass.store import notice, part, support
from encompass.store.data_key import unwrapped
from encompass.store.notification import child_of
from encompass.store.queries import load
from encompass.store.sealed import DataKey, KeyRing

Q: Final = load("inbox")
ADVICE: Final = TypeAdapter(Advice)


@dataclass(frozen=True)
class Beside:
    """How many messages wait to be acknowledged, when the school last said that its contacts are right, how many
    changes of contacts wait for the session's person, or another, to confirm them, and whether there are notices.
    """

    waiting: int
    attested_on: date | None
    changes_to_confirm: int
    has_notices: bool


def entries(connection: Connection, ring: KeyRing, lines: int, after: int) -> tuple[InboxEntry, ...]:
    """Lines of what the session's school may read, leaving out the first `after`.

    What waits comes first, by when it is due; then what no support is recorded of, then the rest, the newest first.
    """
    rows = connection.execute(Q["inbox"], {"lines": lines, "after": after}).all()
    keys = unwrapped(ring, rows)
    return tuple(_entry(row, keys) for row in rows)


def beside(connection: Connection) -> Beside:
    """What the inbox says besides its lines."""
    row = connection.execute(Q["beside"]).one()
    return Beside(row.waiting, row.attested_on, row.changes_to_confirm, row.has_notices)


def cover(connection: Connection, ring: KeyRing, notification_id: UUID) -> InboxEntry:
    """What stands before one notification's content: no more than its line in the inbox. Raises NotFound."""
    row = connection.execute(Q["cover"], {"notification_id": notification_id}).first()
    if row is None:
        raise NotFound
    return _entry(row, unwrapped(ring, [row]))


def earlier(connection: Connection, ring: KeyRing, notification_id: UUID) -> tuple[InboxEntry, ...]:
    """The earlier notifications about the same child that the session may read, the newest first."""
    rows = connection.execute(Q["earlier"], {"notification_id": notification_id}).all()
    keys = unwrapped(ring, rows)
    return tuple(_entry(row, keys) for row in rows)


def page(connection: Connection, ring: KeyRing, notification_id: UUID) -> NotificationPage:
    """One notification that the session's school may read. Raises NotFound."""
    row = connection.execute(Q["one"], {"notification_id": notification_id}).first()
    if row is None:
        raise NotFound
    return NotificationPage(
        row.notification_id,
        NotificationStatus(row.status),
        child_of(row, unwrapped(ring, [row])),
        tuple(part.opened(connection, ring, notification_id)),
        row.released_at,
        row.duty_by,
        row.acknowledged_at,
        row.adds_to,
        row.supersedes is not None,
        ADVICE.validate_python(row.advice),
        notice.of(connection, ring, notification_id) if row.has_notices else (),
        support.of(connection, ring, notification_id)
        if row.acknowledged_at is not None and (row.has_support or row.supersedes is not None)
        else NOTHING_YET,
        earlier(connection, ring, notification_id),
    )


def _entry(row: Row[Any], keys: dict[UUID, DataKey]) -> InboxEntry:
    return InboxEntry(
        row.notification_id,
        child_of(row, keys).initials,
        row.year_group,
        NotificationStatus(row.status),
        row.released_at,
        row.duty_by,
        row.acknowledged_at,
        frozenset(row.incidents),
        row.supersedes is not None,
        row.has_support,
    )
