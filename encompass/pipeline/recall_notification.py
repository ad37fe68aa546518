"""The wrong school was told: take it back, say who had opened it, open a breach case, and find the right school."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, Engine

from encompass.domain.audit import Actor
from encompass.domain.notification import READABLE, NoticeKind, NotificationStatus, PartEnd
from encompass.domain.placement import PlacementStatus, ReviewReason
from encompass.domain.recipient import AtSchool
from encompass.domain.run import Run
from encompass.pipeline.hold_notifications import is_same_person
from encompass.pipeline.match_children import DutyRules, timetable_of
from encompass.pipeline.prepare_notifications import tell_recipient
from encompass.pipeline.telling_rules import TellingRules
from encompass.pipeline.withdraw_notifications import give_notice
from encompass.store import incident, key_adult, notification, part, placement, recall
from encompass.store.candidate import Rolls
from encompass.store.notification import UntoldDuty, Whole
from encompass.store.recall import Breach, OpenedBreach, Readable
from encompass.store.sealed import KeyRing

TOLD_IN_ERROR: Final = READABLE | {NotificationStatus.WITHDRAWN, NotificationStatus.NOT_OUR_PUPIL}
"""What police took back, or the school sent back, while its recall waited had been told in error all the same."""
NOTHING: Final = "no notification of this id can be read by a school: there is nothing to recall"


class CannotRecall(Exception):
    """The recall or its case cannot go on; the text says why and what to do, and names no person."""


@dataclass(frozen=True)
class Opening:
    """One opening of a recalled notification: by which Key Adult of the register, and when."""

    key_adult_ref: str
    at: datetime


@dataclass(frozen=True)
class Recalled:
    """What came of a recall: the breach case with its clock, who had opened the message, the school now owed.

    Where the queue had decided before, or police had taken the message back, nothing `is_owed_anew`.
    """

    breach_id: UUID
    report_by: datetime
    openings: Sequence[Opening]
    right_urn: int | None
    is_owed_anew: bool


def list_told(engine: Engine, force_id: str, night: date | None, recipient: str | None) -> list[Readable]:
    """What recipients can read, to find the message that went wrong; nothing of the children."""
    with engine.begin() as connection:
        return recall.readable(connection, force_id, night, recipient)


def propose_recall(
    engine: Engine, ring: KeyRing, run: Run, notification_id: UUID, right_urn: int | None, by: str, why: str
) -> None:
    """One person says that the wrong school was told: nobody there can open it from now on. Raises CannotRecall."""
    with engine.begin() as connection:
        _lock(connection, run, notification_id)
        told = _readable(connection, ring, run, notification_id)
        if right_urn is not None:
            _check_school(connection, ring, run, told, right_urn)
        if not recall.propose(connection, run, told, right_urn, by, why):
            raise CannotRecall("a recall of it already waits for a second person: confirm it, or withdraw it")
        notification.record(connection, run, "recall_proposed", notification_id, Actor.OPERATOR)


def withdraw_recall(
    engine: Engine, ring: KeyRing, rules: TellingRules, run: Run, notification_id: UUID
) -> None:
    """It was the right school after all: the message can be opened again, and is owed again. Raises CannotRecall.

    What police corrected meanwhile is told at the same moment, or held: nobody opens the words as they were.
    """
    with engine.begin() as connection:
        to = _lock(connection, run, notification_id)
        if not recall.withdraw(connection, run, notification_id):
            raise CannotRecall("no recall of it waits for a second person")
        notification.record(connection, run, "recall_withdrawn", notification_id, Actor.OPERATOR)
        for duty in part.duties_told(connection, notification_id):
            placement.reinstate_duty(connection, run, duty.duty_id)
        tell_recipient(connection, ring, rules, run, to)


def confirm_recall(
    engine: Engine, ring: KeyRing, rules: DutyRules, run: Run, notification_id: UUID, by: str
) -> Recalled:
    """A second person confirms: what is recalled is gone for good, a breach case opens, the child is placed anew.

    The next `encompass prepare` tells the right school, or the child waits in the queue. What police took back while
    its recall waited had been told in error all the same. Raises CannotRecall.
    """
    with engine.begin() as connection:
        _lock(connection, run, notification_id)
        told = notification.whole(connection, ring, run.force_id, notification_id)
        if told is None or told.status not in TOLD_IN_ERROR:
            raise CannotRecall(NOTHING)
        proposal = recall.proposal(connection, notification_id)
        if proposal is None:
            raise CannotRecall("no recall of it waits for a second person: begin with --reason")
        if is_same_person(by, proposal.by):
            raise CannotRecall("a recall needs a second person: --by must name another")
        if not recall.confirm(connection, run, proposal.recall_id, by):
            raise CannotRecall("somebody else was first: look at `encompass breaches list`")
        recalled = [
            duty
            for duty in part.duties_told(connection, notification_id)
            if proposal.duty_id in (None, duty.duty_id)
        ]
        ended = [
            part.end(connection, run, told, d.duty_id, PartEnd.RECALLED, Actor.OPERATOR) for d in recalled
        ]
        is_gone = any(ended) or told.status not in READABLE
        owed = [_take_back(connection, ring, rules, run, duty, proposal.right_urn) for duty in recalled]
        if is_gone:
            recall.withdraw(connection, run, notification_id)
        give_notice(connection, run, told, NoticeKind.RECALLED if is_gone else NoticeKind.PART_RECALLED)
        recall.open_phone_task(connection, run, notification_id)
        breach_id = recall.open_breach(connection, run, told, proposal.recall_id)
        openings = _openings(connection, ring, notification_id)
        opened = recall.breach(connection, ring, run.force_id, breach_id)
        assert opened is not None
    return Recalled(breach_id, opened.breach.report_by, openings, proposal.right_urn, is_owed_anew=any(owed))


def list_breaches(engine: Engine, force_id: str) -> list[Breach]:
    """Every breach, the open ones first, by when they have to be reported."""
    with engine.begin() as connection:
        return recall.breaches(connection, force_id)


def show_breach(
    engine: Engine, ring: KeyRing, force_id: str, breach_id: UUID
) -> tuple[OpenedBreach, Sequence[Opening]]:
    """One breach with its reasons, and who had opened the message. Raises CannotRecall."""
    with engine.begin() as connection:
        found = _breach(connection, ring, force_id, breach_id)
        return found, _openings(connection, ring, found.breach.notification_id)


def close_breach(
    engine: Engine,
    ring: KeyRing,
    force_id: str,
    breach_id: UUID,
    outcome: str,
    by: str,
    why: str,
    now: datetime,
) -> None:
    """Close a breach: reported, or found not to need it, and why. Raises CannotRecall."""
    with engine.begin() as connection:
        found = _breach(connection, ring, force_id, breach_id)
        if not recall.close_breach(connection, force_id, found, outcome, by, why, now):
            raise CannotRecall("the breach is closed already")


def _breach(connection: Connection, ring: KeyRing, force_id: str, breach_id: UUID) -> OpenedBreach:
    found = recall.breach(connection, ring, force_id, breach_id)
    if found is None:
        raise CannotRecall("there is no breach of this id: `encompass breaches list` shows them")
    return found


def _lock(connection: Connection, run: Run, notification_id: UUID) -> UUID:
    """The recipient of the message, whom nobody tells anything else meanwhile. Raises CannotRecall."""
    recipient_id = notification.recipient_of(connection, run.force_id, notification_id)
    if recipient_id is None:
        raise CannotRecall(NOTHING)
    notification.lock_recipient(connection, recipient_id)
    return recipient_id


def _readable(connection: Connection, ring: KeyRing, run: Run, notification_id: UUID) -> Whole:
    told = notification.whole(connection, ring, run.force_id, notification_id)
    if told is None or told.status not in READABLE:
        raise CannotRecall(NOTHING)
    return told


def _check_school(connection: Connection, ring: KeyRing, run: Run, told: Whole, urn: int) -> None:
    """The right school is another one, and has the same pupil on its roll; for another pupil there is the queue."""
    pupil_id = told.about.pupil_id
    pupils = Rolls(connection, ring, run.force_id, None).pupils([pupil_id] if pupil_id else [])
    enrolled = {row.urn for rows in pupils.values() for row in rows}
    if AtSchool(urn) == told.to.recipient or urn not in enrolled:
        raise CannotRecall(
            f"the pupil is on no roll of {urn}: recall without --urn, then place the child in the queue"
        )


def _take_back(
    connection: Connection,
    ring: KeyRing,
    rules: DutyRules,
    run: Run,
    duty: UntoldDuty,
    right_urn: int | None,
) -> bool:
    """What was owed until now sends the child back to the queue; where the queue has ended the duty, it has decided.

    Whether the child is owed anew.
    """
    if not placement.withdraw_duty(connection, run, duty.duty_id, Actor.OPERATOR):
        return False
    _place_anew(connection, ring, rules, run, duty, right_urn)
    return True


def _place_anew(
    connection: Connection,
    ring: KeyRing,
    rules: DutyRules,
    run: Run,
    duty: UntoldDuty,
    right_urn: int | None,
) -> None:
    stored = placement.stored(connection, duty.involvement_id)
    if right_urn is None or stored is None or stored.status is not PlacementStatus.PLACED:
        placement.reopen(connection, run, duty.involvement_id, ReviewReason.RECALLED, Actor.OPERATOR)
        return
    involved = incident.involvements(connection, ring, [duty.involvement_id])[duty.involvement_id]
    timetable = timetable_of(connection, rules, run.force_id)
    right = timetable.duty(AtSchool(right_urn), involved.incident.occurred_from)
    placement.open_duties(connection, run, duty.involvement_id, [right])


def _openings(connection: Connection, ring: KeyRing, notification_id: UUID) -> list[Opening]:
    views = recall.views_of(connection, notification_id)
    references = key_adult.references(connection, ring, {v.key_adult_id for v in views})
    return [Opening(references[v.key_adult_id], v.at) for v in views]
