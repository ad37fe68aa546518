"""What the watchdog's telephone list is made of."""

from __future__ import annotations

from collections import defaultdict
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
class Listed:
    """One recipient on the list: its active Key Adults, the lead first, and the notifications that wait there."""

    recipient_id: UUID
    urn: int | None
    name: str
    telephone: str | None
    la_code: str | None
    waiting: tuple[UUID, ...]
    adults: tuple[tuple[UUID, KeyAdultEntry], ...] = field(repr=False)


def listed(connection: Connection, ring: KeyRing, force_id: str, day: date) -> list[Listed]:
    """Every recipient that has a Key Adult or that something waits at, the adults opened."""
    values = {"force_id": force_id, "day": day}
    rows = connection.execute(Q["contacts"], values).all()
    keys = open_keys(connection, ring, (row.key_id for row in rows))
    adults: defaultdict[UUID, list[tuple[UUID, KeyAdultEntry]]] = defaultdict(list)
    for row in rows:
        entry = keys[row.key_id].open_as(ENTRY, "key_adult", "sealed", row.key_adult_id, row.sealed)
        adults[row.recipient_id].append((row.key_adult_id, entry))
    return [
        Listed(
            r.recipient_id,
            r.urn,
            r.name,
            r.telephone,
            r.la_code,
            tuple(r.waiting),
            tuple(adults[r.recipient_id]),
        )
        for r in connection.execute(Q["recipients"], values)
    ]
