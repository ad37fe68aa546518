"""One screen: how fresh the registers are, what waits, and what is kept in quarantine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Engine

from encompass.store import feed, force, nudge, school
from encompass.store.school import RegisterState


@dataclass(frozen=True)
class Status:
    """The state of one force's installation; `quarantined` is (source, reason, records)."""

    force_id: str
    newest_night: date | None
    registers: tuple[RegisterState, ...]
    nudges: Mapping[str, int]
    quarantined: tuple[tuple[str, str, int], ...]
    alarms: tuple[str, ...]


def read_status(engine: Engine, force_id: str) -> Status:
    """Read the status; nothing is changed."""
    with engine.begin() as connection:
        nights = force.nights(connection, force_id)
        run = force.last_run_of_night(connection, force_id, nights[0]) if nights else None
        return Status(
            force_id,
            run.night if run else None,
            tuple(school.generations(connection, force_id)),
            nudge.counts(connection, force_id),
            tuple(feed.quarantined(connection, force_id)),
            force.standing_alarms(connection, force_id, run.night, run.as_of) if run else (),
        )
