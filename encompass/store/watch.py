"""What the watchdog's telephone list is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from encompass.domain.school import KeyAdultEntry
from encompass.store.data_key import open_keys
from encompass.store.key_adult import ENTRY
from encompass.store.queries import load
from encompass.store.sealed import KeyRing

Q: Final = load("watch")


@dataclass(frozen=True)
class ListedAdult:
    """One Key Adult of a recipient on the list, and how many notifications wait there."""

    recipient_id: UUID
    urn: int | None
    name: str
    telephone: str | None
    unacknowledged: int
    entry: KeyAdultEntry = field(repr=False)


def listed(connection: Connection, ring: KeyRing, force_id: str, day: date) -> list[ListedAdult]:
    """Every active Key Adult by recipient, opened, the lead first."""
    rows = connection.execute(Q["contacts"], {"force_id": force_id, "day": day}).all()
    keys = open_keys(connection, ring, (row.key_id for row in rows))
    return [
        ListedAdult(
            row.recipient_id,
            row.urn,
            row.name,
            row.telephone,
            row.unacknowledged,
            keys[row.key_id].open_as(ENTRY, "key_adult", "sealed", row.key_adult_id, row.sealed),
        )
        for row in rows
    ]
