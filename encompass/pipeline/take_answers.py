"""Take up what schools answered on their pages: not our pupil, and I should not see this."""

from __future__ import annotations

from sqlalchemy import Engine

from encompass.domain.notification import NotificationStatus, PartEnd
from encompass.domain.nudge import Rung
from encompass.domain.placement import ReviewReason
from encompass.domain.run import Run
from encompass.pipeline.prepare_notifications import nudge_recipient
from encompass.pipeline.telling_rules import TellingRules
from encompass.store import exclusion, notification, part, placement
from encompass.store.sealed import KeyRing


def take_answers(engine: Engine, ring: KeyRing, rules: TellingRules, run: Run) -> int:
    """Put each child whom a school does not know before a person, and tell another Key Adult where one stood back.

    Only the duty to that school ends; another school's stays. How many answers were taken up.
    """
    with engine.begin() as connection:
        returned = part.returned(connection, run.force_id)
        for notification_id, duty_id, involvement_id in returned:
            told = notification.whole(connection, ring, run.force_id, notification_id)
            assert told is not None
            part.end(connection, run, told, duty_id, PartEnd.NOT_OURS)
            placement.withdraw_duty(connection, run, duty_id)
            placement.reopen(connection, run, involvement_id, ReviewReason.NOT_OUR_PUPIL)
        stood_back = exclusion.to_reroute(connection, run.force_id)
        for one in stood_back:
            if one.status is NotificationStatus.RELEASED:
                to = (connection, ring, rules, run, one.to)
                nudge_recipient(*to, [one.notification_id], Rung.REROUTE)
            exclusion.set_rerouted(connection, run, one.notification_id)
    return len(returned) + len(stood_back)
