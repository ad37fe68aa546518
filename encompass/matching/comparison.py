"""Which fields of a candidate pupil agree with a child."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from encompass.domain.placement import Agreement
from encompass.domain.school import EnrolStatus
from encompass.matching.blocking import Identity


@dataclass(frozen=True)
class CandidateEnrolment:
    """One row of a roll that shares a blocking key with the child, or belongs to a pupil that does."""

    pupil_id: UUID
    urn: int
    identity: Identity
    enrol_status: EnrolStatus
    entry_date: date
    leaving_date: date | None

    def is_current_on(self, day: date) -> bool:
        """Whether the pupil was on this roll on that day."""
        return self.entry_date <= day and (self.leaving_date is None or day <= self.leaving_date)


def compare(child: Identity, pupil_id: UUID, rows: Iterable[CandidateEnrolment]) -> Agreement:
    """How the pupil agrees with the child on the best of the pupil's rows."""
    return max(
        (
            Agreement(
                pupil_id,
                forename=bool(child.forenames & row.identity.forenames),
                surname=bool(child.surnames & row.identity.surnames),
                date_of_birth=child.date_of_birth is not None
                and child.date_of_birth == row.identity.date_of_birth,
            )
            for row in rows
        ),
        key=lambda agreement: agreement.agreeing,
    )
