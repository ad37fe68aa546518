"""Where the force's same person was placed before: evidence for whoever decides on a child who waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection

from encompass.domain.run import Run
from encompass.store import review, school
from encompass.store.review import Held


@dataclass(frozen=True)
class ShownEarlier:
    """Where the same person of the force's was placed before: as which candidate, if any, and at which schools.

    It is for the person who decides, and decides nothing itself: police may have joined two people under one id.
    """

    night: date
    number: int | None
    schools: Mapping[int, str]


def shown_earlier(connection: Connection, run: Run, held: Held) -> tuple[ShownEarlier, ...]:
    """Where the same person was placed in other incidents, the latest night first."""
    numbers = {c.pupil_id: n for n, c in enumerate(held.evidence.candidates, start=1)}
    names = school.names_by_urn(connection, run.force_id)
    return tuple(
        ShownEarlier(e.night, numbers.get(e.pupil_id), {urn: names.get(urn, "") for urn in e.urns})
        for e in review.placed_before(connection, run.force_id, held.involvement_id)
    )
