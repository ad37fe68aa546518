"""The day's compliance report for leaders, from the same facts as the account."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Connection, Engine

from encompass.domain.access import NotFound, StaffViewer, may_read_report
from encompass.domain.compliance import ComplianceReport, report_of
from encompass.domain.report_export import report_json
from encompass.domain.run import Run
from encompass.pipeline.reconcile_acknowledgements import account_at
from encompass.store import compliance, force, ladder
from encompass.store.database import as_session


def report_compliance(engine: Engine, run: Run) -> ComplianceReport:
    """Draw up and keep the night's report as of the run's instant."""
    with engine.begin() as connection:
        report = report_at(connection, run.force_id, run.night, run.as_of)
        compliance.insert_report(connection, run, report_json(report))
    return report


def report_at(connection: Connection, force_id: str, night: date, as_of: datetime) -> ComplianceReport:
    """The report of a night at an instant, read in the caller's transaction."""
    account = account_at(connection, force_id, night, as_of)
    return report_of(
        force.force_name(connection, force_id),
        account,
        compliance.facts(connection, force_id, night),
        ladder.exceptions(connection, force_id, as_of),
    )


def read_report(engine: Engine, viewer: StaffViewer, night: date | None, now: datetime) -> ComplianceReport:
    """A leader's report of a night (the newest when None) as of now. Raises NotFound."""
    if not may_read_report(viewer):
        raise NotFound
    with as_session(engine, viewer.session_token) as connection:
        known = force.nights(connection, viewer.force_id)
        wanted = night or (known[0] if known else None)
        if wanted is None or wanted not in known:
            raise NotFound
        return report_at(connection, viewer.force_id, wanted, now)


def read_nights(engine: Engine, viewer: StaffViewer) -> tuple[date, ...]:
    """The nights that a leader may read of, newest first."""
    if not may_read_report(viewer):
        raise NotFound
    with as_session(engine, viewer.session_token) as connection:
        return force.nights(connection, viewer.force_id)
