"""What a Key Adult reads: the school's inbox, and one notification, each view an audit event."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Engine

from encompass.domain.access import KeyAdultViewer, NotFound, may_read_notifications
from encompass.domain.notification import InboxEntry, NotificationPage
from encompass.store import notification
from encompass.store.database import as_session
from encompass.store.sealed import KeyRing


def read_inbox(engine: Engine, ring: KeyRing, viewer: KeyAdultViewer) -> tuple[InboxEntry, ...]:
    """The notifications that the viewer's school or office may read. Raises NotFound for anyone else."""
    if not may_read_notifications(viewer):
        raise NotFound
    with as_session(engine, viewer.session_token) as connection:
        return notification.inbox(connection, ring)


def read_notification(
    engine: Engine, ring: KeyRing, viewer: KeyAdultViewer, notification_id: UUID, now: datetime
) -> NotificationPage:
    """One notification, its viewing audited in the same transaction. Raises NotFound."""
    if not may_read_notifications(viewer):
        raise NotFound
    with as_session(engine, viewer.session_token) as connection:
        page = notification.page(connection, ring, notification_id)
        notification.record_by_adult(
            connection, viewer.force_id, "notification_viewed", notification_id, viewer.key_adult_id, now
        )
        return page
