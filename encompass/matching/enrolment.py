"""Which schools a pupil is registered at on a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final
from uuid import UUID

from encompass.domain.placement import ReviewReason
from encompass.domain.school import EnrolStatus
from encompass.matching.person import Person

REGISTERED: Final = frozenset({EnrolStatus.SINGLE, EnrolStatus.MAIN_DUAL, EnrolStatus.SUBSIDIARY_DUAL})


@dataclass(frozen=True, slots=True)
class Enrolment:
    """One row of a roll: a pupil as one school has him or her. A blank entry date means long since."""

    pupil_id: UUID
    urn: int
    person: Person = field(repr=False)
    enrol_status: EnrolStatus
    entry_date: date | None
    leaving_date: date | None
    stale: bool

    def is_current_on(self, day: date) -> bool:
        """Whether the pupil was on this roll on that day."""
        return (self.entry_date is None or self.entry_date <= day) and (
            self.leaving_date is None or day <= self.leaving_date
        )


def schools_told(rows: Sequence[Enrolment], day: date) -> tuple[int, ...] | ReviewReason:
    """The URNs of the schools where the pupil is registered on that day, or why a person has to say.

    A pupil registered at two schools (main and subsidiary) is one pupil and each school is told: the duty covers
    every school where the child is a registered pupil (Domestic Abuse Act 2021 s.49A). Two schools that both have
    the pupil as theirs alone are in conflict: one of them has not heard that the pupil left.
    """
    current = [row for row in rows if row.is_current_on(day)]
    if any(row.enrol_status is EnrolStatus.GUEST for row in current):
        return ReviewReason.GUEST
    registered = [row for row in current if row.enrol_status in REGISTERED]
    if not registered:
        return ReviewReason.NO_CURRENT_ENROLMENT
    if any(row.stale for row in registered):
        return ReviewReason.STALE_ROLL
    urns = {row.urn for row in registered}
    main = {row.urn for row in registered if row.enrol_status is EnrolStatus.MAIN_DUAL}
    single = any(row.enrol_status is EnrolStatus.SINGLE for row in registered)
    if len(urns) > 1 and (single or len(main) != 1):
        return ReviewReason.ROLLS_CONFLICT
    return tuple(sorted(urns))
