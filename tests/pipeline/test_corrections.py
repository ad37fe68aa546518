"""Police correct, retract, and report again: what schools were told follows, and each child stays accounted for."""

from __future__ import annotations

from datetime import time
from uuid import UUID

import pytest

from encompass.domain.access import NotFound
from encompass.domain.notification import Notice, NoticeKind
from encompass.wiring import Encompass
from tests.cluster import Cluster
from tests.pipeline.told import Told

VOICE = "I hid in the airing cupboard with my rabbit until it was quiet."


@pytest.fixture
def told(played: Encompass, cluster: Cluster) -> Told:
    return Told(played, cluster)


def words(told: Told, urn: int, notification_id: UUID) -> str:
    page = told.encompass.read_notification(told.viewer(urn), notification_id)
    return "\n".join(line.text for part in page.parts for line in part.told)


@pytest.mark.parametrize("is_acknowledged", [False, True])
def test_a_correction_replaces_what_was_told_and_says_what_changed(told: Told, is_acknowledged: bool) -> None:
    e = told.expected("dual")
    urn, other = e["urns"]
    old = told.only(urn, "released")
    viewer = told.viewer(urn)
    told.encompass.read_notification(viewer, old)
    if is_acknowledged:
        told.acknowledge(urn, old)
    with told.recorded(e, time(6, 10), child={"voice": VOICE, "spoken_to": True}):
        run = told.run(time(6, 30))
        assert told.run(time(6, 30)) == run
    new = told.only(urn, "released")
    assert told.only(urn, "superseded") == old
    assert told.nudged(new) == 2
    assert VOICE in words(told, urn, new)
    page = told.encompass.read_notification(viewer, new)
    assert page.replaces
    assert "What the child said" in page.parts[0].changed
    assert "Police reference" not in page.parts[0].changed
    assert page.acknowledged_at is None
    with pytest.raises(NotFound):
        told.encompass.read_notification(viewer, old)
    kept = told.rows("SELECT 1 FROM encompass.acknowledgement WHERE notification_id = :id", id=old)
    assert len(kept) == is_acknowledged
    assert told.statuses(other) == ["superseded", "released"]
    told.acknowledge(urn, new, time(7, 0))
    late = told.run(time(8, 0), "chase_acknowledgements")
    assert told.bucket(late)["acknowledged"] == 1
    assert told.rows("SELECT urn FROM encompass.notification WHERE supersedes = :id", id=old) == [(urn,)]


def test_a_school_that_acknowledged_in_time_was_told_in_time_whatever_is_corrected_later(told: Told) -> None:
    e = told.expected("on_roll", 1)
    (urn,) = e["urns"]
    told.acknowledge(urn, told.only(urn, "released"))
    with told.recorded(e, time(8, 50), child={"voice": VOICE, "spoken_to": True}):
        run = told.run(time(9, 0))
    told.run(time(9, 15), "chase_acknowledgements")
    report = told.encompass.report(run)
    assert [s.on_time for s in report.schools if s.urn == urn] == [1]
    assert told.bucket(told.run(time(9, 30), "chase_acknowledgements"))["escalated"] >= 1
    missed = told.rows("SELECT 1 FROM encompass.duty_exception JOIN encompass.duty USING (duty_id) JOIN encompass.recipient USING (recipient_id) WHERE urn = :u", u=urn)  # fmt: skip
    assert missed == []


def test_a_correction_of_nothing_that_is_told_tells_nobody_again(told: Told) -> None:
    e = told.expected("on_roll", 1)
    (urn,) = e["urns"]
    before = told.only(urn, "released")
    with told.recorded(e, time(6, 10), team="Response Team Z"):
        told.run(time(6, 30))
    assert told.only(urn, "released") == before
    assert told.statuses(urn) == ["released"]


def test_what_nobody_has_read_is_put_right_in_its_place(told: Told) -> None:
    e = told.expected("hold")
    (urn,) = e["urns"]
    held = told.only(urn, "held")
    hold = {"reason": "covert", "owner": "MASH inspector", "until": "2026-03-20T09:00:00+00:00"}
    with told.recorded(e, time(6, 10), child={"voice": VOICE, "spoken_to": True, "hold": hold}):
        told.run(time(6, 30))
    assert told.only(urn, "held") == held
    with told.recorded(e, time(6, 40), child={"voice": VOICE, "spoken_to": True, "hold": None}):
        told.run(time(7, 0))
    assert told.only(urn, "released") == held
    assert VOICE in words(told, urn, held)
    assert told.nudged(held) == 2


RETRACTED, NOT_ABUSE = {"status": "retracted"}, {"domestic_abuse": False}


@pytest.mark.parametrize("change", [RETRACTED, NOT_ABUSE])
@pytest.mark.parametrize("is_acknowledged", [False, True])
def test_a_retraction_takes_back_what_was_told_and_leaves_a_notice(
    told: Told, change: dict, is_acknowledged: bool
) -> None:
    e = told.expected("dual")
    urn = e["urns"][0]
    gone, viewer = told.only(urn, "released"), told.viewer(urn)
    if is_acknowledged:
        told.acknowledge(urn, gone)
    nudges = "SELECT count(*) FROM encompass.nudge AS n JOIN encompass.recipient AS r USING (recipient_id) WHERE r.urn = :u"
    before = told.rows(nudges, u=urn)[0][0]
    with told.recorded(e, time(6, 10), **change):
        run = told.run(time(6, 30))
    assert told.statuses(urn) == ["withdrawn"]
    with pytest.raises(NotFound):
        told.encompass.read_notification(viewer, gone)
    with pytest.raises(NotFound):
        told.encompass.acknowledge(viewer, gone)
    notice = told.encompass.read_cover(viewer, gone)
    assert isinstance(notice, Notice)
    assert notice.kind is NoticeKind.WITHDRAWN
    assert len(notice.about.initials) == 2
    assert told.encompass.read_inbox(viewer).notices == (notice,)
    assert told.encompass.read_inbox(viewer).entries == ()
    assert told.rows(nudges, u=urn)[0][0] == before + 2
    assert told.bucket(run)["excluded"] == 1 + 2  # the adult, and both schools of this child
    assert told.rows("SELECT 1 FROM encompass.breach") == []


def test_a_retraction_before_release_tells_the_school_nothing(told: Told) -> None:
    e = told.expected("hold")
    (urn,) = e["urns"]
    with told.recorded(e, time(6, 10), **RETRACTED):
        told.run(time(6, 30))
    assert told.statuses(urn) == ["cancelled"]
    inbox = told.encompass.read_inbox(told.viewer(urn))
    assert (inbox.entries, inbox.notices) == ((), ())


def test_a_retraction_before_anything_was_prepared_tells_nobody(rolled: Encompass, cluster: Cluster) -> None:
    told = Told(rolled, cluster)
    e = told.expected("on_roll", 1)
    told.run(time(5, 30), "receive_incidents", "match_children")
    with told.recorded(e, time(5, 40), **RETRACTED):
        run = told.run(time(5, 50))
    assert told.statuses(e["urns"][0]) == []
    assert told.bucket(run)["excluded"] >= 2


def test_a_second_incident_after_release_adds_to_the_first(told: Told) -> None:
    e = told.expected("on_roll", 1)
    (urn,) = e["urns"]
    first = told.only(urn, "released")
    told.acknowledge(urn, first)
    with told.second(e, time(6, 10)):
        told.run(time(6, 30))
    second = told.only(urn, "released")
    page = told.encompass.read_notification(told.viewer(urn), second)
    assert (page.adds_to, page.acknowledged_at, len(page.parts)) == (first, None, 1)


def test_a_second_incident_that_waits_too_joins_what_waits(told: Told) -> None:
    e = told.expected("hold")
    (urn,) = e["urns"]
    held = told.only(urn, "held")
    with told.second(e, time(6, 10)):
        told.run(time(6, 30))
    assert told.only(urn, "held") == held
    assert (
        told.rows("SELECT count(*) FROM encompass.notification_part WHERE notification_id = :i", i=held)[0][0]
        == 2
    )


def test_two_incidents_prepared_together_are_one_notification_and_one_can_be_withdrawn(
    rolled: Encompass, cluster: Cluster
) -> None:
    told = Told(rolled, cluster)
    e = told.expected("on_roll", 1)
    (urn,) = e["urns"]
    with told.second(e, time(5, 20), voice=VOICE, spoken_to=True):
        told.run(time(5, 30))
        both = told.only(urn, "released")
        assert VOICE in words(told, urn, both)
        viewer = told.viewer(urn)
        told.acknowledge(urn, both)
        again = {"incident_reference": "RVB/26/999999", "person_id": e["person_id"]}
        with told.recorded(again, time(6, 10), **RETRACTED):
            run = told.run(time(6, 30))
    assert told.only(urn, "acknowledged") == both
    assert VOICE not in words(told, urn, both)
    page = told.encompass.read_notification(viewer, both)
    assert (len(page.parts), [n.kind for n in page.notices]) == (1, [NoticeKind.PART_WITHDRAWN])
    assert told.bucket(run)["acknowledged"] == 1


def test_police_may_ask_to_wait_after_all(told: Told) -> None:
    """Nobody can open it any more, and it is told again when the hold has ended."""
    e = told.expected("on_roll", 1)
    (urn,) = e["urns"]
    old, viewer = told.only(urn, "released"), told.viewer(urn)
    hold = {"reason": "covert", "owner": "MASH inspector", "until": "2026-03-17T09:00:00+00:00"}
    with told.recorded(e, time(6, 10), child={"hold": hold}):
        told.run(time(6, 30))
    with pytest.raises(NotFound):
        told.encompass.read_notification(viewer, old)
    assert told.statuses(urn) == ["superseded", "held"]
    told.run(time(9, 30), "prepare_notifications")
    assert told.statuses(urn) == ["superseded", "released"]


def test_siblings_at_one_school_are_told_apart_and_shown_together(
    rolled: Encompass, cluster: Cluster
) -> None:
    told = Told(rolled, cluster)
    e = told.expected("on_roll", 1)
    (urn,) = e["urns"]
    records = cluster.world.incidents.records
    record = next(r for r in records if r["incident_reference"] == e["incident_reference"])
    child = next(c for c in record["children"] if c["person_id"] == e["person_id"])
    other = next(
        p for p in cluster.world.rolls.by_kind["plain"] if p.urn == urn and p.surname != child["surname"]
    )
    sibling = child | {
        "person_id": "RVB-P-0000001", "forename": other.forename, "surname": other.surname, "sex": other.sex,
        "date_of_birth": other.born.isoformat(),
        "address": {"address": other.address, "town": other.town, "postcode": other.postcode},
        "circumstances": f"{child['forename']} and {other.forename} share a room.",
    }  # fmt: skip
    record["children"].append(sibling)
    try:
        told.run(time(5, 30))
    finally:
        record["children"].remove(sibling)
    one, two = told.encompass.read_inbox(told.viewer(urn)).entries
    assert one.incidents & two.incidents
    assert one.notification_id != two.notification_id
