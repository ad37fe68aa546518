"""Exceptions: duties missed and children not placed by the bell, listed every day until a person closes them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Engine

from encompass.domain.compliance import StandingException
from encompass.store import ladder
from encompass.store.sealed import KeyRing


class NoSuchException(Exception):
    """No exception of this id stands."""


def list_exceptions(engine: Engine, force_id: str, now: datetime) -> tuple[StandingException, ...]:
    """Every exception that stands, of every night, the oldest first."""
    with engine.begin() as connection:
        return ladder.exceptions(connection, force_id, now)


def close_exception(
    engine: Engine, ring: KeyRing, force_id: str, exception_id: UUID, by: str, reason: str, now: datetime
) -> None:
    """A person has seen to an exception and says how; the reason is sealed. Raises NoSuchException."""
    with engine.begin() as connection:
        if not ladder.close_exception(connection, ring, force_id, exception_id, by, reason, now):
            raise NoSuchException
