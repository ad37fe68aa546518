"""A contact who comes, or declares a surname, after a message was told: compared with it, and in doubt kept out."""

from __future__ import annotations

from datetime import time
from uuid import UUID

import pytest
from sqlalchemy import text

from encompass.domain.access import KeyAdultViewer, NotFound
from encompass.domain.notification import CallOutcome
from encompass.domain.run import Run
from encompass.formats.key_adults import fields_of
from encompass.pipeline import change_contacts as c
from encompass.pipeline.close_exceptions import list_exceptions
from encompass.pipeline.decide_conflicts import (
    confirm_conflict,
    decide_conflict,
    list_conflicts,
    withdraw_conflict_decision,
)
from encompass.pipeline.hold_notifications import CannotDecide, HoldDecision
from encompass.pipeline.make_calls import CannotRecord, call_sheet, record_call, with_people
from encompass.store.conflict import ADMITTED, KEPT_OUT
from encompass.store.database import Role, as_session
from encompass.wiring import Encompass
from tests.cluster import FORCE, Cluster
from tests.pipeline.told import Told

WHY = "asked the head: they only share a name"


@pytest.fixture
def told(played: Encompass, cluster: Cluster) -> Told:
    return Told(played, cluster)


def one(told: Told) -> tuple[int, UUID, str]:
    """A school with one message about one child: its URN, the message, and the child's surname by police."""
    e = told.expected("on_roll", 1)
    (urn,) = e["urns"]
    record = next(r for r in told.cluster.world.records if r["incident_reference"] == e["incident_reference"])
    surname = next(p["surname"] for p in record["children"] if p["person_id"] == e["person_id"])
    return urn, told.only(urn, "released"), surname


def declares(told: Told, urn: int, surname: str, role: str = "dsl", at: time = time(7, 50)) -> Run:
    """From now on the register says that the school's lead, or deputy, declared this surname."""
    run = told.cluster.run(told.encompass, at)
    mine = lambda row: row["urn"] == str(urn) and role in (row["role"], "all")  # noqa: E731
    told.registered(run, declared_surnames=lambda row: surname if mine(row) else "")
    return run


def joins(told: Told, urn: int, **columns: str) -> str:
    """A new deputy, by two people; the register's reference."""
    engine = told.encompass.database.engine(Role.PIPELINE)
    at = told.cluster.at(time(7, 50))
    who = c.By(FORCE, "PC 1234", at, told.encompass.ring)
    entry = c.show_contact(engine, who, f"KA-{urn}-deputy").entry
    new = {
        **fields_of(entry),
        "key_adult_ref": f"KA-{urn}-newcomer",
        "full_name": "Newcoming Deputy",
        "email": f"newcomer.{urn}@school-{urn}.example",
        "active_from": "2026-03-17",
        **columns,
    }
    change = c.propose_contact(engine, who, new)
    c.confirm_change(engine, c.By(FORCE, "Sgt 55", at, told.encompass.ring), change)
    return new["key_adult_ref"]


def newcomer(told: Told, urn: int) -> KeyAdultViewer:
    """The newcomer, signed in."""
    return told.viewer_known_as(urn, f"KA-{urn}-newcomer")


def opens(told: Told, viewer: KeyAdultViewer, notification_id: UUID) -> bool:
    try:
        told.encompass.read_notification(viewer, notification_id)
    except NotFound:
        return False
    return True


def decide(told: Told, gone: UUID, ref: str, outcome: str, two: frozenset[str] = frozenset()):
    run, engine = (
        told.cluster.run(told.encompass, time(8, 30)),
        told.encompass.database.engine(Role.PIPELINE),
    )
    return decide_conflict(
        engine, told.encompass.ring, two, run, gone, ref, HoldDecision(outcome, "PC 1234", WHY)
    )


def reasons(told: Told) -> list[str]:
    engine = told.encompass.database.engine(Role.PIPELINE)
    return [e.reason for e in list_exceptions(engine, FORCE, told.cluster.at(time(8, 31)))]


def waiting(told: Told) -> list[tuple[str, UUID, str]]:
    found = list_conflicts(told.encompass.database.engine(Role.PIPELINE), told.encompass.ring, FORCE)
    return [(w.key_adult_ref, w.found.notification_id, w.found.reason) for w in found]


def test_a_newcomer_opens_nothing_before_being_compared_and_everything_after(told: Told) -> None:
    urn, message, _ = one(told)
    joins(told, urn)
    viewer = newcomer(told, urn)
    assert told.encompass.read_inbox(viewer).entries == ()
    assert opens(told, viewer, message) is False
    with as_session(told.encompass.database.engine(Role.SCHOOL), viewer.session_token) as connection:
        call = text("SELECT encompass.school_returns(CAST(:i AS uuid), 'released')")
        assert connection.execute(call, {"i": message}).scalar_one() is False
    told.run(time(7, 55), "chase_acknowledgements")
    assert waiting(told) == []
    assert [e.notification_id for e in told.encompass.read_inbox(viewer).entries] == [message]
    assert opens(told, viewer, message) is True


def test_a_newcomer_who_declared_the_surname_is_with_a_person_until_admitted(told: Told) -> None:
    urn, message, surname = one(told)
    ref = joins(told, urn, declared_surnames=surname.upper())
    viewer, other = newcomer(told, urn), told.viewer(urn, "dsl")
    told.run(time(8, 20), "chase_acknowledgements")
    assert opens(told, viewer, message) is False
    assert opens(told, other, message) is True
    assert waiting(told) == [(ref, message, "declared")]
    assert "conflict_found_later" in reasons(told)
    nudged = (
        "SELECT count(*) FROM encompass.nudge_notification WHERE notification_id = :i AND key_adult_id = :a"
    )
    values = {"i": message, "a": viewer.key_adult_id}
    assert told.rows(nudged, **values) == [(0,)]
    assert decide(told, message, ref, ADMITTED).needs_two is False
    assert opens(told, viewer, message) is True
    assert told.rows(nudged, **values) == [(1,)]
    assert (waiting(told), "conflict_found_later" in reasons(told)) == ([], False)
    with pytest.raises(CannotDecide, match="nobody of this reference"):
        decide(told, message, ref, KEPT_OUT)


def test_who_declares_a_surname_later_is_with_a_person_and_two_decide_where_the_force_says_so(
    told: Told,
) -> None:
    urn, message, surname = one(told)
    viewer = told.viewer(urn, "dsl")
    assert opens(told, viewer, message) is True
    declares(told, urn, surname)
    assert opens(told, viewer, message) is False
    told.run(time(7, 55), "prepare_notifications")
    ((ref, of, why),) = waiting(told)
    assert (of, why) == (message, "declared")
    two = frozenset({"conflict"})
    engine, ring = told.encompass.database.engine(Role.PIPELINE), told.encompass.ring
    run = told.cluster.run(told.encompass, time(8, 30))
    assert decide(told, message, ref, ADMITTED, two).needs_two is True
    assert opens(told, viewer, message) is False
    with pytest.raises(CannotDecide, match="already waits"):
        decide(told, message, ref, ADMITTED, two)
    with pytest.raises(CannotDecide, match="second person"):
        confirm_conflict(engine, ring, run, message, ref, "pc 1234 ")
    withdraw_conflict_decision(engine, ring, run, message, ref)
    decide(told, message, ref, ADMITTED, two)
    confirm_conflict(engine, ring, run, message, ref, "Sgt 55")
    assert opens(told, viewer, message) is True


def test_where_nobody_else_is_left_somebody_telephones_and_not_the_one_in_conflict(told: Told) -> None:
    urn, message, surname = one(told)
    declares(told, urn, surname, "all")
    told.run(time(7, 55), "chase_acknowledgements")
    tasks = told.rows("SELECT reason FROM encompass.phone_task WHERE notification_id = :i", i=message)
    assert tasks == [("conflict",)]
    engine, now = told.encompass.database.engine(Role.PIPELINE), told.cluster.at(time(8, 0))
    (call,) = [s for s in call_sheet(engine, FORCE, {}) if message in s.notification_ids]
    assert call.is_in_conflict
    (named,) = with_people(engine, told.encompass.ring, FORCE, [call], now)
    assert (named.key_adults, len(named.not_to)) == ((), 2)
    with pytest.raises(CannotRecord, match="may not know"):
        record_call(
            engine, told.encompass.ring, FORCE, message, CallOutcome.ACKNOWLEDGED, by="PC 1234",
            spoke_to=named.not_to[0].key_adult_ref, at=now, now=now,
        )  # fmt: skip
    for ref in {r for r, _, _ in waiting(told)}:
        decide(told, message, ref, KEPT_OUT)
    assert waiting(told) == []
    assert opens(told, told.viewer(urn, "dsl"), message) is False


def test_unknown_is_not_clear(told: Told) -> None:
    """The record no longer opens: nobody can say whether the newcomer is connected with the family."""
    urn, message, _ = one(told)
    joins(told, urn)
    broken = (
        "UPDATE encompass.involvement AS v SET sealed = set_byte(v.sealed, 20, get_byte(v.sealed, 20) # 1) "
        "FROM encompass.duty AS d JOIN encompass.notification_part AS p ON p.duty_id = d.duty_id "
        "WHERE d.involvement_id = v.involvement_id AND p.notification_id = :i"
    )
    with told.encompass.database.engine(Role.OWNER).begin() as connection:
        assert connection.execute(text(broken), {"i": message}).rowcount == 1
    viewer = newcomer(told, urn)
    told.run(time(7, 55), "chase_acknowledgements")
    assert waiting(told) == [(f"KA-{urn}-newcomer", message, "unknown")]
    assert opens(told, viewer, message) is False


def test_a_correction_that_puts_a_reader_in_conflict_closes_it_to_that_reader(told: Told) -> None:
    """Police add that a party works there: nothing that the school reads has changed, but who may read it."""
    e = told.expected("on_roll", 1)
    urn, message, surname = one(told)
    run = told.cluster.run(told.encompass, time(7, 50))
    bears = lambda row: (  # noqa: E731
        f"Leading {surname}" if row["urn"] == str(urn) and row["role"] == "dsl" else row["full_name"]
    )
    told.registered(run, full_name=bears)
    told.run(time(7, 55), "chase_acknowledgements")
    viewer = told.viewer(urn, "dsl")
    assert opens(told, viewer, message) is True
    party = [{"person_id": "RVB-P-9", "role": "suspect", "works_at": {"name": "A school", "urn": urn}}]
    with told.recorded(e, time(8, 0), adults=party):
        told.run(time(8, 5))
    assert told.statuses(urn) == ["released"]
    assert [(m, why) for _, m, why in waiting(told)] == [(message, "party_works_here")]
    assert opens(told, viewer, message) is False
    assert opens(told, told.viewer(urn, "deputy"), message) is True
