"""Freeze sending after a restore or a long outage, until what the provider did meanwhile has been compared."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Engine

from encompass.domain.run import Run
from encompass.store import force, freeze
from encompass.store.freeze import Freeze
from encompass.store.sealed import KeyRing

SOURCE = "freeze"


class NothingToDo(Exception):
    """Sending is frozen already, or is not frozen."""


def is_frozen(engine: Engine, run: Run, behind: timedelta) -> bool:
    """Whether nothing may be sent now. Nudges left over from before a gap that long freeze the force by themselves."""
    with engine.begin() as connection:
        if freeze.standing(connection, run.force_id) is None and freeze.is_outbox_behind(
            connection, run, behind
        ):
            freeze.freeze_behind(connection, run)
        frozen = freeze.standing(connection, run.force_id) is not None
        force.set_alarms(connection, run, SOURCE, {"sending_frozen": frozen})
        return frozen


def freeze_sending(engine: Engine, ring: KeyRing, force_id: str, by: str, reason: str, now: datetime) -> None:
    """A person freezes a force's sending. Raises NothingToDo where it is frozen."""
    with engine.begin() as connection:
        if not freeze.freeze_by_person(connection, ring, force_id, by, reason, now):
            raise NothingToDo


def let_sending_go_on(
    engine: Engine, ring: KeyRing, force_id: str, by: str, reason: str, now: datetime
) -> None:
    """A person has compared with the provider's records and lets sending go on. Raises NothingToDo."""
    with engine.begin() as connection:
        if not freeze.lift(connection, ring, force_id, by, reason, now):
            raise NothingToDo


def read_freeze(engine: Engine, force_id: str) -> Freeze | None:
    """The freeze that stands."""
    with engine.begin() as connection:
        return freeze.standing(connection, force_id)
