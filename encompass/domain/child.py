"""Whether a child named by police is within the duty, outside it, or for a person to look at all the same."""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum
from typing import Final

from encompass.domain.incident import IncidentStatus, Relationship, ReportedChild, ReportedIncident
from encompass.domain.placement import Decision, ExclusionReason, NeedsReview, NotFound, ReviewReason
from encompass.domain.run import LONDON

ADULT_AGE: Final = 18
RECEPTION_AGE: Final = 5
SCHOOL_YEAR_STARTS: Final = (9, 1)
SCOTLAND: Final = frozenset(
    {"AB", "DD", "DG", "EH", "FK", "G", "HS", "IV", "KA", "KW", "KY", "ML", "PA", "PH", "TD", "ZE"}
)
ELSEWHERE: Final = frozenset({"BT", "GY", "IM", "JE"})
IN_ENGLAND_TOO: Final = frozenset({"TD12", "TD15"})
POSTCODE: Final = re.compile(r"\b([A-Z]{1,2})([0-9][0-9A-Z]?) ?[0-9][A-Z]{2}\b")
OUTWARD: Final = re.compile(r"\s*([A-Z]{1,2})([0-9][0-9A-Z]?)(?:\s|$|[0-9][A-Z]{2})")
COUNTRIES: Final = re.compile(r"\b(SCOTLAND|NORTHERN IRELAND)\b")


class UnderReception(StrEnum):
    """What becomes of children under reception age: a force's own choice."""

    EXCLUDE = "exclude"
    PERSON = "person"


def exclusion(
    incident: ReportedIncident, child: ReportedChild, under_reception: UnderReception
) -> ExclusionReason | None:
    """Why the child is outside the duty, or None where not. What police left unsaid never excludes.

    The age is that on the day of the incident in London. Who is exactly eighteen may still be at school, and who
    lives in Scotland or Northern Ireland may be known there: they are not excluded here (`beyond_scope`).
    Source: Domestic Abuse Act 2021 s.49A (residence, under 18); reception to 17 in the Home Office guidance.
    """
    day = incident.occurred_from.astimezone(LONDON).date()
    born = child.date_of_birth
    is_excluded_early = under_reception is UnderReception.EXCLUDE
    reasons = (
        (ExclusionReason.RETRACTED, incident.status is IncidentStatus.RETRACTED),
        (ExclusionReason.NOT_DOMESTIC_ABUSE, not incident.domestic_abuse),
        (ExclusionReason.NOT_RELATED, child.relationship is Relationship.NONE),
        (ExclusionReason.ADULT, born is not None and age_on(day, born) > ADULT_AGE),
        (
            ExclusionReason.UNDER_RECEPTION_AGE,
            is_excluded_early and born is not None and is_under_reception_age(day, born),
        ),
        (
            ExclusionReason.OUTSIDE_AREA,
            child.resides_in_force_area is False and not is_outside_england_and_wales(child),
        ),
    )
    return next((reason for reason, true in reasons if true), None)


def beyond_scope(incident: ReportedIncident, child: ReportedChild) -> ReviewReason | None:
    """Why the statutory duty does not reach a child whom a person looks at all the same; None where it does."""
    day = incident.occurred_from.astimezone(LONDON).date()
    born = child.date_of_birth
    reasons = (
        (ReviewReason.EIGHTEEN, born is not None and age_on(day, born) == ADULT_AGE),
        (ReviewReason.UNDER_RECEPTION, born is not None and is_under_reception_age(day, born)),
        (ReviewReason.OUTSIDE_ENGLAND_AND_WALES, is_outside_england_and_wales(child)),
    )
    return next((reason for reason, true in reasons if true), None)


def for_a_person(
    reason: ReviewReason, decision: Decision, child: ReportedChild
) -> NeedsReview | ExclusionReason:
    """What becomes of a child beyond the statutory scope: with a person, whatever the rolls say.

    Only who is eighteen, of whom no roll knows and for whom police name no school, is an adult like any other.
    """
    at_school = not isinstance(decision, NotFound) or child.school_named is not None
    if reason is ReviewReason.EIGHTEEN and not at_school:
        return ExclusionReason.ADULT
    return NeedsReview(reason, decision.evidence)


def is_outside_england_and_wales(child: ReportedChild) -> bool:
    """Whether the home's postcode, or what police wrote of the school, is of Scotland, Northern Ireland or an island.

    Source: the duty is to schools in England and Wales (Domestic Abuse Act 2021 s.49A).
    """
    home, school = child.address, child.school_named
    postcode = OUTWARD.match(home.postcode.upper()) if home and home.postcode else None
    written = POSTCODE.findall(" ".join((home.address, home.town or "")).upper()) if home else []
    homes = [(postcode[1], postcode[2])] if postcode else written
    if any(map(_is_elsewhere, homes)):
        return True
    named = school.name.upper() if school else ""
    return bool(COUNTRIES.search(named)) or any(map(_is_elsewhere, POSTCODE.findall(named)))


def _is_elsewhere(outward: tuple[str, str]) -> bool:
    area, district = outward
    return area in SCOTLAND | ELSEWHERE and f"{area}{district}" not in IN_ENGLAND_TOO


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
