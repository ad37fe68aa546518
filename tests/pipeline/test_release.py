"""The checks before a school is told: each kind holds the message for a person, who releases it or does not."""

from __future__ import annotations

from datetime import time
from typing import Any, get_args

import pytest

from encompass.domain.access import NotFound
from encompass.domain.hold import HoldKind
from encompass.domain.telling import FIELDS
from encompass.pipeline.hold_notifications import (
    CannotDecide,
    HoldDecision,
    confirm_hold,
    decide_hold,
    list_holds,
    show_hold,
    withdraw_hold_decision,
)
from encompass.settings.force import HoldKind as HoldKindSetting
from encompass.settings.force import ToldField
from encompass.store.database import Role
from encompass.wiring import Encompass
from tests.cluster import FORCE, Cluster
from tests.pipeline.told import Told

TWO = frozenset({"police", "suspect", "restricted"})
WHY = "looked at it with the inspector"


@pytest.fixture
def told(rolled: Encompass, cluster: Cluster) -> Told:
    return Told(rolled, cluster)


def decide(told: Told, at: time, held: Any, outcome: str, by: str = "PC 1234") -> Any:
    run = told.cluster.run(told.encompass, at)
    engine, rules = told.encompass.database.engine(Role.PIPELINE), told.encompass.telling_rules(FORCE)
    return decide_hold(engine, told.encompass.ring, rules, TWO, run, held, HoldDecision(outcome, by, WHY))


def confirm(told: Told, at: time, held: Any, by: str) -> Any:
    run = told.cluster.run(told.encompass, at)
    engine, rules = told.encompass.database.engine(Role.PIPELINE), told.encompass.telling_rules(FORCE)
    return confirm_hold(engine, told.encompass.ring, rules, run, held, by)


def shown(told: Told, at: time, held: Any) -> Any:
    run = told.cluster.run(told.encompass, at)
    engine, rules = told.encompass.database.engine(Role.PIPELINE), told.encompass.telling_rules(FORCE)
    return show_hold(engine, told.encompass.ring, rules, run, held)


def spoke(words: str) -> dict[str, Any]:
    return {"voice": words, "spoken_to": True}


@pytest.mark.parametrize(
    ("child", "found"),
    [
        (spoke("We are staying at 14 Marzipan Crescent."), "address"),
        (spoke("It is near TW1 3CK."), "postcode"),
        ({"circumstances": "Mum may be called on 07700 900123."}, "telephone"),
        ({"circumstances": "The family is at Plum Tree Refuge (fictional)."}, "refuge"),
        ({"present": True, "present_where": "in the car outside Lowther Primary School"}, "other_school"),
        (spoke("{sibling} hid in the wardrobe."), "other_child"),
    ],
)
def test_each_thing_found_in_a_text_holds_it_for_a_person(told: Told, child: dict, found: str) -> None:
    e = told.expected("family")
    (urn,) = e["urns"]
    sibling = told.expected("family", 1)
    record = next(r for r in told.cluster.world.records if r["incident_reference"] == e["incident_reference"])
    other = next(c for c in record["children"] if c["person_id"] == sibling["person_id"])
    written = {k: v.format(sibling=other["forename"]) if isinstance(v, str) else v for k, v in child.items()}
    with told.recorded(e, time(5, 20), child=written):
        run = told.run(time(5, 30))
    held = told.only(urn, "held")
    assert told.nudged(held) == 0
    ((kinds, sealed),) = told.rows(
        "SELECT hold_kinds, sealed_hold FROM encompass.notification WHERE notification_id = :i", i=held
    )
    assert kinds == ["content"]
    for words in written.values():
        assert not isinstance(words, str) or words.encode() not in bytes(sealed)
    look = shown(told, time(5, 40), held)
    assert [hit.scan.value for hit in look.hold.hits] == [found]
    before = told.bucket(run)["with_a_person"]
    assert told.encompass.report(run).waiting_with["mash_held"] == 1
    assert decide(told, time(5, 50), held, "released").needs_two is False
    assert told.only(urn, "released") == held
    assert told.nudged(held) == 2
    assert told.bucket(told.run(time(6, 0)))["with_a_person"] == before - 1
    assert told.only(urn, "released") == held  # what a person let go is not held again


def parties(urn: int) -> list[dict[str, Any]]:
    return [{"person_id": "RVB-P-9", "role": "suspect", "works_at": {"name": "A school", "urn": urn}}]


@pytest.mark.parametrize("flag", ["is_suspect", "restricted"])
def test_a_child_who_is_a_suspect_or_restricted_is_told_by_two_people(told: Told, flag: str) -> None:
    e = told.expected("on_roll", 1)
    (urn,) = e["urns"]
    with told.recorded(e, time(5, 20), child={flag: True}):
        told.run(time(5, 30))
    held = told.only(urn, "held")
    assert decide(told, time(5, 40), held, "released").needs_two is True
    assert told.statuses(urn) == ["held"]
    with pytest.raises(CannotDecide, match="second person"):
        confirm(told, time(5, 41), held, " pc  1234")
    confirm(told, time(5, 42), held, "Sgt 55")
    assert told.statuses(urn) == ["released"]
    assert told.nudged(held) == 2


def test_one_who_declared_the_surname_never_reads_it_and_the_other_is_told(told: Told) -> None:
    e = told.expected("on_roll", 1)
    (urn,) = e["urns"]
    record = next(r for r in told.cluster.world.records if r["incident_reference"] == e["incident_reference"])
    surname = next(c["surname"] for c in record["children"] if c["person_id"] == e["person_id"])
    declared = lambda row: surname.upper() if row["urn"] == str(urn) and row["role"] == "dsl" else ""  # noqa: E731
    told.registered(told.cluster.run(told.encompass, time(5, 0)), declared_surnames=declared)
    told.run(time(5, 30))
    held = told.only(urn, "held")
    look = shown(told, time(5, 40), held)
    assert (look.hold.kinds, look.excluded, len(look.would_tell)) == ((HoldKind.CONFLICT,), 1, 1)
    decide(told, time(5, 50), held, "released")
    assert told.nudged(held) == 1
    assert told.encompass.read_notification(told.viewer(urn, "deputy"), held).notification_id == held
    lead = told.viewer(urn, "dsl")
    assert told.encompass.read_inbox(lead).entries == ()
    for read in (told.encompass.read_notification, told.encompass.read_cover, told.encompass.acknowledge):
        with pytest.raises(NotFound):
            read(lead, held)
    with told.second(e, time(6, 0), hold=None):
        told.run(time(6, 10))
    another = told.only(urn, "held")
    assert another != held
    told.run(time(8, 20), "chase_acknowledgements")
    assert told.nudged(held) == 1


def test_where_every_key_adult_is_in_conflict_somebody_telephones(told: Told) -> None:
    e = told.expected("on_roll", 1)
    (urn,) = e["urns"]
    record = next(r for r in told.cluster.world.records if r["incident_reference"] == e["incident_reference"])
    surname = next(c["surname"] for c in record["children"] if c["person_id"] == e["person_id"])
    bears = lambda row: f"Deputising {surname}" if row["urn"] == str(urn) else row["full_name"]  # noqa: E731
    told.registered(told.cluster.run(told.encompass, time(5, 0)), full_name=bears)
    with told.recorded(e, time(5, 20), adults=parties(urn)):
        told.run(time(5, 30))
    held = told.only(urn, "held")
    assert shown(told, time(5, 40), held).would_tell == ()
    decide(told, time(5, 50), held, "released")
    assert told.nudged(held) == 0
    tasks = told.rows("SELECT reason FROM encompass.phone_task WHERE notification_id = :i", i=held)
    assert tasks == [("conflict",)]


def test_a_party_who_works_at_another_school_holds_nothing_up(told: Told) -> None:
    e = told.expected("on_roll", 1)
    with told.recorded(e, time(5, 20), adults=parties(e["urns"][0] + 1)):
        told.run(time(5, 30))
    assert told.statuses(e["urns"][0]) == ["released"]


def test_to_tell_nobody_takes_two_people_and_the_duty_is_closed(told: Told) -> None:
    e = told.expected("on_roll", 1)
    (urn,) = e["urns"]
    with told.recorded(e, time(5, 20), child=spoke("We are staying at 14 Marzipan Crescent.")):
        told.run(time(5, 30))
    held = told.only(urn, "held")
    engine = told.encompass.database.engine(Role.PIPELINE)
    decide(told, time(5, 40), held, "cancelled")
    with pytest.raises(CannotDecide, match="already waits"):
        decide(told, time(5, 41), held, "released", "Sgt 55")
    assert [h.proposed for h in list_holds(engine, FORCE) if h.notification_id == held] == ["cancelled"]
    withdraw_hold_decision(engine, told.cluster.run(told.encompass, time(5, 42)), held)
    decide(told, time(5, 43), held, "cancelled")
    confirm(told, time(5, 44), held, "Sgt 55")
    assert told.statuses(urn) == ["cancelled"]
    run = told.run(time(6, 0))
    assert told.statuses(urn) == ["cancelled"]
    assert told.bucket(run)["excluded"] == 2
    with pytest.raises(CannotDecide, match="no notification"):
        decide(told, time(6, 10), held, "released")


def test_a_police_hold_that_ended_is_released_through_the_checks(told: Told) -> None:
    e = told.expected("hold")
    (urn,) = e["urns"]
    until = {"reason": "covert", "owner": "MASH inspector", "until": "2026-03-17T07:00:00+00:00"}
    with told.recorded(e, time(5, 20), child={"hold": until}):
        told.run(time(5, 30))
        held = told.only(urn, "held")
        assert told.run(time(6, 50)) and told.statuses(urn) == ["held"]
        run = told.run(time(7, 10))
    assert told.only(urn, "released") == held
    assert told.nudged(held) == 2
    assert told.run(time(7, 10), "prepare_notifications") == run


def test_a_police_hold_that_ended_does_not_release_what_the_checks_find(told: Told) -> None:
    e = told.expected("hold")
    (urn,) = e["urns"]
    until = {"reason": "covert", "owner": "MASH inspector", "until": "2026-03-17T07:00:00+00:00"}
    with told.recorded(e, time(5, 20), child={"hold": until, **spoke("It is near TW1 3CK.")}):
        told.run(time(5, 30))
        assert shown(told, time(5, 35), told.only(urn, "held")).hold.kinds == (
            HoldKind.POLICE,
            HoldKind.CONTENT,
        )
        told.run(time(9, 0))
    held = told.only(urn, "held")
    assert shown(told, time(9, 1), held).hold.kinds == (HoldKind.CONTENT,)
    overdue = told.run(time(9, 10), "reconcile_acknowledgements")
    assert any(a.startswith("hold_overdue") for a in told.encompass.account(overdue).alarms)


def test_a_minimal_profile_says_no_more_and_says_what_is_missing(told: Told) -> None:
    few = told.with_profile(fields=("occurred_from", "present", "seen"))
    e = few.expected("on_roll", 1)
    (urn,) = e["urns"]
    written = {"present": None, "seen": True, **spoke("It is near TW1 3CK.")}
    with few.recorded(e, time(5, 20), child=written):
        few.run(time(5, 30))
    page = few.encompass.read_notification(few.viewer(urn), few.only(urn, "released"))
    assert [(line.name, line.text) for line in page.parts[0].told] == [
        ("present", "Officers did not record whether the child was there."),
        ("seen", "Yes."),
    ]
    assert page.child.date_of_birth is None
    assert page.advice.helpline is not None


def test_what_a_school_was_told_stays_as_it_was_when_the_profile_changes(told: Told) -> None:
    e = told.expected("on_roll", 1)
    (urn,) = e["urns"]
    told.run(time(5, 30))
    before = told.encompass.read_notification(told.viewer(urn), told.only(urn, "released"))
    other = told.with_profile(fields=("occurred_from",), headings={"voice": "The child's words"})
    other.run(time(6, 0))
    after = other.encompass.read_notification(told.viewer(urn), told.only(urn, "released"))
    assert after == before


def test_the_settings_name_what_the_domain_knows() -> None:
    assert set(get_args(ToldField)) == FIELDS
    assert set(get_args(HoldKindSetting)) == {kind.value for kind in HoldKind}
