"""Mornings that go otherwise: business time moved through weekends, holidays, clock changes and an outage."""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from encompass.domain.notification import Called, CallOutcome
from encompass.gateways.dropped_files import DroppedFiles, LocalFolder
from encompass.pipeline.make_calls import CannotRecord, call_sheet, list_calls, record_call, with_people
from encompass.pipeline.receive_incidents import FeedRules, receive_incidents
from encompass.store.database import Role
from encompass.wiring import Encompass
from tests.cluster import FORCE, Cluster
from tests.pipeline.test_ladder import change, rows, steps

LONDON = ZoneInfo("Europe/London")
Tell = Callable[[str, str], Encompass]


def at(instant: str) -> datetime:
    return datetime.fromisoformat(instant).replace(tzinfo=LONDON)


@pytest.fixture
def tell(rolled: Encompass, cluster: Cluster) -> Generator[Tell]:
    """Tells a school of one child of an incident that occurred at one instant and reached us at another."""
    records = cluster.world.incidents.records
    wanted = next(
        e for e in cluster.world.expected()
        if e["kind"] == "on_roll" and e["placement"] == "placed" and not e["held"] and len(e["urns"]) == 1
    )  # fmt: skip
    source = next(r for r in records if r["incident_reference"] == wanted["incident_reference"])
    children = [c for c in source["children"] if c["person_id"] == wanted["person_id"]]
    kept = list(records)

    def told(occurred: str, reached_us: str) -> Encompass:
        before, now = at(occurred), at(reached_us)
        event = {**source["event"], "occurred_from": before.isoformat(), "occurred_to": None}
        updated = max(before, now - timedelta(minutes=1)).isoformat()
        records[:] = [
            {**source, "children": children, "event": event, "recorded_at": updated, "updated_at": updated}
        ]
        run = rolled.open_run(FORCE, now.date(), now)
        rolled.refresh_rolls(run)
        for step in (rolled.receive_incidents, rolled.match_children, rolled.prepare_notifications):
            step(run)
        assert rows(rolled, "SELECT status FROM encompass.notification") == [("released",)]
        return rolled

    yield told
    records[:] = kept


def chase(encompass: Encompass, instant: str) -> int:
    now = at(instant)
    return encompass.chase_acknowledgements(encompass.open_run(FORCE, now.date(), now))


def lead(encompass: Encompass) -> str:
    ((urn,),) = rows(encompass, "SELECT urn FROM encompass.notification")
    return f"KA-{urn}-dsl"


def notification(encompass: Encompass) -> Any:
    ((notification_id,),) = rows(encompass, "SELECT notification_id FROM encompass.notification")
    return notification_id


def call(
    encompass: Encompass, when: str, recorded: str, outcome: CallOutcome = CallOutcome.ACKNOWLEDGED
) -> None:
    engine = encompass.database.engine(Role.PIPELINE)
    record_call(
        engine, encompass.ring, FORCE, notification(encompass), outcome,
        by="PC 1234", spoke_to=lead(encompass), at=at(when), now=at(recorded),
    )  # fmt: skip


def tasks(encompass: Encompass) -> list[tuple[str, str]]:
    found = rows(
        encompass,
        "SELECT called, reason FROM encompass.phone_task WHERE withdrawn_at IS NULL ORDER BY opened_at, called",
    )
    return [tuple(r) for r in found]


def test_an_incident_at_half_past_five_is_told_and_chased_the_same_morning(tell: Tell) -> None:
    encompass = tell("2026-03-17T05:30", "2026-03-17T05:45")
    assert chase(encompass, "2026-03-17T08:14") == 0
    assert chase(encompass, "2026-03-17T08:15") == 1
    assert tasks(encompass) == [("key_adult", "unacknowledged")]


def test_an_incident_in_school_hours_is_told_at_once_and_somebody_telephones(tell: Tell) -> None:
    encompass = tell("2026-03-17T10:00", "2026-03-17T10:15")
    ((duty_by,),) = rows(encompass, "SELECT duty_by FROM encompass.duty")
    assert duty_by.astimezone(LONDON).date().isoformat() == "2026-03-18"
    assert chase(encompass, "2026-03-17T10:15") == 1
    assert tasks(encompass) == [("key_adult", "in_school_hours")]


def test_a_record_that_reaches_us_after_the_bell_is_late_telephoned_at_once_and_missed(tell: Tell) -> None:
    encompass = tell("2026-03-17T03:00", "2026-03-17T09:00")
    assert chase(encompass, "2026-03-17T09:00") == 1
    assert tasks(encompass) == [("key_adult", "told_late")]
    assert rows(encompass, "SELECT reason FROM encompass.duty_exception") == [("told_late",)]


def test_good_friday(tell: Tell) -> None:
    """Told at once, telephoned on the second day, reminded before the first day back, on summer time by then."""
    encompass = tell("2026-04-03T02:00", "2026-04-03T05:45")
    ((duty_by,),) = rows(encompass, "SELECT duty_by FROM encompass.duty")
    first_day_back = duty_by.astimezone(LONDON).date()
    assert first_day_back.isoformat() > "2026-04-06"
    assert chase(encompass, "2026-04-05T08:14") == 0
    assert chase(encompass, "2026-04-05T08:15") == 1
    morning = f"{first_day_back}T07:00"
    chase(encompass, f"{first_day_back}T06:59")
    reminders = "SELECT count(*) FROM encompass.nudge WHERE rung = 'reminder'"
    assert rows(encompass, reminders) == [(0,)]
    for _ in range(2):
        chase(encompass, morning)
    assert rows(encompass, reminders) == [(2,)]
    assert "missed" not in steps(encompass)


@pytest.mark.parametrize(("sunday", "monday"), [("2026-03-29", "2026-03-30"), ("2026-10-25", "2026-10-26")])
def test_the_nights_on_which_the_clocks_change(tell: Tell, sunday: str, monday: str) -> None:
    encompass = tell(f"{sunday}T00:30", f"{sunday}T05:45")
    ((duty_by, act_by),) = rows(encompass, "SELECT duty_by, act_by FROM encompass.duty")
    assert duty_by.astimezone(LONDON).date().isoformat() == monday
    assert act_by == at(f"{monday}T08:15")
    assert chase(encompass, f"{monday}T08:14") == 0
    assert chase(encompass, f"{monday}T08:15") == 1
    assert steps(encompass)["reminder"] == 1


def test_a_school_shut_in_between_is_chased_and_missed_by_its_own_bell_only(
    tell: Tell, cluster: Cluster
) -> None:
    shut = "INSERT INTO encompass.calendar_day VALUES (:f, 'test', 'default', '', '2026-03-18', 'closed', 'training', NULL)"
    encompass = tell("2026-03-16T23:30", "2026-03-17T05:45")
    change(encompass, shut, f=FORCE)  # known too late to move the duty: chased all the same, never dropped
    assert chase(encompass, "2026-03-17T08:15") == 1


def test_a_school_that_closes_for_good_in_between_is_chased_all_the_same(tell: Tell) -> None:
    encompass = tell("2026-03-17T02:00", "2026-03-17T05:45")
    change(
        encompass,
        "UPDATE encompass.school SET status_code = 2 WHERE urn IN (SELECT urn FROM encompass.notification)",
    )
    assert chase(encompass, "2026-03-17T08:15") == 1
    assert chase(encompass, "2026-03-17T08:46") == 1
    (task, *_) = list_calls(encompass.database.engine(Role.PIPELINE), FORCE)
    assert task.notification_id == notification(encompass)
    assert rows(encompass, "SELECT count(*) FROM encompass.duty_exception") == [(1,)]


def test_the_summer_holiday(rolled: Encompass, tell: Tell) -> None:
    """Six weeks: told at once, telephoned within two days, delivered is not acknowledged, reminded on the first day back."""
    shut = (
        "INSERT INTO encompass.calendar_day SELECT :f, 'test', 'default', '', d, 'closed', 'summer', NULL "
        "FROM generate_series(CAST('2026-07-22' AS date), CAST('2026-09-01' AS date), interval '1 day') AS d"
    )
    change(rolled, shut, f=FORCE)
    encompass = tell("2026-07-25T01:00", "2026-07-25T05:45")
    ((duty_by, act_by),) = rows(encompass, "SELECT duty_by, act_by FROM encompass.duty")
    assert duty_by.astimezone(LONDON).isoformat()[:16] == "2026-09-02T08:45"
    assert act_by == at("2026-07-27T08:15")
    change(encompass, "UPDATE encompass.nudge SET status = 'delivered'")
    assert chase(encompass, act_by.astimezone(LONDON).isoformat()[:16]) == 1
    for day in ("2026-07-28", "2026-08-15", "2026-08-31"):
        assert chase(encompass, f"{day}T09:00") == 0
    assert "missed" not in steps(encompass)
    chase(encompass, "2026-09-02T07:00")
    assert steps(encompass)["reminder"] == 1
    assert tasks(encompass) == [("key_adult", "unacknowledged")]
    chase(encompass, "2026-09-02T08:46")
    assert rows(encompass, "SELECT reason FROM encompass.duty_exception") == [("unacknowledged",)]


def test_acknowledged_by_telephone_while_nudges_failed(tell: Tell) -> None:
    encompass = tell("2026-03-17T02:00", "2026-03-17T05:45")
    change(encompass, "UPDATE encompass.nudge SET status = 'failed'")
    assert chase(encompass, "2026-03-17T08:15") == 1
    call(encompass, "2026-03-17T08:16", "2026-03-17T08:17", CallOutcome.NO_ANSWER)
    assert tasks(encompass) == [("key_adult", "unacknowledged")]
    call(encompass, "2026-03-17T08:20", "2026-03-17T08:21")
    assert tasks(encompass) == []
    found = rows(encompass, "SELECT channel, acknowledged_at FROM encompass.acknowledgement")
    assert [tuple(r) for r in found] == [("telephone", at("2026-03-17T08:20"))]
    outcomes = rows(encompass, "SELECT outcome FROM encompass.phone_call ORDER BY called_at")
    assert outcomes == [("no_answer",), ("acknowledged",)]
    chase(encompass, "2026-03-17T12:00")
    assert "missed" not in steps(encompass)
    account = encompass.account(
        encompass.open_run(FORCE, at("2026-03-17T12:00").date(), at("2026-03-17T12:00"))
    )
    assert (account.balanced, account.duties.buckets["acknowledged"]) == (True, 1)


def test_acknowledged_by_telephone_while_everything_was_down(tell: Tell) -> None:
    """The feed was read at eleven; somebody had telephoned at ten to eight, from the list on paper."""
    encompass = tell("2026-03-17T02:00", "2026-03-17T11:00")
    chase(encompass, "2026-03-17T11:00")
    call(encompass, "2026-03-17T07:50", "2026-03-17T11:05")
    found = rows(
        encompass,
        "SELECT happened_at, details ->> 'recorded_as_of' FROM encompass.audit_event "
        "WHERE action = 'notification_acknowledged_by_telephone'",
    )
    assert [(r[0], datetime.fromisoformat(r[1])) for r in found] == [
        (at("2026-03-17T07:50"), at("2026-03-17T11:05"))
    ]
    run = encompass.open_run(FORCE, at("2026-03-17T12:00").date(), at("2026-03-17T12:00"))
    report = encompass.report(run)
    assert (report.on_time, report.late) == (1, 0)
    assert [e.reason for e in report.exceptions] == ["told_late"]  # a person looks at it, and closes it


IMPOSSIBLE = [
    ("2026-03-17T08:31", "lead", "future"),
    ("2026-03-17T01:59", "lead", "before the incident"),
    ("2026-03-17T08:20", "somebody", "no Key Adult there"),
    ("2026-03-17T08:20", None, "say which Key Adult"),
]


def test_a_call_that_cannot_have_been_so_is_refused(tell: Tell) -> None:
    encompass = tell("2026-03-17T02:00", "2026-03-17T05:45")
    for when, who, why in IMPOSSIBLE:
        spoke_to = lead(encompass) if who == "lead" else who
        with pytest.raises(CannotRecord, match=why):
            record_call(
                encompass.database.engine(Role.PIPELINE), encompass.ring, FORCE, notification(encompass),
                CallOutcome.ACKNOWLEDGED, by="PC 1234", spoke_to=spoke_to, at=at(when),
                now=at("2026-03-17T08:30"),
            )  # fmt: skip
    assert rows(encompass, "SELECT 1 FROM encompass.acknowledgement") == []
    assert rows(encompass, "SELECT 1 FROM encompass.phone_call") == []


def test_the_sheet_names_no_child_unless_asked_and_the_look_is_audited(tell: Tell) -> None:
    encompass = tell("2026-03-17T02:00", "2026-03-17T05:45")
    engine = encompass.database.engine(Role.PIPELINE)
    assert call_sheet(engine, FORCE, {}) == []
    chase(encompass, "2026-03-17T09:20")
    calls = call_sheet(engine, FORCE, {})
    assert {c.called for c in calls} == {Called.HEAD, Called.KEY_ADULT, Called.LA}
    assert {c.children for c in calls} == {()}
    assert [c.number for c in calls if c.called is Called.LA] == [None]
    (task,) = [t for t in list_calls(engine, FORCE) if t.called is Called.LA]
    numbered = call_sheet(engine, FORCE, {task.la_code or "": "020 7946 0000"})
    assert [c.number for c in numbered if c.called is Called.LA] == ["020 7946 0000"]
    (named, *_) = with_people(engine, encompass.ring, FORCE, calls, at("2026-03-17T09:21"))
    assert named.children and named.key_adults
    looked = rows(encompass, "SELECT count(*) FROM encompass.audit_event WHERE action = 'call_sheet_opened'")
    assert looked == [(3,)]


def test_a_run_of_the_day_that_finds_no_other_file_is_no_alarm_and_one_of_a_silent_night_is(
    played: Encompass, rolled: Encompass, cluster: Cluster, tmp_path: Path
) -> None:
    nothing = DroppedFiles(LocalFolder(tmp_path), None)
    rules = FeedRules("folder", timedelta(hours=2), timedelta(hours=48), 1, timedelta(hours=24))
    for encompass, expected in ((played, []), (rolled, ["feed_absent: police_feed"])):
        run = cluster.run(encompass, time(9, 15))
        engine = encompass.database.engine(Role.PIPELINE)
        assert receive_incidents(engine, encompass.ring, nothing, rules, run) == 0
        account = encompass.account(run)
        assert [a for a in account.alarms if a.startswith("feed")] == expected
        assert account.balanced is not bool(expected)
