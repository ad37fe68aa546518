"""Sending frozen after a restore or a long outage, and lifted by a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import Connection

from encompass.domain.audit import Actor, AuditEvent
from encompass.domain.run import Run
from encompass.store import audit
from encompass.store.data_key import new_data_key, open_keys
from encompass.store.queries import load
from encompass.store.sealed import KeyRing

Q: Final = load("freeze")
PIPELINE: Final = "pipeline"


class Cause(StrEnum):
    """Why sending is frozen: a person said so, or the outbox's last activity lies far back."""

    OPERATOR = "operator"
    OUTBOX_BEHIND = "outbox_behind"


@dataclass(frozen=True)
class Freeze:
    """A freeze that stands."""

    freeze_id: UUID
    cause: Cause
    frozen_at: datetime
    frozen_by: str
    key_id: UUID | None


def standing(connection: Connection, force_id: str) -> Freeze | None:
    """The force's freeze, if one stands."""
    row = connection.execute(Q["standing"], {"force_id": force_id}).first()
    return Freeze(row.freeze_id, Cause(row.cause), row.frozen_at, row.frozen_by, row.key_id) if row else None


def is_outbox_behind(connection: Connection, run: Run, behind: timedelta) -> bool:
    """Whether nudges wait from before a gap of that length in the force's runs, by the database's own clock.

    Not where a person has let sending go on since the run's instant: he or she knows of the gap.
    """
    values = {"force_id": run.force_id, "run_id": run.run_id, "behind": behind, "as_of": run.as_of}
    return bool(connection.execute(Q["is_outbox_behind"], values).scalar_one())


def freeze_behind(connection: Connection, run: Run) -> None:
    """Freeze sending because the outbox is behind; nothing more where it is frozen."""
    _insert(connection, run.force_id, Cause.OUTBOX_BEHIND, run.as_of, PIPELINE, None, None)


def freeze_by_person(
    connection: Connection, ring: KeyRing, force_id: str, by: str, reason: str, now: datetime
) -> bool:
    """A person freezes sending and says why, sealed; False where it is frozen."""
    key = new_data_key(connection, ring, force_id, "operator")
    freeze_id = uuid4()
    sealed = key.seal("sending_freeze", "sealed_reason", freeze_id, reason.encode())
    return _insert(connection, force_id, Cause.OPERATOR, now, by, sealed, key.key_id, freeze_id)


def lift(connection: Connection, ring: KeyRing, force_id: str, by: str, reason: str, now: datetime) -> bool:
    """A person lets sending go on and says why, sealed; False where nothing is frozen."""
    found = standing(connection, force_id)
    if found is None:
        return False
    key = (
        open_keys(connection, ring, [found.key_id])[found.key_id]
        if found.key_id
        else new_data_key(connection, ring, force_id, "operator")
    )
    values = {
        "freeze_id": found.freeze_id,
        "lifted_at": now,
        "lifted_by": by,
        "sealed_lift_reason": key.seal(
            "sending_freeze", "sealed_lift_reason", found.freeze_id, reason.encode()
        ),
        "key_id": key.key_id,
    }
    if connection.execute(Q["lift"], values).first() is None:
        return False
    _record(connection, force_id, now, Actor.OPERATOR, "sending_unfrozen", found.freeze_id)
    return True


def _insert(
    connection: Connection,
    force_id: str,
    cause: Cause,
    now: datetime,
    by: str,
    sealed: bytes | None,
    key_id: UUID | None,
    freeze_id: UUID | None = None,
) -> bool:
    values = {
        "freeze_id": freeze_id or uuid4(),
        "force_id": force_id,
        "cause": cause.value,
        "frozen_at": now,
        "frozen_by": by,
        "sealed_reason": sealed,
        "key_id": key_id,
    }
    frozen = connection.execute(Q["insert_freeze"], values).scalar()
    if frozen is None:
        return False
    actor = Actor.OPERATOR if cause is Cause.OPERATOR else Actor.PIPELINE
    _record(connection, force_id, now, actor, "sending_frozen", frozen)
    return True


def _record(
    connection: Connection, force_id: str, now: datetime, actor: Actor, action: str, freeze_id: UUID
) -> None:
    audit.record(connection, AuditEvent(force_id, now, actor, None, action, "freeze", freeze_id))
