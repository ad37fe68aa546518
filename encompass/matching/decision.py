"""The first rule: all three fields agree with exactly one pupil on a roll, else a person decides."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import groupby
from operator import attrgetter
from typing import Final

from encompass.domain.placement import (
    Agreement,
    Decision,
    Evidence,
    Matched,
    NeedsReview,
    NotFound,
    ReviewReason,
)
from encompass.domain.school import EnrolStatus
from encompass.matching.blocking import Identity
from encompass.matching.comparison import CandidateEnrolment, compare

RULE: Final = "first-rule-1"
FIELDS: Final = 3
MOST_CANDIDATES: Final = 200
TOLD: Final = frozenset({EnrolStatus.SINGLE, EnrolStatus.MAIN_DUAL, EnrolStatus.SUBSIDIARY_DUAL})


def decide(child: Identity, rows: Sequence[CandidateEnrolment], incident_date: date) -> Decision:
    """Placed when forename, surname and birth date agree with exactly one currently enrolled pupil.

    A pupil registered at two schools is one pupil, and each school is told (the statutory duty covers
    every school where the child is a registered pupil). Anything else with a candidate is for a person.
    """
    if len(rows) > MOST_CANDIDATES:
        return NeedsReview(ReviewReason.MANY_FIT, Evidence(RULE, ()))
    pupils = {
        k: tuple(g)
        for k, g in groupby(sorted(rows, key=attrgetter("pupil_id", "urn")), attrgetter("pupil_id"))
    }
    agreements = tuple(
        sorted(
            (compare(child, p, r) for p, r in pupils.items()), key=lambda a: (-a.agreeing, str(a.pupil_id))
        )
    )
    evidence = Evidence(RULE, agreements)
    if not agreements:
        return NotFound(evidence)
    full = [a for a in agreements if a.agreeing == FIELDS]
    told = {a.pupil_id: urns for a in full if (urns := _schools_told(pupils[a.pupil_id], incident_date))}
    if len(told) == 1:
        ((pupil_id, urns),) = told.items()
        return Matched(pupil_id, urns, evidence)
    return NeedsReview(_reason(full, len(told), pupils, incident_date), evidence)


def _schools_told(rows: Sequence[CandidateEnrolment], day: date) -> tuple[int, ...]:
    return tuple(sorted({r.urn for r in rows if r.enrol_status in TOLD and r.is_current_on(day)}))


def _reason(
    full: Sequence[Agreement], told: int, pupils: dict[object, tuple[CandidateEnrolment, ...]], day: date
) -> ReviewReason:
    if told > 1:
        return ReviewReason.AMBIGUOUS
    if not full:
        return ReviewReason.PARTIAL
    rows = [r for a in full for r in pupils[a.pupil_id]]
    if any(r.enrol_status is EnrolStatus.GUEST and r.is_current_on(day) for r in rows):
        return ReviewReason.GUEST
    return ReviewReason.NO_CURRENT_ENROLMENT
