"""A night of ten children through every step, against its known truth."""

from __future__ import annotations

from collections import Counter
from datetime import time, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from encompass.domain.report_export import account_json, account_table
from encompass.store.database import Role
from encompass.wiring import Encompass
from sandbox.mail import Mailbox
from tests.cluster import FORCE, Cluster


def outcomes(encompass: Encompass, cluster: Cluster):
    found = encompass.outcomes_of_night(FORCE, cluster.world.night)
    return {
        (o.incident.incident_reference, o.child.person_id): (o.status, o.reason, list(o.urns), o.held)
        for o in found
    }


def test_every_child_becomes_what_it_must(played: Encompass, cluster: Cluster) -> None:
    expected = {
        (e["incident_reference"], e["person_id"]): (e["placement"], e["reason"], e["urns"], e["held"])
        for e in cluster.world.expected()
    }
    assert len(expected) == 10
    assert outcomes(played, cluster) == expected


def test_a_school_is_told_by_mail_that_says_nothing_of_the_child(played: Encompass, cluster: Cluster) -> None:
    told = {u for e in cluster.world.expected() for u in e["urns"] if not e["held"]}
    reachable = {p.email for p in cluster.world.people if p.urn in told and p.mailbox == "accepts"}
    messages = Mailbox(cluster.var).messages()
    assert reachable <= {m["To"] for m in messages}
    names = {c["surname"].lower() for r in cluster.world.records for c in r["children"]}
    for message in messages:
        assert message["Subject"] == "You have a message waiting"
        assert not any(name in message.as_string().lower() for name in names)


def test_every_step_again_changes_nothing(played: Encompass, cluster: Cluster) -> None:
    run = cluster.run(played)
    before, mails = account_json(played.account(run)), len(Mailbox(cluster.var))
    counts = [
        played.receive_incidents(run) >= 0,
        played.match_children(run),
        played.prepare_notifications(run),
        played.send_notifications(run),
    ]
    assert counts[1:] == [0, 0, 0]
    assert account_json(played.account(run)) == before
    assert len(Mailbox(cluster.var)) == mails


def test_the_account_has_its_ledgers_and_balances(played: Encompass, cluster: Cluster) -> None:
    account = played.account(cluster.run(played))
    table = account_table(account)
    records = cluster.world.records
    children = sum(len(r["children"]) for r in records)
    assert table["manifest"]["announced"] == len(records) == 7
    assert table["manifest"]["accepted"] == 7
    assert table["involvements"]["total"] == children == 10
    assert table["involvements"]["excluded"] == {"adult": 1}
    assert table["balanced"] is True
    placements = Counter(e["placement"] for e in cluster.world.expected())
    duties = sum(max(len(e["urns"]), 1) for e in cluster.world.expected())
    assert table["duties"]["total"] == duties
    assert table["duties"]["excluded"] == placements["excluded"] == 1


def test_a_deleted_notification_unbalances_the_account(played: Encompass, cluster: Cluster) -> None:
    run = cluster.run(played)
    with played.database.engine(Role.OWNER).begin() as connection:
        deleted = connection.execute(
            text(
                "DELETE FROM encompass.notification WHERE notification_id = "
                "(SELECT min(notification_id::text)::uuid FROM encompass.notification WHERE status = 'released')"
            )
        )
    assert deleted.rowcount == 1
    account = played.account(run)
    assert account.balanced is False
    assert account.duties.balances is False
    played.reconcile_acknowledgements(run)
    assert any("account_unbalanced" in alarm for alarm in played.account(run).alarms)


def test_the_pipeline_may_not_delete_what_accounts_for_a_child(played: Encompass) -> None:
    for table in ("incident", "involvement", "placement", "duty", "notification", "audit_event"):
        with pytest.raises(Exception, match="permission denied"):
            with played.database.engine(Role.PIPELINE).begin() as connection:
                connection.execute(text(f"DELETE FROM encompass.{table}"))


def test_a_duty_is_told_once_whatever_the_code_does(played: Encompass) -> None:
    again = text(
        "INSERT INTO encompass.notification_part SELECT n.notification_id, p.duty_id, p.force_id, p.sealed, p.key_id "
        "FROM encompass.notification_part AS p, encompass.notification AS n WHERE n.notification_id <> p.notification_id LIMIT 1"
    )
    with pytest.raises(IntegrityError):
        with played.database.engine(Role.OWNER).begin() as connection:
            connection.execute(again)


def test_who_has_not_acknowledged_is_telephoned_after_the_chase_time(
    played: Encompass, cluster: Cluster
) -> None:
    early = cluster.run(played, time(8, 0))
    assert played.chase_acknowledgements(early) == 0
    late = cluster.run(played, time(8, 20))
    opened = played.chase_acknowledgements(late)
    assert opened == sum(len(e["urns"]) for e in cluster.world.expected() if not e["held"])
    assert played.chase_acknowledgements(late) == 0
    assert account_table(played.account(late))["duties"]["escalated"] == opened


def test_a_held_child_is_with_a_person_and_no_school_is_told(played: Encompass, cluster: Cluster) -> None:
    held = [e for e in cluster.world.expected() if e["held"]]
    assert len(held) == 1
    with played.database.engine(Role.OWNER).begin() as connection:
        row = connection.execute(
            text(
                "SELECT sealed_hold, hold_until, released_at FROM encompass.notification WHERE status = 'held'"
            )
        ).one()
        nudged = connection.execute(
            text(
                "SELECT count(*) FROM encompass.nudge_notification JOIN encompass.notification USING (notification_id) "
                "WHERE status = 'held'"
            )
        ).scalar_one()
    assert row.hold_until is not None
    assert b"inspector" not in bytes(row.sealed_hold)
    assert row.released_at is None
    assert nudged == 0


def test_an_account_is_of_its_instant(played: Encompass, cluster: Cluster) -> None:
    before_any_bell = cluster.run(played, time(6, 0))
    after = played.open_run(FORCE, cluster.world.night, before_any_bell.as_of + timedelta(hours=4))
    assert account_table(played.account(before_any_bell))["duties"]["overdue"] == 0
    assert account_table(played.account(after))["duties"]["overdue"] > 0


def test_a_later_incident_is_told_though_an_earlier_one_is_held(played: Encompass, cluster: Cluster) -> None:
    """A hold covers its own incident only: the same child's next incident reaches the school."""
    with played.database.engine(Role.OWNER).begin() as connection:
        before = connection.execute(
            text("SELECT recipient_id, pupil_id FROM encompass.notification WHERE status = 'held'")
        ).one()
    held = next(e for e in cluster.world.expected() if e["held"])
    records = cluster.world.incidents.records
    source = next(r for r in records if r["incident_reference"] == held["incident_reference"])
    child = next(c for c in source["children"] if c["person_id"] == held["person_id"])
    later = {
        **source,
        "incident_reference": "RVB/26/999999",
        "updated_at": cluster.at(time(5, 40)).isoformat(),
        "children": [{**child, "hold": None}],
    }
    records.append(later)
    try:
        run = cluster.run(played, time(5, 45))
        for step in (played.receive_incidents, played.match_children, played.prepare_notifications):
            step(run)
    finally:
        records.remove(later)
    with played.database.engine(Role.OWNER).begin() as connection:
        after = connection.execute(
            text(
                "SELECT status, count(*) AS n FROM encompass.notification "
                "WHERE recipient_id = :recipient_id AND pupil_id = :pupil_id GROUP BY status ORDER BY status"
            ),
            before._mapping,
        ).all()
    assert [tuple(r) for r in after] == [("held", 1), ("released", 1)]
    account = played.account(run)
    assert account.balanced is True
    assert account.alarms == ()
