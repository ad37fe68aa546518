"""A school opens on a day that was to be closed, or earlier than it did: what is owed to it is due earlier too."""

from __future__ import annotations

from sqlalchemy import Engine

from encompass.domain.recipient import AtSchool
from encompass.domain.run import Run
from encompass.pipeline.match_children import DutyRules, timetable_of
from encompass.pipeline.one_by_one import Failed, each
from encompass.store import duty
from encompass.store.duty import WaitingDuty


def bring_forward(engine: Engine, rules: DutyRules, run: Run) -> Failed:
    """Move the bell of each duty that nobody has acknowledged to the earlier one that its school now has.

    Measured from when the duty was opened, which is after the incident: so never to a bell before the incident's own.
    No duty moves later: a day entered as closed afterwards, or by mistake, delays nobody's call. One that fails holds
    up no other; the caller goes on with its own work before it raises the surprises.
    """
    with engine.begin() as connection:
        timetable = timetable_of(connection, rules, run.force_id)
        waiting = duty.waiting(connection, run)

    def move(one: WaitingDuty) -> None:
        now = timetable.duty(AtSchool(one.urn), one.opened_at)
        if run.as_of < now.duty_by < one.duty_by:
            with engine.begin() as connection:
                duty.bring_forward(connection, run, one.duty_id, now.duty_by, min(one.act_by, now.act_by))

    return each(waiting, move)
