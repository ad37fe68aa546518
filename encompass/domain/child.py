"""Whether a child named by police is within the duty."""

from __future__ import annotations

from datetime import date
from typing import Final

from encompass.domain.incident import IncidentStatus, Relationship, ReportedChild, ReportedIncident
from encompass.domain.placement import ExclusionReason
from encompass.domain.run import LONDON

ADULT_AGE: Final = 18
RECEPTION_AGE: Final = 5
SCHOOL_YEAR_STARTS: Final = (9, 1)


def exclusion(incident: ReportedIncident, child: ReportedChild) -> ExclusionReason | None:
    """Why the child is outside the duty, or None when within it. What police left unsaid never excludes.

    Source: Domestic Abuse Act 2021 s.49A (residence, under 18); reception to 17 in the Home Office guidance.
    """
    day = incident.occurred_from.astimezone(LONDON).date()
    born = child.date_of_birth
    reasons = (
        (ExclusionReason.RETRACTED, incident.status is IncidentStatus.RETRACTED),
        (ExclusionReason.NOT_DOMESTIC_ABUSE, not incident.domestic_abuse),
        (ExclusionReason.NOT_RELATED, child.relationship is Relationship.NONE),
        (ExclusionReason.OUTSIDE_AREA, child.resides_in_force_area is False),
        (ExclusionReason.ADULT, born is not None and age_on(day, born) >= ADULT_AGE),
        (ExclusionReason.UNDER_RECEPTION_AGE, born is not None and is_under_reception_age(day, born)),
    )
    return next((reason for reason, true in reasons if true), None)


def age_on(day: date, born: date) -> int:
    """Age in whole years; a child of 29 February has the birthday on 1 March in other years."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def is_under_reception_age(day: date, born: date) -> bool:
    """Before 1 September of the school year in which the child turns five."""
    return day < reception_starts(born)


def reception_starts(born: date) -> date:
    """The 1 September on which a child may start reception: the school year in which he or she turns five."""
    before_september = (born.month, born.day) < SCHOOL_YEAR_STARTS
    return date(born.year + RECEPTION_AGE - (1 if before_september else 0), *SCHOOL_YEAR_STARTS)
