"""The ladder: whom a duty that nobody has acknowledged reaches next, and when, until a person has closed it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from encompass.domain.run import LONDON

SETTLES: Final = timedelta(minutes=10)
"""What a provider is given to take a nudge that has only just been queued."""


class Step(StrEnum):
    """A rung of the ladder, the lowest first. A reminder and a missed bell stand beside it."""

    REMINDER = "reminder"
    DEPUTY = "deputy"
    NOT_ACCEPTED = "not_accepted"
    SECOND_CHANNEL = "second_channel"
    TELEPHONE = "telephone"
    MISSED = "missed"
    HEAD = "head"
    CHAIR = "chair"
    LA = "la"


class StepReason(StrEnum):
    """Why a step was taken."""

    UNACKNOWLEDGED = "unacknowledged"
    NOT_ACCEPTED = "not_accepted"
    IN_SCHOOL_HOURS = "in_school_hours"
    TOLD_LATE = "told_late"
    HELD = "held"
    NOT_TOLD = "not_told"
    FIRST_DAY_BACK = "first_day_back"


RUNGS: Final = (Step.DEPUTY, Step.NOT_ACCEPTED, Step.SECOND_CHANNEL, Step.TELEPHONE)
"""The rungs up to a telephone call; those who answer for the recipient follow, as the force's profile says."""


@dataclass(frozen=True)
class LadderTimes:
    """A force's times of the morning, in Europe/London, and whom a missed duty goes on to.

    `deputy_at` None: lead and deputy are nudged together.
    """

    deputy_at: time | None
    accepted_by: time
    second_channel_at: time
    remind_at: time
    escalate_to: tuple[Step, ...]
    escalate_every: timedelta


@dataclass(frozen=True)
class Climb:
    """What is known of one duty on the ladder. `told_at` is when its notification was released, None when not.

    In doubt: police corrected the record after it was told, and a person has still to decide who the child is.
    """

    duty_id: UUID
    notification_id: UUID | None
    duty_by: datetime
    act_by: datetime
    told_at: datetime | None
    is_held: bool
    is_told_in_school_hours: bool
    is_accepted: bool
    acknowledged_at: datetime | None
    taken: frozenset[Step]
    is_in_doubt: bool = False


@dataclass(frozen=True)
class StepDue:
    """A step that is due, since when, and why."""

    step: Step
    since: datetime
    reason: StepReason


def steps_due(climb: Climb, times: LadderTimes, now: datetime) -> list[StepDue]:
    """The steps due by now and not yet taken, the lowest first. The ladder never goes back down.

    What has been acknowledged climbs no further, but an acknowledgement after the bell is still a missed duty. What is
    in doubt stands still, so that nobody presses a school to act on what may be another child's; the bell is missed
    all the same, and once a person has decided what is overdue is taken at once.
    """
    rungs = (*RUNGS, *times.escalate_to)
    highest = max((rungs.index(s) for s in climb.taken if s in rungs), default=-1)
    return [
        due
        for due in _schedule(climb, times)
        if _is_reached(due, climb, now)
        and due.step not in climb.taken
        and (due.step not in rungs or rungs.index(due.step) > highest)
    ]


def is_unaccepted(climb: Climb, times: LadderTimes, now: datetime) -> bool:
    """Whether a provider ought to have taken a nudge by now and has taken none."""
    if climb.told_at is None or climb.acknowledged_at is not None or climb.is_accepted:
        return False
    return _accepted_by(climb, climb.told_at, times) <= now


def is_untold(climb: Climb, now: datetime) -> bool:
    """Whether the recipient ought to have been told by now, and nobody asked to hold it."""
    return climb.told_at is None and not climb.is_held and climb.act_by <= now


def telephoned_at(climb: Climb, told_at: datetime) -> datetime:
    """When somebody telephones: at the act-by instant; at once when told later, or while school is on."""
    return told_at if climb.is_told_in_school_hours else max(told_at, climb.act_by)


def _schedule(climb: Climb, times: LadderTimes) -> Iterator[StepDue]:
    told_at = climb.told_at
    if told_at is not None:
        yield from _before_the_bell(climb, told_at, times)
    yield StepDue(Step.MISSED, climb.duty_by, _why_missed(climb))
    if told_at is not None:
        after = max(climb.duty_by, telephoned_at(climb, told_at) + times.escalate_every)
        for number, step in enumerate(times.escalate_to):
            yield StepDue(step, after + number * times.escalate_every, StepReason.UNACKNOWLEDGED)


def _before_the_bell(climb: Climb, told_at: datetime, times: LadderTimes) -> Iterator[StepDue]:
    first_day_back = climb.duty_by.astimezone(LONDON).date()
    if told_at.astimezone(LONDON).date() < first_day_back:
        reminded_at = datetime.combine(first_day_back, times.remind_at, LONDON)
        yield StepDue(Step.REMINDER, reminded_at, StepReason.FIRST_DAY_BACK)
    if times.deputy_at is not None:
        yield StepDue(Step.DEPUTY, _at(climb, told_at, times.deputy_at), StepReason.UNACKNOWLEDGED)
    unless = StepReason.UNACKNOWLEDGED if climb.is_accepted else StepReason.NOT_ACCEPTED
    yield StepDue(Step.NOT_ACCEPTED, _accepted_by(climb, told_at, times), StepReason.NOT_ACCEPTED)
    yield StepDue(Step.SECOND_CHANNEL, _at(climb, told_at, times.second_channel_at), unless)
    yield StepDue(Step.TELEPHONE, telephoned_at(climb, told_at), _why_telephoned(climb, told_at))


def _is_reached(due: StepDue, climb: Climb, now: datetime) -> bool:
    if due.step is Step.MISSED:
        answered = climb.acknowledged_at
        return due.since < now and (answered is None or answered > climb.duty_by)
    if climb.acknowledged_at is not None or climb.is_in_doubt or due.since > now:
        return False
    if due.step is Step.REMINDER:
        return now < climb.duty_by
    return due.step is not Step.NOT_ACCEPTED or not climb.is_accepted


def _accepted_by(climb: Climb, told_at: datetime, times: LadderTimes) -> datetime:
    return max(_at(climb, told_at, times.accepted_by), told_at + SETTLES)


def _at(climb: Climb, told_at: datetime, at: time) -> datetime:
    """This time of the day on which a person is chased, never after the chase, never before the telling."""
    on_the_day = datetime.combine(climb.act_by.astimezone(LONDON).date(), at, LONDON)
    return max(min(on_the_day, climb.act_by), told_at)


def _why_telephoned(climb: Climb, told_at: datetime) -> StepReason:
    if told_at > climb.act_by:
        return StepReason.TOLD_LATE
    return StepReason.IN_SCHOOL_HOURS if climb.is_told_in_school_hours else StepReason.UNACKNOWLEDGED


def _why_missed(climb: Climb) -> StepReason:
    if climb.told_at is None:
        return StepReason.HELD if climb.is_held else StepReason.NOT_TOLD
    if climb.told_at > climb.duty_by:
        return StepReason.TOLD_LATE
    return StepReason.UNACKNOWLEDGED if climb.is_accepted else StepReason.NOT_ACCEPTED
