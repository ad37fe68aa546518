"""What a named adult answers: I have read this; this is not our pupil; I should not see this."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Engine

from encompass.domain.access import KeyAdultViewer, NotFound, may_read_notifications
from encompass.store import exclusion, notification
from encompass.store.database import as_session


def acknowledge(engine: Engine, viewer: KeyAdultViewer, notification_id: UUID, now: datetime) -> None:
    """Acknowledge a notification of the viewer's school or office, once. Raises NotFound."""
    if not may_read_notifications(viewer):
        raise NotFound
    with as_session(engine, viewer.session_token) as connection:
        notification.acknowledge(connection, viewer.force_id, notification_id, viewer.key_adult_id, now)


def return_notification(engine: Engine, viewer: KeyAdultViewer, notification_id: UUID, now: datetime) -> None:
    """The child is not the viewer's school's pupil: nobody there can open it any more. Raises NotFound."""
    if not may_read_notifications(viewer):
        raise NotFound
    with as_session(engine, viewer.session_token) as connection:
        notification.return_to_sender(connection, viewer.force_id, notification_id, viewer.key_adult_id, now)


def excuse_from(engine: Engine, viewer: KeyAdultViewer, notification_id: UUID, now: datetime) -> None:
    """The viewer should not see it, and never can from now on; others at the school still can. Raises NotFound."""
    if not may_read_notifications(viewer):
        raise NotFound
    with as_session(engine, viewer.session_token) as connection:
        exclusion.excuse(connection, viewer.force_id, notification_id, viewer.key_adult_id, now)
