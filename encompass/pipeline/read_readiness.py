"""Are we safe by the bell? Read for one force, from the account of its newest night as of now."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, Engine

from encompass.domain.compliance import account_of, report_of
from encompass.domain.nudge import NudgeStatus
from encompass.domain.readiness import Outstanding, Readiness, readiness_of
from encompass.domain.run import LONDON
from encompass.pipeline.reconcile_acknowledgements import account_at
from encompass.store import compliance, feed, force, freeze, ladder, nudge, phone_task, recall


def read_readiness(engine: Engine, force_id: str, now: datetime) -> Readiness:
    """The force's answer as of now; nothing is changed. A force without any night is not safe."""
    tonight = now.astimezone(LONDON).date()
    with engine.begin() as connection:
        nights = [n for n in force.nights(connection, force_id) if n <= tonight]
        outstanding = _outstanding(connection, force_id, now)
        if not nights:
            nothing = account_of(force_id, tonight, now, [], [], ())
            return readiness_of(tonight, nothing, [], {}, outstanding)
        account = account_at(connection, force_id, nights[0], now)
        facts = compliance.facts(connection, force_id, nights[0])
    report = report_of("", account, facts, ())
    return readiness_of(tonight, account, facts, report.waiting_with, outstanding)


def _outstanding(connection: Connection, force_id: str, now: datetime) -> Outstanding:
    return Outstanding(
        sum(t.called is not None for t in phone_task.to_call(connection, force_id)),
        nudge.counts(connection, force_id).get(NudgeStatus.QUEUED.value, 0),
        len(ladder.exceptions(connection, force_id, now)),
        sum(n for _, _, n in feed.quarantined(connection, force_id)),
        recall.open_breaches(connection, force_id),
        freeze.standing(connection, force_id) is not None,
    )
