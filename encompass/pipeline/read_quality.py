"""What the night's police records left unsaid, for the force's supervisors."""

from __future__ import annotations

from sqlalchemy import Engine

from encompass.domain.quality import Quality, Shortfall, quality_of
from encompass.domain.run import Run
from encompass.store import incident
from encompass.store.sealed import KeyRing


def read_quality(engine: Engine, ring: KeyRing, run: Run) -> Quality:
    """The completeness of the incidents of the run's night that stand, by the force's own references."""
    with engine.begin() as connection:
        records = incident.completeness_of_night(connection, ring, run.force_id, run.night)
    return quality_of(
        run.force_id, run.night, (Shortfall(ref, c.team, c.children, c.missing) for ref, c in records)
    )
