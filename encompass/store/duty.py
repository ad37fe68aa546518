"""Duties that wait for an acknowledgement, and their bells."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from encompass.domain.audit import Actor, AuditEvent
from encompass.domain.run import Run
from encompass.store import audit
from encompass.store.queries import load

Q: Final = load("duty")


@dataclass(frozen=True)
class WaitingDuty:
    """A duty to a school that nobody has acknowledged and whose bell is still to come."""

    duty_id: UUID
    urn: int
    duty_by: datetime
    act_by: datetime
    opened_at: datetime


def waiting(connection: Connection, run: Run) -> list[WaitingDuty]:
    """Every such duty as of the run's instant."""
    rows = connection.execute(Q["waiting_duties"], {"force_id": run.force_id, "as_of": run.as_of})
    return [WaitingDuty(r.duty_id, r.urn, r.duty_by, r.act_by, r.opened_at) for r in rows]


def bring_forward(
    connection: Connection, run: Run, duty_id: UUID, duty_by: datetime, act_by: datetime
) -> bool:
    """Make a duty due earlier; False when it is by now, or was withdrawn."""
    values = {"duty_id": duty_id, "duty_by": duty_by, "act_by": act_by}
    if connection.execute(Q["bring_forward"], values).first() is None:
        return False
    details = {"duty_by": duty_by.isoformat()}
    event = AuditEvent(
        run.force_id, run.as_of, Actor.PIPELINE, None, "duty_brought_forward", "duty", duty_id, details
    )
    audit.record(connection, event)
    return True
