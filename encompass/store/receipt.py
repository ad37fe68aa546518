"""What providers say became of nudges: kept as it comes, then joined with the nudge that it is about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import Connection

from encompass.domain.nudge import NudgeStatus, move_nudge
from encompass.domain.receipt import DeliveryReport
from encompass.domain.run import Run
from encompass.store import nudge
from encompass.store.queries import load

Q: Final = load("receipt")


@dataclass(frozen=True)
class Unjoined:
    """A report of a nudge that has been sent, both locked until the transaction ends."""

    report_id: UUID
    nudge_id: UUID
    kind: NudgeStatus
    provider_status: str
    provider_reference: str | None
    current: NudgeStatus


def add_report(connection: Connection, report: DeliveryReport) -> None:
    """Keep what a provider said, once, whether or not we know the nudge yet."""
    connection.execute(
        Q["add_report"],
        {
            "delivery_report_id": uuid4(),
            "force_id": report.force_id,
            "nudge_reference": report.nudge_id,
            "kind": report.kind.value,
            "provider_status": report.provider_status,
            "provider_reference": report.provider_reference,
        },
    )


def unjoined(connection: Connection, force_id: str) -> list[Unjoined]:
    """Reports not joined yet, of nudges whose sending is over: "delivered" before "failed"."""
    rows = connection.execute(Q["unjoined"], {"force_id": force_id})
    return [
        Unjoined(
            r.delivery_report_id,
            r.nudge_reference,
            NudgeStatus(r.kind),
            r.provider_status,
            r.provider_reference,
            NudgeStatus(r.status),
        )
        for r in rows
    ]


def join(
    connection: Connection,
    run: Run,
    report: Unjoined,
    current: NudgeStatus,
    moves: tuple[NudgeStatus, ...],
) -> None:
    """Move the nudge as the report says, each move with its audit event, and put the report away."""
    for wanted in moves:
        move_nudge(current, wanted)
        values = {
            "nudge_id": report.nudge_id,
            "status": wanted.value,
            "expected": current.value,
            "reason": report.provider_status if wanted is NudgeStatus.FAILED else None,
        }
        connection.execute(Q["move"], values).one()
        nudge.insert_receipt(connection, run, report.nudge_id, wanted, report.provider_reference)
        nudge.record(connection, run, f"nudge_{wanted.value}", report.nudge_id)
        current = wanted
    connection.execute(Q["join_report"], {"delivery_report_id": report.report_id})


def unreported(
    connection: Connection, run: Run, provider: str, at_least: timedelta, at_most: timedelta, limit: int
) -> list[nudge.Undecided]:
    """Nudges accepted between these times ago of which this provider has said no more, and was not just asked."""
    values = {
        "force_id": run.force_id,
        "provider": provider,
        "at_least": at_least,
        "at_most": at_most,
        "limit": limit,
    }
    return [nudge.undecided_of(row) for row in connection.execute(Q["unreported"], values)]


def polled(connection: Connection, nudge_id: UUID) -> None:
    """The provider was asked just now."""
    connection.execute(Q["polled"], {"nudge_id": nudge_id})
