"""A Key Adult names who stands in: the nudges follow, and nobody who was not bound by a code reads anything."""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import replace
from datetime import time, timedelta
from uuid import UUID, uuid4

import pytest

from encompass.domain.attestation import AttestationRule
from encompass.domain.run import LONDON
from encompass.pipeline import change_contacts as c
from encompass.pipeline.contacts_on import contacts_on
from encompass.store.database import Role
from encompass.wiring import Encompass
from tests.cluster import FORCE, Cluster
from tests.web.own import OwnPages, day_fields, own_pages

NEW = {
    "full_name": "Standing In-of-Crumplewick",
    "email": "standing.in@crumplewick.example",
    "phone": "07700 900 982",
}


@pytest.fixture(scope="module")
def own(cluster: Cluster) -> Generator[OwnPages]:
    with own_pages(cluster) as opened:
        yield opened


@pytest.fixture(autouse=True)
def none_stands(own: OwnPages) -> None:
    own.sql("UPDATE encompass.cover SET withdrawn_at = now() WHERE withdrawn_at IS NULL")
    own.sql(
        "UPDATE encompass.contact_change SET withdrawn_at = now() WHERE confirmed_at IS NULL AND withdrawn_at IS NULL"
    )


def adult(own: OwnPages, role: str) -> UUID:
    ((found,),) = own.sql(
        "SELECT key_adult_id FROM encompass.key_adult WHERE urn = :urn AND role = :role AND active_to IS NULL",
        urn=own.urn,
        role=role,
    )
    return found


def days(own: OwnPages, first: int, last: int) -> dict[str, str]:
    return {
        **day_fields("first", own.today + timedelta(days=first)),
        **day_fields("last", own.today + timedelta(days=last)),
    }


def told(own: OwnPages, how: str = "instead") -> set[UUID]:
    """Whom a nudge of today would go to by the force's rule."""
    encompass = own.site.encompass
    rules = replace(encompass.ladder_rules(FORCE), cover=type(encompass.ladder_rules(FORCE).cover)(how))
    (((recipient),),) = own.sql("SELECT recipient_id FROM encompass.recipient WHERE urn = :urn", urn=own.urn)
    with encompass.database.engine(Role.PIPELINE).begin() as connection:
        known = contacts_on(connection, encompass.ring, rules.cover, recipient, own.today)
        return {
            k for k, e in known if not (e.away_from and e.away_to and e.away_from <= own.today <= e.away_to)
        }


def test_the_deputy_stands_in_and_is_nudged_instead(own: OwnPages) -> None:
    lead, deputy = adult(own, "dsl"), adult(own, "deputy")
    assert told(own) == {lead, deputy}
    page = own.post("/cover/new", {"stand_in": str(deputy), **days(own, 0, 2)})
    assert "Saved" in page
    assert "Ready" in page
    assert told(own) == {deputy}
    assert told(own, "as_well") == {lead, deputy}
    encompass, cluster = own.site.encompass, own.site.cluster
    before = own.sql("SELECT count(*) FROM encompass.nudge WHERE key_adult_id = :id", id=lead)
    encompass.chase_acknowledgements(cluster.run(encompass, time(8, 5)))
    second = "SELECT DISTINCT key_adult_id FROM encompass.nudge WHERE rung = 'second' AND key_adult_id IN (:lead, :deputy)"
    assert own.sql(second, lead=lead, deputy=deputy) == [(deputy,)]
    assert own.sql("SELECT count(*) FROM encompass.nudge WHERE key_adult_id = :id", id=lead) == before


def test_only_whose_cover_it_is_ends_it(own: OwnPages) -> None:
    own.post("/cover/new", {"stand_in": str(adult(own, "deputy")), **days(own, 0, 0)})
    ((cover_id,),) = own.sql("SELECT cover_id FROM encompass.cover WHERE withdrawn_at IS NULL")
    for who in (own.deputy, own.stranger):
        assert f"/cover/{cover_id}/end" not in own.get("/cover", who)
        own.post(f"/cover/{cover_id}/end", {}, who, status=404)
        assert own.post(f"/cover/{uuid4()}/end", {}, who, status=404) == own.post(
            f"/cover/{cover_id}/end", {}, who, status=404
        )
    assert told(own) == {adult(own, "deputy")}
    assert f"/cover/{cover_id}/end" in own.get("/cover")
    assert "The cover has ended" in own.post(f"/cover/{cover_id}/end", {})
    assert told(own) == {adult(own, "dsl"), adult(own, "deputy")}
    assert own.audited("cover_named", "cover_ended")[-2:] == ["cover_named", "cover_ended"]


def test_one_who_has_not_signed_in_stands_in_for_nobody_yet(own: OwnPages) -> None:
    lead, deputy = adult(own, "dsl"), adult(own, "deputy")
    own.post("/cover/new", {"stand_in": str(deputy), **days(own, 0, 0)})
    held = own.sql("DELETE FROM encompass.key_adult_identity WHERE key_adult_id = :id RETURNING *", id=deputy)
    assert told(own) == {lead, deputy}
    assert "Has not signed in yet" in own.get("/cover")
    own.sql(
        "INSERT INTO encompass.key_adult_identity VALUES (:key_adult_id, :force_id, :person_hash, :issuer, :subject, :bound_at)",
        **held[0]._mapping,
    )
    assert told(own) == {deputy}


def test_somebody_new_waits_for_a_second_person_and_then_for_a_code(own: OwnPages) -> None:
    lead, deputy = adult(own, "dsl"), adult(own, "deputy")
    page = own.post("/cover/new", {"stand_in": "new", **NEW, **days(own, 0, 3)})
    assert "Waits for a second person" in page
    assert NEW["full_name"] in page
    assert NEW["full_name"] not in own.get("/cover", own.stranger)
    assert told(own) == {lead, deputy}
    ((change_id, by, sealed),) = own.sql(
        "SELECT change_id, proposed_by, sealed FROM encompass.contact_change WHERE origin = 'school' AND withdrawn_at IS NULL"
    )
    assert by == str(lead)
    assert NEW["email"].encode() not in bytes(sealed)
    confirmed(own.site.encompass, change_id)
    assert "Has not signed in yet" in own.get("/cover")
    new = next(iter(told(own) - {lead, deputy}))
    assert told(own) == {lead, deputy, new}
    active = own.sql(
        "SELECT active_from, active_to FROM encompass.key_adult WHERE key_adult_id = :id", id=new
    )
    assert active == [(own.today, own.today + timedelta(days=3))]
    assert own.sql("SELECT count(*) FROM encompass.key_adult_identity WHERE key_adult_id = :id", id=new) == [
        (0,)
    ]
    bound = (
        "INSERT INTO encompass.key_adult_identity (key_adult_id, force_id, person_hash, issuer, subject) "
        "SELECT :new, force_id, (SELECT person_hash FROM encompass.key_adult WHERE key_adult_id = :new), issuer, subject "
        "FROM encompass.key_adult_identity WHERE key_adult_id = :deputy"
    )
    own.sql(bound, new=new, deputy=deputy)
    assert told(own) == {deputy, new}
    own.sql("DELETE FROM encompass.key_adult_identity WHERE key_adult_id = :new", new=new)
    own.sql("UPDATE encompass.key_adult SET active_to = '2026-03-16' WHERE key_adult_id = :new", new=new)


def confirmed(encompass: Encompass, change_id: UUID) -> None:
    """As `encompass adults confirm` does; by whoever asked for it the change cannot be confirmed."""
    engine, now = encompass.database.engine(Role.PIPELINE), encompass.clock.now()
    with encompass.database.engine(Role.PIPELINE).begin() as connection:
        waiting = c.contact_change.open_changes(connection, encompass.ring, FORCE)
    (by,) = {w.by for w in waiting if w.change_id == change_id}
    with pytest.raises(c.CannotChange, match="second person"):
        c.confirm_change(engine, c.By(FORCE, by, now, encompass.ring), change_id)
    c.confirm_change(engine, c.By(FORCE, "Sgt 55", now, encompass.ring), change_id)


def test_ending_a_cover_takes_its_new_contact_back(own: OwnPages) -> None:
    own.post("/cover/new", {"stand_in": "new", **NEW, **days(own, 10, 12)})
    ((cover_id,),) = own.sql("SELECT cover_id FROM encompass.cover WHERE withdrawn_at IS NULL")
    own.post(f"/cover/{cover_id}/end", {})
    open_ones = "SELECT count(*) FROM encompass.contact_change WHERE origin = 'school' AND withdrawn_at IS NULL AND confirmed_at IS NULL"
    assert own.sql(open_ones) == [(0,)]
    assert own.audited("contact_change_withdrawn") != []


@pytest.mark.parametrize(
    ("fields", "says", "field"),
    [
        ({}, "Select who stands in", "stand_in"),
        ({"stand_in": str(uuid4())}, "Select who stands in", "stand_in"),
        ({"stand_in": "new", **NEW, "full_name": " "}, "Enter the full name", "full_name"),
        ({"stand_in": "new", **NEW, "email": "head@crumplewick.example"}, "own work e-mail", "email"),
        ({"stand_in": "new", **NEW, "email": "standing.in@gmail.com"}, "own work e-mail", "email"),
        ({"stand_in": "new", **NEW, "email": f"{'x' * 200}@crumplewick.example"}, "own work e-mail", "email"),
        ({"stand_in": "new", **NEW, "full_name": "Standing\x00In"}, "Enter the full name", "full_name"),
        ({"stand_in": "new", **NEW, "phone": "call me"}, "Enter a telephone number", "phone"),
        ({"stand_in": "new", **NEW, "first-day": ""}, "Enter the first day", "first-day"),
        ({"stand_in": "new", **NEW, "last-month": "13"}, "Enter the last day", "last-day"),
    ],
)
def test_a_slip_is_said_where_it_is(own: OwnPages, fields: dict[str, str], says: str, field: str) -> None:
    before = own.sql("SELECT count(*) FROM encompass.cover")
    page = own.post("/cover/new", {**days(own, 1, 2), **fields}, status=422)
    assert says in page
    assert f'href="#{field}"' in page
    assert f'id="{field}"' in page
    assert own.sql("SELECT count(*) FROM encompass.cover") == before
    assert re.search(r'value="standing.in@crumplewick.example"', page) or fields.get("email") != NEW["email"]


def test_nobody_stands_in_by_another_schools_adult_or_for_oneself(own: OwnPages) -> None:
    strangers = own.sql("SELECT key_adult_id FROM encompass.key_adult WHERE urn <> :urn LIMIT 1", urn=own.urn)
    for nobody in (strangers[0][0], adult(own, "dsl")):
        assert "Select who stands in" in own.post(
            "/cover/new", {"stand_in": str(nobody), **days(own, 1, 2)}, status=422
        )
    ((mailbox,),) = {(a.entry.email,) for a in listed(own) if a.key_adult_id == adult(own, "deputy")}
    page = own.post(
        "/cover/new", {"stand_in": "new", **NEW, "email": mailbox.upper(), **days(own, 1, 2)}, status=422
    )
    assert "select that person" in page


def listed(own: OwnPages) -> list[c.ListedAdult]:
    encompass = own.site.encompass
    engine = encompass.database.engine(Role.PIPELINE)
    found = c.list_contacts(
        engine, encompass.ring, FORCE, AttestationRule.NEVER, encompass.clock.now().astimezone(LONDON)
    )
    return [adult for adult, _ in found.adults]
