"""Data keys: stored wrapped, opened through the key ring."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row

from encompass.store.queries import load
from encompass.store.sealed import DataKey, KeyRing, WrappedKey

Q: Final = load("data_key")


def new_data_key(connection: Connection, ring: KeyRing, force_id: str, purpose: str) -> DataKey:
    """A fresh data key for a purpose (incident, register, second_factor and others), stored wrapped."""
    key, wrapped = ring.new_data_key()
    connection.execute(
        Q["insert_data_key"],
        {
            "key_id": wrapped.key_id,
            "force_id": force_id,
            "purpose": purpose,
            "ring_key_id": wrapped.ring_key_id,
            "wrapped": wrapped.wrapped,
        },
    )
    return key


def destroy_keys(connection: Connection, key_ids: Iterable[UUID]) -> None:
    """Destroy these data keys: what they sealed is gone for good, in every backup too."""
    connection.execute(Q["destroy_data_keys"], {"key_ids": list(key_ids)})


def open_keys(connection: Connection, ring: KeyRing, key_ids: Iterable[UUID]) -> dict[UUID, DataKey]:
    """These data keys, opened. Raises Erased, NoKeyRing or CannotOpen."""
    wanted = list(set(key_ids))
    return unwrapped(ring, connection.execute(Q["data_keys"], {"key_ids": wanted}) if wanted else ())


def unwrapped(ring: KeyRing, rows: Iterable[Row[Any]]) -> dict[UUID, DataKey]:
    """The data keys that stand wrapped in these rows, beside what they seal. Raises Erased, NoKeyRing or CannotOpen."""
    return {
        row.key_id: ring.unwrap(
            WrappedKey(row.key_id, row.ring_key_id, bytes(row.wrapped) if row.wrapped is not None else None)
        )
        for row in rows
    }
