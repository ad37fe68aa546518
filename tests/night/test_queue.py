"""The MASH queue at the command line: shown, decided by one person or by two, and carried out."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from encompass.domain.placement import Candidate, FieldEvidence, ReviewReason, Veto
from encompass.matching.explanation import DIFFERENCES, REASONS, in_words
from encompass.matching.parameters import LEVELS
from encompass.store.database import Role
from tests.cluster import Cluster
from tests.night.conftest import OnDatabase

Copy = Callable[[str], OnDatabase]
NOW = ("--as-of", (datetime.now(UTC) + timedelta(hours=1)).isoformat(timespec="minutes"))
WHO, WHY = ("--by", "PC 1234"), ("--reason", "the school knows the child by that name")


def waiting(cli: OnDatabase) -> list[dict[str, Any]]:
    return json.loads(cli.run("queue", "list", "--json").stdout)


def of_reason(cli: OnDatabase, reason: str) -> str:
    return next(w["id"] for w in waiting(cli) if w["reason"] == reason)


def scalars(cluster: Cluster, cli: OnDatabase, query: str, **values: object) -> list[Any]:
    with cluster.on(cli.name) as encompass, encompass.database.engine(Role.OWNER).begin() as connection:
        return list(connection.execute(text(query), values).scalars())


def test_the_queue_names_nobody_and_one_child_is_shown_in_words(cluster: Cluster, on_copy: Copy) -> None:
    cli = on_copy(cluster.played())
    listed = waiting(cli)
    expected = [e for e in cluster.world.expected() if e["placement"] in ("in_review", "not_found")]
    assert sorted(w["status"] for w in listed) == sorted(e["placement"] for e in expected)
    assert "the forename differs" in cli.run("queue", "list").stdout
    twin = of_reason(cli, "forename")
    plain, personal = cli.run("queue", "show", twin), cli.run("queue", "show", twin, "--show-personal")
    surnames = {c["surname"] for r in cluster.world.records for c in r["children"]}
    for printed in (cli.run("queue", "list").stdout, plain.stdout, plain.stderr):
        assert [name for name in surnames if name in printed] == []
    assert "same surname" in personal.stdout
    assert "forename differs: " in personal.stdout
    assert "VETO  the forename differs" in personal.stdout
    upns = [p.upn for p in cluster.world.rolls.rows if p.upn]
    assert not any(upn in personal.stdout for upn in upns)
    looked = scalars(cluster, cli, "SELECT count(*) FROM encompass.audit_event WHERE action = 'review_shown'")
    assert looked == [2]


def test_against_a_veto_two_people_decide(cluster: Cluster, on_copy: Copy) -> None:
    cli = on_copy(cluster.played())
    twin = of_reason(cli, "forename")
    first = cli.run("queue", "resolve", twin, "--candidate", "1", *WHO, *WHY)
    assert first.returncode == 0, first.stderr
    assert "a second person confirms" in first.stdout
    assert of_reason(cli, "forename") == twin
    assert "second person" in cli.run("queue", "list").stdout
    again = cli.run("queue", "resolve", twin, "--candidate", "1", "--by", "Sgt 55", *WHY)
    assert (again.returncode, "already waits" in again.stderr) == (1, True)
    alone = cli.run("queue", "confirm", twin, "--by", " pc 1234 ")
    assert (alone.returncode, "second person" in alone.stderr) == (1, True)
    second = cli.run("queue", "confirm", twin, "--by", "Sgt 55")
    assert second.returncode == 0, second.stderr
    assert second.stdout.startswith("decided: placed at ")
    assert cli.run("prepare", "--night", "2026-03-17", *NOW).stdout.startswith("1 duties told")
    account = cli.run("reconcile", "--json").stdout
    assert json.loads(account)["balanced"] is True, account
    actions = scalars(
        cluster, cli, "SELECT action FROM encompass.audit_event WHERE subject_id = :id AND actor_kind = 'operator' ORDER BY event_id",
        id=UUID(twin),
    )  # fmt: skip
    assert actions == ["review_proposed", "placement_moved", "review_decided"]
    kept = scalars(cluster, cli, "SELECT sealed_reason FROM encompass.review_decision")
    assert len(kept) == 1
    assert WHY[1].encode() not in bytes(kept[0])


def test_the_database_itself_refuses_one_person_who_overrides_a_veto(cluster: Cluster, on_copy: Copy) -> None:
    cli = on_copy(cluster.played())
    cli.run("queue", "resolve", of_reason(cli, "forename"), "--candidate", "1", *WHO, *WHY)
    with pytest.raises(Exception, match="check constraint"):
        scalars(
            cluster, cli,
            "UPDATE encompass.review_decision SET confirmed_by = proposed_by, confirmed_at = now() RETURNING 1",
        )  # fmt: skip


def test_a_decision_can_be_withdrawn_before_it_is_confirmed(cluster: Cluster, on_copy: Copy) -> None:
    cli = on_copy(cluster.played())
    twin = of_reason(cli, "forename")
    assert cli.run("queue", "withdraw", twin).returncode == 1
    cli.run("queue", "resolve", twin, "--candidate", "1", *WHO, *WHY)
    assert cli.run("queue", "withdraw", twin).returncode == 0
    assert cli.run("queue", "confirm", twin, "--by", "Sgt 55").returncode == 1
    assert (
        cli.run("queue", "resolve", twin, "--not-found", *WHO, *WHY).stdout
        == "decided: not_found with the MASH\n"
    )
    assert "forename" not in {w["reason"] for w in waiting(cli)}


def test_without_a_veto_one_person_decides_and_the_schools_are_those_of_the_rolls(
    cluster: Cluster, on_copy: Copy
) -> None:
    cli = on_copy(cluster.rolled())
    scalars(
        cluster,
        cli,
        "UPDATE encompass.generation SET confirmed_at = '2026-01-05' WHERE kind = 'roll' RETURNING 1",
    )
    for step in ("receive", "match"):
        assert cli.run(step, "--night", "2026-03-17").returncode == 0
    stale = of_reason(cli, "stale_roll")
    other = cli.run("queue", "resolve", stale, "--candidate", "1", "--urn", "1", *WHO, *WHY)
    assert (other.returncode, "on no roll of: 1" in other.stderr) == (1, True)
    none = cli.run("queue", "resolve", stale, "--candidate", "9", *WHO, *WHY)
    assert (none.returncode, "no candidate 9" in none.stderr) == (1, True)
    done = cli.run("queue", "resolve", stale, "--candidate", "1", *WHO, *WHY)
    assert done.returncode == 0, done.stderr
    told = scalars(
        cluster, cli,
        "SELECT r.urn FROM encompass.duty d JOIN encompass.recipient r USING (recipient_id) WHERE d.involvement_id = :id",
        id=UUID(stale),
    )  # fmt: skip
    assert done.stdout == f"decided: placed at {', '.join(map(str, sorted(told)))}\n"
    assert told


def test_a_child_is_referred_to_an_office_and_told_of(cluster: Cluster, on_copy: Copy) -> None:
    cli = on_copy(cluster.played())
    twin = of_reason(cli, "forename")
    done = cli.run("queue", "resolve", twin, "--refer", "cme", "--la", "318", *WHO, *WHY)
    assert (done.returncode, done.stdout) == (0, "decided: referred to 318 cme\n"), done.stderr
    assert cli.run("prepare", "--night", "2026-03-17", *NOW).stdout.startswith("1 duties told")
    actions = scalars(
        cluster, cli, "SELECT action FROM encompass.audit_event WHERE subject_id = :id AND actor_kind = 'operator' ORDER BY event_id",
        id=UUID(twin),
    )  # fmt: skip
    assert actions == ["review_proposed", "placement_moved", "review_decided"]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("resolve", str(uuid4()), "--candidate", "1", *WHO, *WHY), 1, "no child of this id waits"),
        (("resolve", "nonsense", "--candidate", "1", *WHO, *WHY), 2, "queue list"),
        (
            ("resolve", str(uuid4()), *WHO, *WHY),
            2,
            "one of --candidate NUMBER, --not-found, --not-named, --refer and --school",
        ),
        (("resolve", str(uuid4()), "--not-found", *WHO, "--reason", " "), 2, "must say why"),
        (("resolve", str(uuid4()), "--not-found", "--by", " ", *WHY), 2, "say who decides"),
    ],
)
def test_what_cannot_be_decided_says_why(
    arguments: tuple[str, ...], code: int, says: str, cluster: Cluster, on_copy: Copy
) -> None:
    done = on_copy(cluster.played()).run("queue", *arguments)
    assert (done.returncode, says in done.stderr) == (code, True), done.stderr


def test_every_reason_and_every_difference_has_words() -> None:
    assert set(REASONS) == {*ReviewReason, *Veto}
    told = {(field, level) for field, level in DIFFERENCES}
    silent = {"same", "differs", "house", "same_1_january"}
    assert {(f, v) for f, levels in LEVELS.items() for v in levels if v not in silent} == told


def test_a_comparison_in_words() -> None:
    fields = (
        FieldEvidence("forename", "known", 4.5), FieldEvidence("surname", "same", 9.0), FieldEvidence("born", "same", 11.9),
        FieldEvidence("place", "differs", -2.0),
    )  # fmt: skip
    candidate = Candidate(uuid4(), (100001,), 12.0, fields, 0.0, ())
    said = in_words(candidate, {"forename": ("Aisha", "Ayesha")})
    assert (
        said
        == "same surname and birth date; forename differs: Aisha / Ayesha, a known spelling; home differs"
    )


def test_the_reviewer_is_shown_where_the_forces_same_person_was_placed_before_and_nothing_follows_by_itself(
    cluster: Cluster, on_copy: Copy
) -> None:
    cli = on_copy(cluster.played())
    records = cluster.world.incidents.records
    placed = next(e for e in cluster.world.expected() if e["placement"] == "placed" and not e["held"])
    source = next(r for r in records if r["incident_reference"] == placed["incident_reference"])
    child = next(c for c in source["children"] if c["person_id"] == placed["person_id"])
    again = {
        **source,
        "incident_reference": "RVB/26/999998",
        "updated_at": "2026-03-18T02:00:00+00:00",
        "children": [{**child, "forename": "Zzyzx", "date_of_birth": None}],
    }
    stranger = {**again["children"][0], "person_id": "RVB-P-0000001"}
    other = {**again, "incident_reference": "RVB/26/999999", "children": [stranger]}
    records += [again, other]
    try:
        for step in ("receive", "match"):
            cli.run(step, "--night", "2026-03-18")
    finally:
        records.remove(again)
        records.remove(other)
    fresh = [w["id"] for w in waiting(cli) if w["night"] == "2026-03-18"]
    shown = [json.loads(cli.run("queue", "show", w, "--json").stdout)["placed_before"] for w in fresh]
    assert len(fresh) == 2
    (found,) = [s for s in shown if s]
    assert [(e["night"], list(map(int, e["schools"]))) for e in found] == [("2026-03-17", placed["urns"])]
    of = fresh[shown.index(found)]
    assert "this force's same person was placed" in cli.run("queue", "show", of).stdout
