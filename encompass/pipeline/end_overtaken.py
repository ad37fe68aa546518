"""What a school was owed or told of a child before a person decided otherwise: ended, or its recall proposed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from encompass.domain.audit import Actor
from encompass.domain.notification import READABLE, NoticeKind, NotificationStatus, PartEnd
from encompass.domain.recipient import code_of
from encompass.domain.run import Run
from encompass.pipeline.withdraw_notifications import give_notice
from encompass.store import notification, part, placement, recall
from encompass.store.notification import Whole
from encompass.store.placement import LiveDuty
from encompass.store.sealed import KeyRing

WHY: Final = "the queue decided that the child is not this recipient's"

WHY_PUPIL: Final = "the queue decided that it is another pupil of the same school"


@dataclass(frozen=True)
class ToldElsewhere:
    """A message that a recipient had been told in error; its recall waits for a second person."""

    notification_id: UUID
    recipient: str


@dataclass(frozen=True)
class DecidedSo:
    """What a person decided of one child: who he or she is, who is told, and by whose word."""

    involvement_id: UUID
    pupil_id: UUID | None
    recipients: Collection[UUID]
    by: str


def end_overtaken(connection: Connection, ring: KeyRing, run: Run, decided: DecidedSo) -> list[ToldElsewhere]:
    """End what the decision overtakes; the messages whose recall it proposes.

    What nobody could read ends silently. Another pupil of the same school: the message is withdrawn with a notice, a
    breach case opens, and the next `prepare` tells of the right one. Another recipient: what the message tells of this
    child closes at once, the rest can be read on, and its recall waits for a second person, as if whoever decided had
    proposed it.
    """
    proposed: list[ToldElsewhere] = []
    for duty in placement.live_duties(connection, decided.involvement_id):
        is_owed = duty.recipient_id in decided.recipients
        told = _told(connection, ring, run, duty)
        if is_owed and (told is None or told.about.pupil_id == decided.pupil_id):
            continue
        if told is not None and told.status in READABLE and not is_owed:
            others = [
                d for d in part.duties_told(connection, told.notification_id) if d.duty_id != duty.duty_id
            ]
            of_part = duty.duty_id if others else None
            recall.propose(connection, run, told, None, decided.by, WHY, of_part)
            notification.record(connection, run, "recall_proposed", told.notification_id, Actor.OPERATOR)
            proposed.append(ToldElsewhere(told.notification_id, code_of(told.to.recipient)))
        elif told is not None:
            _end_part(connection, run, told, duty)
            if told.status in READABLE:
                recall.open_breach_of_pupil(connection, run, told, decided.by, WHY_PUPIL)
        if not is_owed:
            placement.withdraw_duty(connection, run, duty.duty_id, Actor.OPERATOR)
    return proposed


def _told(connection: Connection, ring: KeyRing, run: Run, duty: LiveDuty) -> Whole | None:
    if duty.notification_id is None:
        return None
    return notification.whole(connection, ring, run.force_id, duty.notification_id)


def _end_part(connection: Connection, run: Run, told: Whole, duty: LiveDuty) -> None:
    is_returned = told.status is NotificationStatus.NOT_OUR_PUPIL
    end = PartEnd.NOT_OURS if is_returned else PartEnd.WITHDRAWN
    is_gone = part.end(connection, run, told, duty.duty_id, end, Actor.OPERATOR)
    if told.status in READABLE:
        give_notice(connection, run, told, NoticeKind.WITHDRAWN if is_gone else NoticeKind.PART_WITHDRAWN)
