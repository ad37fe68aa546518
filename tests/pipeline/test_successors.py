"""A school that closed: its successor is told once confirmed; a split, or none, waits for a person."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from encompass.pipeline.change_contacts import By, CannotChange, confirm_school
from encompass.store.database import Role
from encompass.wiring import Encompass
from tests.cluster import FORCE, Cluster


def rows(encompass: Encompass, query: str, **values: object) -> list[Any]:
    with encompass.database.engine(Role.OWNER).begin() as connection:
        return list(connection.execute(text(query), values).all())


def closed(encompass: Encompass, cluster: Cluster, successors: int, status: int = 2) -> tuple[int, list[int]]:
    """A school of one placed child, closed with so many successors; it, and they."""
    one = next(e for e in cluster.world.expected() if e["placement"] == "placed" and len(e["urns"]) == 1)
    urn = one["urns"][0]
    others = [s for s in sorted(cluster.world.rolls.schools) if s != urn][:successors]
    with encompass.database.engine(Role.OWNER).begin() as connection:
        values = {"urn": urn, "status": status}
        connection.execute(text("UPDATE encompass.school SET status_code = :status WHERE urn = :urn"), values)
        for other in others:
            connection.execute(
                text(
                    "INSERT INTO encompass.school_link VALUES ('riverbend', :urn, :other, 'Successor', NULL)"
                ),
                {"urn": urn, "other": other},
            )
    return urn, others


def placed(encompass: Encompass, cluster: Cluster) -> tuple[set[int], set[str]]:
    """The schools owed a duty after matching, and why children are in review."""
    run = cluster.run(encompass)
    encompass.receive_incidents(run)
    encompass.match_children(run)
    owed = {
        r.urn
        for r in rows(
            encompass, "SELECT urn FROM encompass.duty JOIN encompass.recipient USING (recipient_id)"
        )
    }
    why = {
        r.reason for r in rows(encompass, "SELECT reason FROM encompass.placement WHERE status = 'in_review'")
    }
    return owed, why


def test_the_one_successor_is_told_once_its_contact_has_been_confirmed(
    rolled: Encompass, cluster: Cluster
) -> None:
    urn, (successor,) = closed(rolled, cluster, 1)
    owed, why = placed(rolled, cluster)
    assert urn not in owed
    assert successor not in owed
    assert "successor_unconfirmed" in why
    run, engine = cluster.run(rolled), rolled.database.engine(Role.PIPELINE)
    assert "successor_unconfirmed: match_children" in rolled.account(run).alarms
    by = By(FORCE, "PC 1234", run.as_of, rolled.ring)
    with pytest.raises(CannotChange, match="no open school that goes on"):
        confirm_school(engine, by, urn)
    assert confirm_school(engine, by, successor) >= 1
    owed, why = placed(rolled, cluster)
    assert successor in owed
    assert urn not in owed
    assert "successor_unconfirmed" not in why
    assert rolled.prepare_notifications(run) > 0
    account = rolled.account(run)
    assert account.balanced is True
    assert not any("successor" in alarm for alarm in account.alarms)


@pytest.mark.parametrize(
    ("successors", "status", "reason"), [(2, 2, "school_split"), (0, 2, "school_closed"), (1, 3, None)]
)
def test_a_split_or_vanished_school_is_a_persons_and_one_proposed_to_close_is_open(
    rolled: Encompass, cluster: Cluster, successors: int, status: int, reason: str | None
) -> None:
    urn, others = closed(rolled, cluster, successors, status)
    owed, why = placed(rolled, cluster)
    assert (urn in owed) is (reason is None)
    assert reason is None or reason in why
    assert not {"school_split", "school_closed", "successor_unconfirmed"} - {reason} & why
    assert rows(rolled, "SELECT count(*) FROM encompass.school_link")[0][0] == len(others)
