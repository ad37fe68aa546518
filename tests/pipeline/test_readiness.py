"""Are we safe by the bell? The answer, the forecast and what to do, on the small night; and sending frozen."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest

from encompass.pipeline.freeze_sending import NothingToDo, freeze_sending, let_sending_go_on
from encompass.pipeline.read_readiness import read_readiness
from encompass.store.database import Role
from encompass.wiring import Encompass
from sandbox.mail import Mailbox
from tests.cluster import FORCE, Cluster
from tests.pipeline.test_ladder import change, chase, rows


def ready(encompass: Encompass, now: datetime):
    return read_readiness(encompass.database.engine(Role.PIPELINE), FORCE, now)


def test_a_force_without_any_night_is_not_safe(empty: Encompass, cluster: Cluster) -> None:
    found = ready(empty, cluster.at(time(6)))
    assert (found.is_safe, found.feed_arrived) == (False, False)
    assert found.to_do[0].command == "encompass receive"


def test_what_waits_the_forecast_and_what_to_do(played: Encompass, cluster: Cluster) -> None:
    told = sum(len(e["urns"]) for e in cluster.world.expected() if not e["held"])
    waiting = sum(e["placement"] in ("in_review", "not_found") for e in cluster.world.expected())
    held = sum(e["held"] for e in cluster.world.expected())
    before = ready(played, cluster.at(time(7, 45)))
    assert (before.is_safe, before.feed_arrived, before.minutes_left) == (False, True, 60)
    assert before.buckets["awaiting"] == told
    assert before.waiting_with["school"] == told
    assert before.left_at_bell == told + waiting + held
    assert [t.command for t in before.to_do] == ["encompass queue list"]
    acknowledge = (
        "WITH done AS (UPDATE encompass.notification SET status = 'acknowledged' WHERE status = 'released' RETURNING *) "
        "INSERT INTO encompass.acknowledgement (notification_id, force_id, key_adult_id, channel, acknowledged_at) "
        "SELECT n.notification_id, n.force_id, (SELECT min(k.key_adult_id::text)::uuid FROM encompass.key_adult AS k "
        "WHERE k.urn = n.urn), 'page', CAST(:at AS timestamptz) FROM done AS n"
    )
    change(
        played,
        "UPDATE encompass.placement SET status = 'excluded', reason = 'adult' WHERE status IN ('in_review', 'not_found')",
    )
    change(played, acknowledge, at=cluster.at(time(7, 30)))
    change(played, "UPDATE encompass.duty SET withdrawn_at = now() WHERE duty_id IN (SELECT p.duty_id FROM encompass.notification_part AS p JOIN encompass.notification AS n USING (notification_id) WHERE n.status = 'held')")  # fmt: skip
    after = ready(played, cluster.at(time(7, 45)))
    assert (after.is_safe, after.to_do, after.left_at_bell, after.acknowledged_lately) == (True, (), 0, told)
    tomorrow = ready(played, cluster.at(time(7, 45)) + timedelta(days=1))
    assert (tomorrow.is_safe, tomorrow.feed_arrived) == (False, False)


def test_the_pace_is_carried_on_to_the_bell(played: Encompass, cluster: Cluster) -> None:
    everybody = ready(played, cluster.at(time(7, 45))).left_at_bell
    change(
        played,
        "WITH one AS (UPDATE encompass.notification SET status = 'acknowledged' WHERE notification_id = (SELECT min(notification_id::text)::uuid FROM encompass.notification WHERE status = 'released') RETURNING *) "
        "INSERT INTO encompass.acknowledgement (notification_id, force_id, key_adult_id, channel, acknowledged_at) "
        "SELECT n.notification_id, n.force_id, (SELECT min(k.key_adult_id::text)::uuid FROM encompass.key_adult AS k WHERE k.urn = n.urn), 'page', CAST(:at AS timestamptz) FROM one AS n",
        at=cluster.at(time(7, 30)),
    )
    now = ready(played, cluster.at(time(7, 45)))
    assert now.acknowledged_lately >= 1
    assert now.left_at_bell == everybody - now.acknowledged_lately - 2 * now.acknowledged_lately


def test_calls_and_exceptions_are_things_to_do(played: Encompass, cluster: Cluster) -> None:
    chase(played, cluster, time(8, 50))
    found = ready(played, cluster.at(time(8, 50)))
    assert [t.command for t in found.to_do][-2:] == ["encompass calls sheet", "encompass exceptions"]
    assert found.is_safe is False


def prepared(encompass: Encompass, cluster: Cluster) -> None:
    run = cluster.run(encompass)
    for step in (encompass.receive_incidents, encompass.match_children, encompass.prepare_notifications):
        step(run)


def test_a_person_freezes_sending_and_nothing_leaves_until_it_is_lifted(
    rolled: Encompass, cluster: Cluster
) -> None:
    prepared(rolled, cluster)
    engine, ring, now = rolled.database.engine(Role.PIPELINE), rolled.ring, cluster.at(time(5, 40))
    freeze_sending(engine, ring, FORCE, "PC 1234", "restored from the backup of midnight", now)
    with pytest.raises(NothingToDo):
        freeze_sending(engine, ring, FORCE, "PC 1234", "again", now)
    mails = len(Mailbox(cluster.var))
    run = cluster.run(rolled, time(5, 45))
    assert rolled.send_notifications(run) == 0
    assert len(Mailbox(cluster.var)) == mails
    assert "sending_frozen: freeze" in rolled.account(run).alarms
    assert "encompass freeze off" in [t.command for t in ready(rolled, now).to_do]
    assert chase(rolled, cluster, time(8, 15)) > 0  # people telephone all the same
    let_sending_go_on(engine, ring, FORCE, "PC 1234", "compared: nothing had left", now)
    with pytest.raises(NothingToDo):
        let_sending_go_on(engine, ring, FORCE, "PC 1234", "again", now)
    assert rolled.send_notifications(cluster.run(rolled, time(8, 20))) > 0
    assert len(Mailbox(cluster.var)) > mails
    sealed = rows(rolled, "SELECT sealed_reason, sealed_lift_reason FROM encompass.sending_freeze")
    assert not any(b"midnight" in bytes(a) or b"nothing" in bytes(b) for a, b in sealed)
    events = rows(
        rolled, "SELECT action FROM encompass.audit_event WHERE subject_kind = 'freeze' ORDER BY event_id"
    )
    assert events == [("sending_frozen",), ("sending_unfrozen",)]


def test_nudges_left_from_before_a_long_gap_freeze_sending_by_themselves(
    rolled: Encompass, cluster: Cluster
) -> None:
    prepared(rolled, cluster)
    same_morning = cluster.run(rolled, time(5, 45))
    change(
        rolled,
        "UPDATE encompass.run SET opened_at = now() - interval '13 hours' WHERE run_id <> :r",
        r=same_morning.run_id,
    )
    assert rolled.send_notifications(same_morning) > 0  # a night's gap is none
    change(rolled, "UPDATE encompass.nudge SET status = 'queued'")
    change(rolled, "UPDATE encompass.run SET opened_at = now() - interval '15 hours'")
    later = cluster.run(rolled, time(9))
    assert rolled.send_notifications(later) == 0
    assert rows(rolled, "SELECT cause FROM encompass.sending_freeze") == [("outbox_behind",)]
    let_sending_go_on(
        rolled.database.engine(Role.PIPELINE), rolled.ring, FORCE, "PC 1234", "compared", later.as_of
    )
    assert rolled.send_notifications(later) > 0  # the same instant does not freeze what a person let go on
    assert rows(rolled, "SELECT 1 FROM encompass.sending_freeze WHERE lifted_at IS NULL") == []
