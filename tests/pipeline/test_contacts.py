"""Contacts change by two people; until then the former one is used, and what is wrong is listed and alarmed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from encompass.domain.attestation import AttestationRule
from encompass.domain.key_adults import Problem, problems_of
from encompass.domain.school import KeyAdultEntry, KeyAdultRole
from encompass.formats.key_adults import entry_of_fields, fields_of
from encompass.pipeline import change_contacts as c
from encompass.pipeline import registers
from encompass.pipeline.read_status import read_status
from encompass.store.database import Role
from encompass.wiring import Encompass
from tests.cluster import FORCE, Cluster
from tests.register import officer, register, take

DAY = date(2026, 3, 17)
NEVER, TERM = AttestationRule.NEVER, AttestationRule.TERM
LEAD, DEPUTY = "KA-102884-dsl", "KA-102884-deputy"
NEW = {"email": "new.lead@school-102884.example"}


def mailboxes(encompass: Encompass, urn: int | None = 102884) -> set[str]:
    """The work mailboxes in use for a school on the night's morning; of every office where no school is named."""
    engine = encompass.database.engine(Role.PIPELINE)
    found = c.list_contacts(engine, encompass.ring, FORCE, NEVER, encompass.clock.now())
    return {a.entry.email for a, _ in found.adults if a.entry.urn == urn}


def waiting(encompass: Encompass, cluster: Cluster) -> list[Any]:
    engine = encompass.database.engine(Role.PIPELINE)
    found = c.list_contacts(engine, encompass.ring, FORCE, NEVER, cluster.run(encompass).as_of)
    return list(found.waiting)


def by(encompass: Encompass, cluster: Cluster, who: str) -> c.By:
    return c.By(FORCE, who, cluster.run(encompass).as_of, encompass.ring)


def alarms(encompass: Encompass, cluster: Cluster) -> set[str]:
    run = cluster.run(encompass)
    c.check_contacts(encompass.database.engine(Role.PIPELINE), encompass.ring, NEVER, run)
    return {alarm for alarm in encompass.account(run).alarms if alarm.endswith(": contacts")}


def test_a_new_mailbox_from_the_register_waits_and_the_former_stays_in_use(
    rolled: Encompass, cluster: Cluster
) -> None:
    before = mailboxes(rolled)
    take(rolled, cluster, register(cluster, {LEAD: NEW}))
    assert mailboxes(rolled) == before
    assert alarms(rolled, cluster) == {"contact_changes_waiting: contacts"}
    (change,) = waiting(rolled, cluster)
    assert (change.kind.value, change.by) == ("change", "register")
    c.confirm_change(rolled.database.engine(Role.PIPELINE), by(rolled, cluster, "Sgt 55"), change.change_id)
    assert mailboxes(rolled) == {NEW["email"], "deputy.102884@school-102884.example"}
    assert alarms(rolled, cluster) == set()


def test_who_replaces_another_waits_and_nobody_is_ended_before(rolled: Encompass, cluster: Cluster) -> None:
    before = mailboxes(rolled)
    take(rolled, cluster, register(cluster, {LEAD: {**NEW, "key_adult_ref": "KA-102884-new"}}))
    assert mailboxes(rolled) == before
    (change,) = waiting(rolled, cluster)
    assert change.kind.value == "add"
    c.confirm_change(rolled.database.engine(Role.PIPELINE), by(rolled, cluster, "Sgt 55"), change.change_id)
    used = {NEW["email"], "deputy.102884@school-102884.example"}
    tomorrow = cluster.run(rolled).as_of + timedelta(days=1)
    engine = rolled.database.engine(Role.PIPELINE)
    found = c.list_contacts(engine, rolled.ring, FORCE, NEVER, tomorrow)
    assert {a.entry.email for a, _ in found.adults if a.entry.urn == 102884} >= used
    ended = "SELECT count(*) FROM encompass.key_adult WHERE active_to = '2026-03-17'"
    with rolled.database.engine(Role.OWNER).begin() as connection:
        assert connection.execute(text(ended)).scalar_one() == 1


def test_a_register_that_takes_it_back_withdraws_and_other_details_are_taken(
    rolled: Encompass, cluster: Cluster
) -> None:
    take(rolled, cluster, register(cluster, {LEAD: NEW}))
    assert len(waiting(rolled, cluster)) == 1
    take(rolled, cluster, register(cluster, {LEAD: {"training_expires": "2027-01-01", "language": "cy"}}))
    assert waiting(rolled, cluster) == []
    engine = rolled.database.engine(Role.PIPELINE)
    shown = c.show_contact(engine, by(rolled, cluster, "Sgt 55"), LEAD).entry
    assert (shown.language, shown.training_expires) == ("cy", date(2027, 1, 1))


def test_the_first_contact_of_an_office_is_taken_and_a_school_left_with_one_is_alarmed(
    rolled: Encompass, cluster: Cluster
) -> None:
    take(rolled, cluster, register(cluster, {LEAD: officer("318", "cme"), "KA-102885-dsl": None}))
    assert waiting(rolled, cluster) == []
    assert mailboxes(rolled, None) == {"dsl.102884@school-102884.example"}
    assert alarms(rolled, cluster) == {"too_few_key_adults: contacts"}
    engine = rolled.database.engine(Role.PIPELINE)
    found = c.list_contacts(engine, rolled.ring, FORCE, NEVER, cluster.run(rolled).as_of + timedelta(days=1))
    assert {s.urn: s.key_adults for s in found.too_few} == {102884: 1, 102885: 1}


def test_a_force_that_confirms_changes_itself_has_them_taken_as_they_come(
    rolled: Encompass, cluster: Cluster
) -> None:
    take(rolled, cluster, register(cluster, {LEAD: NEW}))
    assert len(waiting(rolled, cluster)) == 1
    both = register(cluster, {LEAD: NEW, DEPUTY: {"language": "cy"}})
    take(rolled, cluster, both, registers.store_key_adults_at_once)
    assert waiting(rolled, cluster) == []
    assert mailboxes(rolled) == {NEW["email"], "deputy.102884@school-102884.example"}


def test_what_one_person_proposes_another_confirms(rolled: Encompass, cluster: Cluster) -> None:
    engine, first = rolled.database.engine(Role.PIPELINE), by(rolled, cluster, "PC 1234")
    change_id = c.propose_change(engine, first, LEAD, {"attested_on": "2026-03-10", **NEW})
    assert NEW["email"] not in mailboxes(rolled)
    with pytest.raises(c.CannotChange, match="waits already"):
        c.propose_end(engine, first, LEAD, DAY)
    with pytest.raises(c.CannotChange, match="second person"):
        c.confirm_change(engine, by(rolled, cluster, "pc 1234"), change_id)
    c.confirm_change(engine, by(rolled, cluster, "Sgt 55"), change_id)
    assert NEW["email"] in mailboxes(rolled)
    take(
        rolled, cluster, register(cluster, {LEAD: None})
    )  # a register that lacks what people entered ends nobody
    assert NEW["email"] in mailboxes(rolled)
    for wrong, why in (
        ({"email": "head@school.example"}, "shared_or_personal_mailbox"),
        ({"urn": "1"}, "no school 1"),
        ({"role": "officer"}, "does_not_fit_recipient"),
    ):
        with pytest.raises(c.CannotChange, match=why):
            c.propose_change(engine, first, DEPUTY, wrong)
    ending = c.propose_end(engine, first, DEPUTY, DAY - timedelta(days=1))
    c.withdraw_change(engine, first, ending)
    ending = c.propose_end(engine, first, DEPUTY, DAY - timedelta(days=1))
    c.confirm_change(engine, by(rolled, cluster, "Sgt 55"), ending)
    assert alarms(rolled, cluster) == {"too_few_key_adults: contacts"}
    with pytest.raises(Exception, match="check constraint"):
        with rolled.database.engine(Role.OWNER).begin() as connection:
            connection.execute(text("UPDATE encompass.contact_change SET confirmed_by = upper(proposed_by)"))


def entry(**changes: Any) -> KeyAdultEntry:
    whole = KeyAdultEntry(
        "K",
        100000,
        KeyAdultRole.DSL,
        "Designated Lead",
        "lead@school.example",
        None,
        "en",
        date(2025, 9, 1),
        None,
    )
    return replace(whole, **changes)


SEEN = {"verified_on": date(2025, 9, 1)}


@pytest.mark.parametrize(
    ("changes", "rule", "problems"),
    [
        (SEEN, NEVER, ()),
        ({}, NEVER, (Problem.MAILBOX_UNVERIFIED,)),
        (SEEN, TERM, (Problem.ATTESTATION_LAPSED,)),
        ({**SEEN, "attested_on": date(2026, 1, 1)}, TERM, ()),
        ({**SEEN, "attested_on": date(2025, 12, 31)}, TERM, (Problem.ATTESTATION_LAPSED,)),
        ({**SEEN, "training_expires": DAY - timedelta(days=1)}, NEVER, (Problem.TRAINING_LAPSED,)),
        ({**SEEN, "training_expires": DAY}, NEVER, ()),
    ],
)
def test_what_is_wrong_with_a_contact(
    changes: dict[str, Any], rule: AttestationRule, problems: tuple[Problem, ...]
) -> None:
    assert problems_of(entry(**changes), DAY, rule) == problems


def test_a_contact_written_as_columns_is_read_as_the_same() -> None:
    for one in (
        entry(declared_surnames=("Crumplewick", "Plum"), away_from=DAY, away_to=DAY, phone="020 7946 0000"),
        entry(urn=None, role=KeyAdultRole.OFFICER, partner_force="Fellgate Police"),
    ):
        assert entry_of_fields(fields_of(one)) == one


def test_the_status_has_every_schools_roll_those_without_and_the_stalest_first(
    rolled: Encompass, cluster: Cluster
) -> None:
    with rolled.database.engine(Role.OWNER).begin() as connection:
        connection.execute(
            text("UPDATE encompass.enrolment SET last_generation = first_generation WHERE urn = 102885")
        )
        connection.execute(
            text("UPDATE encompass.generation SET confirmed_at = '2026-03-01' WHERE source = '102884'")
        )
    now, engine = cluster.run(rolled).as_of, rolled.database.engine(Role.PIPELINE)
    schools = read_status(engine, FORCE, now, timedelta(days=7)).schools
    assert len(schools) == len(cluster.world.rolls.schools)
    unheld, stale, *rest = schools
    assert (unheld.urn, unheld.source, unheld.age_days, unheld.is_stale) == (102885, None, None, False)
    assert (stale.urn, stale.source, stale.age_days, stale.is_stale) == (102884, "102884", 16, True)
    assert {(s.age_days, s.is_stale, s.key_adults) for s in rest} == {(0, False, 2)}
