"""Second factors that end by the word of two people, because the authenticator is lost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import Connection

from encompass.domain.audit import Actor, AuditEvent
from encompass.store import audit
from encompass.store.data_key import destroy_keys
from encompass.store.queries import load

Q: Final = load("second_factor_reset")


@dataclass(frozen=True)
class Reset:
    """A reset that waits for a second person."""

    reset_id: UUID
    key_adult_id: UUID
    by: str
    at: datetime


def has_factor(connection: Connection, key_adult_id: UUID) -> bool:
    """Whether the Key Adult has a second factor, or has begun to set one up."""
    return connection.execute(Q["has_factor"], {"key_adult_id": key_adult_id}).scalar_one()


def propose(connection: Connection, force_id: str, key_adult_id: UUID, by: str, at: datetime) -> UUID | None:
    """Keep a reset until another person confirms it; None when one of this Key Adult waits already."""
    reset_id = uuid4()
    values = {"reset_id": reset_id, "key_adult_id": key_adult_id, "proposed_by": by, "proposed_at": at}
    if connection.execute(Q["insert_reset"], values).first() is None:
        return None
    _record(connection, force_id, "second_factor_reset_proposed", key_adult_id, at)
    return reset_id


def open_resets(connection: Connection, force_id: str) -> list[Reset]:
    """Every reset that waits, the oldest first."""
    rows = connection.execute(Q["open_resets"], {"force_id": force_id}).all()
    return [Reset(r.reset_id, r.key_adult_id, r.proposed_by, r.proposed_at) for r in rows]


def confirm(connection: Connection, force_id: str, reset_id: UUID, by: str, at: datetime) -> bool:
    """End the person's second factors and destroy their keys; False when the reset no longer waits.

    Every session that was opened with one of them is over from the next request.
    """
    values = {"reset_id": reset_id, "confirmed_by": by, "confirmed_at": at}
    row = connection.execute(Q["confirm_reset"], values).first()
    if row is None:
        return False
    of = {"key_adult_id": row.key_adult_id, "person_hash": row.person_hash}
    destroy_keys(connection, connection.execute(Q["end_factors"], of).scalars())
    _record(connection, force_id, "second_factor_reset_confirmed", row.key_adult_id, at)
    return True


def withdraw(connection: Connection, force_id: str, reset: Reset, at: datetime) -> None:
    """Drop a reset that waits."""
    values = {"reset_id": reset.reset_id, "withdrawn_at": at}
    if connection.execute(Q["withdraw_reset"], values).first() is not None:
        _record(connection, force_id, "second_factor_reset_withdrawn", reset.key_adult_id, at)


def _record(connection: Connection, force_id: str, action: str, key_adult_id: UUID, at: datetime) -> None:
    event = AuditEvent(force_id, at, Actor.OPERATOR, None, action, "key_adult", key_adult_id)
    audit.record(connection, event)
