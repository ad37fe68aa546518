"""How fast the pages are asked for, by session or by address: a bucket each, refilled by the database's clock."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection

from encompass.store.queries import load

Q: Final = load("page_pace")


def take(connection: Connection, asker_hash: bytes, a_minute: int) -> bool:
    """Count one request; whether it is within so many a minute, which may also come all at once."""
    return connection.execute(Q["take"], {"asker_hash": asker_hash, "a_minute": a_minute}).scalar_one()


def forget(connection: Connection) -> None:
    """Drop the buckets that have stood for an hour: all of them are full."""
    connection.execute(Q["forget"])
