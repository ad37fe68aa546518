"""What a Key Adult reads: the school's inbox, and one notification, each view an audit event."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Engine

from encompass.domain.access import KeyAdultViewer, NotFound, may_read_notifications
from encompass.domain.attestation import AttestationRule, OwnReminders
from encompass.domain.audit import Actor, AuditEvent
from encompass.domain.notification import Inbox, InboxEntry, Notice, NotificationPage, Reading
from encompass.pipeline.own_contacts import standing_of
from encompass.store import audit, inbox, notice, notification
from encompass.store.database import as_session
from encompass.store.sealed import KeyRing

INBOX_LINES: Final = 50


def read_inbox(
    engine: Engine, ring: KeyRing, viewer: KeyAdultViewer, rule: AttestationRule, page: int, now: datetime
) -> Inbox:
    """A page, from 1, of what the viewer's school may read, its viewing audited. Raises NotFound for anyone else."""
    if not may_read_notifications(viewer):
        raise NotFound
    with as_session(engine, viewer.session_token) as connection:
        lines = inbox.entries(connection, ring, INBOX_LINES + 1, (page - 1) * INBOX_LINES)
        beside = inbox.beside(connection)
        notices = notice.every(connection, ring) if page == 1 and beside.has_notices else ()
        audit.record(connection, _looked(viewer, "inbox_viewed", "key_adult", viewer.key_adult_id, now))
        standing = standing_of(connection, ring, rule, beside.attested_on, now)
    own = OwnReminders(standing, beside.changes_to_confirm)
    return Inbox(lines[:INBOX_LINES], notices, beside.waiting, len(lines) > INBOX_LINES, own)


def read_cover(
    engine: Engine, ring: KeyRing, viewer: KeyAdultViewer, notification_id: UUID, now: datetime
) -> InboxEntry | Notice:
    """What stands before a notification: initials and year group; of one that is gone, its notice; audited.

    Raises NotFound.
    """
    if not may_read_notifications(viewer):
        raise NotFound
    with as_session(engine, viewer.session_token) as connection:
        try:
            found = inbox.cover(connection, ring, notification_id)
        except NotFound:
            found = notice.latest_of(connection, ring, notification_id)
        action = "notice_viewed" if isinstance(found, Notice) else "initials_viewed"
        audit.record(connection, _looked(viewer, action, "notification", notification_id, now))
        return found


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


def _looked(viewer: KeyAdultViewer, action: str, kind: str, subject: UUID, now: datetime) -> AuditEvent:
    return AuditEvent(viewer.force_id, now, Actor.KEY_ADULT, viewer.key_adult_id, action, kind, subject)
