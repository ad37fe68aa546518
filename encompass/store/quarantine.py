"""Refused records that wait for a person: looked at, taken after all, or discarded with a reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import Connection, Row

from encompass.store.data_key import open_keys
from encompass.store.queries import load
from encompass.store.sealed import DataKey, KeyRing

Q: Final = load("feed")


@dataclass(frozen=True)
class Quarantined:
    """One refused record: where it came from, where in its file it stands, and why it was refused."""

    quarantine_id: UUID
    source: str
    place: str
    reason: str
    recorded_at: datetime


@dataclass(frozen=True)
class Opened:
    """The record itself, with the key that seals it and what is decided of it."""

    record: Quarantined
    is_held: bool
    raw: bytes = field(repr=False)
    key: DataKey = field(repr=False)


def held(connection: Connection, force_id: str) -> list[Quarantined]:
    """Every record that nobody has decided on, the oldest first."""
    return [_record(row) for row in connection.execute(Q["held_in_quarantine"], {"force_id": force_id})]


def opened(connection: Connection, ring: KeyRing, force_id: str, quarantine_id: UUID) -> Opened | None:
    """One record, opened; None when the force has none of this id."""
    values = {"force_id": force_id, "quarantine_id": quarantine_id}
    row = connection.execute(Q["one_in_quarantine"], values).first()
    if row is None:
        return None
    key = open_keys(connection, ring, [row.key_id])[row.key_id]
    raw = key.open("quarantine", "sealed", quarantine_id, row.sealed)
    return Opened(_record(row), row.status == "held", raw, key)


def resolve(
    connection: Connection,
    record: Opened,
    status: Literal["released", "discarded"],
    by: str,
    why: str,
    at: datetime,
) -> bool:
    """Decide on a record; False when somebody already has."""
    quarantine_id = record.record.quarantine_id
    values = {
        "quarantine_id": quarantine_id,
        "status": status,
        "resolved_by": by,
        "resolved_at": at,
        "sealed_resolution": record.key.seal("quarantine", "sealed_resolution", quarantine_id, why.encode()),
    }
    return connection.execute(Q["resolve_quarantined"], values).first() is not None


def _record(row: Row[Any]) -> Quarantined:
    place = row.path or (f"line {row.line}" if row.line else "")
    return Quarantined(row.quarantine_id, row.source, place, row.reason, row.recorded_at)
