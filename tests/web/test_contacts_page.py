"""A school's own contacts: its word each term that they are right, and changes that two people make."""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import replace
from datetime import time
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from encompass.domain.attestation import Attestation, AttestationRule
from encompass.pipeline import change_contacts as c
from encompass.pipeline.read_notifications import read_inbox
from encompass.store.database import Role, as_session
from sandbox.mail import Mailbox
from tests.cluster import FORCE, Cluster
from tests.pipeline.told import Told
from tests.web.own import OwnPages, own_pages

NEW = {
    "full_name": "Newly Named-of-Crumplewick",
    "email": "newly.named@crumplewick.example",
    "phone": "07700 900 983",
}
TERM = AttestationRule.TERM


@pytest.fixture(scope="module")
def own(cluster: Cluster) -> Generator[OwnPages]:
    with own_pages(cluster) as opened:
        yield opened


@pytest.fixture(autouse=True)
def none_waits(own: OwnPages) -> None:
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


def mailbox(own: OwnPages, key_adult_id: UUID) -> str:
    """The work mailbox that the register has now."""
    encompass = own.site.encompass
    engine, now = encompass.database.engine(Role.PIPELINE), encompass.clock.now()
    found = c.show_contact(engine, c.By(FORCE, "PC 1234", now, encompass.ring), str(key_adult_id))
    return found.entry.email


def waiting(own: OwnPages) -> UUID:
    ((found,),) = own.sql(
        "SELECT change_id FROM encompass.contact_change WHERE origin = 'school' AND confirmed_at IS NULL AND withdrawn_at IS NULL"
    )
    return found


def step(own: OwnPages, at: time) -> None:
    """What every quarter of an hour does: answers and changes are taken, nudges leave."""
    encompass = own.site.encompass
    run = own.site.cluster.run(encompass, at)
    encompass.chase_acknowledgements(run)
    encompass.send_notifications(run)


def reminders(own: OwnPages, urn: int) -> Attestation:
    encompass = own.site.encompass
    viewer = Told(encompass, own.site.cluster).viewer(urn)
    engine = encompass.database.engine(Role.SCHOOL)
    return read_inbox(engine, encompass.ring, viewer, TERM, 1, encompass.clock.now()).own.attestation


def lapsed(own: OwnPages) -> list[str]:
    encompass = own.site.encompass
    engine = encompass.database.engine(Role.PIPELINE)
    return c.unattested(engine, encompass.ring, FORCE, TERM, encompass.clock.now())


def test_one_click_says_that_they_are_still_right(own: OwnPages) -> None:
    other = next(urn for urn in own.site.told() if urn != own.urn)
    assert reminders(own, own.urn) is Attestation.OVERDUE
    assert str(own.urn) in lapsed(own)
    page = own.get("/key-adults")
    assert "Nobody has said so here yet" in page
    assert "Overdue" not in page  # this force does not ask for it
    page = own.post("/key-adults/attest", {})
    assert "Last said on Tuesday 17 March 2026" in page
    assert reminders(own, own.urn) is Attestation.GIVEN
    assert reminders(own, other) is Attestation.OVERDUE
    assert str(own.urn) not in lapsed(own)
    assert str(other) in lapsed(own)
    assert own.audited("key_adults_attested") == ["key_adults_attested"]


def test_the_inbox_says_so_where_the_force_asks_for_it(own: OwnPages) -> None:
    encompass = own.site.encompass
    force = encompass.settings.forces[FORCE]
    profile = force.profile.model_copy(update={"attestation": "term"})
    asking = encompass.settings.model_copy(
        update={"forces": {**encompass.settings.forces, FORCE: force.model_copy(update={"profile": profile})}}
    )
    says = "Say that your Key Adults are still the right people"
    assert says not in own.get("/inbox", own.stranger)
    before = encompass.settings
    object.__setattr__(encompass, "settings", asking)
    try:
        inbox = own.get("/inbox", own.stranger)
        assert says in inbox
        assert "Overdue" in inbox
    finally:
        object.__setattr__(encompass, "settings", before)


def test_a_new_mailbox_waits_for_another_and_the_former_address_is_told(own: OwnPages) -> None:
    lead = adult(own, "dsl")
    before = mailbox(own, lead)
    page = own.post(f"/key-adults/{lead}/details", NEW)
    assert NEW["email"] in page
    change_id = waiting(own)
    assert "Take back" in page
    assert f"/changes/{change_id}/confirm" not in page
    own.post(f"/key-adults/changes/{change_id}/confirm", {}, status=404)  # not by whoever asked
    own.post(f"/key-adults/changes/{change_id}/confirm", {}, own.stranger, status=404)
    assert NEW["email"] not in own.get("/key-adults", own.stranger)
    step(own, time(8, 0))
    assert mailbox(own, lead) == before
    assert "waits for you to confirm it" in own.get("/inbox", own.deputy)
    assert "waits for you to confirm it" not in own.get("/inbox")
    assert "Confirmed" in own.post(f"/key-adults/changes/{change_id}/confirm", {}, own.deputy)
    own.post(f"/key-adults/changes/{change_id}/confirm", {}, own.deputy, status=404)
    assert mailbox(own, lead) == before  # until the next step
    step(own, time(8, 5))
    assert mailbox(own, lead) == NEW["email"]
    told = [
        m
        for m in Mailbox(own.site.cluster.var).messages()
        if m["Subject"] == "Your contact details were changed"
    ]
    assert [m["To"] for m in told] == [before]
    body = str(told[0].get_payload(decode=True))
    assert not any(word in body for word in (*NEW.values(), "Crumplewick", str(own.urn)))
    step(own, time(8, 10))
    again = own.sql("SELECT count(*) FROM encompass.nudge WHERE rung = 'contact'")
    assert again == [(1,)]
    assert own.lead.get(f"{own.site.web}/inbox").url.endswith("?ended=1")  # a code is needed anew
    actions = own.audited("contact_change_proposed", "contact_change_confirmed")
    assert actions[-2:] == ["contact_change_proposed", "contact_change_confirmed"]


def test_the_same_change_is_confirmed_by_the_command_too(own: OwnPages) -> None:
    deputy = adult(own, "deputy")
    own.post(f"/key-adults/{deputy}/details", {**NEW, "email": "own.new@crumplewick.example"}, own.deputy)
    change_id, encompass = waiting(own), own.site.encompass
    engine, now = encompass.database.engine(Role.PIPELINE), encompass.clock.now()
    with pytest.raises(c.CannotChange, match="second person"):
        c.confirm_change(engine, c.By(FORCE, str(deputy), now, encompass.ring), change_id)
    c.confirm_change(engine, c.By(FORCE, "Sgt 55", now, encompass.ring), change_id)
    assert mailbox(own, deputy) == "own.new@crumplewick.example"
    step(own, time(8, 20))
    assert own.sql("SELECT count(*) FROM encompass.nudge WHERE rung = 'contact'") == [(2,)]


@pytest.fixture
def stranger_lead(own: OwnPages) -> tuple[int, UUID]:
    """The other school's lead, who is still signed in."""
    other = own.site.told()[1]
    ((found,),) = own.sql(
        "SELECT key_adult_id FROM encompass.key_adult WHERE urn = :urn AND role = 'dsl'", urn=other
    )
    return other, found


def test_a_new_key_adult_and_one_who_leaves_wait_and_can_be_taken_back(
    own: OwnPages, stranger_lead: tuple[int, UUID]
) -> None:
    other, lead = stranger_lead
    page = own.post("/key-adults/new", {**NEW, "role": "deputy"}, own.stranger)
    assert "New Key Adult: Newly Named-of-Crumplewick" in page
    assert "Confirmed" not in own.post(f"/key-adults/changes/{waiting(own)}/withdraw", {}, own.stranger)
    assert own.sql("SELECT count(*) FROM encompass.key_adult WHERE urn = :urn", urn=other) == [(2,)]
    page = own.post(f"/key-adults/{lead}/end", {}, own.stranger)
    assert "No longer a Key Adult: " in page
    own.post(f"/key-adults/changes/{waiting(own)}/withdraw", {}, own.stranger)
    own.sql(
        "UPDATE encompass.key_adult SET active_to = '2026-12-31' WHERE urn = :urn AND role = 'deputy'",
        urn=other,
    )
    assert "Nobody would be left" in own.post(f"/key-adults/{lead}/end", {}, own.stranger, status=422)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"full_name": ""}, "Enter the full name"),
        ({"email": "office@crumplewick.example"}, "own work e-mail"),
        ({"phone": "none"}, "Enter a telephone number"),
        ({"role": "head"}, "Select whether"),
    ],
)
def test_a_slip_is_said_where_it_is(own: OwnPages, changes: dict[str, str], says: str) -> None:
    page = own.post("/key-adults/new", {**NEW, "role": "deputy", **changes}, own.stranger, status=422)
    assert says in page
    found = re.search(r'href="#(\w+)"', page[page.index("govuk-error-summary") :])
    assert found
    assert f'id="{found.group(1)}"' in page


def test_another_schools_contacts_do_not_exist(own: OwnPages) -> None:
    theirs = adult(own, "dsl")
    for path in (f"/key-adults/{theirs}/details", f"/key-adults/{uuid4()}/details"):
        own.get(path, own.stranger, 404)
        own.post(path, NEW, own.stranger, status=404)
    for path in (f"/key-adults/{theirs}/end", f"/key-adults/changes/{uuid4()}/withdraw"):
        own.post(path, {}, own.stranger, status=404)


def test_two_references_of_one_person_are_one_person(own: OwnPages, stranger_lead: tuple[int, UUID]) -> None:
    """Whoever asked cannot confirm under another reference, nor by the same sign-in under another mailbox."""
    other, lead = stranger_lead
    own.post("/key-adults/new", {**NEW, "role": "deputy"}, own.stranger)
    change_id, encompass = waiting(own), own.site.encompass
    deputy = Told(encompass, own.site.cluster).viewer(other, "deputy")
    before = own.sql(
        "SELECT person_hash FROM encompass.key_adult WHERE key_adult_id = :id", id=deputy.key_adult_id
    )
    confirms = text("SELECT encompass.school_confirms(:change, now())")
    same = (
        "UPDATE encompass.web_session SET person_hash = (SELECT person_hash FROM encompass.key_adult WHERE key_adult_id = :lead) "
        "WHERE key_adult_id = :deputy",
        "UPDATE encompass.key_adult SET person_hash = (SELECT person_hash FROM encompass.key_adult WHERE key_adult_id = :lead) "
        "WHERE key_adult_id = :deputy",
    )
    for statement in same:
        own.sql(statement, lead=lead, deputy=deputy.key_adult_id)
    with as_session(encompass.database.engine(Role.SCHOOL), deputy.session_token) as connection:
        assert connection.execute(confirms, {"change": change_id}).scalar_one() is False
    own.sql(
        "UPDATE encompass.key_adult SET person_hash = :before WHERE key_adult_id = :deputy",
        before=before[0][0],
        deputy=deputy.key_adult_id,
    )
    deputy = replace(
        deputy, session_token=Told(encompass, own.site.cluster).viewer(other, "deputy").session_token
    )
    own.sql(
        "INSERT INTO encompass.key_adult_identity (key_adult_id, force_id, person_hash, issuer, subject) "
        "SELECT :deputy, force_id, person_hash, issuer, subject FROM encompass.key_adult_identity WHERE key_adult_id = :lead",
        deputy=deputy.key_adult_id,
        lead=lead,
    )
    with as_session(encompass.database.engine(Role.SCHOOL), deputy.session_token) as connection:
        assert connection.execute(confirms, {"change": change_id}).scalar_one() is False
    own.sql(
        "DELETE FROM encompass.key_adult_identity WHERE key_adult_id = :deputy", deputy=deputy.key_adult_id
    )
    with as_session(encompass.database.engine(Role.SCHOOL), deputy.session_token) as connection:
        assert connection.execute(confirms, {"change": change_id}).scalar_one() is True
    with pytest.raises(DBAPIError):
        with as_session(encompass.database.engine(Role.SCHOOL), deputy.session_token) as connection:
            connection.execute(text("UPDATE encompass.contact_change SET taken_at = now()"))
