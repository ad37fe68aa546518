"""Draw up the night's account: where every announced record, child and duty is."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Connection, Engine

from encompass.domain.compliance import Account, account_of
from encompass.domain.run import Run
from encompass.store import compliance, force, hold

SOURCE = "account"


def reconcile_acknowledgements(engine: Engine, run: Run) -> Account:
    """The night's account as of the run's instant; one that does not balance, or a hold overdue, raises an alarm."""
    with engine.begin() as connection:
        account = account_at(connection, run.force_id, run.night, run.as_of)
        overdue = hold.is_overdue(connection, run.force_id, run.as_of)
        kinds = {"account_unbalanced": not account.balanced, "hold_overdue": overdue}
        force.set_alarms(connection, run, SOURCE, kinds)
        return account_at(connection, run.force_id, run.night, run.as_of)


def account_at(connection: Connection, force_id: str, night: date, as_of: datetime) -> Account:
    """The account of a night at an instant, read in the caller's transaction; nothing is changed."""
    return account_of(
        force_id,
        night,
        as_of,
        compliance.arrivals(connection, force_id, night, as_of),
        compliance.facts(connection, force_id, night),
        force.standing_alarms(connection, force_id, night, as_of),
    )
