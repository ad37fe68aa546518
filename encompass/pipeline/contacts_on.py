"""A recipient's contacts on a day, with who stands in for whom."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import Connection

from encompass.domain.cover import CoverRule, with_cover
from encompass.domain.school import KeyAdultEntry
from encompass.store import cover, key_adult
from encompass.store.sealed import KeyRing


def contacts_on(
    connection: Connection, ring: KeyRing, rule: CoverRule, recipient_id: UUID, day: date
) -> list[tuple[UUID, KeyAdultEntry]]:
    """Who is a contact of the recipient on that day, opened, as the covers of that day leave them."""
    adults = key_adult.active_at(connection, ring, recipient_id, day)
    return with_cover(adults, cover.in_force(connection, recipient_id, day), day, rule)
