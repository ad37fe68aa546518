"""The MASH queue: children whom the rules could not place, shown with their candidates and decided by people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import Connection, Engine

from encompass.domain.audit import Actor, AuditEvent
from encompass.domain.placement import (
    NO_ROLL_HELD,
    Candidate,
    ExclusionReason,
    PlacementStatus,
    ReviewReason,
    move_placement,
)
from encompass.domain.recipient import AtSchool, LaOfficer, PartnerForce, Recipient
from encompass.domain.run import LONDON, Run
from encompass.matching.enrolment import schools_told
from encompass.matching.explanation import REASONS
from encompass.pipeline.end_overtaken import DecidedSo, ToldElsewhere, end_overtaken
from encompass.pipeline.match_children import DutyRules, timetable_of
from encompass.pipeline.withdraw_notifications import withdraw_notifications
from encompass.store import audit, incident, placement, recipient, review, roll, school
from encompass.store.candidate import Rolls
from encompass.store.incident import Involvement
from encompass.store.placement import NewPlacement
from encompass.store.review import Held, Proposal, Waiting
from encompass.store.sealed import KeyRing

REASONS_OF_A_PERSON: Final = frozenset({NO_ROLL_HELD, ExclusionReason.NO_LONGER_NAMED.value})
"""What a second person confirmed and the placement keeps as its reason."""
NOBODY: Final = "no child of this id waits: `encompass queue list` shows who does"


class CannotResolve(Exception):
    """The decision cannot be taken; the text says why and what to do, and names no person."""


@dataclass(frozen=True)
class IsCandidate:
    """The child is this candidate, by number; at which schools, where the rolls do not say."""

    number: int
    urns: tuple[int, ...]


@dataclass(frozen=True)
class IsNotFound:
    """None of the candidates is the child."""


@dataclass(frozen=True)
class Refer:
    """The child is on no school's roll, or at a school of another force: an officer or that force is told."""

    to: LaOfficer | PartnerForce


@dataclass(frozen=True)
class IsAtUnheldSchool:
    """Police state the school, and a person confirms it, but its roll is not held (independent, FE)."""

    urn: int


@dataclass(frozen=True)
class IsNotNamed:
    """Police are right to name the child no longer: no school is told, and one that was is told so."""


Decided = IsCandidate | IsNotFound | Refer | IsAtUnheldSchool | IsNotNamed


@dataclass(frozen=True)
class Resolution:
    """What one person decides of a child, and why."""

    decided: Decided
    by: str
    reason: str = field(repr=False)


@dataclass(frozen=True)
class Resolved:
    """A decision, and the messages to others whose recall it proposed once it was carried out."""

    proposal: Proposal
    told_elsewhere: Sequence[ToldElsewhere] = ()


def list_queue(engine: Engine, force_id: str) -> list[Waiting]:
    """Everybody who waits for a person, the earliest duty first."""
    with engine.begin() as connection:
        return review.waiting(connection, force_id)


def night_of(engine: Engine, force_id: str, involvement_id: UUID) -> date:
    """The night in which a waiting child was named. Raises CannotResolve when the child does not wait."""
    nights = {w.involvement_id: w.night for w in list_queue(engine, force_id)}
    if involvement_id not in nights:
        raise CannotResolve(NOBODY)
    return nights[involvement_id]


def resolve_child(
    engine: Engine, ring: KeyRing, rules: DutyRules, run: Run, involvement_id: UUID, resolution: Resolution
) -> Resolved:
    """Take one person's decision.

    Against a veto, at a school whose roll is not held, or that the child is none of the incident's, it is only proposed
    until `confirm_child` by another person.

    Raises CannotResolve.
    """
    with engine.begin() as connection:
        held = held_child(connection, run, involvement_id)
        involved = incident.involvements(connection, ring, [involvement_id])[involvement_id]
        proposal = _proposal(connection, ring, run, held, involved, resolution)
        if not review.propose(
            connection, run.force_id, involvement_id, proposal, resolution.reason, involved.key
        ):
            raise CannotResolve("a decision already waits for a second person: confirm it, or withdraw it")
        record_review(connection, run, "review_proposed", involvement_id, {"outcome": proposal.outcome.value})
        if proposal.overrides:
            return Resolved(proposal)
        return _carry_out(connection, ring, rules, run, held, involved, proposal, resolution.by)


def confirm_child(
    engine: Engine, ring: KeyRing, rules: DutyRules, run: Run, involvement_id: UUID, by: str
) -> Resolved:
    """A second person confirms a decision against a veto, which is then carried out. Raises CannotResolve."""
    with engine.begin() as connection:
        held = held_child(connection, run, involvement_id)
        proposal = review.proposal_of(connection, involvement_id)
        if proposal is None:
            raise CannotResolve("no decision waits for a second person: take one with `queue resolve`")
        if proposal.version != held.version:
            raise CannotResolve("police corrected the record since: withdraw the decision and look again")
        if _same_person(by, proposal.by):
            raise CannotResolve("this decision needs a second person: --by must name another")
        involved = incident.involvements(connection, ring, [involvement_id])[involvement_id]
        return _carry_out(connection, ring, rules, run, held, involved, proposal, by)


def withdraw_decision(engine: Engine, run: Run, involvement_id: UUID) -> None:
    """Drop a decision that waits for a second person. Raises CannotResolve when there is none."""
    with engine.begin() as connection:
        if review.proposal_of(connection, involvement_id) is None:
            raise CannotResolve("no decision waits for a second person")
        review.withdraw(connection, involvement_id, run.as_of)
        record_review(connection, run, "review_withdrawn", involvement_id, {})


def _same_person(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()


def held_child(connection: Connection, run: Run, involvement_id: UUID) -> Held:
    """The placement of a child who waits, locked. Raises CannotResolve when the child does not."""
    held = review.hold(connection, run.force_id, involvement_id)
    if held is None:
        raise CannotResolve(NOBODY)
    return held


def _proposal(
    connection: Connection, ring: KeyRing, run: Run, held: Held, involved: Involvement, resolution: Resolution
) -> Proposal:
    def proposed(
        outcome: PlacementStatus,
        pupil_id: UUID | None = None,
        urns: tuple[int, ...] = (),
        to: Recipient | None = None,
        overrides: tuple[str, ...] = (),
    ) -> Proposal:
        return Proposal(
            uuid4(), held.version, outcome, pupil_id, urns, to, overrides, resolution.by, run.as_of
        )

    match resolution.decided:
        case IsNotFound():
            return proposed(PlacementStatus.NOT_FOUND)
        case IsCandidate(number, named):
            chosen = _chosen(held, number)
            urns = _urns(connection, ring, run, involved, chosen, named)
            vetoes = tuple(v.value for v in chosen.vetoes)
            return proposed(PlacementStatus.PLACED, chosen.pupil_id, urns, overrides=vetoes)
        case Refer(to):
            _check_authority(connection, run.force_id, to)
            return proposed(PlacementStatus.REFERRED, to=to)
        case IsAtUnheldSchool(urn):
            _check_unheld(connection, run.force_id, urn)
            return proposed(PlacementStatus.PLACED, urns=(urn,), overrides=(NO_ROLL_HELD,))
        case IsNotNamed():
            if involved.is_named:
                raise CannotResolve("police still name the child in the record as it stands")
            return proposed(PlacementStatus.EXCLUDED, overrides=(ExclusionReason.NO_LONGER_NAMED.value,))


def _check_authority(connection: Connection, force_id: str, to: Recipient) -> None:
    known = set(school.la_codes_by_urn(connection, force_id).values())
    if isinstance(to, LaOfficer) and to.la_code not in known:
        raise CannotResolve(f"the school register has no local authority {to.la_code}")


def _check_unheld(connection: Connection, force_id: str, urn: int) -> None:
    if urn not in school.open_urns(connection, force_id):
        raise CannotResolve(f"the school register has no open school {urn}")
    if roll.is_held(connection, force_id, urn):
        raise CannotResolve(
            f"the roll of {urn} is held: choose a candidate, or ask the school whether its roll is up to date"
        )


def _chosen(held: Held, number: int) -> Candidate:
    if not 1 <= number <= len(held.evidence.candidates):
        raise CannotResolve(f"there is no candidate {number}: there are {len(held.evidence.candidates)}")
    return held.evidence.candidates[number - 1]


def _incident_day(involved: Involvement) -> date:
    return involved.incident.occurred_from.astimezone(LONDON).date()


def _urns(
    connection: Connection,
    ring: KeyRing,
    run: Run,
    involved: Involvement,
    chosen: Candidate,
    named: Sequence[int],
) -> tuple[int, ...]:
    """The schools to tell: those named, each of which must have the pupil, else those that the rolls say."""
    rows = Rolls(connection, ring, run.force_id, None).pupils([chosen.pupil_id]).get(chosen.pupil_id, ())
    schools = school.schools_now(connection, run.force_id)
    on_rolls = {row.urn for row in rows}
    after = {urn for closed in on_rolls & schools.closed for urn in schools.successors(closed)}
    if not set(named) <= on_rolls | after:
        raise CannotResolve(f"the pupil is on no roll of: {_listed(set(named) - on_rolls)}")
    told = schools_told(rows, _incident_day(involved)) if not named else tuple(sorted(set(named)))
    if not isinstance(told, ReviewReason):
        told = schools.told(told)
    unconfirmed = set(named) & after - schools.confirmed
    if unconfirmed:
        told = ReviewReason.SUCCESSOR_UNCONFIRMED
    if told is ReviewReason.SUCCESSOR_UNCONFIRMED:
        raise CannotResolve(f"{REASONS[told]}: ask that school, then `encompass adults confirm-school`")
    if isinstance(told, ReviewReason):
        raise CannotResolve(
            f"{REASONS[told]}: say which school with --urn (on the rolls of: {_listed(on_rolls | after)})"
        )
    disputed = placement.disputed(connection, run.force_id, [chosen.pupil_id])
    said_no = set[int]() if named else {urn for urn in told if (chosen.pupil_id, urn) in disputed}
    if said_no:
        raise CannotResolve(
            f"{_listed(said_no)}: {REASONS[ReviewReason.DISPUTED]}: say which school with --urn "
            f"(on the rolls of: {_listed(on_rolls | after)})"
        )
    return told


def _listed(urns: set[int]) -> str:
    return ", ".join(map(str, sorted(urns))) or "none"


def _carry_out(
    connection: Connection,
    ring: KeyRing,
    rules: DutyRules,
    run: Run,
    held: Held,
    involved: Involvement,
    proposal: Proposal,
    by: str,
) -> Resolved:
    if not review.confirm(connection, proposal.decision_id, by, run.as_of):
        raise CannotResolve("somebody else was first: look again with `queue show`")
    move_placement(held.status, proposal.outcome) if held.status is not proposal.outcome else None
    new = NewPlacement(
        involved.involvement_id,
        held.version,
        proposal.outcome,
        next((r for r in proposal.overrides if r in REASONS_OF_A_PERSON), None),
        proposal.pupil_id,
        held.duty_by,
        held.evidence,
    )
    if not placement.move(connection, run, new, held.status, Actor.OPERATOR):
        raise CannotResolve("the child was placed meanwhile: look again with `queue list`")
    details = {"outcome": proposal.outcome.value, "overrides": len(proposal.overrides)}
    record_review(connection, run, "review_decided", involved.involvement_id, details)
    if proposal.outcome is PlacementStatus.EXCLUDED:
        placement.withdraw_duties(connection, run, involved.involvement_id)
        withdraw_notifications(connection, ring, run, involved.involvement_id)
        return Resolved(proposal)
    return Resolved(proposal, _owe(connection, ring, rules, run, involved, proposal))


def _owe(
    connection: Connection,
    ring: KeyRing,
    rules: DutyRules,
    run: Run,
    involved: Involvement,
    proposal: Proposal,
) -> list[ToldElsewhere]:
    """Owe it to those decided on, and end what others were owed or told of the child before."""
    owed: list[Recipient] = [AtSchool(urn) for urn in proposal.urns]
    owed += [proposal.to] if proposal.to else []
    ids = {recipient.ensure(connection, run.force_id, to) for to in owed}
    decided = DecidedSo(involved.involvement_id, proposal.pupil_id, ids, proposal.by)
    told_elsewhere = end_overtaken(connection, ring, run, decided)
    if owed:
        timetable = timetable_of(connection, rules, run.force_id)
        duties = [timetable.duty(to, involved.incident.occurred_from) for to in owed]
        placement.open_duties(connection, run, involved.involvement_id, duties)
    return told_elsewhere


def record_review(
    connection: Connection,
    run: Run,
    action: str,
    involvement_id: UUID,
    details: Mapping[str, str | int | None],
) -> None:
    """Audit what a person did with a child who waits."""
    event = AuditEvent(
        run.force_id, run.as_of, Actor.OPERATOR, None, action, "involvement", involvement_id, details
    )
    audit.record(connection, event)
