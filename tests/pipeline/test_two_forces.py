"""Two forces in one installation: each its own feed, schools, staff and account, and neither sees the other's."""

from __future__ import annotations

import secrets
from collections.abc import Generator
from datetime import time, timedelta

import pytest
from sqlalchemy import text

from encompass.domain.access import StaffRole
from encompass.domain.arrival import Gap
from encompass.store import session
from encompass.store.database import Role, as_session
from encompass.wiring import Encompass
from sandbox.world import FELLGATE_ID, neighbour
from tests.cluster import FORCE, Cluster
from tests.sessions import key_adult_token

HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def both(cluster: Cluster) -> Generator[Encompass]:
    """Riverbend's small night, and Fellgate's beside it."""
    with cluster.opened(cluster.played(), cluster.at(time(7, 50))) as encompass:
        night = cluster.world.night
        assert encompass.refresh_rolls(encompass.open_run(FELLGATE_ID, night, cluster.at(time(5, 0)))) == 0
        run = encompass.open_run(FELLGATE_ID, night, cluster.at(time(5, 30)))
        for step in (
            encompass.receive_incidents,
            encompass.match_children,
            encompass.prepare_notifications,
            encompass.send_notifications,
        ):
            step(run)
        yield encompass


def test_each_forces_children_become_what_they_must(both: Encompass, cluster: Cluster) -> None:
    for world in (cluster.world, neighbour(cluster.world)):
        found = {
            (o.incident.incident_reference, o.child.person_id): (o.status, o.reason, list(o.urns), o.held)
            for o in both.outcomes_of_night(world.force_id, world.night)
        }
        assert found == {
            (e["incident_reference"], e["person_id"]): (e["placement"], e["reason"], e["urns"], e["held"])
            for e in world.expected()
        }


def test_each_account_is_of_its_own_force_and_names_how_its_feed_arrived(
    both: Encompass, cluster: Cluster
) -> None:
    accounts = {a.force_id: a for a in both.accounts([FELLGATE_ID, FORCE], cluster.world.night)}
    assert {f: (a.all_well, a.involvements.total) for f, a in accounts.items()} == {
        FELLGATE_ID: (True, 6),
        FORCE: (True, 10),
    }
    ways = {f: [(look.way, look.records.announced) for look in a.arrivals] for f, a in accounts.items()}
    assert ways == {FELLGATE_ID: [("sftp", 6)], FORCE: [("rest", 7)]}


def test_a_force_whose_feed_nobody_looked_at_is_a_gap_beside_the_others_account(
    played: Encompass, cluster: Cluster
) -> None:
    silent, told = played.accounts([FELLGATE_ID, FORCE], None)
    assert (silent.gaps, silent.all_well, silent.as_of) == ((Gap.NOT_LOOKED_AT,), False, told.as_of)
    assert told.all_well


def token_of(encompass: Encompass, force_id: str, urn: int) -> str:
    """A session of one of a force's Key Adults at a school."""
    with encompass.database.engine(Role.OWNER).begin() as connection:
        adult = connection.execute(
            text(
                "SELECT key_adult_id, recipient_id, person_hash FROM encompass.key_adult WHERE force_id = :f AND urn = :u LIMIT 1"
            ),
            {"f": force_id, "u": urn},
        ).one()
    return key_adult_token(encompass, force_id, adult.key_adult_id, adult.recipient_id, adult.person_hash)


def test_at_one_school_each_forces_key_adults_see_only_what_their_own_force_told(
    both: Encompass, cluster: Cluster
) -> None:
    urn = next(u for e in neighbour(cluster.world).expected() for u in e["urns"])
    seen = {}
    for force_id in (FELLGATE_ID, FORCE):
        token = token_of(both, force_id, urn)
        with as_session(both.database.engine(Role.SCHOOL), token) as connection:
            rows = connection.execute(text("SELECT DISTINCT force_id, urn FROM encompass.notification")).all()
            seen[force_id] = {tuple(row) for row in rows}
    assert seen[FELLGATE_ID] == {(FELLGATE_ID, urn)}
    assert seen[FORCE] <= {(FORCE, urn)}


def test_a_leader_of_one_force_counts_nothing_of_the_others(both: Encompass) -> None:
    counted = {}
    for force_id in (FELLGATE_ID, FORCE):
        token = secrets.token_urlsafe(32)
        with both.database.engine(Role.SIGN_IN).begin() as connection:
            member = session.staff_id(connection, force_id, "issuer", "one person", StaffRole.LEADER)
            session.open_staff_session(
                connection, token, force_id, member, StaffRole.LEADER, HOUR, HOUR, both.clock.now()
            )
        with as_session(both.database.engine(Role.LEADER), token) as connection:
            for table in ("duty", "placement", "run", "feed_pull", "school"):
                forces = connection.execute(text(f"SELECT DISTINCT force_id FROM encompass.{table}"))
                assert set(forces.scalars()) == {force_id}, table
            counted[force_id] = connection.execute(text("SELECT count(*) FROM encompass.duty")).scalar_one()
    with both.database.engine(Role.OWNER).begin() as connection:
        duties = connection.execute(text("SELECT count(*) FROM encompass.duty")).scalar_one()
    assert sum(counted.values()) == duties
    assert all(counted.values())
