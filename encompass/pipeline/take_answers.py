"""Take up what schools answered on their pages: not our pupil, and I should not see this."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Engine

from encompass.domain.notification import NotificationStatus, PartEnd
from encompass.domain.nudge import Rung
from encompass.domain.placement import ReviewReason
from encompass.domain.run import Run
from encompass.pipeline.one_by_one import Failed, each
from encompass.pipeline.prepare_notifications import nudge_recipient
from encompass.pipeline.telling_rules import TellingRules
from encompass.store import exclusion, force, notification, part, placement
from encompass.store.exclusion import ToReroute
from encompass.store.sealed import KeyRing

SOURCE = "take_answers"


def take_answers(engine: Engine, ring: KeyRing, rules: TellingRules, run: Run) -> Failed:
    """Put each child whom a school does not know before a person, and tell another Key Adult where one stood back.

    Only the duty to that school ends; another school's stays. Each answer is taken up by itself: one that fails holds
    up no other and stands as an alarm, and the caller goes on with its own work before it raises the surprises.
    """
    with engine.begin() as connection:
        returned = part.returned(connection, run.force_id)
        stood_back = exclusion.to_reroute(connection, run.force_id)

    def one_returned(of: tuple[UUID, UUID, UUID]) -> None:
        notification_id, duty_id, involvement_id = of
        with engine.begin() as connection:
            told = notification.whole(connection, ring, run.force_id, notification_id)
            assert told is not None
            part.end(connection, run, told, duty_id, PartEnd.NOT_OURS)
            placement.withdraw_duty(connection, run, duty_id)
            placement.reopen(connection, run, involvement_id, ReviewReason.NOT_OUR_PUPIL)

    def one_stood_back(one: ToReroute) -> None:
        with engine.begin() as connection:
            if one.status is NotificationStatus.RELEASED:
                to = (connection, ring, rules, run, one.to)
                nudge_recipient(*to, [one.notification_id], Rung.REROUTE)
            exclusion.set_rerouted(connection, run, one.notification_id)

    failed = each(returned, one_returned)
    failed.add(each(stood_back, one_stood_back))
    with engine.begin() as connection:
        force.set_alarms(connection, run, SOURCE, {"answer_not_taken": failed.is_any})
    return failed
