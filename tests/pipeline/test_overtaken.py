"""Told, and then corrected: left out of the record, another pupil, another school. A person decides, and nothing is silent."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any
from uuid import UUID

import pytest

from encompass.cli.call_sheet import sheet_text
from encompass.domain.access import NotFound
from encompass.domain.compliance import IN_DOUBT, RECALL_UNCONFIRMED
from encompass.domain.notification import Notice, NoticeKind
from encompass.pipeline.close_exceptions import NoSuchException, close_exception, list_exceptions
from encompass.pipeline.hold_notifications import CannotDecide, HoldDecision, decide_hold
from encompass.pipeline.make_calls import call_sheet
from encompass.pipeline.recall_notification import (
    close_breach,
    confirm_recall,
    list_breaches,
    show_breach,
    withdraw_recall,
)
from encompass.pipeline.review_children import (
    CannotResolve,
    Decided,
    IsCandidate,
    IsNotFound,
    IsNotNamed,
    Resolution,
    Resolved,
    confirm_child,
    list_queue,
    resolve_child,
)
from encompass.pipeline.show_child import show_child
from encompass.store.database import Role
from encompass.wiring import Encompass
from tests.cluster import FORCE, Cluster
from tests.pipeline.told import Told

WHY = "the officer named a cousin by mistake"


@pytest.fixture
def told(played: Encompass, cluster: Cluster) -> Told:
    return Told(played, cluster)


def of_reason(told: Told, reason: str) -> UUID:
    waiting = list_queue(told.encompass.database.engine(Role.PIPELINE), FORCE)
    return next(w.involvement_id for w in waiting if w.reason == reason)


def unfinished(told: Told, at: time) -> list[tuple[str, int | None]]:
    engine = told.encompass.database.engine(Role.PIPELINE)
    found = list_exceptions(engine, FORCE, told.cluster.at(at))
    return [(e.reason, e.urn) for e in found if e.reason in (IN_DOUBT, RECALL_UNCONFIRMED)]


def resolve(told: Told, at: time, involvement_id: UUID, decided: Decided, by: str = "PC 1234") -> Resolved:
    run = told.cluster.run(told.encompass, at)
    engine, rules = told.encompass.database.engine(Role.PIPELINE), told.encompass.duty_rules(FORCE)
    return resolve_child(
        engine, told.encompass.ring, rules, run, involvement_id, Resolution(decided, by, WHY)
    )


def confirm(told: Told, at: time, involvement_id: UUID, by: str) -> Resolved:
    run = told.cluster.run(told.encompass, at)
    engine, rules = told.encompass.database.engine(Role.PIPELINE), told.encompass.duty_rules(FORCE)
    return confirm_child(engine, told.encompass.ring, rules, run, involvement_id, by)


def of_pupil(told: Told, urn: int, *, is_there: bool, but: str) -> dict[str, Any]:
    """What police would record of a pupil at this school, or at another; not of this surname."""
    pupil = next(
        p
        for p in told.cluster.world.rolls.by_kind["plain"]
        if (p.urn == urn) is is_there and p.surname != but
    )
    home = {"address": pupil.address, "town": pupil.town, "postcode": pupil.postcode}
    return {
        "forename": pupil.forename, "surname": pupil.surname, "sex": pupil.sex,
        "date_of_birth": pupil.born.isoformat(), "address": home, "upn": None, "school_named": None,
        "other_names": [], "urn": pupil.urn,
    }  # fmt: skip


@pytest.mark.parametrize("is_acknowledged", [False, True])
def test_a_child_left_out_of_a_corrected_record_is_a_persons_task_until_two_have_said_so(
    told: Told, is_acknowledged: bool
) -> None:
    e = told.expected("on_roll", 1)
    (urn,) = e["urns"]
    gone, viewer = told.only(urn, "released"), told.viewer(urn)
    if is_acknowledged:
        told.acknowledge(urn, gone)
    with told.left_out(e, time(6, 10)):
        before = told.bucket(told.cluster.run(told.encompass, time(6, 0)))
        run = told.run(time(6, 30))
    assert told.bucket(run) == before
    assert told.encompass.read_notification(viewer, gone).notification_id == gone
    assert unfinished(told, time(6, 31)) == [(IN_DOUBT, urn)]
    child = of_reason(told, "no_longer_named")
    engine = told.encompass.database.engine(Role.PIPELINE)
    assert show_child(engine, told.encompass.ring, run, child).told == (str(urn),)
    with pytest.raises(NoSuchException):
        close_exception(
            engine, told.encompass.ring, FORCE, child, "PC 1234", WHY, told.cluster.at(time(6, 31))
        )
    assert resolve(told, time(6, 40), child, IsNotNamed()).proposal.overrides == ("no_longer_named",)
    with pytest.raises(CannotResolve, match="second person"):
        confirm(told, time(6, 41), child, "pc 1234")
    assert told.encompass.read_notification(viewer, gone).notification_id == gone
    confirm(told, time(6, 42), child, "Sgt 55")
    assert told.statuses(urn) == ["withdrawn"]
    notice = told.encompass.read_cover(viewer, gone)
    assert isinstance(notice, Notice)
    assert notice.kind is NoticeKind.WITHDRAWN
    after = told.run(time(6, 45), "prepare_notifications")
    assert told.bucket(after)["excluded"] == before["excluded"] + 1
    assert unfinished(told, time(6, 46)) == []
    assert told.encompass.account(after).involvements.excluded["no_longer_named"] == 1


def test_one_left_out_before_anybody_was_told_is_told_to_nobody_until_a_person_decides(
    rolled: Encompass, cluster: Cluster
) -> None:
    told = Told(rolled, cluster)
    e = told.expected("on_roll", 1)
    (urn,) = e["urns"]
    told.run(time(5, 30), "receive_incidents", "match_children")
    with told.left_out(e, time(5, 40)):
        told.run(time(5, 50))
    assert told.statuses(urn) == []
    child = of_reason(told, "no_longer_named")
    waiting = list_queue(rolled.database.engine(Role.PIPELINE), FORCE)
    other = next(w.involvement_id for w in waiting if w.involvement_id != child)
    with pytest.raises(CannotResolve, match="still name"):
        resolve(told, time(6, 0), other, IsNotNamed())
    resolve(told, time(6, 0), child, IsCandidate(1, (urn,)))
    told.run(time(6, 5), "prepare_notifications")
    assert told.statuses(urn) == ["released"]


def test_who_is_named_again_as_before_stays_told_and_nobody_is_asked(told: Told) -> None:
    e = told.expected("on_roll", 1)
    (urn,) = e["urns"]
    first = told.only(urn, "released")
    with told.left_out(e, time(6, 10)):
        told.run(time(6, 30))
    with told.recorded(e, time(6, 40), team="Response Team Z"):
        told.run(time(6, 45))
    assert told.only(urn, "released") == first
    assert unfinished(told, time(6, 46)) == []


def test_what_is_held_for_a_child_in_doubt_is_not_released(told: Told) -> None:
    e = told.expected("hold")
    (urn,) = e["urns"]
    held = told.only(urn, "held")
    with told.left_out(e, time(6, 10)):
        run = told.run(time(6, 30))
    engine, ring, rules = told.encompass.database.engine(Role.PIPELINE), told.encompass.ring, told.encompass.telling_rules(FORCE)  # fmt: skip
    with pytest.raises(CannotDecide, match="decide there first"):
        decide_hold(engine, ring, rules, frozenset(), run, held, HoldDecision("released", "PC 1234", WHY))
    told.rows(
        "UPDATE encompass.notification SET hold_until = '2026-03-17T05:00Z' WHERE status = 'held' RETURNING 1"
    )
    told.run(time(7, 0), "prepare_notifications")
    assert told.statuses(urn) == ["held"]


def test_a_child_placed_elsewhere_closes_the_first_schools_message_and_proposes_its_recall(
    told: Told,
) -> None:
    e = told.expected("on_roll", 1)
    (urn,) = e["urns"]
    gone, viewer = told.only(urn, "released"), told.viewer(urn)
    other = of_pupil(told, urn, is_there=False, but="")
    right = other.pop("urn")
    with told.recorded(e, time(6, 10), child=other):
        told.run(time(6, 30))
    assert unfinished(told, time(6, 31)) == [(IN_DOUBT, urn)]
    child = of_reason(told, "corrected")
    done = resolve(told, time(6, 40), child, IsCandidate(1, ()))
    assert [(t.notification_id, t.recipient) for t in done.told_elsewhere] == [(gone, str(urn))]
    assert done.proposal.urns == (right,)
    with pytest.raises(NotFound):
        told.encompass.read_notification(viewer, gone)
    assert unfinished(told, time(6, 41)) == [(RECALL_UNCONFIRMED, urn)]
    told.run(time(6, 45), "prepare_notifications")
    told.only(right, "released")
    engine, rules = told.encompass.database.engine(Role.PIPELINE), told.encompass.duty_rules(FORCE)
    confirm_recall(
        engine, told.encompass.ring, rules, told.cluster.run(told.encompass, time(6, 50)), gone, "Sgt 55"
    )
    assert told.statuses(urn) == ["recalled"]
    assert len(told.rows("SELECT 1 FROM encompass.breach")) == 1
    told.only(right, "released")
    assert unfinished(told, time(6, 51)) == []
    waiting = list_queue(engine, FORCE)
    assert child not in {w.involvement_id for w in waiting}
    told.bucket(told.run(time(6, 55), "prepare_notifications"))


def test_a_recall_that_the_queue_proposed_can_be_dropped_and_the_school_is_owed_again(told: Told) -> None:
    e = told.expected("on_roll", 1)
    (urn,) = e["urns"]
    gone = told.only(urn, "released")
    other = of_pupil(told, urn, is_there=False, but="")
    other.pop("urn")
    with told.recorded(e, time(6, 10), child=other):
        told.run(time(6, 30))
    child = of_reason(told, "corrected")
    assert [t.notification_id for t in resolve(told, time(6, 40), child, IsNotFound()).told_elsewhere] == [
        gone
    ]
    run = told.cluster.run(told.encompass, time(6, 45))
    engine, rules = told.encompass.database.engine(Role.PIPELINE), told.encompass.telling_rules(FORCE)
    withdraw_recall(engine, told.encompass.ring, rules, run, gone)
    assert told.encompass.read_notification(told.viewer(urn), gone).notification_id == gone
    assert unfinished(told, time(6, 46)) == [(IN_DOUBT, urn)]
    told.bucket(run)


def test_where_one_of_two_incidents_was_another_childs_its_part_alone_is_recalled(
    rolled: Encompass, cluster: Cluster
) -> None:
    told = Told(rolled, cluster)
    e = told.expected("on_roll", 1)
    (urn,) = e["urns"]
    second = {**e, "incident_reference": "RVB/26/999999"}
    other = of_pupil(told, urn, is_there=False, but="")
    right = other.pop("urn")
    with told.second(e, time(5, 20)):
        told.run(time(5, 30))
        both = told.only(urn, "released")
        told.acknowledge(urn, both)
        with told.recorded(second, time(6, 10), child=other):
            told.run(time(6, 30))
            resolve(told, time(6, 40), of_reason(told, "corrected"), IsCandidate(1, ()))
    viewer = told.viewer(urn)
    page = told.encompass.read_notification(viewer, both)
    assert (len(page.parts), page.acknowledged_at is not None) == (1, True)
    assert unfinished(told, time(6, 41)) == [(RECALL_UNCONFIRMED, urn)]
    engine, rules = told.encompass.database.engine(Role.PIPELINE), told.encompass.duty_rules(FORCE)
    run = told.cluster.run(told.encompass, time(6, 50))
    done = confirm_recall(engine, told.encompass.ring, rules, run, both, "Sgt 55")
    assert done.breach_id
    assert told.statuses(urn) == ["acknowledged"]
    page = told.encompass.read_notification(viewer, both)
    assert (len(page.parts), [n.kind for n in page.notices]) == (1, [NoticeKind.PART_RECALLED])
    assert unfinished(told, time(6, 51)) == []
    after = told.run(time(6, 55), "prepare_notifications")
    told.only(right, "released")
    assert told.bucket(after)["acknowledged"] == 1
    live = told.rows("SELECT count(*) FROM encompass.duty JOIN encompass.recipient USING (recipient_id) WHERE urn = :u AND withdrawn_at IS NULL", u=urn)  # fmt: skip
    assert live == [(1,)]


def test_in_doubt_the_ladder_stands_still_and_goes_on_once_it_is_settled(told: Told) -> None:
    """Nobody nudges or telephones a school about what may be another child's; a person sees that it waits."""
    e = told.expected("on_roll", 1)
    (urn,) = e["urns"]
    doubted = told.only(urn, "released")
    surname = told.encompass.read_notification(told.viewer(urn), doubted).child.surname
    other = of_pupil(told, urn, is_there=True, but=surname)
    other.pop("urn")
    steps = "SELECT step FROM encompass.ladder_step AS s JOIN encompass.notification_part AS p USING (duty_id) WHERE p.notification_id = :i ORDER BY step"
    with told.recorded(e, time(6, 10), child=other):
        told.run(time(6, 30))
        told.run(time(8, 20), "chase_acknowledgements")
        assert told.rows(steps, i=doubted) == []
        assert told.rows("SELECT 1 FROM encompass.phone_task WHERE notification_id = :i", i=doubted) == []
        assert unfinished(told, time(8, 21)) == [(IN_DOUBT, urn)]
        told.run(time(9, 0), "chase_acknowledgements")
        assert told.rows(steps, i=doubted) == [("missed",)]
    child = of_reason(told, "corrected")
    resolve(told, time(9, 5), child, IsCandidate(1, ()))
    told.run(time(9, 10), "prepare_notifications")
    told.run(time(9, 10), "chase_acknowledgements")
    right = told.only(urn, "released")
    tasks = "SELECT called FROM encompass.phone_task WHERE notification_id = :i ORDER BY called"
    assert told.rows(tasks, i=right) == [("key_adult",)]


def test_a_call_that_was_open_when_the_doubt_came_says_do_not_telephone(told: Told) -> None:
    e = told.expected("on_roll", 1)
    (urn,) = e["urns"]
    doubted = told.only(urn, "released")
    told.run(time(8, 20), "chase_acknowledgements")
    with told.left_out(e, time(8, 21)):
        told.run(time(8, 25))
    calls = call_sheet(told.encompass.database.engine(Role.PIPELINE), FORCE, {})
    assert [c.is_in_doubt for c in calls if doubted in c.notification_ids] == [True]
    assert sheet_text([c for c in calls if doubted in c.notification_ids]).count("Do not telephone") == 1
    assert {c.is_in_doubt for c in calls if doubted not in c.notification_ids} == {False}


def test_another_pupil_of_the_same_school_is_told_of_and_the_first_message_withdrawn(told: Told) -> None:
    e = told.expected("on_roll", 1)
    (urn,) = e["urns"]
    wrong = told.only(urn, "released")
    told.acknowledge(urn, wrong)
    surname = told.encompass.read_notification(told.viewer(urn), wrong).child.surname
    other = of_pupil(told, urn, is_there=True, but=surname)
    other.pop("urn")
    with told.recorded(e, time(6, 10), child=other):
        told.run(time(6, 30))
        child = of_reason(told, "corrected")
        assert resolve(told, time(6, 40), child, IsCandidate(1, ())).told_elsewhere == []
        told.run(time(6, 45), "prepare_notifications")
    right = told.only(urn, "released")
    page = told.encompass.read_notification(told.viewer(urn), right)
    assert (page.child.surname, page.acknowledged_at) == (other["surname"], None)
    assert told.statuses(urn) == ["withdrawn", "released"]
    engine, ring = told.encompass.database.engine(Role.PIPELINE), told.encompass.ring
    (breach,) = list_breaches(engine, FORCE)
    assert (breach.notification_id, breach.report_by - breach.opened_at) == (wrong, timedelta(hours=72))
    found, openings = show_breach(engine, ring, FORCE, breach.breach_id)
    assert (found.proposed_by, found.confirmed_by, len(openings)) == ("PC 1234", None, 1)
    now = told.cluster.at(time(9, 10))
    close_breach(engine, ring, FORCE, breach.breach_id, "reported", "Inspector 7", "IC-1", now)
    assert show_breach(engine, ring, FORCE, breach.breach_id)[0].closing == "IC-1"
    told.run(time(9, 15), "chase_acknowledgements")
    missed = told.rows("SELECT 1 FROM encompass.duty_exception JOIN encompass.duty USING (duty_id) JOIN encompass.recipient USING (recipient_id) WHERE urn = :u", u=urn)  # fmt: skip
    assert len(missed) == 1


def test_a_second_correction_never_places_by_itself_whom_another_school_was_told_of(told: Told) -> None:
    e = told.expected("on_roll", 1)
    (urn,) = e["urns"]
    other = of_pupil(told, urn, is_there=False, but="")
    other.pop("urn")
    third = of_pupil(told, urn, is_there=False, but=other["surname"])
    right = third.pop("urn")
    with told.recorded(e, time(6, 10), child=other):
        told.run(time(6, 30))
    before = told.statuses(right)
    with told.recorded(e, time(6, 40), child=third):
        told.run(time(6, 45))
    assert told.statuses(right) == before
    assert of_reason(told, "corrected")
    assert unfinished(told, time(6, 46)) == [(IN_DOUBT, urn)]
