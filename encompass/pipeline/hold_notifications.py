"""Held notifications in a person's hands: seen, released or cancelled, by two people where the force says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, Engine

from encompass.domain.audit import Actor
from encompass.domain.hold import OWNER, HeldNotification, Hold, HoldKind, joined, needs_two
from encompass.domain.key_adults import told_of
from encompass.domain.notification import NotificationPart, NotificationStatus, PartEnd
from encompass.domain.run import LONDON, Run
from encompass.pipeline.check_release import REASONS
from encompass.pipeline.contacts_on import contacts_on
from encompass.pipeline.prepare_notifications import nudge_recipient
from encompass.pipeline.telling_rules import TellingRules
from encompass.store import exclusion, hold, notification, part, placement
from encompass.store.hold import Decision
from encompass.store.notification import Whole
from encompass.store.sealed import KeyRing

NOTHING: Final = "no notification of this id is held: `encompass holds list` shows which are"
RELEASED: Final = "released"
CANCELLED: Final = "cancelled"


class CannotDecide(Exception):
    """The decision cannot be taken; the text says why and what to do, and names no person."""


@dataclass(frozen=True)
class ShownHold:
    """A held notification, opened: why it waits, what would be told, and which Key Adults would be nudged."""

    notification: Whole = field(repr=False)
    hold: Hold = field(repr=False)
    parts: Sequence[NotificationPart] = field(repr=False)
    would_tell: Sequence[str] = field(repr=False)
    excluded: int
    proposal: Decision | None


@dataclass(frozen=True)
class HoldDecision:
    """What one person decides of a held notification, and why."""

    outcome: str
    by: str
    reason: str = field(repr=False)


def list_holds(engine: Engine, force_id: str) -> list[HeldNotification]:
    """Every held notification, the earliest duty first; nothing of the children."""
    with engine.begin() as connection:
        return hold.held(connection, force_id)


def night_of_notification(engine: Engine, force_id: str, notification_id: UUID) -> date:
    """The night in which a notification was prepared. Raises CannotDecide when there is none."""
    with engine.begin() as connection:
        night = hold.night_of(connection, force_id, notification_id)
    if night is None:
        raise CannotDecide(NOTHING)
    return night


def show_hold(
    engine: Engine, ring: KeyRing, rules: TellingRules, run: Run, notification_id: UUID
) -> ShownHold:
    """One held notification, opened; the look is audited. Raises CannotDecide."""
    with engine.begin() as connection:
        held, why = _held(connection, ring, run, notification_id)
        excluded = exclusion.excluded(connection, notification_id)
        day = run.as_of.astimezone(LONDON).date()
        known = contacts_on(connection, ring, rules.cover, held.to.recipient_id, day)
        free = [(entry.full_name, entry) for adult, entry in known if adult not in excluded]
        parts = part.opened(connection, ring, notification_id)
        proposal = hold.proposal(connection, notification_id)
        notification.record(connection, run, "hold_shown", notification_id, Actor.OPERATOR)
    told = told_of(free, day, rules.lapsed_training)
    return ShownHold(held, why, parts, told.adults, len(known) - len(free), proposal)


def decide_hold(
    engine: Engine,
    ring: KeyRing,
    rules: TellingRules,
    two_people_for: frozenset[str],
    run: Run,
    notification_id: UUID,
    decision: HoldDecision,
) -> Decision:
    """Take one person's decision; where two are needed it is only proposed. Raises CannotDecide."""
    _look_at_school_again(engine, ring, run, notification_id, decision.outcome)
    with engine.begin() as connection:
        held, why = _held(connection, ring, run, notification_id)
        _check_certain(connection, notification_id, decision.outcome)
        two = needs_two(why.kinds, two_people_for, decision.outcome)
        proposal = hold.propose(
            connection, run, held, decision.outcome, decision.by, decision.reason, needs_two=two
        )
        if proposal is None:
            raise CannotDecide("a decision already waits for a second person: confirm it, or withdraw it")
        notification.record(connection, run, "hold_decision_proposed", notification_id, Actor.OPERATOR)
        if not two:
            _carry_out(connection, ring, rules, run, held, proposal, decision.by)
    return proposal


def confirm_hold(
    engine: Engine, ring: KeyRing, rules: TellingRules, run: Run, notification_id: UUID, by: str
) -> Decision:
    """A second person confirms a decision, which is then carried out. Raises CannotDecide."""
    _look_at_school_again(engine, ring, run, notification_id)
    with engine.begin() as connection:
        held, _ = _held(connection, ring, run, notification_id)
        proposal = hold.proposal(connection, notification_id)
        if proposal is None:
            raise CannotDecide(
                "no decision waits for a second person: take one with `holds release` or `cancel`"
            )
        if is_same_person(by, proposal.by):
            raise CannotDecide("this decision needs a second person: --by must name another")
        _carry_out(connection, ring, rules, run, held, proposal, by)
    return proposal


def withdraw_hold_decision(engine: Engine, run: Run, notification_id: UUID) -> None:
    """Drop a decision that waits for a second person. Raises CannotDecide when there is none."""
    with engine.begin() as connection:
        if not hold.withdraw(connection, run, notification_id):
            raise CannotDecide("no decision waits for a second person")
        notification.record(connection, run, "hold_decision_withdrawn", notification_id, Actor.OPERATOR)


def is_same_person(one: str, other: str) -> bool:
    """Whether two work names are the same person's, however they are typed."""
    return " ".join(one.split()).casefold() == " ".join(other.split()).casefold()


def _held(connection: Connection, ring: KeyRing, run: Run, notification_id: UUID) -> tuple[Whole, Hold]:
    found = notification.whole(connection, ring, run.force_id, notification_id)
    if found is None or found.status is not NotificationStatus.HELD or found.hold is None:
        raise CannotDecide(NOTHING)
    return found, found.hold


def _look_at_school_again(
    engine: Engine, ring: KeyRing, run: Run, notification_id: UUID, outcome: str | None = None
) -> None:
    """That the school has said no since the message was held is one more reason to wait; whoever decides is told of it.

    `outcome` is what is decided; None: what was proposed. Raises CannotDecide, once.
    """
    with engine.begin() as connection:
        held, why = _held(connection, ring, run, notification_id)
        proposal = hold.proposal(connection, notification_id)
        if (outcome or (proposal and proposal.outcome)) != RELEASED:
            return
        if HoldKind.DISPUTED in why.kinds:
            return
        if not placement.is_disputed(connection, run.force_id, held.about.pupil_id, held.to.recipient):
            return
        dispute = Hold(REASONS[HoldKind.DISPUTED], OWNER, why.until, (HoldKind.DISPUTED,))
        both = joined([why, dispute])
        assert both is not None
        notification.set_hold(connection, run, held, both)
    raise CannotDecide(f"since it was held: {REASONS[HoldKind.DISPUTED]}; ask the school, and decide again")


def _check_certain(connection: Connection, notification_id: UUID, outcome: str) -> None:
    if outcome == RELEASED and part.is_in_doubt(connection, notification_id):
        raise CannotDecide(
            "police corrected the record and the child waits in the queue: decide there first, `encompass queue list`"
        )


def _carry_out(
    connection: Connection,
    ring: KeyRing,
    rules: TellingRules,
    run: Run,
    held: Whole,
    proposal: Decision,
    by: str,
) -> None:
    _check_certain(connection, held.notification_id, proposal.outcome)
    if not hold.confirm(connection, run, proposal, by):
        raise CannotDecide("somebody else was first: look again with `encompass holds list`")
    if proposal.outcome == RELEASED:
        notification.release(connection, run, held, Actor.OPERATOR)
        nudge_recipient(connection, ring, rules, run, held.to, [held.notification_id])
        return
    for duty in part.duties_told(connection, held.notification_id):
        part.end(connection, run, held, duty.duty_id, PartEnd.CANCELLED, Actor.OPERATOR)
        placement.withdraw_duty(connection, run, duty.duty_id, Actor.OPERATOR)
