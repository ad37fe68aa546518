"""One child, one school, one step that fails holds up none of the others, and is never forgotten."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import text

from encompass.domain.report_export import account_table
from encompass.pipeline import match_children, prepare_notifications
from encompass.store.database import Role
from encompass.wiring import Encompass
from tests.cluster import Cluster


def received(encompass: Encompass, cluster: Cluster):
    run = cluster.run(encompass)
    encompass.receive_incidents(run)
    return run


def test_a_child_whose_record_does_not_open_is_an_alarm_and_the_others_are_told(
    rolled: Encompass, cluster: Cluster
) -> None:
    """An only child: a sibling's message could not be checked for a name that nobody can read, and would wait too."""
    run = received(rolled, cluster)
    with rolled.database.engine(Role.OWNER).begin() as connection:
        broken = connection.execute(
            text(
                "UPDATE encompass.involvement SET sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1) "
                "WHERE involvement_id = (SELECT max(involvement_id::text) FROM encompass.involvement GROUP BY incident_id "
                "HAVING count(*) = 1 ORDER BY 1 LIMIT 1)::uuid RETURNING 1"
            )
        )
        assert broken.rowcount == 1
    rolled.match_children(run)
    rolled.prepare_notifications(run)
    account = rolled.account(run)
    table = account_table(account)
    assert account.alarms == ("child_unreadable: match_children",)
    assert account.balanced is False
    accounted = sum(
        table["duties"][b] for b in ("excluded", "escalated", "with_a_person", "overdue", "awaiting")
    )
    assert accounted == table["duties"]["total"] - 1
    assert table["involvements"]["total"] == 10


def test_a_surprise_at_one_child_fails_the_step_after_the_others(
    rolled: Encompass, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = received(rolled, cluster)
    decide, together, failing = match_children.find_pupils, [], []

    def one_fails(rolls, sought, parameters):
        if len(sought) > 1:
            together.append(len(sought))
            raise ZeroDivisionError
        failing.append(sought[0].key) if not failing else None
        if sought and sought[0].key == failing[0]:
            raise ZeroDivisionError
        return decide(rolls, sought, parameters)

    monkeypatch.setattr(match_children, "find_pupils", one_fails)
    with pytest.raises(ExceptionGroup) as failed:
        rolled.match_children(run)
    assert [type(e) for e in failed.value.exceptions] == [ZeroDivisionError]
    with rolled.database.engine(Role.OWNER).begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM encompass.placement")).scalar_one() == 9
    assert together
    monkeypatch.undo()
    assert rolled.match_children(run) == 1
    rolled.prepare_notifications(run)
    assert rolled.account(run).balanced is True


def test_a_surprise_at_one_school_fails_the_step_after_the_others(
    rolled: Encompass, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = received(rolled, cluster)
    rolled.match_children(run)
    write, calls = prepare_notifications._write, []

    def first_fails(*arguments):
        calls.append(1)
        if len(calls) == 1:
            raise ZeroDivisionError
        return write(*arguments)

    monkeypatch.setattr(prepare_notifications, "_write", first_fails)
    with pytest.raises(ExceptionGroup):
        rolled.prepare_notifications(run)
    untold = rolled.account(run)
    assert untold.balanced is False
    assert rolled.prepare_notifications(run) >= 1
    assert rolled.account(run).balanced is True


def test_a_calendar_without_an_open_day_is_an_alarm_and_schools_are_told_all_the_same(
    rolled: Encompass, cluster: Cluster
) -> None:
    run = received(rolled, cluster)
    with rolled.database.engine(Role.OWNER).begin() as connection:
        for n in range(200):
            connection.execute(
                text(
                    "INSERT INTO encompass.calendar_day VALUES ('riverbend', 'national', 'default', '', :day, 'closed', 'wrong') ON CONFLICT DO NOTHING"
                ),
                {"day": date(2026, 3, 1) + timedelta(days=n)},
            )
    rolled.match_children(run)
    assert rolled.prepare_notifications(run) > 0
    account = rolled.account(run)
    assert account.alarms == ("calendar_wrong: match_children",)
    assert account.balanced is True
    with rolled.database.engine(Role.OWNER).begin() as connection:
        bells = set(connection.execute(text("SELECT DISTINCT duty_by::date FROM encompass.duty")).scalars())
    assert bells == {cluster.world.night}


def test_a_child_corrected_before_the_school_was_told_is_with_a_person(
    rolled: Encompass, cluster: Cluster
) -> None:
    """Matched, then corrected so that no pupil agrees: the duty that nobody will tell of does not vanish."""
    run = received(rolled, cluster)
    rolled.match_children(run)
    records = cluster.world.incidents.records
    placed = next(
        e
        for e in cluster.world.expected()
        if e["placement"] == "placed" and len(e["urns"]) == 1 and not e["held"]
    )
    position, record = next(
        (n, r) for n, r in enumerate(records) if r["incident_reference"] == placed["incident_reference"]
    )
    children = [
        {**c, "forename": "Zzyzx"} if c["person_id"] == placed["person_id"] else c for c in record["children"]
    ]
    later = run.as_of + timedelta(minutes=10)
    records[position] = {
        **record,
        "updated_at": (run.as_of + timedelta(minutes=5)).isoformat(),
        "children": children,
    }
    try:
        second = rolled.open_run(run.force_id, run.night, later)
        rolled.receive_incidents(second)
        rolled.match_children(second)
        rolled.prepare_notifications(second)
    finally:
        records[position] = record
    account = rolled.account(second)
    assert account.balanced is True
    assert account_table(account)["duties"]["with_a_person"] == 4
