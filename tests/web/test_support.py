"""Support given afterwards: recorded, amended, reminded of, and nobody else's to see; earlier messages of the child."""

from __future__ import annotations

from datetime import time
from uuid import UUID, uuid4

import pytest
import requests
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from encompass.domain.support import Support, SupportFault, SupportKind, SupportStep, support_of
from encompass.pipeline.recall_notification import propose_recall
from encompass.store.database import Role, as_session
from tests.pipeline.told import Told
from tests.site import Site
from tests.web.test_answers import first, token_of
from tests.web.test_school_pages import acknowledge

NOTE = "Breakfast club, and a quiet word with the form tutor Orla Lanternwick"
EXCLUDE = (
    "INSERT INTO encompass.notification_exclusion "
    "(notification_id, person_hash, key_adult_id, force_id, reason, excluded_at) "
    "SELECT CAST(:message AS uuid), person_hash, key_adult_id, force_id, 'declared', now() "
    "FROM encompass.key_adult WHERE key_adult_id = CAST(:adult AS uuid)"
)


def acknowledged(site: Site, urn: int) -> tuple[requests.Session, str]:
    """A session of the school's lead who has acknowledged, and the message's path."""
    session, inbox = site.signed_in(urn)
    path = first(site, inbox)
    assert acknowledge(site, session, path).status_code == 303
    return session, path


def record(site: Site, session: requests.Session, path: str, **fields: object) -> requests.Response:
    page = session.get(f"{site.web}{path}/support").text
    after = page.split('name="after" value="')[1].split('"')[0]
    token = token_of(page.replace('<form method="post" novalidate>', '<form action="support">'), "support")
    return session.post(f"{site.web}{path}/support", {"csrf_token": token, "after": after, **fields})


def events(site: Site, action: str) -> list[dict]:
    with site.encompass.database.engine(Role.OWNER).begin() as connection:
        return list(
            connection.execute(
                text("SELECT details FROM encompass.audit_event WHERE action = :a ORDER BY event_id"),
                {"a": action},
            ).scalars()
        )


def told_twice(told: Told, e: dict) -> tuple[UUID, UUID]:
    """The message about a child, and a later one of the same night that adds to it."""
    (urn,) = e["urns"]
    earlier = told.only(urn, "released")
    with told.second(e, time(6, 10)):
        told.run(time(6, 30))
    ((later,),) = told.rows(
        "SELECT notification_id FROM encompass.notification WHERE adds_to = :earlier", earlier=earlier
    )
    return earlier, later


def test_support_is_recorded_amended_and_reminded_of_until_then(site: Site) -> None:
    session, path = acknowledged(site, site.told()[0])
    assert f'href="{path}/support"' in session.get(f"{site.web}/inbox").text
    done = record(site, session, path, kind="silent", steps=["expectations", "food_or_kit"], note=NOTE)
    assert done.url.startswith(f"{site.web}{path}/content")
    for said in ("Silent support", "Expectations were adjusted", "Breakfast, lunch", NOTE):
        assert said in done.text
    inbox = session.get(f"{site.web}/inbox").text
    assert f'href="{path}/support"' not in inbox
    assert "Support recorded" in inbox
    amended = record(site, session, path, kind="overt", note="She came to talk after lunch")
    assert "Overt support" in amended.text and NOTE not in amended.text
    history = session.get(f"{site.web}{path}/support").text
    assert NOTE in history
    assert events(site, "support_recorded") == [{"version": 1}]
    assert events(site, "support_amended") == [{"version": 2}]
    assert len(events(site, "support_viewed")) == 3
    with site.encompass.database.engine(Role.OWNER).begin() as connection:
        stored = connection.execute(text("SELECT s::text FROM encompass.support AS s")).scalars().all()
    assert len(stored) == 2
    assert not any("Lanternwick" in row or "silent" in row for row in stored)


def test_the_inbox_asks_for_support_before_it_lists_what_has_it(site: Site) -> None:
    """A page of it has fifty lines: none that is still asked for may come after one that is settled."""
    told = Told(site.encompass, site.cluster)
    e = told.expected("on_roll", 1)
    (urn,) = e["urns"]
    earlier, later = told_twice(told, e)
    session, _ = site.signed_in(urn)
    for message in (earlier, later):
        assert acknowledge(site, session, f"/notifications/{message}").status_code == 303
    assert record(site, session, f"/notifications/{later}", kind="silent").ok
    read = site.encompass.read_inbox(told.viewer(urn))
    assert [entry.notification_id for entry in read.entries] == [earlier, later]


def test_two_who_record_at_once_lose_nothing(site: Site) -> None:
    session, path = acknowledged(site, site.told()[0])
    page = session.get(f"{site.web}{path}/support").text
    assert 'name="after" value="0"' in page
    assert record(site, session, path, kind="silent", note="From the deputy").ok
    late = record(site, session, path, kind="overt", note="From the lead", after="0")
    assert late.status_code == 409
    assert "Somebody else has recorded this meanwhile" in late.text
    assert "From the lead" in late.text and "From the deputy" in late.text
    assert 'name="after" value="1"' in late.text
    for forged in ("-1", "7", "9" * 30):
        assert record(site, session, path, kind="overt", after=forged).status_code == 409
    assert events(site, "support_amended") == []


def test_what_is_missing_is_said_and_what_was_typed_is_kept(site: Site) -> None:
    session, path = acknowledged(site, site.told()[0])
    none = record(site, session, path, steps=["quiet_place"], note="Kept")
    assert none.status_code == 422
    assert "Select what kind of support was given" in none.text and ">Kept</textarea>" in none.text
    assert 'value="quiet_place" checked' in none.text
    assert record(site, session, path, kind="other").status_code == 422
    assert events(site, "support_recorded") == []


def test_support_is_for_what_was_acknowledged_and_one_s_own(site: Site) -> None:
    one, other, *_ = site.told()
    session, inbox = site.signed_in(one)
    path = first(site, inbox)
    assert session.get(f"{site.web}{path}/support").status_code == 404
    _, theirs = acknowledged(site, other)
    missing = session.get(f"{site.web}/notifications/{uuid4()}/support")
    forbidden = session.get(f"{site.web}{theirs}/support")
    assert forbidden.status_code == missing.status_code == 404
    assert forbidden.text == missing.text
    token = inbox.split('name="csrf_token" value="')[1].split('"')[0]
    fields = {"csrf_token": token, "kind": "silent", "after": "0"}
    for wrong in (path, theirs):
        assert session.post(f"{site.web}{wrong}/support", fields).status_code == 404
    assert events(site, "support_recorded") == []


def test_row_level_security_keeps_support_to_its_school(site: Site) -> None:
    """Straight at the database, as the web's own role, with another school's session."""
    one, other, *_ = site.told()
    told = Told(site.encompass, site.cluster)
    session, path = acknowledged(site, one)
    assert record(site, session, path, kind="silent").ok
    engine, mine, theirs = site.encompass.database.engine(Role.SCHOOL), told.viewer(one), told.viewer(other)
    count = text("SELECT count(*) FROM encompass.support")
    for viewer, seen in ((mine, 1), (theirs, 0)):
        with as_session(engine, viewer.session_token) as connection:
            assert connection.execute(count).scalar_one() == seen
    forged = text(
        "INSERT INTO encompass.support SELECT gen_random_uuid(), n.force_id, n.notification_id, 9, 'x', n.key_id, :who, now() "
        "FROM encompass.notification AS n"
    )
    for viewer, who in ((mine, theirs.key_adult_id), (theirs, theirs.key_adult_id)):  # other's name; unread
        with pytest.raises(ProgrammingError, match="row-level security"):
            with as_session(engine, viewer.session_token) as connection:
                connection.execute(forged, {"who": who})
    for change in ("UPDATE encompass.support SET version = 7", "DELETE FROM encompass.support"):
        with pytest.raises(ProgrammingError, match="permission denied"):
            with as_session(engine, mine.session_token) as connection:
                connection.execute(text(change))


def test_a_message_names_the_earlier_ones_about_the_child_that_one_may_open(site: Site) -> None:
    told = Told(site.encompass, site.cluster)
    e = told.expected("on_roll", 1)
    (urn,) = e["urns"]
    earlier, later = told_twice(told, e)
    session, _ = site.signed_in(urn)

    def listed(of: UUID) -> bool:
        page = session.get(f"{site.web}/notifications/{of}/content").text
        return "Earlier messages about this child" in page

    assert listed(later)
    assert not listed(earlier)
    assert (
        f'href="/notifications/{earlier}"'
        in session.get(f"{site.web}/notifications/{later}/content").text.split("Earlier messages")[1]
    )
    with site.encompass.database.engine(Role.OWNER).begin() as connection:
        connection.execute(
            text(
                "INSERT INTO encompass.notification_exclusion SELECT :n, person_hash, key_adult_id, force_id, 'declared', now() "
                "FROM encompass.key_adult WHERE urn = :urn AND role = 'dsl'"
            ),
            {"n": earlier, "urn": urn},
        )
    assert not listed(later)


def test_what_a_form_says_is_support_or_a_fault() -> None:
    assert support_of("silent", ["quiet_place", "no such step"], " ") == Support(
        SupportKind.SILENT, (SupportStep.QUIET_PLACE,), ""
    )
    assert support_of("", [], "x") is SupportFault.NO_KIND
    assert support_of("other", [], " \r\n") is SupportFault.NO_NOTE
    assert support_of("overt", [], "x" * 2001) is SupportFault.LONG_NOTE
    assert "Lanternwick" not in repr(Support(SupportKind.OTHER, (), NOTE))


def corrected_twice(site: Site) -> tuple[Told, dict, requests.Session, list[UUID]]:
    """A message of which support was recorded, and the two that police's corrections put in its place one by one."""
    told = Told(site.encompass, site.cluster)
    e = told.expected("on_roll", 1)
    (urn,) = e["urns"]
    session, _ = site.signed_in(urn)
    messages = [told.only(urn, "released")]
    assert acknowledge(site, session, f"/notifications/{messages[0]}").status_code == 303
    assert record(
        site, session, f"/notifications/{messages[0]}", kind="silent", steps=["food_or_kit"], note=NOTE
    ).ok
    for minutes, voice in ((10, "I hid under the table."), (40, "I hid under the table with my sister.")):
        with told.recorded(e, time(6, minutes), child={"voice": voice, "spoken_to": True}):
            told.run(time(6, minutes + 5))
        messages.append(told.only(urn, "released"))
        assert acknowledge(site, session, f"/notifications/{messages[-1]}").status_code == 303
    return told, e, session, messages


def test_what_was_recorded_of_a_message_is_before_the_school_when_police_correct_it(site: Site) -> None:
    _, _, session, messages = corrected_twice(site)
    path = f"/notifications/{messages[-1]}"
    page = session.get(f"{site.web}{path}/content").text
    assert "This was recorded for an earlier message" in page
    assert "Silent support" in page and NOTE in page
    assert "Nothing is recorded yet" not in page
    form = session.get(f"{site.web}{path}/support").text
    assert 'name="after" value="0"' in form
    assert 'value="food_or_kit" checked' in form and f">{NOTE}</textarea>" in form
    exported = session.get(f"{site.web}{path}/content.csv").text
    assert "Support given, earlier message" in exported and NOTE in exported
    inbox = session.get(f"{site.web}/inbox").text
    assert f'href="{path}/support"' in inbox  # to be recorded of this one too
    kept = record(site, session, path, kind="silent", steps=["food_or_kit"], note="The same, and the club")
    assert "The same, and the club" in kept.text
    assert "This was recorded for an earlier message" not in kept.text
    assert NOTE in session.get(f"{site.web}{path}/support").text
    assert f'href="{path}/support"' not in session.get(f"{site.web}/inbox").text
    assert session.get(f"{site.web}/notifications/{messages[0]}/support").status_code == 404


def test_row_level_security_keeps_what_was_recorded_before_to_its_school(site: Site) -> None:
    told, e, _, _ = corrected_twice(site)
    (urn,) = e["urns"]
    other = next(u for u in site.told() if u != urn)
    queries = [
        text(f"SELECT count(*) FROM {what}") for what in ("encompass.support", "encompass.session_replaced()")
    ]
    for viewer, seen in ((told.viewer(urn), [1, 2]), (told.viewer(other), [0, 0])):
        with as_session(site.encompass.database.engine(Role.SCHOOL), viewer.session_token) as connection:
            assert [connection.execute(query).scalar_one() for query in queries] == seen


def test_what_was_recorded_of_two_incidents_is_read_by_whoever_may_read_what_replaced_both(
    site: Site,
) -> None:
    told = Told(site.encompass, site.cluster)
    e = told.expected("on_roll", 1)
    (urn,) = e["urns"]
    session, _ = site.signed_in(urn)
    assert acknowledge(site, session, f"/notifications/{told.only(urn, 'released')}").status_code == 303

    def acknowledged_now() -> str:
        path = f"/notifications/{told.only(urn, 'released')}"
        assert acknowledge(site, session, path).status_code == 303
        return path

    def shows(path: str) -> bool:
        page = session.get(f"{site.web}{path}/content")
        assert page.ok
        return NOTE in page.text

    def correct(reference: str, minutes: int) -> str:
        voice = {"voice": "I hid under the table.", "spoken_to": True}
        with told.recorded({**e, "incident_reference": reference}, time(6, minutes), child=voice):
            told.run(time(6, minutes + 1))
        return acknowledged_now()

    one, other = "RVB/26/999999", "RVB/26/999998"
    with told.second(e, time(6, 10), one), told.second(e, time(6, 10), other):
        told.run(time(6, 15))
        both = acknowledged_now()
        assert record(site, session, both, kind="silent", note=NOTE).ok
        first = correct(one, 20)
        assert (shows(both), shows(first)) == (True, False)  # it can still be opened itself
        second = correct(other, 30)
    assert (shows(first), shows(second)) == (True, True)
    adult = told.viewer(urn).key_adult_id
    kept_from = {"message": second.rpartition("/")[2], "adult": adult}
    told.rows(f"{EXCLUDE} RETURNING 1", **kept_from)
    assert not shows(first)
    told.rows(
        "DELETE FROM encompass.notification_exclusion WHERE key_adult_id = :adult RETURNING 1", adult=adult
    )
    assert shows(first)
    at = site.cluster.run(site.encompass, time(7, 0))
    engine = site.encompass.database.engine(Role.PIPELINE)
    propose_recall(engine, site.encompass.ring, at, UUID(kept_from["message"]), None, "PC 1234", "moved away")
    assert not shows(first)


def test_what_was_recorded_before_is_kept_from_whom_the_message_before_was_kept_from(site: Site) -> None:
    told, e, session, messages = corrected_twice(site)
    adult = told.viewer(e["urns"][0]).key_adult_id
    told.rows(f"{EXCLUDE} RETURNING 1", message=messages[0], adult=adult)
    page = session.get(f"{site.web}/notifications/{messages[-1]}/content")
    assert page.ok and NOTE not in page.text
    assert "Nothing is recorded yet" in page.text


def test_what_was_recorded_before_and_is_erased_is_no_longer_told(site: Site) -> None:
    _, _, session, messages = corrected_twice(site)
    erase = text(
        "WITH gone AS (INSERT INTO encompass.data_key (key_id, force_id, purpose, ring_key_id, destroyed_at) "
        "SELECT gen_random_uuid(), force_id, purpose, ring_key_id, now() "
        "FROM encompass.data_key JOIN encompass.support USING (force_id, key_id) RETURNING key_id) "
        "UPDATE encompass.support SET key_id = (SELECT key_id FROM gone)"
    )
    with site.encompass.database.engine(Role.OWNER).begin() as connection:
        connection.execute(erase)
    page = session.get(f"{site.web}/notifications/{messages[-1]}/content")
    assert page.ok and NOTE not in page.text
    assert "Nothing is recorded yet" in page.text
