"""Officers of local authorities: told, signed in and counted as schools are, and kept from each other."""

from __future__ import annotations

from collections.abc import Generator
from datetime import time, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from encompass.domain.placement import PlacementStatus
from encompass.domain.recipient import LaOfficer, Office, PartnerForce
from encompass.domain.run import LONDON, Run
from encompass.pipeline.review_children import (
    CannotResolve,
    Decided,
    IsAtUnheldSchool,
    Refer,
    Resolution,
    confirm_child,
    list_queue,
    resolve_child,
)
from encompass.pipeline.show_child import show_child
from encompass.store.database import Role, as_session
from encompass.store.review import Proposal
from encompass.wiring import Encompass
from sandbox.organisations import authority, reset_organisations, set_organisations
from tests.cluster import FORCE, Cluster
from tests.register import PARTNER, officer, register, take
from tests.sessions import key_adult_token
from tests.site import Site, serving

HOUR = timedelta(hours=1)
OFFICER, OTHER = "KA-102884-dsl", "KA-102885-dsl"


def in_queue(encompass: Encompass, status: str = "in_review") -> UUID:
    """One child who waits for a person."""
    waiting = list_queue(encompass.database.engine(Role.PIPELINE), FORCE)
    return next(w.involvement_id for w in waiting if w.status == status)


def decide(encompass: Encompass, run: Run, involvement_id: UUID, decided: Decided) -> Proposal:
    engine, rules = encompass.database.engine(Role.PIPELINE), encompass.duty_rules(FORCE)
    decision = Resolution(decided, "PC 1234", "nobody has the child")
    return resolve_child(engine, encompass.ring, rules, run, involvement_id, decision).proposal


def refer(encompass: Encompass, cluster: Cluster, to: LaOfficer | PartnerForce) -> UUID:
    """One child in review, referred by a person and told; the involvement's id."""
    run, involvement_id = cluster.run(encompass), in_queue(encompass)
    assert decide(encompass, run, involvement_id, Refer(to)).outcome is PlacementStatus.REFERRED
    assert encompass.prepare_notifications(run) == 1
    return involvement_id


@pytest.fixture
def referred(played: Encompass, cluster: Cluster) -> Encompass:
    """An installation in which one child has been referred to the first of two offices."""
    changes = {OFFICER: officer("318", "cme"), OTHER: officer("318", "ehe")}
    take(played, cluster, register(cluster, changes))
    refer(played, cluster, LaOfficer("318", Office.CME))
    return played


@pytest.fixture
def at_offices(cluster: Cluster) -> Generator[None]:
    """The two contacts belong to no school at DfE Sign-in, but to an authority."""
    for urn in (102884, 102885):
        person = next(p for p in cluster.world.people if p.urn == urn and p.role == "dsl")
        set_organisations(cluster.var, person.username, [authority("318")])
    yield
    reset_organisations(cluster.var)


@pytest.fixture
def pages(cluster: Cluster, referred: Encompass, at_offices: None) -> Generator[Site]:
    with serving(cluster, referred) as served:
        yield served


def token_at(encompass: Encompass, where: str) -> str:
    """A session of one contact of the recipient of this code."""
    with encompass.database.engine(Role.OWNER).begin() as connection:
        row = connection.execute(
            text(
                "SELECT k.key_adult_id, k.recipient_id, k.person_hash FROM encompass.key_adult k "
                "JOIN encompass.recipient r USING (recipient_id) WHERE r.code = :code LIMIT 1"
            ),
            {"code": where},
        ).one()
    return key_adult_token(encompass, FORCE, row.key_adult_id, row.recipient_id, row.person_hash)


def seen(encompass: Encompass, token: str) -> set[str]:
    """The recipients whose notifications the session reads."""
    with as_session(encompass.database.engine(Role.SCHOOL), token) as connection:
        rows = connection.execute(
            text(
                "SELECT r.code FROM encompass.notification n JOIN encompass.recipient r USING (recipient_id)"
            )
        )
        return set(rows.scalars())


def test_an_officer_a_school_and_another_office_each_see_their_own_and_no_more(referred: Encompass) -> None:
    with referred.database.engine(Role.OWNER).begin() as connection:
        told = connection.execute(
            text(
                "SELECT urn::text FROM encompass.notification WHERE urn IS NOT NULL AND status = 'released' LIMIT 1"
            )
        ).scalar_one()
    assert seen(referred, token_at(referred, "318 cme")) == {"318 cme"}
    assert seen(referred, token_at(referred, "318 ehe")) == set()
    assert seen(referred, token_at(referred, told)) == {told}
    mine = token_at(referred, "318 ehe")
    with as_session(referred.database.engine(Role.SCHOOL), mine) as connection:
        for change in (
            "UPDATE encompass.notification SET status = 'acknowledged'",
            "UPDATE encompass.phone_task SET withdrawn_at = now()",
        ):
            assert connection.execute(text(change)).rowcount == 0
        for table in ("notification_part", "duty", "acknowledgement", "school"):
            assert connection.execute(text(f"SELECT count(*) FROM encompass.{table}")).scalar_one() == 0, (
                table
            )
        own = connection.execute(text("SELECT code FROM encompass.recipient")).scalars().all()
        of_contact = connection.execute(text("SELECT key_id FROM encompass.key_adult")).scalars().all()
        assert connection.execute(text("SELECT key_id FROM encompass.data_key")).scalars().all() == of_contact
    assert own == ["318 ehe"]


def test_an_officer_signs_in_reads_and_acknowledges_by_the_same_pages(pages: Site, cluster: Cluster) -> None:
    browser, inbox = pages.signed_in(102884)
    assert "Richmond upon Thames: children missing education" in inbox
    path = next(p for p in inbox.split('"') if p.startswith("/notifications/"))
    page = browser.get(f"{pages.web}{path}/content", timeout=10).text
    assert "your office has this and will act on it" in page
    assert "expect less" not in page
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    done = browser.post(f"{pages.web}{path}/acknowledge", {"csrf_token": token}, timeout=10)
    assert "Acknowledged at" in done.text
    account = pages.encompass.account(cluster.run(pages.encompass))
    assert account.balanced is True
    report = pages.encompass.report(pages.encompass.last_run(FORCE, None))
    office = next(s for s in report.schools if s.urn is None)
    assert (office.school_name, office.duties) == ("Richmond upon Thames (cme)", 1)
    _, other = pages.signed_in(102885)
    assert "elective home education" in other
    assert "/notifications/" not in other


def test_an_office_without_a_contact_is_telephoned(played: Encompass, cluster: Cluster) -> None:
    involvement_id = refer(played, cluster, LaOfficer("318", Office.VIRTUAL_SCHOOL))
    with played.database.engine(Role.OWNER).begin() as connection:
        task = connection.execute(
            text(
                "SELECT t.reason FROM encompass.phone_task t JOIN encompass.notification_part np USING (notification_id) "
                "JOIN encompass.duty d ON d.duty_id = np.duty_id WHERE d.involvement_id = :id"
            ),
            {"id": involvement_id},
        ).scalars()
        assert list(task) == ["no_key_adult"]
    account = played.account(cluster.run(played))
    assert account.alarms == ("no_key_adult: 318 virtual_school",)
    assert account.duties.buckets["escalated"] == 1
    assert account.balanced is True


def test_a_contact_that_is_no_recipients_is_refused_by_the_database(referred: Encompass) -> None:
    for change in (
        "urn = 102884",
        "recipient_kind = 'school'",
        "role = 'dsl'",
    ):
        with pytest.raises(Exception, match="constraint"):
            with referred.database.engine(Role.OWNER).begin() as connection:
                connection.execute(
                    text(f"UPDATE encompass.key_adult SET {change} WHERE recipient_kind = 'la_officer'")
                )


def owed(encompass: Encompass, involvement_id: UUID) -> list[tuple[str, str, str]]:
    """Of each duty to tell of this child: the recipient, the first bell in London, the placement's status."""
    query = (
        "SELECT r.code, d.duty_by, p.status FROM encompass.duty d JOIN encompass.recipient r USING (recipient_id) "
        "JOIN encompass.placement p USING (involvement_id) WHERE d.involvement_id = :id ORDER BY 1"
    )
    with encompass.database.engine(Role.OWNER).begin() as connection:
        found = connection.execute(text(query), {"id": involvement_id}).all()
    return [(r.code, f"{r.duty_by.astimezone(LONDON):%a %H:%M}", r.status) for r in found]


def told_of(encompass: Encompass, involvement_id: UUID) -> tuple[bool, str | None]:
    """Whether the child's notification knows the child by the police record, and its year group."""
    query = (
        "SELECT n.pupil_id IS NULL AND n.person_hash IS NOT NULL AS by_record, n.year_group FROM encompass.notification n "
        "JOIN encompass.notification_part np USING (notification_id) JOIN encompass.duty d ON d.duty_id = np.duty_id "
        "WHERE d.involvement_id = :id"
    )
    with encompass.database.engine(Role.OWNER).begin() as connection:
        row = connection.execute(text(query), {"id": involvement_id}).one()
    return row.by_record, row.year_group


def test_a_referred_child_is_told_of_from_the_police_record_by_the_first_bell(
    played: Encompass, cluster: Cluster
) -> None:
    involvement_id = refer(played, cluster, LaOfficer("318", Office.EHE))
    assert owed(played, involvement_id) == [("318 ehe", "Tue 08:45", "referred")]
    assert told_of(played, involvement_id) == (True, None)
    run = cluster.run(played)
    assert played.match_children(run) == 0
    assert played.prepare_notifications(run) == 0


def test_a_school_of_another_force_is_left_to_it_with_its_receipt(
    played: Encompass, cluster: Cluster, at_offices: None
) -> None:
    take(played, cluster, register(cluster, {OFFICER: {**PARTNER, "partner_force": "Fellgate Police"}}))
    involvement_id = refer(played, cluster, PartnerForce("Fellgate Police"))
    assert owed(played, involvement_id) == [("Fellgate Police", "Tue 08:45", "referred")]
    with serving(cluster, played) as site:
        browser, inbox = site.signed_in(102884)
        assert "Fellgate Police" in inbox
        path = next(p for p in inbox.split('"') if p.startswith("/notifications/"))
        token = (
            browser.get(site.web + path, timeout=10).text.split('name="csrf_token" value="')[1].split('"')[0]
        )
        browser.post(f"{site.web}{path}/acknowledge", {"csrf_token": token}, timeout=10)
    account = played.account(cluster.run(played, time(8, 0)))
    assert account.duties.buckets["acknowledged"] == 1
    assert account.balanced is True


def test_a_corrected_record_of_a_referred_child_goes_to_a_person(played: Encompass, cluster: Cluster) -> None:
    involvement_id = refer(played, cluster, LaOfficer("318", Office.CME))
    with played.database.engine(Role.OWNER).begin() as connection:
        connection.execute(
            text("UPDATE encompass.placement SET decided_version = 0 WHERE involvement_id = :id"),
            {"id": involvement_id},
        )
    assert played.match_children(cluster.run(played)) == 1
    assert [status for _, _, status in owed(played, involvement_id)] == ["in_review"]


def test_a_school_whose_roll_is_not_held_needs_two_people(played: Encompass, cluster: Cluster) -> None:
    run, involvement_id = cluster.run(played), in_queue(played, "not_found")
    engine, rules = played.database.engine(Role.PIPELINE), played.duty_rules(FORCE)
    held = cluster.world.expected()[0]["urns"][0]
    for urn, why in ((1, "no open school 1"), (held, f"the roll of {held} is held")):
        with pytest.raises(CannotResolve, match=why):
            decide(played, run, involvement_id, IsAtUnheldSchool(urn))
    with played.database.engine(Role.OWNER).begin() as connection:
        unheld = connection.execute(text("SELECT max(urn) FROM encompass.school")).scalar_one()
        connection.execute(
            text("UPDATE encompass.enrolment SET last_generation = first_generation WHERE urn = :urn"),
            {"urn": unheld},
        )
    proposal = decide(played, run, involvement_id, IsAtUnheldSchool(unheld))
    assert proposal.overrides == ("no_roll_held",)
    assert owed(played, involvement_id) == []
    with pytest.raises(CannotResolve, match="second person"):
        confirm_child(engine, played.ring, rules, run, involvement_id, "pc 1234")
    confirm_child(engine, played.ring, rules, run, involvement_id, "Sgt 55")
    assert owed(played, involvement_id) == [(str(unheld), "Tue 08:45", "placed")]
    assert played.prepare_notifications(run) == 1
    assert told_of(played, involvement_id) == (True, None)
    assert played.account(run).balanced is True


def test_who_left_every_roll_is_offered_to_the_authority_of_the_school_left(
    played: Encompass, cluster: Cluster
) -> None:
    run, involvement_id = cluster.run(played), in_queue(played)
    with played.database.engine(Role.OWNER).begin() as connection:
        connection.execute(
            text("UPDATE encompass.placement SET reason = 'no_current_enrolment' WHERE involvement_id = :id"),
            {"id": involvement_id},
        )
    engine = played.database.engine(Role.PIPELINE)
    shown = show_child(engine, played.ring, run, involvement_id)
    las = {cluster.world.rolls.schools[urn].la_code for urn in shown.candidates[0].candidate.urns}
    assert shown.offices == tuple(LaOfficer(la, Office.CME) for la in sorted(las))
    with pytest.raises(CannotResolve, match="no local authority 000"):
        decide(played, run, involvement_id, Refer(LaOfficer("000", Office.CME)))
