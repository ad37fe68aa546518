"""Open a telephone task for each notification that nobody acknowledged in time."""

from __future__ import annotations

from sqlalchemy import Engine

from encompass.domain.run import Run
from encompass.store import notification


def chase_acknowledgements(engine: Engine, run: Run) -> int:
    """Open the telephone tasks due at the run's instant; how many are new."""
    opened = 0
    with engine.begin() as connection:
        for notification_id in notification.unacknowledged_to_chase(connection, run):
            opened += notification.open_phone_task(connection, run, notification_id, "unacknowledged")
    return opened
