"""One screen: how fresh the registers are, what waits, and what is kept in quarantine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Engine

from encompass.domain.run import LONDON
from encompass.store import feed, force, nudge, school
from encompass.store.school import RegisterState, SchoolFreshness


@dataclass(frozen=True)
class Status:
    """The state of one force's installation; `quarantined` is (source, reason, records)."""

    force_id: str
    newest_night: date | None
    registers: tuple[RegisterState, ...]
    nudges: Mapping[str, int]
    quarantined: tuple[tuple[str, str, int], ...]
    alarms: tuple[str, ...]
    schools: tuple[SchoolState, ...]


@dataclass(frozen=True)
class SchoolState:
    """One open school: how old its roll is, and how many Key Adults it has. No source: no roll is held."""

    urn: int
    name: str
    source: str | None
    confirmed_at: datetime | None
    age_days: int | None
    is_stale: bool
    key_adults: int


def read_status(engine: Engine, force_id: str, now: datetime, stale_after: timedelta) -> Status:
    """Read the status at an instant, schools without a roll first and then the stalest; nothing is changed."""
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
            tuple(
                _state(s, now, stale_after)
                for s in school.freshness(connection, force_id, now.astimezone(LONDON).date())
            ),
        )


def _state(found: SchoolFreshness, now: datetime, stale_after: timedelta) -> SchoolState:
    age = None if found.confirmed_at is None else now - found.confirmed_at
    return SchoolState(
        found.urn,
        found.name,
        found.source,
        found.confirmed_at,
        None if age is None else age.days,
        age is not None and age > stale_after,
        found.key_adults,
    )
