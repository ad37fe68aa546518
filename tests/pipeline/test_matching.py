"""Matching in the database: what the rolls say of themselves, and evidence that can be taken again."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import date, timedelta
from math import log2
from typing import Any

import pytest
from sqlalchemy import text

from encompass.domain.run import Run
from encompass.store.database import Role
from encompass.store.placement import evidence_of
from encompass.wiring import Encompass
from tests.cluster import Cluster

COUNTED_ANEW = text(
    """
    SELECT v.kind, substring(v.hashes FROM n.i * 8 + 1 FOR 8), count(*)
    FROM encompass.enrolment AS e
    CROSS JOIN LATERAL (VALUES ('forename', e.forename_hashes), ('surname', e.surname_hashes),
        ('born', substring(e.born_hashes FROM 1 FOR 8)), ('year', substring(e.born_hashes FROM 9)),
        ('row', CAST('\\x0000000000000000' AS bytea))) AS v (kind, hashes)
    CROSS JOIN generate_series(0, length(v.hashes) / 8 - 1) AS n (i)
    WHERE e.last_generation IS NULL GROUP BY 1, 2
    """
)
KEYED_ANEW = text(
    """
    SELECT substring(e.key_hashes FROM n.i * 8 + 1 FOR 8), e.enrolment_no
    FROM encompass.enrolment AS e CROSS JOIN generate_series(0, length(e.key_hashes) / 8 - 1) AS n (i)
    WHERE e.last_generation IS NULL
    """
)


def rows(encompass: Encompass, query: str | Any, **values: object) -> list[Any]:
    with encompass.database.engine(Role.OWNER).begin() as connection:
        return list(connection.execute(text(query) if isinstance(query, str) else query, values).all())


def placement(encompass: Encompass, reference: str, person_id: str) -> tuple[str, str | None]:
    found = {
        (o.incident.incident_reference, o.child.person_id): (o.status, o.reason)
        for o in encompass.outcomes_of_night(
            "riverbend", rows(encompass, "SELECT max(night) FROM encompass.run")[0][0]
        )
    }
    return found[reference, person_id]


def a_day_off(born: str) -> str:
    day = date.fromisoformat(born)
    return day.replace(day=day.day + 1 if day.day < 28 else 27).isoformat()


@contextmanager
def child_changed(cluster: Cluster, kind: str, changes: dict[str, object]) -> Generator[tuple[str, str]]:
    """The world with one child of this kind recorded otherwise, for a while."""
    expected = next(e for e in cluster.world.expected() if e["kind"] == kind and not e["held"])
    reference, person_id = expected["incident_reference"], expected["person_id"]
    records = cluster.world.incidents.records
    number = next(n for n, r in enumerate(records) if r["incident_reference"] == reference)
    record = records[number]
    changed = {k: v for k, v in changes.items() if not callable(v)}
    children = [
        {**c, **changed, **{k: v(c[k]) for k, v in changes.items() if callable(v)}}
        if c["person_id"] == person_id
        else c
        for c in record["children"]
    ]
    records[number] = {**record, "children": children}
    try:
        yield reference, person_id
    finally:
        records[number] = record


def match(encompass: Encompass, cluster: Cluster) -> Run:
    run = cluster.run(encompass)
    encompass.receive_incidents(run)
    encompass.match_children(run)
    return run


def test_every_match_from_a_stale_roll_goes_to_a_person(rolled: Encompass, cluster: Cluster) -> None:
    run = cluster.run(rolled)
    with rolled.database.engine(Role.OWNER).begin() as connection:
        old = {"confirmed": run.as_of - timedelta(days=8)}
        connection.execute(
            text("UPDATE encompass.generation SET confirmed_at = :confirmed WHERE kind = 'roll'"), old
        )
    match(rolled, cluster)
    placed = {(r.status, r.reason) for r in rows(rolled, "SELECT status, reason FROM encompass.placement")}
    assert ("in_review", "stale_roll") in placed
    assert "placed" not in {status for status, _ in placed}


@pytest.mark.parametrize(
    ("kind", "named", "becomes"),
    [
        ("on_roll", False, ("in_review", "score")),
        ("on_roll", True, ("placed", None)),
        ("stranger", True, ("not_found", None)),
    ],
)
def test_a_school_named_by_police_supports_a_match_and_never_suffices(
    rolled: Encompass, cluster: Cluster, kind: str, named: bool, becomes: tuple[str, str | None]
) -> None:
    urn = next(e["urns"][0] for e in cluster.world.expected() if e["kind"] == "on_roll" and not e["held"])
    name = rows(rolled, "SELECT name FROM encompass.school WHERE urn = :urn", urn=urn)[0][0]
    school = {"name": name.upper(), "urn": None} if named else None
    changes = {"date_of_birth": a_day_off, "address": None, "school_named": school}
    with child_changed(cluster, kind, changes) as (reference, person_id):
        match(rolled, cluster)
    assert placement(rolled, reference, person_id) == becomes


def test_a_decision_can_be_taken_again_from_its_evidence(played: Encompass) -> None:
    decided = rows(
        played,
        "SELECT status, reason, pupil_id, evidence FROM encompass.placement WHERE status <> 'excluded'",
    )
    assert {"placed", "not_found"} <= {row.status for row in decided}
    for row in decided:
        evidence = evidence_of(row.evidence)
        assert evidence.model == "2026-11"
        assert len(evidence.digest) == 64
        prior = log2(0.85 / evidence.pupils)
        for candidate in evidence.candidates:
            assert candidate.score == pytest.approx(
                prior + sum(f.bits for f in candidate.fields) + candidate.lift
            )
        if row.status == "placed":
            best, *others = evidence.candidates
            assert best.pupil_id == row.pupil_id
            assert best.score >= evidence.automatic
            assert best.vetoes == ()
            assert all(best.score - other.score >= evidence.margin for other in others)


def test_frequencies_and_keys_are_those_of_the_open_rows_after_every_change(
    rolled: Encompass, cluster: Cluster
) -> None:
    before = rows(rolled, "SELECT count(*) FROM encompass.enrolment_key")[0][0]
    la = cluster.world.la_codes[0]
    pupils = cluster.world.rolls.rows
    whole = list(pupils)
    gone = {p.pupil_ref for p in whole if p.la_code == la and int(p.pupil_ref[-2:], 36) % 7 == 0}
    pupils[:] = [p for p in whole if p.pupil_ref not in gone]
    try:
        rolled.refresh_rolls(cluster.run(rolled))
    finally:
        pupils[:] = whole
    counted = rows(rolled, "SELECT kind, value_hash, pupils FROM encompass.roll_frequency WHERE pupils > 0")
    assert {tuple(map(bytes_of, r)) for r in counted} == {
        tuple(map(bytes_of, r)) for r in rows(rolled, COUNTED_ANEW)
    }
    keyed = rows(rolled, "SELECT key_hash, enrolment_no FROM encompass.enrolment_key")
    assert {tuple(map(bytes_of, r)) for r in keyed} == {
        tuple(map(bytes_of, r)) for r in rows(rolled, KEYED_ANEW)
    }
    assert len(keyed) < before


def bytes_of(value: object) -> object:
    return bytes(value) if isinstance(value, memoryview) else value
