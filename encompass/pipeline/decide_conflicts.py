"""Key Adults found in conflict after a message was told: let in, or kept out, by two people where the force says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, Engine

from encompass.domain.hold import HoldKind
from encompass.domain.notification import NotificationStatus
from encompass.domain.nudge import Rung
from encompass.domain.run import LONDON, Run
from encompass.pipeline.hold_notifications import CannotDecide, HoldDecision, is_same_person
from encompass.store import conflict, key_adult, notification, nudge
from encompass.store.conflict import ADMITTED, ConflictDecision, OfAdult, Undecided
from encompass.store.sealed import KeyRing


@dataclass(frozen=True)
class LaterConflict:
    """One Key Adult, by the register's reference, and one message that he or she cannot open until a person decides."""

    key_adult_ref: str
    found: Undecided


def list_conflicts(engine: Engine, ring: KeyRing, force_id: str) -> Sequence[LaterConflict]:
    """Every Key Adult found in conflict afterwards of whom nobody has decided, the first found first."""
    with engine.begin() as connection:
        found = conflict.undecided(connection, force_id)
        references = key_adult.references(connection, ring, {u.key_adult_id for u in found})
    return [LaterConflict(references[u.key_adult_id], u) for u in found]


def decide_conflict(
    engine: Engine,
    ring: KeyRing,
    two_people_for: frozenset[str],
    run: Run,
    notification_id: UUID,
    key_adult_ref: str,
    decision: HoldDecision,
) -> ConflictDecision:
    """One person lets a Key Adult read a message after all, or keeps him or her out for good. Raises CannotDecide.

    Where the profile has two people release a conflict, letting in is only proposed.
    """
    two = decision.outcome == ADMITTED and HoldKind.CONFLICT.value in two_people_for
    with engine.begin() as connection:
        of = _of(connection, ring, run, notification_id, key_adult_ref)
        proposal = conflict.propose(
            connection, run, of, decision.outcome, decision.by, decision.reason, needs_two=two
        )
        if proposal is None:
            raise CannotDecide("a decision already waits for a second person: confirm it, or withdraw it")
        if not two:
            _carry_out(connection, run, of, proposal, decision.by)
    return proposal


def confirm_conflict(
    engine: Engine, ring: KeyRing, run: Run, notification_id: UUID, key_adult_ref: str, by: str
) -> ConflictDecision:
    """A second person confirms a decision, which then holds. Raises CannotDecide."""
    with engine.begin() as connection:
        of = _of(connection, ring, run, notification_id, key_adult_ref)
        proposal = _proposal(connection, of)
        if is_same_person(by, proposal.by):
            raise CannotDecide("this decision needs a second person: --by must name another")
        _carry_out(connection, run, of, proposal, by)
    return proposal


def withdraw_conflict_decision(
    engine: Engine, ring: KeyRing, run: Run, notification_id: UUID, key_adult_ref: str
) -> None:
    """Drop a decision that waits for a second person. Raises CannotDecide."""
    with engine.begin() as connection:
        of = _of(connection, ring, run, notification_id, key_adult_ref)
        conflict.withdraw(connection, run, of, _proposal(connection, of))


def _of(
    connection: Connection, ring: KeyRing, run: Run, notification_id: UUID, key_adult_ref: str
) -> OfAdult:
    told = notification.whole(connection, ring, run.force_id, notification_id)
    waiting = [
        u for u in conflict.undecided(connection, run.force_id) if u.notification_id == notification_id
    ]
    day = run.as_of.astimezone(LONDON).date()
    if told is not None:
        adult = key_adult.of_reference(
            connection, ring, run.force_id, key_adult_ref, told.to.recipient_id, day
        )
        if adult in {u.key_adult_id for u in waiting}:
            assert adult is not None
            return OfAdult(told, adult)
    raise CannotDecide("nobody of this reference waits for a decision there: `encompass holds conflicts`")


def _proposal(connection: Connection, of: OfAdult) -> ConflictDecision:
    proposal = conflict.proposal(connection, of)
    if proposal is None:
        raise CannotDecide("no decision waits for a second person")
    return proposal


def _carry_out(connection: Connection, run: Run, of: OfAdult, decision: ConflictDecision, by: str) -> None:
    if not conflict.confirm(connection, run, of, decision, by):
        raise CannotDecide("somebody else was first: look again with `encompass holds conflicts`")
    if decision.outcome == ADMITTED and of.told.status is NotificationStatus.RELEASED:
        told = of.told
        nudge.enqueue(
            connection, run, told.to.recipient_id, of.key_adult_id, told.notification_id, Rung.FIRST
        )
