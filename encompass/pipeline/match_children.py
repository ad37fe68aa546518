"""Place each child named by police: with the schools where registered, with a person, or out of scope."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time
from typing import assert_never
from uuid import UUID

from sqlalchemy import Connection, Engine

from encompass.domain.child import exclusion
from encompass.domain.duty import SchoolDuty
from encompass.domain.placement import (
    Decision,
    Evidence,
    Matched,
    NeedsReview,
    NotFound,
    PlacementStatus,
    ReviewReason,
    move_placement,
)
from encompass.domain.run import LONDON, Run
from encompass.domain.school_day import (
    NoSchoolDay,
    SchoolCalendar,
    calendar_of,
    chased_by,
    first_bell_after,
)
from encompass.formats.bank_holidays import bank_holidays
from encompass.matching.blocking import identity_of
from encompass.matching.decision import RULE, decide
from encompass.pipeline.one_by_one import each
from encompass.store import force, incident, notification, placement, roll, school
from encompass.store.incident import Involvement
from encompass.store.placement import NewPlacement, StoredPlacement
from encompass.store.sealed import KeyRing

SOURCE = "match_children"
ANY_SCHOOL = 0
ANY_AUTHORITY = ""


@dataclass(frozen=True)
class DutyRules:
    """When a school's day starts and when a person is chased, from the force's profile."""

    school_starts: time
    chase_after: time
    holiday_act_days: int
    bank_holidays: str


@dataclass(frozen=True)
class _Timetable:
    """The school calendar with each school's authority, read once a step."""

    rules: DutyRules
    calendar: SchoolCalendar
    authorities: dict[int, str]
    shut_for_good: set[int] = field(default_factory=set[int])

    def duty(self, urn: int, occurred: datetime) -> SchoolDuty:
        """What is owed to one school after an incident at that instant."""
        duty_by = self.first_bell(urn, self.authorities[urn], occurred)
        rules = self.rules
        act_by = chased_by(occurred, duty_by, rules.chase_after, rules.holiday_act_days)
        return SchoolDuty(urn, duty_by, act_by)

    def first_bell(self, urn: int, la_code: str, occurred: datetime) -> datetime:
        """The school's first bell after an incident at that instant.

        A calendar without an open day is wrong: schools are then taken to be open on weekdays, and it is noted.
        """
        bell = self.rules.school_starts
        try:
            return first_bell_after(occurred, self.calendar, urn, la_code, bell)
        except NoSchoolDay:
            self.shut_for_good.add(urn)
            return first_bell_after(occurred, calendar_of((), ()), urn, la_code, bell)


def match_children(engine: Engine, ring: KeyRing, rules: DutyRules, run: Run) -> int:
    """Decide on every involvement that waits for a decision; how many those were.

    One that cannot be decided holds up no other: it stays undecided, which the account shows, and raises an
    alarm. Raises ExceptionGroup at the end for surprises.
    """
    with engine.begin() as connection:
        waiting = placement.to_decide(connection, run.force_id)
        days = school.closed_days(connection, run.force_id)
        authorities = school.la_codes_by_urn(connection, run.force_id)
    timetable = _Timetable(rules, calendar_of(bank_holidays(rules.bank_holidays), days), authorities)
    failed = each(waiting, lambda i: _place_one(engine, ring, timetable, run, i))
    with engine.begin() as connection:
        kinds = {"child_unreadable": bool(failed.unreadable), "calendar_wrong": bool(timetable.shut_for_good)}
        force.set_alarms(connection, run, SOURCE, kinds)
    failed.raise_surprises(SOURCE)
    return len(waiting)


def _place_one(engine: Engine, ring: KeyRing, timetable: _Timetable, run: Run, involvement_id: UUID) -> None:
    with engine.begin() as connection:
        _place(connection, ring, timetable, run, involvement_id)


def _place(
    connection: Connection, ring: KeyRing, timetable: _Timetable, run: Run, involvement_id: UUID
) -> None:
    stored = placement.stored(connection, involvement_id)
    involved = incident.involvements(connection, ring, [involvement_id])[involvement_id]
    new, duties = _decision(connection, ring, timetable, run, involved)
    if stored is None:
        if placement.insert(connection, run, new):
            placement.open_duties(connection, run, involvement_id, duties)
    else:
        _correct(connection, run, stored, new, duties)


def _correct(
    connection: Connection, run: Run, stored: StoredPlacement, new: NewPlacement, duties: list[SchoolDuty]
) -> None:
    """A correction may only tell another school, or tell again after an exclusion, through a person."""
    if (stored.status, stored.reason, stored.pupil_id) == (new.status, new.reason, new.pupil_id):
        placement.keep(connection, new.involvement_id, new.version)
        return
    was_decided = stored.status in (PlacementStatus.PLACED, PlacementStatus.EXCLUDED)
    if was_decided and new.status is not PlacementStatus.EXCLUDED:
        new, duties = _for_review(new), []
    if stored.status is not new.status:
        move_placement(stored.status, new.status)
    placement.move(connection, run, new, stored.status)
    placement.open_duties(connection, run, new.involvement_id, duties)
    if new.status is PlacementStatus.EXCLUDED:
        placement.withdraw_duties(connection, run, new.involvement_id)
        notification.withdraw_of_involvement(connection, run, new.involvement_id)


def _for_review(new: NewPlacement) -> NewPlacement:
    return NewPlacement(
        new.involvement_id,
        new.version,
        PlacementStatus.IN_REVIEW,
        ReviewReason.CORRECTED.value,
        None,
        new.duty_by,
        new.evidence,
    )


def _decision(
    connection: Connection, ring: KeyRing, timetable: _Timetable, run: Run, involved: Involvement
) -> tuple[NewPlacement, list[SchoolDuty]]:
    occurred = involved.incident.occurred_from
    duty_by = timetable.first_bell(ANY_SCHOOL, ANY_AUTHORITY, occurred)

    def placed(
        status: PlacementStatus, reason: str | None, pupil_id: UUID | None, evidence: Evidence
    ) -> NewPlacement:
        return NewPlacement(
            involved.involvement_id, involved.version, status, reason, pupil_id, duty_by, evidence
        )

    excluded = exclusion(involved.incident, involved.child)
    if excluded is not None:
        return placed(PlacementStatus.EXCLUDED, excluded.value, None, Evidence(RULE, ())), []
    decision = _unclaimed(connection, involved, _match(connection, ring, run, involved))
    match decision:
        case Matched(pupil_id, urns, evidence):
            duties = [timetable.duty(urn, occurred) for urn in urns]
            return placed(PlacementStatus.PLACED, None, pupil_id, evidence), duties
        case NeedsReview(reason, evidence):
            return placed(PlacementStatus.IN_REVIEW, reason.value, None, evidence), []
        case NotFound(evidence):
            return placed(PlacementStatus.NOT_FOUND, None, None, evidence), []
        case _:
            assert_never(decision)


def _match(connection: Connection, ring: KeyRing, run: Run, involved: Involvement) -> Decision:
    child = involved.child
    identity = identity_of((child.forename,), (child.surname,), child.date_of_birth)
    rows = roll.candidates(connection, ring, run.force_id, identity)
    return decide(identity, rows, involved.incident.occurred_from.astimezone(LONDON).date())


def _unclaimed(connection: Connection, involved: Involvement, decision: Decision) -> Decision:
    """Two children of one incident cannot be one pupil: the second goes to a person."""
    if not isinstance(decision, Matched):
        return decision
    claimed = placement.pupils_claimed(connection, involved.incident_id, involved.involvement_id)
    if decision.pupil_id in claimed:
        return NeedsReview(ReviewReason.AMBIGUOUS, decision.evidence)
    return decision
