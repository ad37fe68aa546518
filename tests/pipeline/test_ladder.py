"""The ladder climbed on the small night: each step once, by a person where it must be, until somebody acknowledges."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from encompass.domain.nudge import Channel
from encompass.pipeline.chase_acknowledgements import chase_acknowledgements
from encompass.store.database import Role
from encompass.wiring import Encompass
from tests.cluster import FORCE, Cluster
from tests.pipeline.told import Told


def rows(encompass: Encompass, query: str, **values: object) -> list[Any]:
    with encompass.database.engine(Role.OWNER).begin() as connection:
        return list(connection.execute(text(query), values).all())


def change(encompass: Encompass, statement: str, **values: object) -> None:
    with encompass.database.engine(Role.OWNER).begin() as connection:
        connection.execute(text(statement), values)


def chase(encompass: Encompass, cluster: Cluster, at: datetime | time) -> int:
    instant = cluster.at(at) if isinstance(at, time) else at
    return encompass.chase_acknowledgements(encompass.open_run(FORCE, cluster.world.night, instant))


def steps(encompass: Encompass) -> dict[str, int]:
    found = rows(encompass, "SELECT step, count(*) FROM encompass.ladder_step GROUP BY step")
    return dict(tuple(r) for r in found)


def with_ladder(encompass: Encompass, **changes: Any) -> Encompass:
    force = encompass.settings.forces[FORCE]
    force = force.model_copy(update={"ladder": force.ladder.model_copy(update=changes)})
    return replace(encompass, settings=encompass.settings.model_copy(update={"forces": {FORCE: force}}))


@pytest.fixture
def told(cluster: Cluster) -> int:
    """How many duties of the small night a school has been told of."""
    return sum(len(e["urns"]) for e in cluster.world.expected() if not e["held"])


def test_a_morning_on_which_nobody_answers(played: Encompass, cluster: Cluster, told: int) -> None:
    seen = []
    for at in (time(7, 59), time(8, 0), time(8, 0), time(8, 15), time(8, 44), time(8, 46), time(9, 16)):
        opened = chase(played, cluster, at)
        seen.append((at.strftime("%H:%M"), opened, steps(played)))
    held = sum(e["held"] for e in cluster.world.expected())
    nudged = {"second_channel": told}
    called = {**nudged, "telephone": told}
    missed = {**called, "missed": told + held, "head": told}
    assert seen == [
        ("07:59", 0, {}),
        ("08:00", 0, nudged),
        ("08:00", 0, nudged),
        ("08:15", told, called),
        ("08:44", 0, called),
        ("08:46", told, missed),
        ("09:16", told, {**missed, "la": told}),
    ]
    kinds = rows(played, "SELECT called, count(*) FROM encompass.phone_task GROUP BY called ORDER BY called")
    assert [tuple(r) for r in kinds] == [("head", told), ("key_adult", told), ("la", told)]
    second = rows(played, "SELECT count(*) FROM encompass.nudge_notification WHERE rung = 'second'")
    first = rows(played, "SELECT count(*) FROM encompass.nudge_notification WHERE rung = 'first'")
    assert second == first
    account = played.account(cluster.run(played, time(9, 16)))
    assert account.balanced is True
    assert account.duties.buckets["escalated"] == told
    events = rows(played, "SELECT count(*) FROM encompass.audit_event WHERE action = 'ladder_step_taken'")
    assert events[0][0] == sum(steps(played).values())


def test_who_acknowledges_at_any_rung_climbs_no_further(played: Encompass, cluster: Cluster) -> None:
    released = rows(
        played, "SELECT notification_id, urn FROM encompass.notification WHERE status = 'released' ORDER BY 1"
    )
    rungs = [time(7, 40), time(8, 5), time(8, 20), time(8, 50)]
    school = Told(played, cluster)
    for at, (notification_id, urn) in zip(rungs, released, strict=False):
        chase(played, cluster, at)
        school.acknowledge(urn, notification_id, at)
    for later in (time(8, 0), time(8, 15), time(8, 50), time(9, 20), time(12, 0)):
        chase(played, cluster, later)
    taken = [
        [s for (s,) in rows(played, f"SELECT s.step FROM encompass.ladder_step AS s JOIN encompass.notification_part AS p USING (duty_id) WHERE p.notification_id = '{n}' ORDER BY s.taken_at, s.step")]
        for n, _ in released[: len(rungs)]
    ]  # fmt: skip
    assert taken == [
        [],
        ["second_channel"],
        ["second_channel", "telephone"],
        ["second_channel", "telephone", "head", "missed"],
    ]
    open_tasks = "SELECT count(*) FROM encompass.phone_task WHERE withdrawn_at IS NULL AND notification_id IN ('{}', '{}', '{}', '{}')"
    assert rows(played, open_tasks.format(*(n for n, _ in released[: len(rungs)]))) == [(0,)]


def test_what_no_provider_took_by_half_past_seven_is_an_alarm(
    played: Encompass, cluster: Cluster, told: int
) -> None:
    change(played, "UPDATE encompass.nudge SET status = 'failed'")
    chase(played, cluster, time(7, 29))
    assert steps(played) == {}
    chase(played, cluster, time(7, 30))
    assert steps(played) == {"not_accepted": told}
    run = cluster.run(played, time(7, 30))
    assert "nudges_not_accepted: ladder" in played.account(run).alarms
    change(played, "UPDATE encompass.nudge SET status = 'accepted'")
    chase(played, cluster, time(7, 40))
    assert played.account(cluster.run(played, time(7, 40))).alarms == ()


def test_by_text_message_to_whom_that_can_reach(played: Encompass, cluster: Cluster) -> None:
    told = {u for e in cluster.world.expected() if not e["held"] for u in e["urns"]}
    people = [p for p in cluster.world.people if p.urn in told]
    mobile = [p for p in people if p.phone.replace(" ", "").startswith("07")]
    rules = replace(played.ladder_rules(FORCE), channels=frozenset({Channel.EMAIL, Channel.SMS}))
    run = cluster.run(played, time(8, 0))
    chase_acknowledgements(played.database.engine(Role.PIPELINE), played.ring, rules, run)
    found = rows(
        played,
        "SELECT channel, count(DISTINCT key_adult_id) FROM encompass.nudge WHERE rung = 'second' GROUP BY channel",
    )
    expected = {"sms": len(mobile), "email": len(people) - len(mobile)}
    assert dict(tuple(r) for r in found) == {channel: n for channel, n in expected.items() if n}


def test_the_lead_alone_and_the_deputy_after_a_set_time(rolled: Encompass, cluster: Cluster) -> None:
    own = with_ladder(rolled, deputy_at=time(6, 45))
    run = cluster.run(own)
    for step in (own.receive_incidents, own.match_children, own.prepare_notifications):
        step(run)
    roles = (
        "SELECT k.role, count(DISTINCT l.key_adult_id) FROM encompass.nudge_notification AS l "
        "JOIN encompass.key_adult AS k ON k.key_adult_id = l.key_adult_id GROUP BY k.role ORDER BY k.role"
    )
    before = dict(tuple(r) for r in rows(own, roles))
    assert set(before) == {"dsl"}
    chase(own, cluster, time(6, 44))
    assert dict(tuple(r) for r in rows(own, roles)) == before
    chase(own, cluster, time(6, 45))
    assert dict(tuple(r) for r in rows(own, roles)) == {**before, "deputy": before["dsl"]}
    empty = "SELECT count(*) FROM encompass.nudge AS u WHERE NOT EXISTS (SELECT 1 FROM encompass.nudge_notification AS l WHERE l.nudge_id = u.nudge_id)"
    assert rows(own, empty) == [(0,)]


def test_an_unplaced_child_past_the_bell_is_an_exception_until_placed_or_closed(
    played: Encompass, cluster: Cluster, told: int
) -> None:
    chase(played, cluster, time(8, 40))
    assert rows(played, "SELECT 1 FROM encompass.duty_exception") == []
    chase(played, cluster, time(8, 50))
    waiting = sum(e["placement"] in ("in_review", "not_found") for e in cluster.world.expected())
    held = sum(e["held"] for e in cluster.world.expected())
    found = rows(played, "SELECT reason, count(*) FROM encompass.duty_exception GROUP BY reason")
    assert dict(tuple(r) for r in found) == {"not_placed": waiting, "held": held, "unacknowledged": told}
    change(
        played,
        "UPDATE encompass.placement SET status = 'excluded', reason = 'adult' WHERE status IN ('in_review', 'not_found')",
    )
    chase(played, cluster, time(8, 55))
    closed = rows(
        played, "SELECT reason, closed_by FROM encompass.duty_exception WHERE closed_at IS NOT NULL"
    )
    assert [tuple(r) for r in closed] == [("not_placed", "pipeline")] * waiting
    change(
        played,
        "UPDATE encompass.placement SET status = 'in_review', reason = 'corrected' WHERE status = 'excluded' AND involvement_id IN (SELECT involvement_id FROM encompass.duty_exception)",
    )
    chase(played, cluster, time(9, 0))
    assert rows(played, "SELECT 1 FROM encompass.duty_exception WHERE closed_at IS NOT NULL") == []


def test_every_missed_duty_stands_in_the_report_as_of_each_instant(
    played: Encompass, cluster: Cluster, told: int
) -> None:
    chase(played, cluster, time(8, 50))
    before = played.report(cluster.run(played, time(8, 30)))
    after = played.report(cluster.run(played, time(12, 0)))
    assert before.exceptions == ()
    assert len(after.exceptions) == len(cluster.world.expected()) - 1 + (told - sum(
        e["placement"] == "placed" and not e["held"] for e in cluster.world.expected()
    ))  # fmt: skip
    next_week = played.open_run(FORCE, cluster.world.night, cluster.at(time(12)) + timedelta(days=7))
    assert played.report(next_week).exceptions == after.exceptions


def test_a_school_may_not_read_the_ladder(played: Encompass) -> None:
    for table in ("ladder_step", "duty_exception", "phone_call", "sending_freeze"):
        with pytest.raises(Exception, match="permission denied"):
            with played.database.engine(Role.SCHOOL).begin() as connection:
                connection.execute(text(f"SELECT * FROM encompass.{table}"))
