"""Afterwards: a Key Adult records what was done for the child, and amends it; earlier versions are kept."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Engine

from encompass.domain.access import KeyAdultViewer, NotFound, may_read_notifications
from encompass.domain.notification import InboxEntry
from encompass.domain.support import Support, SupportFault, SupportSoFar
from encompass.store import inbox, notification, support
from encompass.store.database import as_session
from encompass.store.sealed import KeyRing


def read_support(
    engine: Engine, ring: KeyRing, viewer: KeyAdultViewer, notification_id: UUID, now: datetime
) -> tuple[InboxEntry, SupportSoFar]:
    """What was recorded so far, its viewing audited. Raises NotFound, also when unacknowledged."""
    if not may_read_notifications(viewer):
        raise NotFound
    with as_session(engine, viewer.session_token) as connection:
        about = inbox.cover(connection, ring, notification_id)
        if about.acknowledged_at is None:
            raise NotFound
        notification.record_by_adult(
            connection, viewer.force_id, "support_viewed", notification_id, viewer.key_adult_id, now
        )
        return about, support.of(connection, ring, notification_id)


def record_support(
    engine: Engine,
    ring: KeyRing,
    viewer: KeyAdultViewer,
    notification_id: UUID,
    given: Support,
    after: int,
    now: datetime,
) -> SupportFault | None:
    """Record the version after the one that the Key Adult had before his or her eyes. Raises NotFound."""
    if not may_read_notifications(viewer):
        raise NotFound
    with as_session(engine, viewer.session_token) as connection:
        is_recorded = support.record(
            connection, ring, viewer.force_id, notification_id, viewer.key_adult_id, given, after, now
        )
    return None if is_recorded else SupportFault.AMENDED_MEANWHILE
