"""A named adult says: I have read this and will support the child."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Engine

from encompass.domain.access import KeyAdultViewer, NotFound, may_read_notifications
from encompass.store import notification
from encompass.store.database import as_session


def acknowledge(engine: Engine, viewer: KeyAdultViewer, notification_id: UUID, now: datetime) -> None:
    """Acknowledge a notification of the viewer's school or office, once. Raises NotFound."""
    if not may_read_notifications(viewer):
        raise NotFound
    with as_session(engine, viewer.session_token) as connection:
        notification.acknowledge(connection, viewer.force_id, notification_id, viewer.key_adult_id, now)
