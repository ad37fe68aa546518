"""The support that a school gave a child, sealed with its notification's key; every version is kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row

from encompass.domain.access import NotFound
from encompass.domain.audit import Actor, AuditEvent
from encompass.domain.support import Support, SupportGiven, SupportSoFar
from encompass.store import audit
from encompass.store.data_key import open_keys, unwrapped
from encompass.store.queries import load
from encompass.store.sealed import DataKey, KeyRing

Q: Final = load("support")
SUPPORT: Final = TypeAdapter(Support)


def of(connection: Connection, ring: KeyRing, notification_id: UUID) -> SupportSoFar:
    """What was recorded of a notification that the session may read, and of those that it replaced."""
    rows = connection.execute(Q["support_of"], {"notification_id": notification_id}).all()
    keys = unwrapped(ring, rows)
    given = [_given(row, keys) for row in rows if row.is_of_this]
    before = [_given(row, keys) for row in rows if not row.is_of_this]
    return SupportSoFar(
        tuple(sorted(given, key=lambda g: g.version, reverse=True)),
        tuple(sorted(before, key=lambda g: (g.recorded_at, g.version), reverse=True)),
    )


def _given(row: Row[Any], keys: Mapping[UUID, DataKey]) -> SupportGiven:
    support = keys[row.key_id].open_as(SUPPORT, "support", "sealed", row.support_id, row.sealed)
    return SupportGiven(row.version, support, row.recorded_at)


def record(
    connection: Connection,
    ring: KeyRing,
    force_id: str,
    notification_id: UUID,
    key_adult_id: UUID,
    support: Support,
    after: int,
    at: datetime,
) -> bool:
    """Record the version that follows `after` (0: the first); False when somebody has done so meanwhile.

    Raises NotFound for what the session may not read or has not been acknowledged.
    """
    found = connection.execute(Q["supported"], {"notification_id": notification_id}).first()
    if found is None:
        raise NotFound
    if found.version != after:
        return False
    key, support_id, version = open_keys(connection, ring, [found.key_id])[found.key_id], uuid4(), after + 1
    values = {
        "support_id": support_id,
        "force_id": force_id,
        "notification_id": notification_id,
        "version": version,
        "sealed": key.seal("support", "sealed", support_id, SUPPORT.dump_json(support)),
        "key_id": found.key_id,
        "key_adult_id": key_adult_id,
        "recorded_at": at,
    }
    if connection.execute(Q["insert_support"], values).first() is None:
        return False
    event = AuditEvent(
        force_id, at, Actor.KEY_ADULT, key_adult_id, "support_amended" if after else "support_recorded",
        "notification", notification_id, {"version": version},
    )  # fmt: skip
    audit.record(connection, event)
    return True
