"""The wrong school: recalled by two people, a breach case with its clock, the right school told; and not our pupil."""

from __future__ import annotations

from datetime import time, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from encompass.domain.access import NotFound
from encompass.domain.notification import Called, CallOutcome, Notice, NoticeKind
from encompass.pipeline import take_answers
from encompass.pipeline.acknowledge import excuse_from, return_notification
from encompass.pipeline.hold_notifications import CannotDecide, HoldDecision, decide_hold
from encompass.pipeline.make_calls import CannotRecord, call_sheet, list_calls, record_call
from encompass.pipeline.recall_notification import (
    CannotRecall,
    Recalled,
    close_breach,
    confirm_recall,
    list_breaches,
    propose_recall,
    show_breach,
    withdraw_recall,
)
from encompass.pipeline.review_children import (
    CannotResolve,
    IsCandidate,
    Resolution,
    list_queue,
    resolve_child,
)
from encompass.store.database import Role, as_session
from encompass.wiring import Encompass
from tests.cluster import FORCE, Cluster
from tests.pipeline.told import Told

WHY = "the family moved in January"


@pytest.fixture
def told(played: Encompass, cluster: Cluster) -> Told:
    return Told(played, cluster)


def propose(told: Told, at: time, gone: UUID, right: int | None = None, by: str = "PC 1234") -> None:
    run = told.cluster.run(told.encompass, at)
    propose_recall(
        told.encompass.database.engine(Role.PIPELINE), told.encompass.ring, run, gone, right, by, WHY
    )


def confirm(told: Told, at: time, gone: UUID, by: str = "Sgt 55") -> Recalled:
    run = told.cluster.run(told.encompass, at)
    engine, rules = told.encompass.database.engine(Role.PIPELINE), told.encompass.duty_rules(FORCE)
    return confirm_recall(engine, told.encompass.ring, rules, run, gone, by)


def drop(told: Told, at: time, gone: UUID) -> None:
    run = told.cluster.run(told.encompass, at)
    engine, rules = told.encompass.database.engine(Role.PIPELINE), told.encompass.telling_rules(FORCE)
    withdraw_recall(engine, told.encompass.ring, rules, run, gone)


def waiting(told: Told) -> dict[str, UUID]:
    engine = told.encompass.database.engine(Role.PIPELINE)
    return {str(w.reason): w.involvement_id for w in list_queue(engine, FORCE)}


@pytest.mark.parametrize("is_acknowledged", [False, True])
def test_a_recall_takes_it_back_at_once_and_opens_a_breach_case(told: Told, is_acknowledged: bool) -> None:
    e = told.expected("on_roll", 1)
    (urn,) = e["urns"]
    gone, viewer = told.only(urn, "released"), told.viewer(urn)
    told.encompass.read_notification(viewer, gone)
    if is_acknowledged:
        told.acknowledge(urn, gone)
    propose(told, time(8, 0), gone)
    with pytest.raises(NotFound):
        told.encompass.read_notification(viewer, gone)
    with pytest.raises(CannotRecall, match="second person"):
        confirm(told, time(8, 1), gone, "pc 1234 ")
    done = confirm(told, time(8, 5), gone)
    at = told.cluster.at(time(8, 5))
    assert done.report_by - at == timedelta(hours=72)
    lead = next(p for p in told.cluster.world.people if p.urn == urn and p.role == "dsl")
    assert [o.key_adult_ref for o in done.openings] == [lead.key_adult_ref]
    assert told.statuses(urn) == ["recalled"]
    for read in (told.encompass.read_notification, told.encompass.acknowledge):
        with pytest.raises(NotFound):
            read(viewer, gone)
    notice = told.encompass.read_cover(viewer, gone)
    assert isinstance(notice, Notice)
    assert notice.kind is NoticeKind.RECALLED
    assert "recalled" in waiting(told)
    tasks = told.rows(
        "SELECT reason, withdrawn_at FROM encompass.phone_task WHERE notification_id = :i", i=gone
    )
    assert [tuple(t) for t in tasks] == [("recalled", None)]
    run = told.run(time(8, 10), "prepare_notifications")
    nudges = told.rows("SELECT count(DISTINCT key_adult_id) FROM encompass.nudge_notification WHERE notification_id = :i AND rung = 'notice'", i=gone)  # fmt: skip
    assert nudges == [(2,)]
    before = told.bucket(told.cluster.run(told.encompass, time(7, 0)))
    assert told.bucket(run)["with_a_person"] == before["with_a_person"]
    report = told.encompass.report(run)
    assert urn not in {s.urn for s in report.schools}
    assert report.waiting_with["mash_in_review"] == 2


def test_the_wrong_school_is_telephoned_until_somebody_there_was_told(told: Told) -> None:
    (urn,) = told.expected("on_roll", 1)["urns"]
    gone = told.only(urn, "released")
    propose(told, time(8, 0), gone)
    confirm(told, time(8, 5), gone)
    engine, ring = told.encompass.database.engine(Role.PIPELINE), told.encompass.ring
    (call,) = [c for c in call_sheet(engine, FORCE, {}) if gone in c.notification_ids]
    assert (call.is_of_recall, call.notification_ids) == (True, (gone,))
    now = told.cluster.at(time(8, 30))

    def record(outcome: CallOutcome, spoke_to: str | None) -> None:
        record_call(engine, ring, FORCE, gone, outcome, by="PC 1234", spoke_to=spoke_to, at=now, now=now)

    with pytest.raises(CannotRecord, match="nobody can acknowledge"):
        record(CallOutcome.ACKNOWLEDGED, f"KA-{urn}-dsl")
    record(CallOutcome.NO_ANSWER, None)
    assert [c for c in call_sheet(engine, FORCE, {}) if gone in c.notification_ids]
    with pytest.raises(CannotRecord, match="by the role"):
        record(CallOutcome.TOLD, " ")
    record(CallOutcome.TOLD, "head teacher")
    assert [c for c in call_sheet(engine, FORCE, {}) if gone in c.notification_ids] == []
    ((sealed,),) = told.rows("SELECT sealed_spoke_to FROM encompass.phone_call WHERE outcome = 'told'")
    assert b"head" not in bytes(sealed)


def test_one_on_no_register_who_is_told_by_telephone_acknowledges_nothing(told: Told) -> None:
    (urn,) = told.expected("on_roll", 1)["urns"]
    unread = told.only(urn, "released")
    run = told.run(time(8, 20), "chase_acknowledgements")
    engine, now = told.encompass.database.engine(Role.PIPELINE), told.cluster.at(time(8, 30))
    before = told.bucket(run)
    record_call(
        engine, told.encompass.ring, FORCE, unread, CallOutcome.TOLD, by="PC 1234", spoke_to="head teacher",
        at=now, now=now,
    )  # fmt: skip
    assert told.statuses(urn) == ["released"]
    assert told.bucket(told.cluster.run(told.encompass, time(8, 31))) == before
    (task,) = [t for t in list_calls(engine, FORCE) if t.notification_id == unread]
    assert (task.called, task.last_outcome) == (Called.KEY_ADULT, CallOutcome.TOLD)


def test_a_recall_can_be_dropped_and_the_message_opens_again(told: Told) -> None:
    (urn,) = told.expected("on_roll", 1)["urns"]
    gone, viewer = told.only(urn, "released"), told.viewer(urn)
    propose(told, time(8, 0), gone)
    with pytest.raises(CannotRecall, match="already waits"):
        propose(told, time(8, 1), gone)
    drop(told, time(8, 2), gone)
    assert told.encompass.read_notification(viewer, gone).notification_id == gone
    with pytest.raises(CannotRecall, match="begin with"):
        confirm(told, time(8, 3), gone)
    assert list_breaches(told.encompass.database.engine(Role.PIPELINE), FORCE) == []


def test_a_correction_tells_nothing_to_a_school_while_its_recall_waits(told: Told) -> None:
    e = told.expected("on_roll", 1)
    (urn,) = e["urns"]
    gone, viewer = told.only(urn, "released"), told.viewer(urn)
    propose(told, time(6, 5), gone)
    with told.recorded(e, time(6, 10), child={"voice": "Somebody sang.", "spoken_to": True}):
        run = told.run(time(6, 30))
    assert told.statuses(urn) == ["released"]
    assert told.encompass.read_inbox(viewer).entries == ()
    told.bucket(run)
    confirm(told, time(6, 40), gone)
    assert told.statuses(urn) == ["recalled"]
    assert len(list_breaches(told.encompass.database.engine(Role.PIPELINE), FORCE)) == 1


def test_a_correction_is_told_once_the_recall_is_dropped(told: Told) -> None:
    e = told.expected("on_roll", 1)
    (urn,) = e["urns"]
    old, viewer = told.only(urn, "released"), told.viewer(urn)
    propose(told, time(6, 5), old)
    with told.recorded(e, time(6, 10), child={"voice": "Somebody sang.", "spoken_to": True}):
        told.run(time(6, 30))
    drop(told, time(6, 35), old)
    assert told.only(urn, "superseded") == old
    new = told.encompass.read_notification(viewer, told.only(urn, "released"))
    assert "“Somebody sang.”" in [line.text for part in new.parts for line in part.told]


def test_a_correction_that_asks_to_wait_is_heeded_when_the_recall_is_dropped(told: Told) -> None:
    e = told.expected("on_roll", 1)
    (urn,) = e["urns"]
    old, viewer = told.only(urn, "released"), told.viewer(urn)
    propose(told, time(6, 5), old)
    hold = {"reason": "covert", "owner": "MASH inspector", "until": "2026-03-20T09:00:00+00:00"}
    with told.recorded(e, time(6, 10), child={"hold": hold}):
        told.run(time(6, 30))
    drop(told, time(6, 35), old)
    assert told.statuses(urn) == ["superseded", "held"]
    assert told.encompass.read_inbox(viewer).entries == ()


def test_a_message_that_police_retract_while_its_recall_waits_is_a_breach_all_the_same(told: Told) -> None:
    e = told.expected("on_roll", 1)
    (urn,) = e["urns"]
    gone, viewer = told.only(urn, "released"), told.viewer(urn)
    told.encompass.read_notification(viewer, gone)
    propose(told, time(6, 5), gone)
    with told.recorded(e, time(6, 10), status="retracted"):
        told.run(time(6, 30))
    assert told.statuses(urn) == ["withdrawn"]
    assert len(confirm(told, time(6, 40), gone).openings) == 1
    engine = told.encompass.database.engine(Role.PIPELINE)
    (breach,) = list_breaches(engine, FORCE)
    assert (breach.recipient, breach.outcome) == (str(urn), None)
    assert [c.is_of_recall for c in call_sheet(engine, FORCE, {}) if gone in c.notification_ids] == [True]
    notice = told.encompass.read_cover(viewer, gone)
    assert isinstance(notice, Notice)
    assert notice.kind is NoticeKind.RECALLED
    with pytest.raises(CannotRecall, match="no recall of it waits"):
        confirm(told, time(6, 41), gone)
    told.bucket(told.run(time(6, 45), "prepare_notifications"))


@pytest.mark.parametrize("is_taken_up", [False, True])
def test_a_school_that_sent_a_pupil_back_is_told_of_a_later_incident_once_a_person_says_so(
    told: Told, is_taken_up: bool
) -> None:
    e = told.expected("on_roll", 1)
    (urn,) = e["urns"]
    returned(told, urn, told.only(urn, "released"))
    if is_taken_up:
        told.run(time(7, 55), "chase_acknowledgements")
    with told.second(e, time(8, 0)):
        run = told.run(time(8, 5))
    assert told.statuses(urn) == ["not_our_pupil"]
    assert told.bucket(run)["with_a_person"] >= 1
    resolve(told, time(8, 10), waiting(told)["disputed"], urn)
    told.run(time(8, 15), "prepare_notifications")
    assert told.statuses(urn) == ["not_our_pupil", "released"]
    with told.second(e, time(8, 20), "RVB/26/999998"):
        told.run(time(8, 25))
    assert "disputed" not in waiting(told)
    assert told.statuses(urn) == ["not_our_pupil", "released", "released"]


def test_the_school_that_knows_the_pupil_is_told_and_the_other_s_message_waits(told: Told) -> None:
    e = told.expected("dual")
    mine, other = e["urns"]
    returned(told, mine, told.only(mine, "released"))
    told.run(time(7, 55), "chase_acknowledgements")
    with told.second(e, time(8, 0)):
        told.run(time(8, 5))
    assert told.statuses(mine) == ["not_our_pupil", "held"]
    assert told.rows(
        "SELECT hold_kinds FROM encompass.notification WHERE status = 'held' AND urn = :u", u=mine
    ) == [(["disputed"],)]
    assert told.statuses(other) == ["released", "released"]


def test_a_message_that_waits_already_is_not_released_to_a_school_that_sent_the_pupil_back(
    told: Told,
) -> None:
    e = told.expected("on_roll", 1)
    (urn,) = e["urns"]
    until = told.cluster.at(time(8, 0)).isoformat()
    with told.second(e, time(6, 10), hold={"reason": "covert", "owner": "MASH inspector", "until": until}):
        told.run(time(6, 15))
        returned(told, urn, told.only(urn, "released"))
        told.run(time(8, 5))
    assert told.statuses(urn) == ["not_our_pupil", "held"]


def test_who_releases_for_another_reason_is_told_that_the_school_has_said_no(told: Told) -> None:
    e = told.expected("on_roll", 1)
    (urn,) = e["urns"]
    engine, ring = told.encompass.database.engine(Role.PIPELINE), told.encompass.ring
    release = HoldDecision("released", "PC 1234", WHY)

    def decide(at: time, notification_id: UUID) -> None:
        run, rules = told.cluster.run(told.encompass, at), told.encompass.telling_rules(FORCE)
        decide_hold(engine, ring, rules, frozenset(), run, notification_id, release)

    with told.second(e, time(6, 10), is_suspect=True):
        told.run(time(6, 15))
        returned(told, urn, told.only(urn, "released"))
        told.run(time(7, 55), "chase_acknowledgements")
        waits = told.only(urn, "held")
        with pytest.raises(CannotDecide, match="sent this pupil back"):
            decide(time(8, 0), waits)
        assert told.only(urn, "held") == waits
        decide(time(8, 5), waits)  # having asked the school
        assert told.only(urn, "released") == waits
        with told.second(e, time(8, 20), "RVB/26/999998"):
            told.run(time(8, 25))
    assert told.statuses(urn).count("released") == 2


def test_the_queue_places_a_disputed_pupil_where_somebody_names_the_school(told: Told) -> None:
    e = told.expected("on_roll", 1)
    (urn,) = e["urns"]
    returned(told, urn, told.only(urn, "released"))
    told.run(time(7, 55), "chase_acknowledgements")
    engine, ring = told.encompass.database.engine(Role.PIPELINE), told.encompass.ring
    run, rules = told.cluster.run(told.encompass, time(8, 0)), told.encompass.duty_rules(FORCE)
    unnamed = Resolution(IsCandidate(1, ()), "PC 1234", WHY)
    with pytest.raises(CannotResolve, match=f"{urn}.*--urn"):
        resolve_child(engine, ring, rules, run, waiting(told)["not_our_pupil"], unnamed)
    resolve(told, time(8, 5), waiting(told)["not_our_pupil"], urn)
    told.run(time(8, 10), "prepare_notifications")
    assert told.statuses(urn) == ["not_our_pupil", "released"]


def test_another_child_s_message_says_nothing_of_the_pupil(told: Told) -> None:
    """The queue finds that the child was another: that pupil's own school was told in error of one who is there."""
    e = told.expected("on_roll", 1)
    (urn,) = e["urns"]
    gone = told.only(urn, "released")
    propose(told, time(6, 5), gone)
    confirm(told, time(6, 6), gone)
    with told.encompass.database.engine(Role.OWNER).begin() as connection:
        moved = "UPDATE encompass.placement SET status = 'placed', reason = NULL, pupil_id = (SELECT pupil_id FROM encompass.pupil WHERE pupil_id <> :p LIMIT 1) WHERE reason = 'recalled'"
        pupil = told.rows("SELECT pupil_id FROM encompass.notification WHERE notification_id = :i", i=gone)[
            0
        ][0]
        connection.execute(text(moved), {"p": pupil})
    with told.second(e, time(6, 10)):
        told.run(time(6, 15))
    assert told.statuses(urn) == ["recalled", "released"]


@pytest.mark.parametrize("is_dropped", [False, True])
def test_a_later_incident_goes_to_a_person_where_the_school_was_told_in_error(
    told: Told, is_dropped: bool
) -> None:
    e = told.expected("on_roll", 1)
    (urn,) = e["urns"]
    gone = told.only(urn, "released")
    propose(told, time(6, 5), gone)
    if is_dropped:
        drop(told, time(6, 8), gone)
    with told.second(e, time(6, 10)):
        told.run(time(6, 15))
    assert told.statuses(urn) == ["released"] * (1 + is_dropped)
    assert ("disputed" in waiting(told)) is not is_dropped


def test_the_right_school_is_told_at_once_where_the_pupil_is_on_its_roll(told: Told) -> None:
    """A pupil of two rolls: the second school sent the child back, and it was the first that was wrong."""
    first, second = told.expected("dual")["urns"]
    gone = told.only(first, "released")
    with pytest.raises(CannotRecall, match="on no roll of"):
        propose(told, time(8, 0), gone, told.expected("hold")["urns"][0])
    with pytest.raises(CannotRecall, match="on no roll of"):
        propose(told, time(8, 0), gone, first)
    mistaken = told.only(second, "released")
    returned(told, second, mistaken)
    told.run(time(7, 55), "prepare_notifications")
    resolve(told, time(7, 57), waiting(told)["not_our_pupil"], first)
    propose(told, time(8, 0), gone, second)
    done = confirm(told, time(8, 5), gone)
    assert done.right_urn == second
    run = told.run(time(8, 10), "prepare_notifications")
    assert told.statuses(first) == ["recalled"]
    assert told.statuses(second) == ["not_our_pupil", "released"]
    assert told.nudged(told.only(second, "released")) == 2
    told.bucket(run)


def test_a_breach_is_closed_once_with_what_was_decided(told: Told) -> None:
    (urn,) = told.expected("on_roll", 1)["urns"]
    gone = told.only(urn, "released")
    propose(told, time(8, 0), gone)
    done = confirm(told, time(8, 5), gone)
    assert done.openings == []
    engine, ring = told.encompass.database.engine(Role.PIPELINE), told.encompass.ring
    (breach,) = list_breaches(engine, FORCE)
    assert (breach.breach_id, breach.recipient, breach.outcome) == (done.breach_id, str(urn), None)
    now = told.cluster.at(time(9, 0))
    close_breach(
        engine, ring, FORCE, done.breach_id, "not_reportable", "Inspector 7", "nobody had opened it", now
    )
    with pytest.raises(CannotRecall, match="closed already"):
        close_breach(engine, ring, FORCE, done.breach_id, "reported", "Inspector 7", "IC-1", now)
    found, openings = show_breach(engine, ring, FORCE, done.breach_id)
    assert (found.breach.outcome, found.reason, found.closing) == (
        "not_reportable",
        WHY,
        "nobody had opened it",
    )
    assert openings == []
    sealed = told.rows(
        "SELECT sealed_outcome, (SELECT sealed_reason FROM encompass.recall) FROM encompass.breach"
    )
    assert not any(b"family" in bytes(c) or b"nobody" in bytes(c) for row in sealed for c in row)


def returned(told: Told, urn: int, notification_id: UUID) -> None:
    engine, now = told.encompass.database.engine(Role.SCHOOL), told.cluster.at(time(7, 52))
    return_notification(engine, told.viewer(urn), notification_id, now)


@pytest.mark.parametrize("is_acknowledged", [False, True])
def test_one_school_says_not_ours_and_only_its_duty_is_reopened(told: Told, is_acknowledged: bool) -> None:
    mine, other = told.expected("dual")["urns"]
    gone = told.only(mine, "released")
    if is_acknowledged:
        told.acknowledge(mine, gone)
    told.acknowledge(other, told.only(other, "released"))
    returned(told, mine, gone)
    assert told.statuses(mine) == ["not_our_pupil"]
    at_once = told.bucket(told.cluster.run(told.encompass, time(7, 53)))
    assert at_once["acknowledged"] == 1
    for read in (told.encompass.read_notification, told.encompass.read_cover):
        with pytest.raises(NotFound):
            read(told.viewer(mine, "deputy"), gone)
    run = told.run(time(8, 0), "chase_acknowledgements")
    assert told.bucket(run)["acknowledged"] == 1
    involvement_id = waiting(told)["not_our_pupil"]
    assert told.statuses(other) == ["acknowledged"]
    resolve(told, time(8, 10), involvement_id, other)
    done = told.run(time(8, 15), "prepare_notifications")
    assert (told.statuses(mine), told.statuses(other)) == (["not_our_pupil"], ["acknowledged"])
    assert told.bucket(done)["acknowledged"] == 1
    assert "not_our_pupil" not in waiting(told)


def test_an_answer_that_cannot_be_taken_up_holds_up_no_other_and_stands_as_an_alarm(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, other = told.expected("dual")["urns"]
    (third,) = told.expected("on_roll", 1)["urns"]
    broken = told.only(mine, "released")
    for urn in (mine, other):
        returned(told, urn, told.only(urn, "released"))
    stands_back(told, third, "dsl", told.only(third, "released"))
    with told.encompass.database.engine(Role.OWNER).begin() as connection:
        spoil = "UPDATE encompass.notification SET sealed_child = set_byte(sealed_child, 20, get_byte(sealed_child, 20) # 1) WHERE notification_id = :i"
        connection.execute(text(spoil), {"i": broken})
    run = told.run(time(8, 20), "chase_acknowledgements")
    assert "answer_not_taken: take_answers" in told.encompass.account(run).alarms
    assert waiting(told)["not_our_pupil"]  # the other school's answer
    assert told.rows("SELECT 1 FROM encompass.nudge_notification WHERE rung = 'reroute'")
    assert told.rows(
        "SELECT 1 FROM encompass.phone_task WHERE reason = 'unacknowledged'"
    )  # and the chase went on
    placement = take_answers.placement

    def fails(*_: object) -> bool:
        raise ZeroDivisionError

    monkeypatch.setattr(placement, "withdraw_duty", fails)
    with told.encompass.database.engine(Role.OWNER).begin() as connection:
        connection.execute(text(spoil), {"i": broken})  # it opens again
    with pytest.raises(ExceptionGroup):
        told.run(time(9, 30), "chase_acknowledgements")
    assert told.rows(
        "SELECT 1 FROM encompass.ladder_step WHERE taken_at = :t", t=told.cluster.at(time(9, 30))
    )
    monkeypatch.undo()
    run = told.run(time(9, 40), "chase_acknowledgements")
    assert "answer_not_taken: take_answers" not in told.encompass.account(run).alarms


def test_a_school_that_was_right_after_all_is_told_again(told: Told) -> None:
    mine, _ = told.expected("dual")["urns"]
    returned(told, mine, told.only(mine, "released"))
    told.run(time(8, 0), "prepare_notifications")
    resolve(told, time(8, 10), waiting(told)["not_our_pupil"], mine)
    told.run(time(8, 15), "prepare_notifications")
    assert told.statuses(mine) == ["not_our_pupil", "released"]


def test_no_correction_places_again_what_a_school_returned(told: Told) -> None:
    e = told.expected("on_roll", 1)
    (urn,) = e["urns"]
    returned(told, urn, told.only(urn, "released"))
    told.run(time(8, 0), "prepare_notifications")
    with told.recorded(e, time(8, 5), child={"voice": "Somebody sang.", "spoken_to": True}):
        told.run(time(8, 30))
    assert told.statuses(urn) == ["not_our_pupil"]
    assert "not_our_pupil" in waiting(told)


def resolve(told: Told, at: time, involvement_id: UUID, urn: int) -> None:
    run = told.cluster.run(told.encompass, at)
    engine, rules = told.encompass.database.engine(Role.PIPELINE), told.encompass.duty_rules(FORCE)
    decision = Resolution(IsCandidate(1, (urn,)), "PC 1234", WHY)
    resolve_child(engine, told.encompass.ring, rules, run, involvement_id, decision)


def stands_back(told: Told, urn: int, role: str, notification_id: UUID) -> None:
    engine = told.encompass.database.engine(Role.SCHOOL)
    now = told.cluster.at(time(7, 52))
    excuse_from(engine, told.viewer(urn, role), notification_id, now)


def test_one_who_should_not_see_it_never_can_and_another_is_nudged(told: Told) -> None:
    e = told.expected("on_roll", 1)
    (urn,) = e["urns"]
    unseen = told.only(urn, "released")
    stands_back(told, urn, "dsl", unseen)
    again = told.viewer(urn, "dsl")
    assert told.encompass.read_inbox(again).entries == ()
    for read in (told.encompass.read_cover, told.encompass.read_notification, told.encompass.acknowledge):
        with pytest.raises(NotFound):
            read(again, unseen)
    with pytest.raises(NotFound):
        stands_back(told, urn, "dsl", unseen)
    told.run(time(8, 0), "chase_acknowledgements")
    rerouted = "SELECT key_adult_id FROM encompass.nudge_notification WHERE notification_id = :i AND rung = 'reroute'"
    deputy = told.viewer(urn, "deputy")
    assert told.rows(rerouted, i=unseen) == [(deputy.key_adult_id,)]
    assert told.encompass.read_notification(deputy, unseen).notification_id == unseen
    actions = told.rows("SELECT action FROM encompass.audit_event WHERE actor_id = :a", a=again.key_adult_id)
    assert ("key_adult_excused",) in actions
    with told.second(e, time(8, 0)):
        told.run(time(8, 30))
    ((second,),) = told.rows("SELECT notification_id FROM encompass.notification WHERE urn = :u AND adds_to = :i", u=urn, i=unseen)  # fmt: skip
    with pytest.raises(NotFound):
        told.encompass.read_cover(again, second)
    assert told.encompass.read_cover(deputy, second)


def test_where_nobody_is_left_somebody_telephones(told: Told) -> None:
    (urn,) = told.expected("on_roll", 1)["urns"]
    unseen = told.only(urn, "released")
    for role in ("dsl", "deputy"):
        stands_back(told, urn, role, unseen)
    run = told.run(time(8, 0), "chase_acknowledgements")
    tasks = told.rows("SELECT reason FROM encompass.phone_task WHERE notification_id = :i", i=unseen)
    assert tasks == [("conflict",)]
    assert told.bucket(run)["escalated"] == 1


def test_the_database_itself_keeps_who_stood_back_and_the_recalled_out(told: Told) -> None:
    (urn,) = told.expected("on_roll", 1)["urns"]
    unseen = told.only(urn, "released")
    stands_back(told, urn, "dsl", unseen)
    lead, deputy = told.viewer(urn, "dsl"), told.viewer(urn, "deputy")
    counted = "SELECT (SELECT count(*) FROM encompass.notification), (SELECT count(*) FROM encompass.notification_part)"
    for viewer, seen in ((lead, (0, 0)), (deputy, (1, 1))):
        with as_session(told.encompass.database.engine(Role.SCHOOL), viewer.session_token) as connection:
            assert tuple(connection.execute(text(counted)).one()) == seen
    other = told.expected("on_roll", 2)["urns"][0]
    theirs = told.only(other, "released")
    call = text("SELECT encompass.school_returns(CAST(:i AS uuid), 'released')")
    for viewer, wanted in ((lead, unseen), (deputy, theirs)):
        with as_session(told.encompass.database.engine(Role.SCHOOL), viewer.session_token) as connection:
            assert connection.execute(call, {"i": wanted}).scalar_one() is False
    for statement in (
        "DELETE FROM encompass.notification_exclusion",
        "SELECT count(*) FROM encompass.notification_exclusion",
        "SELECT count(*) FROM encompass.recall",
        "SELECT sealed_hold FROM encompass.notification",
        "UPDATE encompass.notification SET status = 'not_our_pupil'",
    ):
        with pytest.raises(ProgrammingError, match=r"permission denied|row-level security"):
            with as_session(told.encompass.database.engine(Role.SCHOOL), deputy.session_token) as connection:
                connection.execute(text(statement))
