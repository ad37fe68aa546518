"""Notices: what a school may still read of a message that was withdrawn from it or recalled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID, uuid4

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row

from encompass.domain.access import NotFound
from encompass.domain.notification import Notice, NoticeAbout, NoticeKind
from encompass.domain.run import Run
from encompass.store.data_key import open_keys
from encompass.store.queries import load
from encompass.store.sealed import DataKey, KeyRing

Q: Final = load("notice")
ABOUT: Final = TypeAdapter(NoticeAbout)


def write(
    connection: Connection,
    run: Run,
    notification_id: UUID,
    recipient_id: UUID,
    kind: NoticeKind,
    about: NoticeAbout,
    key: DataKey,
) -> None:
    """Write a notice to the recipient of a notification, sealed with its key."""
    notice_id = uuid4()
    connection.execute(
        Q["insert_notice"],
        {
            "notice_id": notice_id,
            "force_id": run.force_id,
            "notification_id": notification_id,
            "recipient_id": recipient_id,
            "kind": kind.value,
            "sealed": key.seal("notice", "sealed", notice_id, ABOUT.dump_json(about)),
            "key_id": key.key_id,
            "written_at": run.as_of,
            "run_id": run.run_id,
        },
    )


def every(connection: Connection, ring: KeyRing) -> tuple[Notice, ...]:
    """The notices that the session's school may read, the newest first."""
    return _opened(connection, ring, connection.execute(Q["notices"]).all())


def of(connection: Connection, ring: KeyRing, notification_id: UUID) -> tuple[Notice, ...]:
    """The notices about one notification, the oldest first."""
    rows = connection.execute(Q["notices_of"], {"notification_id": notification_id}).all()
    return _opened(connection, ring, rows)


def latest_of(connection: Connection, ring: KeyRing, notification_id: UUID) -> Notice:
    """The last notice about a notification. Raises NotFound."""
    found = of(connection, ring, notification_id)
    if not found:
        raise NotFound
    return found[-1]


def to_nudge(connection: Connection, recipient_id: UUID) -> list[tuple[UUID, UUID]]:
    """Notice and notification of each notice of which nobody was told yet."""
    rows = connection.execute(Q["to_nudge"], {"recipient_id": recipient_id})
    return [(row.notice_id, row.notification_id) for row in rows]


def set_nudged(connection: Connection, run: Run, notice_id: UUID) -> None:
    """Its Key Adults' nudges are queued."""
    connection.execute(Q["set_nudged"], {"notice_id": notice_id, "nudged_at": run.as_of})


def _opened(connection: Connection, ring: KeyRing, rows: Sequence[Row[Any]]) -> tuple[Notice, ...]:
    keys = open_keys(connection, ring, (row.key_id for row in rows))
    return tuple(
        Notice(
            row.notification_id,
            NoticeKind(row.kind),
            keys[row.key_id].open_as(ABOUT, "notice", "sealed", row.notice_id, row.sealed),
            row.written_at,
        )
        for row in rows
    )
