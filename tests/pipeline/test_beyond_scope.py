"""Children whom the statutory duty does not reach: with a person or excluded, never silently, and counted apart."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import text

from encompass.cli.queue import _row
from encompass.domain.report_export import account_table
from encompass.pipeline.review_children import list_queue
from encompass.store.database import Role
from encompass.wiring import Encompass
from tests.cluster import FORCE, Cluster


@contextmanager
def served(cluster: Cluster, *children: dict[str, Any]) -> Generator[None]:
    """One more incident in the feed, in which these children are named."""
    records = cluster.world.incidents.records
    source = next(r for r in records if r["status"] == "active" and r["domestic_abuse"])
    more = {**source, "incident_reference": "RVB/26/999990", "children": list(children)}
    records.append(more)
    try:
        yield
    finally:
        records.remove(more)


def on_roll(cluster: Cluster, person_id: str, **changes: Any) -> dict[str, Any]:
    """A child of the night who is placed at a school, named again under another person id."""
    placed = next(e for e in cluster.world.expected() if e["kind"] == "on_roll")
    records = cluster.world.incidents.records
    record = next(r for r in records if r["incident_reference"] == placed["incident_reference"])
    child = next(c for c in record["children"] if c["person_id"] == placed["person_id"])
    return {**child, "person_id": person_id, **changes}


def unknown(person_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "person_id": person_id, "forename": "Zzyzx", "middle_names": None, "surname": "Quillfeatherstone",
        "other_names": [], "date_of_birth": None, "sex": None, "address": None, "resides_in_force_area": True,
        "relationship": "sibling", "present": True, "present_where": None, "seen": None, "spoken_to": None,
        "spoken_to_by": None, "in_presence_of": None, "voice": None, "circumstances": None, "school_named": None,
        "hold": None, **changes,
    }  # fmt: skip


@pytest.mark.parametrize(("under_reception", "youngest"), [("exclude", "excluded"), ("person", "in_review")])
def test_each_is_with_a_person_or_excluded_with_a_reason_and_counted_apart(
    rolled: Encompass, cluster: Cluster, under_reception: str, youngest: str
) -> None:
    force = rolled.settings.forces[FORCE]
    profile = force.profile.model_copy(update={"under_reception": under_reception})
    forces = {**rolled.settings.forces, FORCE: force.model_copy(update={"profile": profile})}
    own = replace(rolled, settings=rolled.settings.model_copy(update={"forces": forces}))
    eighteen, nineteen, small = date(2008, 3, 1), date(2007, 3, 1), date(2023, 5, 1)
    scotland = {"address": "1 Plum Wynd", "town": "Plumburgh", "postcode": "EH1 1ZZ"}
    children = (
        unknown("E1", date_of_birth=eighteen.isoformat()),
        unknown("E2", date_of_birth=eighteen.isoformat(), school_named={"name": "Plum College", "urn": None}),
        unknown("E3", date_of_birth=nineteen.isoformat(), school_named={"name": "Plum College", "urn": None}),
        unknown("E4", date_of_birth=small.isoformat()),
        on_roll(cluster, "E5", address=scotland, resides_in_force_area=False),
        unknown("E6", relationship="none"),
    )
    run = cluster.run(own)
    with served(cluster, *children):
        own.receive_incidents(run)
    own.match_children(run)
    own.prepare_notifications(run)
    outcomes = own.outcomes_of_night(FORCE, run.night)
    became = {o.child.person_id: (o.status, o.reason, list(o.urns)) for o in outcomes}
    outside = ("in_review", "outside_england_and_wales", [])
    young = "under_reception_age" if youngest == "excluded" else "under_reception"
    assert {p: became[p] for p in ("E1", "E2", "E3", "E4", "E5", "E6")} == {
        "E1": ("excluded", "adult", []),
        "E2": ("in_review", "eighteen", []),
        "E3": ("excluded", "adult", []),
        "E4": (youngest, young, []),
        "E5": outside,
        "E6": ("excluded", "not_related", []),
    }
    account = own.account(run)
    involvements = account_table(account)["involvements"]
    beyond = {"eighteen": 1, "outside_england_and_wales": 1}
    assert involvements["beyond_scope"] == (
        beyond if youngest == "excluded" else beyond | {"under_reception": 1}
    )
    assert account.balanced is True
    listed = [_row(w) for w in list_queue(own.database.engine(Role.PIPELINE), FORCE)]
    said = {row["reason"]: row["why"] for row in listed}
    assert "duty ends at eighteen" in said["eighteen"]
    assert "outside England and Wales" in said["outside_england_and_wales"]
    assert ("under_reception" in said) is (youngest == "in_review")
    assert json.dumps(listed)


def test_it_stays_counted_apart_once_a_person_has_decided(rolled: Encompass, cluster: Cluster) -> None:
    scotland = {"address": "1 Plum Wynd", "town": "Plumburgh", "postcode": "EH1 1ZZ"}
    run = cluster.run(rolled)
    with served(cluster, on_roll(cluster, "E5", address=scotland)):
        rolled.receive_incidents(run)
    rolled.match_children(run)
    with rolled.database.engine(Role.OWNER).begin() as connection:
        decided = text(
            "UPDATE encompass.placement SET status = 'not_found', reason = NULL "
            "WHERE reason = 'outside_england_and_wales' RETURNING beyond_scope"
        )
        assert connection.execute(decided).scalars().all() == ["outside_england_and_wales"]
    assert rolled.account(run).involvements.beyond_scope == {"outside_england_and_wales": 1}
    assert rolled.account(run).involvements.balances is True
