"""What a Key Adult reads: the school's inbox, and one notification, each view an audit event."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Engine

from encompass.domain.access import KeyAdultViewer, NotFound, may_read_notifications
from encompass.domain.notification import Inbox, InboxEntry, Notice, NotificationPage, Reading
from encompass.store import inbox, notice, notification
from encompass.store.database import as_session
from encompass.store.sealed import KeyRing


def read_inbox(engine: Engine, ring: KeyRing, viewer: KeyAdultViewer) -> Inbox:
    """The notifications and notices that the viewer's school may read. Raises NotFound for anyone else."""
    if not may_read_notifications(viewer):
        raise NotFound
    with as_session(engine, viewer.session_token) as connection:
        return Inbox(inbox.entries(connection, ring), notice.every(connection, ring))


def read_cover(
    engine: Engine, ring: KeyRing, viewer: KeyAdultViewer, notification_id: UUID
) -> InboxEntry | Notice:
    """What stands before a notification: initials and year group; of one that is gone, its notice. Raises NotFound."""
    if not may_read_notifications(viewer):
        raise NotFound
    with as_session(engine, viewer.session_token) as connection:
        try:
            return inbox.cover(connection, ring, notification_id)
        except NotFound:
            return notice.latest_of(connection, ring, notification_id)


def read_notification(
    engine: Engine,
    ring: KeyRing,
    viewer: KeyAdultViewer,
    notification_id: UUID,
    reading: Reading,
    now: datetime,
) -> NotificationPage:
    """One notification, its reading audited in the same transaction. Raises NotFound."""
    if not may_read_notifications(viewer):
        raise NotFound
    with as_session(engine, viewer.session_token) as connection:
        page = inbox.page(connection, ring, notification_id)
        notification.record_by_adult(
            connection, viewer.force_id, reading.value, notification_id, viewer.key_adult_id, now
        )
        return page
