"""Pages that a force pushed, sealed as they came, until the night's look at the feed takes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import Connection

from encompass.domain.audit import Actor, AuditEvent
from encompass.store import audit
from encompass.store.data_key import new_data_key, open_keys
from encompass.store.queries import load
from encompass.store.sealed import KeyRing

Q: Final = load("pushed")


@dataclass(frozen=True)
class NewPage:
    """A page to keep: its message's and its content's keyed hashes, when it was made, and its bytes."""

    message_hash: bytes
    content_hash: bytes
    made_at: datetime
    records: int
    raw: bytes = field(repr=False)


@dataclass(frozen=True)
class KeptPage:
    """A page as it is kept."""

    page_id: UUID
    made_at: datetime
    records: int
    raw: bytes = field(repr=False)


def force_is_known(connection: Connection, force_id: str) -> bool:
    """Whether the force has had a run, so that there is something to keep its pages under."""
    return connection.execute(Q["force_is_known"], {"force_id": force_id}).first() is not None


def content_of_message(connection: Connection, force_id: str, message_hash: bytes) -> bytes | None:
    """The hash of what came under this message id before; None when nothing did."""
    values = {"force_id": force_id, "message_hash": message_hash}
    found = connection.execute(Q["known_message"], values).scalar()
    return None if found is None else bytes(found)


def pages_since(connection: Connection, force_id: str, since: datetime) -> int:
    """How many pages the force has pushed since then."""
    return connection.execute(Q["pushed_since"], {"force_id": force_id, "since": since}).scalar_one()


def keep(connection: Connection, ring: KeyRing, force_id: str, page: NewPage, at: datetime) -> None:
    """Keep a page, sealed, with its audit event. Raises IntegrityError when its message is there already."""
    page_id = uuid4()
    key = new_data_key(connection, ring, force_id, "pushed")
    connection.execute(
        Q["insert_pushed_page"],
        {
            "page_id": page_id,
            "force_id": force_id,
            "message_hash": page.message_hash,
            "content_hash": page.content_hash,
            "received_at": at,
            "made_at": page.made_at,
            "records": page.records,
            "sealed": key.seal("pushed_page", "sealed", page_id, page.raw),
            "key_id": key.key_id,
        },
    )
    details = {"records": page.records}
    event = AuditEvent(force_id, at, Actor.PIPELINE, None, "page_pushed", "pushed_page", page_id, details)
    audit.record(connection, event)


def pages_between(
    connection: Connection, ring: KeyRing, force_id: str, since: datetime, until: datetime
) -> Iterator[KeptPage]:
    """The pages that came from `since` on and before `until`, opened, in the order in which they came."""
    values = {"force_id": force_id, "updated_from": since, "updated_to": until}
    for row in connection.execute(Q["pushed_between"], values).all():
        key = open_keys(connection, ring, [row.key_id])[row.key_id]
        raw = key.open("pushed_page", "sealed", row.page_id, row.sealed)
        yield KeptPage(row.page_id, row.made_at, row.records, raw)
