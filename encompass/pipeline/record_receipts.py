"""Take receipts as they come, ask where none came, and move each nudge to what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, Engine

from encompass import log
from encompass.domain.nudge import Channel, NudgeStatus
from encompass.domain.receipt import DeliveryReport, moves_for, report_of
from encompass.domain.run import Run
from encompass.gateways.failures import Refused, Unavailable
from encompass.gateways.nudge import Provider, Traced
from encompass.pipeline.send_one import tell_a_person
from encompass.store import receipt

ASKED_AFTER: Final = timedelta(minutes=4)
ASKED_FOR: Final = timedelta(days=3)
MOST_ASKED: Final = 500


def take_report(engine: Engine, report: DeliveryReport) -> None:
    """Keep a provider's word, even one that comes before our own that the nudge was sent."""
    with engine.begin() as connection:
        receipt.add_report(connection, report)


def record_receipts(engine: Engine, providers: Mapping[Channel, Provider], run: Run) -> int:
    """Ask of nudges accepted and not heard of since, then move every nudge reported on; how many reports."""
    for provider in {p.name: p for p in providers.values() if p.is_asked}.values():
        _ask(engine, provider, run)
    with engine.begin() as connection:
        reports = receipt.unjoined(connection, run.force_id)
        current = {r.nudge_id: r.current for r in reports}
        for report in reports:
            moves = moves_for(current[report.nudge_id], report.kind)
            receipt.join(connection, run, report, current[report.nudge_id], moves)
            current[report.nudge_id] = moves[-1] if moves else current[report.nudge_id]
            if NudgeStatus.FAILED in moves:
                tell_a_person(connection, run, report.nudge_id)
    return len(reports)


def _ask(engine: Engine, provider: Provider, run: Run) -> None:
    """Ask the provider of each; when it is away the next reconciliation asks, and receipts come all the same."""
    with engine.begin() as connection:
        unheard = receipt.unreported(connection, run, provider.name, ASKED_AFTER, ASKED_FOR, MOST_ASKED)
    if not unheard:
        return
    with provider.connect() as sender:
        for one in unheard:
            try:
                traced = sender.find(one.nudge_id)
            except (Unavailable, Refused):
                log.get_logger().warning("receipts_not_asked", force_id=run.force_id, source=provider.name)
                return
            with engine.begin() as connection:
                receipt.polled(connection, one.nudge_id)
                _keep(connection, run, one.nudge_id, traced)


def _keep(connection: Connection, run: Run, nudge_id: UUID, traced: Traced | None) -> None:
    if traced is None:
        return
    report = report_of(run.force_id, str(nudge_id), traced.provider_status, traced.provider_reference)
    if report is not None:
        receipt.add_report(connection, report)
