"""Who is within the duty: age by the calendar, residence, relationship; what is unsaid never excludes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from encompass.domain.child import age_on, exclusion, reception_starts
from encompass.domain.incident import (
    Address,
    IncidentStatus,
    Relationship,
    ReportedChild,
    ReportedIncident,
)
from encompass.domain.placement import ExclusionReason

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
        ({}, {"date_of_birth": date(2008, 3, 9)}, ExclusionReason.ADULT),
        ({}, {"date_of_birth": date(2008, 3, 10)}, None),
        ({}, {"date_of_birth": date(2021, 9, 1)}, ExclusionReason.UNDER_RECEPTION_AGE),
        ({}, {"date_of_birth": date(2021, 8, 31)}, None),
    ],
)
def test_exclusion(incident: dict, child: dict, expected: ExclusionReason | None) -> None:
    assert exclusion(replace(INCIDENT, **incident), replace(CHILD, **child)) is expected


def test_the_incident_s_own_day_in_london_decides_the_age() -> None:
    just_before_midnight_utc = datetime.fromisoformat("2026-06-30T23:30:00+00:00")  # 1 July in London
    born = date(2008, 7, 1)
    assert exclusion(
        replace(INCIDENT, occurred_from=just_before_midnight_utc), replace(CHILD, date_of_birth=born)
    )


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
