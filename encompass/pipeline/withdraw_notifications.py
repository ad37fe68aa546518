"""Take back what schools were told of a child who is no longer within the duty, and tell them so."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection

from encompass.domain.notification import READABLE, NoticeAbout, NoticeKind, PartEnd
from encompass.domain.run import Run
from encompass.store import notice, notification, part
from encompass.store.notification import Whole
from encompass.store.sealed import KeyRing


def withdraw_notifications(connection: Connection, ring: KeyRing, run: Run, involvement_id: UUID) -> None:
    """End every part that tells of this involvement: unread at once, with a notice where it could be read."""
    for notification_id, duty_id in part.current(connection, involvement_id):
        told = notification.whole(connection, ring, run.force_id, notification_id)
        assert told is not None
        is_gone = part.end(connection, run, told, duty_id, PartEnd.WITHDRAWN)
        if told.status in READABLE:
            kind = NoticeKind.WITHDRAWN if is_gone else NoticeKind.PART_WITHDRAWN
            give_notice(connection, run, told, kind)


def give_notice(connection: Connection, run: Run, told: Whole, kind: NoticeKind) -> None:
    """Write the notice of a message that its school could read: initials and year group, nothing else of the child."""
    about = NoticeAbout(told.child.initials, told.child.year_group, told.released_at or run.as_of)
    notice.write(connection, run, told.notification_id, told.to.recipient_id, kind, about, told.key)
