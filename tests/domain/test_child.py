"""Who is within the duty: age by the calendar, residence, relationship; what is unsaid never excludes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from encompass.domain.child import (
    UnderReception,
    age_on,
    beyond_scope,
    exclusion,
    for_a_person,
    is_outside_england_and_wales,
    reception_starts,
)
from encompass.domain.incident import (
    Address,
    IncidentStatus,
    Relationship,
    ReportedChild,
    ReportedIncident,
    SchoolNamed,
)
from encompass.domain.placement import (
    NO_EVIDENCE,
    ExclusionReason,
    Matched,
    NeedsReview,
    NotFound,
    ReviewReason,
)

CHILD = ReportedChild(
    person_id="P1", forename="A", middle_names=None, surname="B", other_names=(), date_of_birth=date(2016, 1, 5),
    sex=None, address=None, resides_in_force_area=None, relationship=Relationship.SIBLING, present=None,
    present_where=None, seen=None, spoken_to=None, spoken_to_by=None, in_presence_of=None, voice=None,
    circumstances=None, school_named=None, hold=None,
)  # fmt: skip
WHEN = datetime(2026, 3, 9, 23, 0, tzinfo=ZoneInfo("Europe/London"))
INCIDENT = ReportedIncident(
    incident_reference="R1", updated_at=WHEN, status=IncidentStatus.ACTIVE, domestic_abuse=True, occurred_from=WHEN,
    occurred_to=None, nature="other", narrative="n", location=Address("a", None, None), in_force_area=True,
    risk_tool=None, risk_grade=None, children=(CHILD,), team=None,
)  # fmt: skip


@pytest.mark.parametrize(
    ("incident", "child", "expected"),
    [
        ({}, {}, None),
        ({}, {"date_of_birth": None, "resides_in_force_area": None}, None),
        ({"status": IncidentStatus.RETRACTED}, {}, ExclusionReason.RETRACTED),
        ({"domestic_abuse": False}, {}, ExclusionReason.NOT_DOMESTIC_ABUSE),
        ({}, {"relationship": Relationship.NONE}, ExclusionReason.NOT_RELATED),
        ({}, {"resides_in_force_area": False}, ExclusionReason.OUTSIDE_AREA),
        ({}, {"date_of_birth": date(2007, 3, 9)}, ExclusionReason.ADULT),
        ({}, {"date_of_birth": date(2007, 3, 10)}, None),
        ({}, {"date_of_birth": date(2021, 9, 1)}, ExclusionReason.UNDER_RECEPTION_AGE),
        ({}, {"date_of_birth": date(2021, 8, 31)}, None),
    ],
)
def test_exclusion(incident: dict, child: dict, expected: ExclusionReason | None) -> None:
    found = exclusion(replace(INCIDENT, **incident), replace(CHILD, **child), UnderReception.EXCLUDE)
    assert found is expected


def test_the_incident_s_own_day_in_london_decides_the_age() -> None:
    at = replace(
        INCIDENT, occurred_from=datetime.fromisoformat("2026-06-30T23:30:00+00:00")
    )  # 1 July in London
    assert beyond_scope(at, replace(CHILD, date_of_birth=date(2008, 7, 1))) is ReviewReason.EIGHTEEN
    assert beyond_scope(at, replace(CHILD, date_of_birth=date(2008, 7, 2))) is None


FOUND, NAMED = Matched(uuid4(), (100000,), NO_EVIDENCE), SchoolNamed("Plum College", None)


@pytest.mark.parametrize(
    ("decision", "school", "becomes"),
    [
        (FOUND, None, NeedsReview(ReviewReason.EIGHTEEN, NO_EVIDENCE)),
        (NeedsReview(ReviewReason.SCORE, NO_EVIDENCE), None, NeedsReview(ReviewReason.EIGHTEEN, NO_EVIDENCE)),
        (NotFound(NO_EVIDENCE), NAMED, NeedsReview(ReviewReason.EIGHTEEN, NO_EVIDENCE)),
        (NotFound(NO_EVIDENCE), None, ExclusionReason.ADULT),
    ],
)
def test_who_is_eighteen_is_with_a_person_while_anything_says_that_he_or_she_is_at_school(
    decision: object, school: SchoolNamed | None, becomes: object
) -> None:
    child = replace(CHILD, date_of_birth=date(2008, 3, 9), school_named=school)
    assert exclusion(INCIDENT, child, UnderReception.EXCLUDE) is None
    assert beyond_scope(INCIDENT, child) is ReviewReason.EIGHTEEN
    assert for_a_person(ReviewReason.EIGHTEEN, decision, child) == becomes  # type: ignore[arg-type]


def test_the_youngest_are_excluded_or_with_a_person_as_the_force_chooses() -> None:
    youngest = replace(CHILD, date_of_birth=date(2021, 9, 1))
    assert exclusion(INCIDENT, youngest, UnderReception.EXCLUDE) is ExclusionReason.UNDER_RECEPTION_AGE
    assert exclusion(INCIDENT, youngest, UnderReception.PERSON) is None
    reason = beyond_scope(INCIDENT, youngest)
    assert reason is ReviewReason.UNDER_RECEPTION
    assert for_a_person(reason, NotFound(NO_EVIDENCE), youngest) == NeedsReview(reason, NO_EVIDENCE)


@pytest.mark.parametrize(
    ("home", "school", "outside"),
    [
        (("1 Plum Street", None, "EH1 1AA"), None, True),
        (("1 Plum Street", None, " g12 8qq"), None, True),
        (("1 Plum Street", None, "BT1 5GS"), None, True),
        (("1 Plum Street", None, "IM1 1AA"), None, True),
        (("1 Plum Street", None, "EH1"), None, True),
        (("1 Plum Street, Gretna DG16 5AA", None, None), None, True),
        (("1 Plum Street", "Aberplum AB10 1AA", None), None, True),
        (("1 Plum Street", None, "TD15 1AA"), None, False),
        (("1 Plum Street", None, "TD9 7AA"), None, True),
        (("1 Plum Street", None, "TW1 1AA"), None, False),
        (("1 Plum Street", None, "GU1 1AA"), None, False),
        (("1 Plum Street", None, "E1 1AA"), None, False),
        (("1 Plum Street", None, "not known"), None, False),
        (None, "Plum Academy, Scotland", True),
        (None, "Plum Primary, KY16 9AJ", True),
        (None, "Plum Primary (northern ireland)", True),
        (None, "Scotland Street Primary School", True),
        (None, "Plum Primary, TW1 1AA", False),
        (None, None, False),
    ],
)
def test_outside_england_and_wales_is_read_from_home_and_school(
    home: tuple[str, str | None, str | None] | None, school: str | None, outside: bool
) -> None:
    child = replace(
        CHILD,
        address=Address(*home) if home else None,
        school_named=SchoolNamed(school, None) if school else None,
        resides_in_force_area=False,
    )
    assert is_outside_england_and_wales(child) is outside
    found = exclusion(INCIDENT, child, UnderReception.EXCLUDE)
    assert found is (None if outside else ExclusionReason.OUTSIDE_AREA)
    assert (beyond_scope(INCIDENT, child) is ReviewReason.OUTSIDE_ENGLAND_AND_WALES) is outside


def test_a_child_of_29_february_is_a_year_older_on_1_march() -> None:
    born = date(2008, 2, 29)
    assert age_on(date(2026, 2, 28), born) == 17
    assert age_on(date(2026, 3, 1), born) == 18


def test_reception_starts_in_the_school_year_in_which_a_child_turns_five() -> None:
    assert reception_starts(date(2021, 8, 31)) == date(2025, 9, 1)
    assert reception_starts(date(2021, 9, 1)) == date(2026, 9, 1)


def test_a_reported_child_does_not_print_itself() -> None:
    shown = repr(replace(CHILD, forename="Tattle", voice="Secret words", surname="Tale"))
    assert "Tattle" not in shown
    assert "Secret" not in shown
    assert "Tale" not in shown
