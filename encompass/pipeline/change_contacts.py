"""Contacts in people's hands: listed with what is wrong, changed by one person and confirmed by another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import Connection, Engine

from encompass.domain.attestation import AttestationRule
from encompass.domain.audit import Actor, AuditEvent
from encompass.domain.key_adults import FEWEST_ADULTS, Problem, problems_of
from encompass.domain.recipient import AtSchool, LaOfficer, code_of
from encompass.domain.run import LONDON, Run
from encompass.domain.school import KeyAdultEntry
from encompass.formats.csv_rows import WrongField
from encompass.formats.key_adults import entry_of_fields, fields_of
from encompass.store import audit, contact_change, force, key_adult, school
from encompass.store.contact_change import Change, ChangeKind
from encompass.store.data_key import new_data_key
from encompass.store.key_adult import ListedAdult
from encompass.store.school import SchoolFreshness
from encompass.store.sealed import KeyRing

SOURCE: Final = "contacts"
NOBODY: Final = "no contact of this id or reference: `encompass adults list` shows them"
NO_CHANGE: Final = "no change of this id waits: `encompass adults list` shows those that do"


class CannotChange(Exception):
    """The contact cannot be changed so; the text says why and what to do, and names no person."""


@dataclass(frozen=True)
class Contacts:
    """The contacts of a force on a day with what is wrong with each, schools that have too few, changes that wait."""

    adults: tuple[tuple[ListedAdult, tuple[Problem, ...]], ...]
    too_few: tuple[SchoolFreshness, ...]
    waiting: tuple[Change, ...]


@dataclass(frozen=True)
class Imported:
    """What a file of contacts came to: taken at once (the first of a recipient), proposed, and already so."""

    taken: int
    proposed: tuple[UUID, ...]
    unchanged: int


@dataclass(frozen=True)
class By:
    """Who asks, for which force, when."""

    force_id: str
    who: str
    at: datetime
    ring: KeyRing = field(repr=False)

    @property
    def day(self) -> date:
        """The day in London."""
        return self.at.astimezone(LONDON).date()


def list_contacts(
    engine: Engine, ring: KeyRing, force_id: str, attestation: AttestationRule, now: datetime
) -> Contacts:
    """Every contact, the schools with fewer than two, and the changes that wait for a second person."""
    day = now.astimezone(LONDON).date()
    with engine.begin() as connection:
        adults = key_adult.listed(connection, ring, force_id, day)
        freshness = school.freshness(connection, force_id, day)
        waiting = contact_change.open_changes(connection, ring, force_id)
    return Contacts(
        tuple((adult, problems_of(adult.as_attested, day, attestation)) for adult in adults),
        tuple(s for s in freshness if s.key_adults < FEWEST_ADULTS),
        tuple(waiting),
    )


def unattested(
    engine: Engine, ring: KeyRing, force_id: str, attestation: AttestationRule, now: datetime
) -> list[str]:
    """The schools and offices whose word that their contacts are still right is overdue, by code."""
    if attestation is AttestationRule.NEVER:
        return []
    found = list_contacts(engine, ring, force_id, attestation, now)
    lapsed = (a.entry.recipient for a, own in found.adults if Problem.ATTESTATION_LAPSED in own)
    return sorted({code_of(recipient) for recipient in lapsed})


def check_contacts(engine: Engine, ring: KeyRing, attestation: AttestationRule, run: Run) -> None:
    """Raise or clear the night's alarms about contacts: too few, not attested again, changes that wait."""
    found = list_contacts(engine, ring, run.force_id, attestation, run.as_of)
    problems = {p for _, own in found.adults for p in own}
    kinds = {
        "too_few_key_adults": any(s.source is not None for s in found.too_few),
        "attestation_lapsed": Problem.ATTESTATION_LAPSED in problems,
        "contact_changes_waiting": bool(found.waiting),
    }
    with engine.begin() as connection:
        force.set_alarms(connection, run, SOURCE, kinds)


def show_contact(engine: Engine, by: By, reference: str) -> ListedAdult:
    """One contact, opened, by id or register reference; the look is audited. Raises CannotChange."""
    with engine.begin() as connection:
        found = find_contact(connection, by, reference)
        event = AuditEvent(
            by.force_id, by.at, Actor.OPERATOR, None, "contact_shown", "key_adult", found.key_adult_id
        )
        audit.record(connection, event)
        return found


def propose_contact(engine: Engine, by: By, fields: Mapping[str, str]) -> UUID:
    """A new contact, as the columns of the register, until another person confirms it. Raises CannotChange."""
    with engine.begin() as connection:
        entry = _checked(connection, by, fields)
        if any(a.entry.key_adult_ref == entry.key_adult_ref for a in _listed(connection, by)):
            raise CannotChange("this reference is a contact's already: change it, or take another")
        return _propose(connection, by, ChangeKind.ADD, entry)


def propose_change(engine: Engine, by: By, reference: str, fields: Mapping[str, str]) -> UUID:
    """Other columns for a contact, until another person confirms them. Raises CannotChange."""
    with engine.begin() as connection:
        entry = find_contact(connection, by, reference).entry
        return _propose(
            connection, by, ChangeKind.CHANGE, _checked(connection, by, {**fields_of(entry), **fields})
        )


def propose_end(engine: Engine, by: By, reference: str, last_day: date) -> UUID:
    """No contact any more after that day, once another person confirms it. Raises CannotChange."""
    with engine.begin() as connection:
        entry = find_contact(connection, by, reference).entry
        if last_day < entry.active_from:
            raise CannotChange(f"the contact began on {entry.active_from}: end it then or later")
        return _propose(connection, by, ChangeKind.END, replace(entry, active_to=last_day))


def import_contacts(engine: Engine, by: By, entries: Iterable[KeyAdultEntry]) -> Imported:
    """Take a file of contacts: the first ones of a recipient at once, every other difference as a proposal.

    Nobody is ended by being left out. Raises CannotChange for a school or authority that the register does not have.
    """
    count, first, proposed = Counter[str](), list[KeyAdultEntry](), list[UUID]()
    with engine.begin() as connection:
        known = {a.entry.key_adult_ref: a.entry for a in _listed(connection, by)}
        peopled = {e.recipient for e in known.values()}
        key = new_data_key(connection, by.ring, by.force_id, "register")
        for entry in entries:
            _check_recipient(connection, by, entry)
            before = known.get(entry.key_adult_ref)
            if before == entry:
                count["unchanged"] += 1
            elif entry.recipient not in peopled:
                first.append(entry)
            else:
                kind = ChangeKind.ADD if before is None else ChangeKind.CHANGE
                proposed.append(_propose(connection, by, kind, entry))
        key_adult.put(connection, by.ring, by.force_id, first, _generation(connection, by), key, by_hand=True)
        event = AuditEvent(
            by.force_id, by.at, Actor.OPERATOR, None, "contacts_imported", "import", uuid4(),
            {"taken": len(first), "proposed": len(proposed)},
        )  # fmt: skip
        audit.record(connection, event)
    return Imported(len(first), tuple(proposed), count["unchanged"])


def confirm_change(engine: Engine, by: By, change_id: UUID) -> Change:
    """A second person confirms a change, which then holds; a new work mailbox ends sign-ins. Raises CannotChange."""
    with engine.begin() as connection:
        change = _waiting(connection, by, change_id)
        if change.by.casefold() == by.who.casefold():
            raise CannotChange("a change needs a second person: --by must name another")
        if not contact_change.confirm(connection, by.force_id, change_id, by.who, by.at):
            raise CannotChange(NO_CHANGE)
        take_change(connection, by, change)
        return change


def take_change(connection: Connection, by: By, change: Change) -> None:
    """A confirmed change holds from now on; the contact as it was before is kept, to be told so."""
    former = key_adult.entry_of_reference(connection, by.ring, by.force_id, change.entry.key_adult_ref)
    key, generation = (
        new_data_key(connection, by.ring, by.force_id, "register"),
        _generation(connection, by),
    )
    if not contact_change.set_taken(connection, change.change_id, former, key, by.at):
        return
    by_hand = not change.is_of_register
    key_adult.put(connection, by.ring, by.force_id, [change.entry], generation, key, by_hand=by_hand)
    key_adult.end_unlisted(connection, by.force_id, generation, by.day)


def withdraw_change(engine: Engine, by: By, change_id: UUID) -> None:
    """Drop a change that waits. Raises CannotChange."""
    with engine.begin() as connection:
        _waiting(connection, by, change_id)
        contact_change.withdraw(connection, by.force_id, change_id, by.at)
        if not any(c.is_of_register for c in contact_change.open_changes(connection, by.ring, by.force_id)):
            key_adult.end_unlisted(connection, by.force_id, _generation(connection, by), by.day)


def confirm_school(engine: Engine, by: By, urn: int) -> int:
    """Somebody checked the contact of a school that goes on for a closed one; how many children waited for that.

    They are placed by the next matching. Raises CannotChange.
    """
    with engine.begin() as connection:
        if urn not in school.schools_now(connection, by.force_id).all_successors:
            raise CannotChange(f"{urn} is no open school that goes on for a closed one")
        if not school.confirm_successor(connection, by.force_id, urn, by.who, by.at):
            raise CannotChange(f"{urn} has been confirmed before")
        released = school.look_again(connection, by.force_id)
        details: dict[str, str | int | None] = {"urn": urn, "children": released}
        event = AuditEvent(
            by.force_id, by.at, Actor.OPERATOR, None, "successor_confirmed", "school", uuid4(), details
        )
        audit.record(connection, event)
        return released


def _listed(connection: Connection, by: By) -> list[ListedAdult]:
    return key_adult.listed(connection, by.ring, by.force_id, by.day)


def find_contact(connection: Connection, by: By, reference: str) -> ListedAdult:
    """The contact of this id or register reference, opened. Raises CannotChange."""
    for adult in _listed(connection, by):
        if reference in (str(adult.key_adult_id), adult.entry.key_adult_ref):
            return adult
    raise CannotChange(NOBODY)


def _waiting(connection: Connection, by: By, change_id: UUID) -> Change:
    for change in contact_change.open_changes(connection, by.ring, by.force_id):
        if change.change_id == change_id:
            return change
    raise CannotChange(NO_CHANGE)


def _checked(connection: Connection, by: By, fields: Mapping[str, str]) -> KeyAdultEntry:
    try:
        entry = entry_of_fields(fields)
    except WrongField as fault:
        raise CannotChange(str(fault)) from None
    _check_recipient(connection, by, entry)
    return entry


def _check_recipient(connection: Connection, by: By, entry: KeyAdultEntry) -> None:
    known = school.la_codes_by_urn(connection, by.force_id)
    match entry.recipient:
        case AtSchool(urn) if urn not in known:
            raise CannotChange(f"the school register has no school {urn}")
        case LaOfficer(la_code) if la_code not in known.values():
            raise CannotChange(f"the school register has no local authority {la_code}")
        case _:
            pass


def _propose(connection: Connection, by: By, kind: ChangeKind, entry: KeyAdultEntry) -> UUID:
    key = new_data_key(connection, by.ring, by.force_id, "register")
    change_id = contact_change.propose(connection, by.ring, by.force_id, kind, entry, by.who, by.at, key)
    if change_id is None:
        raise CannotChange("a change of this contact waits already: confirm it, or withdraw it")
    return change_id


def _generation(connection: Connection, by: By) -> int:
    return school.newest_number(connection, by.force_id, "key_adults")
