"""Place each child named by police: with the schools where registered, with a person, or out of scope."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time
from itertools import islice
from typing import Final, assert_never
from uuid import UUID

from sqlalchemy import Connection, Engine

from encompass import log
from encompass.domain.child import beyond_scope, exclusion, for_a_person
from encompass.domain.duty import OwedDuty
from encompass.domain.placement import (
    NO_EVIDENCE,
    ONLY_A_PERSON,
    Decision,
    Evidence,
    ExclusionReason,
    Matched,
    NeedsReview,
    NotFound,
    PlacementStatus,
    ReviewReason,
    move_placement,
)
from encompass.domain.recipient import AtSchool, LaOfficer, PartnerForce, Recipient
from encompass.domain.run import LONDON, Run
from encompass.domain.school_day import (
    NoSchoolDay,
    SchoolCalendar,
    SchoolKeys,
    calendar_of,
    chased_by,
    first_bell_after,
)
from encompass.domain.successors import SchoolsNow
from encompass.formats.bank_holidays import bank_holidays
from encompass.matching.normalise import normalise_name
from encompass.matching.person import child_of
from encompass.pipeline.find_pupils import Sought, find_pupils
from encompass.pipeline.match_rules import MatchRules
from encompass.pipeline.one_by_one import Failed, each
from encompass.pipeline.withdraw_notifications import withdraw_notifications
from encompass.store import force, incident, placement, recipient, review, school
from encompass.store.candidate import Rolls
from encompass.store.incident import Involvement
from encompass.store.placement import NewPlacement, StoredPlacement
from encompass.store.sealed import KeyRing

INCIDENTS_TOGETHER: Final = 100
SOURCE = "match_children"
DECIDED: Final = frozenset({PlacementStatus.PLACED, PlacementStatus.REFERRED, PlacementStatus.EXCLUDED})
ANY_SCHOOL = SchoolKeys(0, "")


@dataclass(frozen=True)
class DutyRules:
    """When a school's day starts and when a person is chased, from the force's profile."""

    school_starts: time
    chase_after: time
    holiday_act_days: int
    bank_holidays: str


@dataclass(frozen=True)
class Timetable:
    """The school calendar with each school's authority, read once a step."""

    rules: DutyRules
    calendar: SchoolCalendar
    schools: dict[int, SchoolKeys]
    shut_for_good: set[int] = field(default_factory=set[int])

    def duty(self, recipient: Recipient, occurred: datetime) -> OwedDuty:
        """What is owed to one recipient after an incident at that instant.

        An office keeps the days of its local authority, a partner force those of everybody.
        """
        duty_by = self.first_bell(self._keys(recipient), occurred)
        rules = self.rules
        act_by = chased_by(occurred, duty_by, rules.chase_after, rules.holiday_act_days)
        return OwedDuty(recipient, duty_by, act_by)

    def _keys(self, recipient: Recipient) -> SchoolKeys:
        match recipient:
            case AtSchool(urn):
                return self.schools[urn]
            case LaOfficer(la_code):
                return SchoolKeys(0, la_code)
            case PartnerForce():
                return ANY_SCHOOL

    def first_bell(self, of: SchoolKeys, occurred: datetime) -> datetime:
        """The school's first bell after an incident at that instant.

        A calendar without an open day is wrong: schools are then taken to be open on weekdays, and it is noted.
        """
        bell = self.rules.school_starts
        try:
            return first_bell_after(occurred, self.calendar, of, bell)
        except NoSchoolDay:
            self.shut_for_good.add(of.urn)
            return first_bell_after(occurred, calendar_of((), ()), of, bell)

    def is_in_session(self, urn: int, instant: datetime, ends: time) -> bool:
        """Whether the school's day is on at that instant; `ends` in Europe/London."""
        keys, local = self.schools[urn], instant.astimezone(LONDON)
        begins = self.calendar.bell(local.date(), keys, self.rules.school_starts)
        return self.calendar.is_open(local.date(), keys) and begins <= local.time() < ends


def timetable_of(connection: Connection, rules: DutyRules, force_id: str) -> Timetable:
    """The force's school calendar as it is known now."""
    days = school.calendar_days(connection, force_id)
    schools = school.keys_by_urn(connection, force_id)
    return Timetable(rules, calendar_of(bank_holidays(rules.bank_holidays), days), schools)


@dataclass(frozen=True)
class _Night:
    """What one step decides with, read once."""

    ring: KeyRing = field(repr=False)
    timetable: Timetable
    rules: MatchRules
    urns_by_name: Mapping[str, frozenset[int]]
    schools: SchoolsNow
    run: Run


@dataclass(frozen=True)
class _Decided:
    """One involvement with what became of it.

    `is_disputed` where each school of the match has sent this pupil back before, or was told of him or her in error.
    """

    involved: Involvement
    decision: Decision | ExclusionReason
    beyond: ReviewReason | None = None
    is_disputed: bool = False


def match_children(engine: Engine, ring: KeyRing, rules: DutyRules, matching: MatchRules, run: Run) -> int:
    """Decide on every involvement that waits for a decision; how many those were.

    The children of an incident are decided together, many incidents in one look at the rolls. Where that fails,
    each child is decided alone, so that one who cannot be decided holds up no other: that one stays undecided,
    which the account shows, and raises an alarm. Raises ExceptionGroup at the end for surprises.
    """
    with engine.begin() as connection:
        waiting = placement.to_decide(connection, run.force_id)
        timetable = timetable_of(connection, rules, run.force_id)
        names = _by_name(school.names_by_urn(connection, run.force_id))
        schools = school.schools_now(connection, run.force_id)
    night = _Night(ring, timetable, matching, names, schools, run)
    failed = Failed()
    for incident_ids in _in_parts(waiting):
        decided = _decided_together(engine, night, incident_ids)
        failed.add(_place_each(engine, night, [v for i in incident_ids for v in waiting[i]], decided))
    with engine.begin() as connection:
        kinds = {
            "child_unreadable": bool(failed.unreadable),
            "calendar_wrong": bool(timetable.shut_for_good),
            "successor_unconfirmed": _waits_for_successor(connection, run.force_id),
        }
        force.set_alarms(connection, run, SOURCE, kinds)
    failed.raise_surprises(SOURCE)
    return sum(map(len, waiting.values()))


def _waits_for_successor(connection: Connection, force_id: str) -> bool:
    unconfirmed = ReviewReason.SUCCESSOR_UNCONFIRMED.value
    return any(w.reason == unconfirmed for w in review.waiting(connection, force_id))


def _place_each(
    engine: Engine, night: _Night, involvement_ids: Iterable[UUID], decided: Mapping[UUID, _Decided]
) -> Failed:
    return each(involvement_ids, lambda v: _place_one(engine, night, v, decided.get(v)))


def _decided_together(engine: Engine, night: _Night, incident_ids: Sequence[UUID]) -> dict[UUID, _Decided]:
    """What becomes of every child of these incidents; nothing when one of them cannot be decided."""
    try:
        with engine.begin() as connection:
            settled = placement.involvements_of_incidents(connection, incident_ids)
            involved = incident.involvements(connection, night.ring, settled)
            return _decisions(connection, night, list(involved.values()), settled)
    except Exception as fault:  # noqa: BLE001 - each child is decided alone next, which raises it again
        log.get_logger().warning("incidents_decided_apart", reason=type(fault).__name__)
        return {}


def _place_one(engine: Engine, night: _Night, involvement_id: UUID, decided: _Decided | None) -> None:
    with engine.begin() as connection:
        stored = placement.stored(connection, involvement_id)
        if decided is None:
            decided = _decided_alone(connection, night, involvement_id)
        new, duties = _placement(night, _unless_disputed(decided, stored))
        if stored is None:
            if placement.insert(connection, night.run, new):
                placement.open_duties(connection, night.run, involvement_id, duties)
        else:
            _correct(connection, night.ring, night.run, stored, new, duties)


def _unless_disputed(decided: _Decided, stored: StoredPlacement | None) -> _Decided:
    """A school that has said no is told of nothing new by what its roll goes on saying: a person decides.

    Of what it was told already a correction decides nothing.
    """
    if not decided.is_disputed or not isinstance(decided.decision, Matched):
        return decided
    if stored is not None and stored.pupil_id == decided.decision.pupil_id:
        return decided
    return _Decided(decided.involved, NeedsReview(ReviewReason.DISPUTED, decided.decision.evidence))


def _decided_alone(connection: Connection, night: _Night, involvement_id: UUID) -> _Decided:
    involved = incident.involvements(connection, night.ring, [involvement_id])[involvement_id]
    decided = _decisions(connection, night, [involved], {})[involvement_id]
    if not isinstance(decided.decision, Matched):
        return decided
    claimed = placement.pupils_claimed(connection, involved.incident_id, involvement_id)
    if decided.decision.pupil_id in claimed:
        return _Decided(involved, NeedsReview(ReviewReason.CLAIMED_TWICE, decided.decision.evidence))
    return decided


def _decisions(
    connection: Connection,
    night: _Night,
    involved: Sequence[Involvement],
    settled: Mapping[UUID, UUID | None],
) -> dict[UUID, _Decided]:
    excluded = {
        v.involvement_id: exclusion(v.incident, v.child, night.rules.under_reception) for v in involved
    }
    sought = [
        Sought(
            v.involvement_id,
            v.incident_id,
            child_of(v.child, _schools_named(night, v)),
            v.incident.occurred_from.astimezone(LONDON).date(),
            settled.get(v.involvement_id),
        )
        for v in involved
        if excluded[v.involvement_id] is None
    ]
    fresh_after = night.run.as_of - night.rules.stale_after
    rolls = Rolls(connection, night.ring, night.run.force_id, fresh_after)
    found = find_pupils(rolls, sought, night.rules.parameters)
    matched = {d.pupil_id for d in found.values() if isinstance(d, Matched)}
    disputed = placement.disputed(connection, night.run.force_id, matched)
    refused = {key for key, decision in found.items() if _is_disputed(decision, disputed)}
    decided = (_decided(night, v, excluded[v.involvement_id], found) for v in involved)
    return {
        d.involved.involvement_id: replace(d, is_disputed=d.involved.involvement_id in refused)
        for d in decided
    }


def _decided(
    night: _Night, involved: Involvement, excluded: ExclusionReason | None, found: Mapping[UUID, Decision]
) -> _Decided:
    """One child's outcome: out of the duty, with a person, or as the rolls and the schools' links say.

    That a corrected record leaves a child out does not say that the child was not there: a person asks.
    """
    if excluded is not None:
        return _Decided(involved, excluded)
    decision = _followed(night, found[involved.involvement_id])
    if not involved.is_named:
        return _Decided(involved, NeedsReview(ReviewReason.NO_LONGER_NAMED, decision.evidence))
    beyond = beyond_scope(involved.incident, involved.child)
    if beyond is None:
        return _Decided(involved, decision)
    return _Decided(involved, for_a_person(beyond, decision, involved.child), beyond)


def _is_disputed(decision: Decision, disputed: Collection[tuple[UUID, int]]) -> bool:
    """Whether every school of the match said no; where one did not it is told, and the others' messages are held."""
    return isinstance(decision, Matched) and all(
        (decision.pupil_id, urn) in disputed for urn in decision.urns
    )


def _followed(night: _Night, decision: Decision) -> Decision:
    """Of a school that has closed the pupil is the successor's, where there is one and somebody has checked it."""
    if not isinstance(decision, Matched):
        return decision
    told = night.schools.told(decision.urns)
    if isinstance(told, ReviewReason):
        return NeedsReview(told, decision.evidence)
    return Matched(decision.pupil_id, told, decision.evidence)


def _schools_named(night: _Night, involved: Involvement) -> frozenset[int]:
    named = involved.child.school_named
    return night.urns_by_name.get(normalise_name(named.name), frozenset()) if named else frozenset()


def _by_name(names_by_urn: Mapping[int, str]) -> dict[str, frozenset[int]]:
    urns: dict[str, set[int]] = {}
    for urn, name in names_by_urn.items():
        urns.setdefault(normalise_name(name), set()).add(urn)
    return {name: frozenset(found) for name, found in urns.items()}


def _in_parts(incident_ids: Iterable[UUID]) -> Iterator[list[UUID]]:
    iterator = iter(incident_ids)
    while part := list(islice(iterator, INCIDENTS_TOGETHER)):
        yield part


def _correct(
    connection: Connection,
    ring: KeyRing,
    run: Run,
    stored: StoredPlacement,
    new: NewPlacement,
    duties: list[OwedDuty],
) -> None:
    """A correction may only tell another recipient, or tell again after an exclusion, through a person."""
    if (stored.status, stored.reason, stored.pupil_id) == (new.status, new.reason, new.pupil_id):
        placement.keep(connection, new.involvement_id, new.version)
        return
    if new.status is not PlacementStatus.EXCLUDED:
        if stored.reason in ONLY_A_PERSON:
            new, duties = _for_review(new, str(stored.reason)), []
        elif stored.status in DECIDED or not _is_as_told(connection, run, new, duties):
            left_out = ReviewReason.NO_LONGER_NAMED.value
            new, duties = _for_review(new, left_out if new.reason == left_out else ReviewReason.CORRECTED), []
    if stored.status is not new.status:
        move_placement(stored.status, new.status)
    placement.move(connection, run, new, stored.status)
    placement.open_duties(connection, run, new.involvement_id, duties)
    if new.status is PlacementStatus.EXCLUDED:
        placement.withdraw_duties(connection, run, new.involvement_id)
        withdraw_notifications(connection, ring, run, new.involvement_id)


def _is_as_told(connection: Connection, run: Run, new: NewPlacement, duties: list[OwedDuty]) -> bool:
    """Whether whoever was told of the child before would be told again, of the same pupil. Where nobody was, yes."""
    live = placement.live_duties(connection, new.involvement_id)
    if not live:
        return True
    owed = {recipient.ensure(connection, run.force_id, d.recipient) for d in duties}
    is_same_child = all(d.notification_id is not None and d.pupil_id == new.pupil_id for d in live)
    return is_same_child and {d.recipient_id for d in live} == owed


def _for_review(new: NewPlacement, reason: str) -> NewPlacement:
    return NewPlacement(
        new.involvement_id,
        new.version,
        PlacementStatus.IN_REVIEW,
        reason,
        None,
        new.duty_by,
        new.evidence,
    )


def _placement(night: _Night, decided: _Decided) -> tuple[NewPlacement, list[OwedDuty]]:
    involved, timetable = decided.involved, night.timetable
    occurred = involved.incident.occurred_from
    duty_by = timetable.first_bell(ANY_SCHOOL, occurred)
    beyond = decided.beyond.value if decided.beyond else None

    def placed(
        status: PlacementStatus, reason: str | None, pupil_id: UUID | None, evidence: Evidence
    ) -> NewPlacement:
        return NewPlacement(
            involved.involvement_id, involved.version, status, reason, pupil_id, duty_by, evidence, beyond
        )

    match decided.decision:
        case ExclusionReason() as reason:
            return placed(PlacementStatus.EXCLUDED, reason.value, None, NO_EVIDENCE), []
        case Matched(pupil_id, urns, evidence):
            duties = [timetable.duty(AtSchool(urn), occurred) for urn in urns]
            return placed(PlacementStatus.PLACED, None, pupil_id, evidence), duties
        case NeedsReview(reason, evidence):
            return placed(PlacementStatus.IN_REVIEW, reason.value, None, evidence), []
        case NotFound(evidence):
            return placed(PlacementStatus.NOT_FOUND, None, None, evidence), []
        case _:
            assert_never(decided.decision)
