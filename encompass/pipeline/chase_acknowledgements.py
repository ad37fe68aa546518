"""Take each step of the ladder that is due: nudge again, telephone, go on to who answers for the school."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import time
from itertools import groupby
from operator import attrgetter

from sqlalchemy import Connection, Engine

from encompass.domain.cover import CoverRule
from encompass.domain.key_adults import LapsedTraining, told_of
from encompass.domain.ladder import LadderTimes, Step, StepDue, is_unaccepted, is_untold, steps_due
from encompass.domain.notification import Called
from encompass.domain.nudge import Channel, Rung, mobile_of
from encompass.domain.run import LONDON, Run
from encompass.pipeline.contacts_on import contacts_on
from encompass.pipeline.match_children import DutyRules, Timetable, timetable_of
from encompass.pipeline.one_by_one import each
from encompass.store import exclusion, force, ladder, notification, nudge
from encompass.store.ladder import OfRecipient
from encompass.store.sealed import KeyRing

SOURCE = "ladder"
TELEPHONED = {
    Step.TELEPHONE: Called.KEY_ADULT,
    Step.HEAD: Called.HEAD,
    Step.CHAIR: Called.CHAIR,
    Step.LA: Called.LA,
}
NUDGED = {
    Step.DEPUTY: Rung.FIRST,
    Step.NOT_ACCEPTED: Rung.SECOND,
    Step.SECOND_CHANNEL: Rung.SECOND,
    Step.REMINDER: Rung.REMINDER,
}


@dataclass(frozen=True)
class LadderRules:
    """A force's ladder and calendar, when a school day ends, what lapsed training and cover mean, its channels."""

    times: LadderTimes
    duties: DutyRules
    school_ends: time
    lapsed_training: LapsedTraining
    cover: CoverRule
    channels: frozenset[Channel]


def chase_acknowledgements(engine: Engine, ring: KeyRing, rules: LadderRules, run: Run) -> int:
    """Take every step due at the run's instant, each once; how many telephone tasks are new.

    A recipient that fails holds up no other. Raises ExceptionGroup at the end for surprises.
    """
    with engine.begin() as connection:
        timetable = timetable_of(connection, rules.duties, run.force_id)
        climbing = [_with_hours(timetable, rules, c) for c in ladder.climbs(connection, run)]
    opened: list[int] = []

    def one(group: list[OfRecipient]) -> None:
        with engine.begin() as connection:
            notification.lock_recipient(connection, group[0].recipient_id)
            opened.extend([_climb(connection, ring, rules, run, duty) for duty in group])

    by_recipient = [list(g) for _, g in groupby(climbing, attrgetter("recipient_id"))]
    failed = each(by_recipient, one)
    with engine.begin() as connection:
        ladder.open_exceptions_of_unplaced(connection, run)
        ladder.settle_exceptions(connection, run)
        found = {
            "nudges_not_accepted": any(is_unaccepted(c.climb, rules.times, run.as_of) for c in climbing),
            "duty_untold": any(is_untold(c.climb, run.as_of) for c in climbing),
            "child_unreadable": bool(failed.unreadable),
        }
        force.set_alarms(connection, run, SOURCE, found)
    failed.raise_surprises(SOURCE)
    return sum(opened)


def _with_hours(timetable: Timetable, rules: LadderRules, duty: OfRecipient) -> OfRecipient:
    told_at = duty.climb.told_at
    if told_at is None or duty.urn is None:
        return duty
    in_hours = timetable.is_in_session(duty.urn, told_at, rules.school_ends)
    return replace(duty, climb=replace(duty.climb, is_told_in_school_hours=in_hours))


def _climb(connection: Connection, ring: KeyRing, rules: LadderRules, run: Run, duty: OfRecipient) -> int:
    opened = 0
    for due in steps_due(duty.climb, rules.times, run.as_of):
        if ladder.take_step(connection, run, duty.climb.duty_id, due):
            opened += _take(connection, ring, rules, run, duty, due)
    return opened


def _take(
    connection: Connection, ring: KeyRing, rules: LadderRules, run: Run, duty: OfRecipient, due: StepDue
) -> int:
    climb, step = duty.climb, due.step
    if step is Step.MISSED:
        ladder.open_exception(connection, run, climb.duty_id, due.reason.value)
        return 0
    assert climb.notification_id is not None
    if step in TELEPHONED:
        called = TELEPHONED[step]
        return notification.open_phone_task(connection, run, climb.notification_id, due.reason.value, called)
    if step in NUDGED:
        _nudge_again(connection, ring, rules, run, duty, NUDGED[step])
    return 0


def _nudge_again(
    connection: Connection, ring: KeyRing, rules: LadderRules, run: Run, duty: OfRecipient, rung: Rung
) -> None:
    """A second time by text message, to whom that can reach, and by e-mail to the others."""
    day = run.as_of.astimezone(LONDON).date()
    known = contacts_on(connection, ring, rules.cover, duty.recipient_id, day)
    mobiles = {adult for adult, entry in known if mobile_of(entry.phone) is not None}
    assert duty.climb.notification_id is not None
    excluded = exclusion.excluded(connection, duty.climb.notification_id)
    free = [(adult, entry) for adult, entry in known if adult not in excluded]
    for adult in told_of(free, day, rules.lapsed_training).adults:
        by_text = rung is Rung.SECOND and Channel.SMS in rules.channels and adult in mobiles
        channel = Channel.SMS if by_text else Channel.EMAIL
        nudge.enqueue(connection, run, duty.recipient_id, adult, duty.climb.notification_id, rung, channel)
