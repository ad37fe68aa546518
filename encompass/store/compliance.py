"""The facts that the account is made from, and the reports kept."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from sqlalchemy import Connection

from encompass.domain.arrival import FeedArrival, ManifestLedger
from encompass.domain.compliance import DutyFact
from encompass.domain.notification import NotificationStatus
from encompass.domain.placement import PlacementStatus
from encompass.domain.run import Run
from encompass.store.queries import load

Q: Final = load("compliance")


def arrivals(connection: Connection, force_id: str, night: date, as_of: datetime) -> list[FeedArrival]:
    """Each look at the feed of the night until then, the earliest first."""
    rows = connection.execute(Q["arrivals"], {"force_id": force_id, "night": night, "as_of": as_of})
    return [
        FeedArrival(
            row.way,
            row.as_of,
            row.newest_at,
            ManifestLedger(row.announced, row.accepted, row.duplicate, row.quarantined, row.refused),
            row.complete,
            row.made_good,
        )
        for row in rows
    ]


def facts(connection: Connection, force_id: str, night: date) -> list[DutyFact]:
    """One fact for each duty of the night, and one for each involvement without any."""
    rows = connection.execute(Q["facts"], {"force_id": force_id, "night": night})
    return [
        DutyFact(
            involvement_id=r.involvement_id,
            placement=PlacementStatus(r.placement_status) if r.placement_status else None,
            placement_reason=r.placement_reason,
            beyond_scope=r.beyond_scope,
            duty_id=r.duty_id,
            duty_by=r.duty_by or r.placement_duty_by,
            withdrawn_at=r.withdrawn_at,
            urn=r.urn,
            recipient_name=r.recipient_name,
            notification=NotificationStatus(r.notification_status) if r.notification_status else None,
            acknowledged_at=r.acknowledged_at,
            phone_task_opened_at=r.phone_task_opened_at,
            phone_task_withdrawn_at=r.phone_task_withdrawn_at,
            first_acknowledged_at=r.first_acknowledged_at,
            hold_kinds=tuple(r.hold_kinds or ()),
        )
        for r in rows
    ]


def insert_report(connection: Connection, run: Run, report: str) -> None:
    """Keep the night's report as of the run's instant (JSON)."""
    values = {"force_id": run.force_id, "night": run.night, "as_of": run.as_of, "run_id": run.run_id}
    connection.execute(Q["insert_report"], {**values, "report": report})
