"""A school's contacts on its own page: still right, or to be changed by two people."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import Connection, Engine

from encompass.domain.access import KeyAdultViewer, NotFound, may_see_contacts
from encompass.domain.attestation import (
    Attestation,
    AttestationRule,
    attestation_of,
    term_began,
)
from encompass.domain.key_adults import OwnContact
from encompass.domain.own_contact import ContactFault, ContactsPage, NewContact, WaitingChange
from encompass.domain.run import LONDON
from encompass.domain.school import KeyAdultEntry, KeyAdultRole
from encompass.pipeline.contact_fields import entry_with, newcomer
from encompass.store import attestation, contact_change, key_adult
from encompass.store.contact_change import Change, ChangeKind
from encompass.store.database import as_session
from encompass.store.sealed import KeyRing

LEAD, DEPUTY = "lead", "deputy"
ROLES: Final = frozenset({LEAD, DEPUTY})


def read_contacts(
    engine: Engine, ring: KeyRing, viewer: KeyAdultViewer, rule: AttestationRule, now: datetime
) -> ContactsPage:
    """The contacts of the viewer's school or office, and what waits for a second person. Raises NotFound."""
    _check(viewer)
    day = _day(now)
    with as_session(engine, viewer.session_token) as connection:
        adults = key_adult.own(connection, ring, day)
        waiting = contact_change.own_changes(connection, ring)
        said = attestation.last(connection)
    standing = attestation_of(_attested(adults, said, day), day, rule)
    names = {str(a.key_adult_id): a.entry.full_name for a in adults}
    changes = tuple(_waiting(viewer, change, names) for change in waiting)
    return ContactsPage(tuple(adults), changes, said, standing)


def standing_of(
    connection: Connection, ring: KeyRing, rule: AttestationRule, said: date | None, now: datetime
) -> Attestation:
    """Where the session's school stands with its word on its contacts, last given on that date."""
    if rule is not AttestationRule.TERM:
        return Attestation.NOT_ASKED
    day = _day(now)
    known = [] if said and said >= term_began(day) else key_adult.own(connection, ring, day)
    return attestation_of(_attested(known, said, day), day, rule)


def attest(engine: Engine, viewer: KeyAdultViewer, now: datetime) -> None:
    """The viewer's school says that its contacts are still the right ones. Raises NotFound."""
    _check(viewer)
    with as_session(engine, viewer.session_token) as connection:
        attestation.attest(connection, viewer, _day(now), now)


def change_contact(
    engine: Engine, ring: KeyRing, viewer: KeyAdultViewer, key_adult_id: UUID, new: NewContact, now: datetime
) -> ContactFault | None:
    """Ask for other details of a contact, which a second person confirms; or why not. Raises NotFound."""
    _check(viewer)
    with as_session(engine, viewer.session_token) as connection:
        known = key_adult.own(connection, ring, _day(now))
        contact = _of(known, key_adult_id)
        entry = entry_with(contact.entry, new)
        if isinstance(entry, ContactFault):
            return entry
        if entry == contact.entry:
            return ContactFault.NOTHING
        others = [k for k in known if k is not contact]
        return _propose(connection, ring, viewer, ChangeKind.CHANGE, entry, others, now)


def add_contact(
    engine: Engine, ring: KeyRing, viewer: KeyAdultViewer, role: str, new: NewContact, now: datetime
) -> ContactFault | None:
    """Ask for another contact, a lead or a deputy, whom a second person confirms; or why not. Raises NotFound."""
    _check(viewer)
    if role not in ROLES:
        return ContactFault.NO_ROLE
    leads = KeyAdultRole.DSL if viewer.is_at_school else KeyAdultRole.OFFICER
    with as_session(engine, viewer.session_token) as connection:
        known = key_adult.own(connection, ring, _day(now))
        own = _of(known, viewer.key_adult_id)
        columns = {
            "role": (leads if role == LEAD else KeyAdultRole.DEPUTY).value,
            "active_from": _day(now).isoformat(),
        }
        entry = newcomer(own.entry, new, f"page-{uuid4()}", **columns)
        if isinstance(entry, ContactFault):
            return entry
        return _propose(connection, ring, viewer, ChangeKind.ADD, entry, known, now)


def end_contact(
    engine: Engine, ring: KeyRing, viewer: KeyAdultViewer, key_adult_id: UUID, now: datetime
) -> ContactFault | None:
    """Ask that somebody is a contact no longer after today; or why not: nobody would be left. Raises NotFound."""
    _check(viewer)
    with as_session(engine, viewer.session_token) as connection:
        known = key_adult.own(connection, ring, _day(now))
        contact = _of(known, key_adult_id)
        if not any(k.entry.active_to is None for k in known if k is not contact):
            return ContactFault.LAST
        fields = NewContact(contact.entry.full_name, contact.entry.email, contact.entry.phone or "")
        entry = entry_with(contact.entry, fields, active_to=_day(now).isoformat())
        return (
            entry
            if isinstance(entry, ContactFault)
            else _propose(connection, ring, viewer, ChangeKind.END, entry, [], now)
        )


def confirm_own(engine: Engine, viewer: KeyAdultViewer, change_id: UUID, now: datetime) -> None:
    """The viewer confirms what another of the school asked for; the next step takes it. Raises NotFound."""
    _check(viewer)
    with as_session(engine, viewer.session_token) as connection:
        if not contact_change.confirm_own(connection, viewer, change_id, now):
            raise NotFound


def withdraw_own(engine: Engine, viewer: KeyAdultViewer, change_id: UUID, now: datetime) -> None:
    """The viewer takes back what he or she asked for. Raises NotFound."""
    _check(viewer)
    with as_session(engine, viewer.session_token) as connection:
        if not contact_change.withdraw_own(connection, viewer, change_id, now):
            raise NotFound


def _check(viewer: KeyAdultViewer) -> None:
    if not may_see_contacts(viewer):
        raise NotFound


def _day(now: datetime) -> date:
    return now.astimezone(LONDON).date()


def _of(known: list[OwnContact], key_adult_id: UUID) -> OwnContact:
    for contact in known:
        if contact.key_adult_id == key_adult_id:
            return contact
    raise NotFound


def _attested(adults: list[OwnContact], said: date | None, day: date) -> date:
    """As of when all of these contacts are attested: by the page, each by the register, or by having begun since."""
    by_register = min((a.entry.attested_on or a.entry.active_from for a in adults), default=day)
    return by_register if said is None or (adults and by_register > said) else said


def _propose(
    connection: Connection,
    ring: KeyRing,
    viewer: KeyAdultViewer,
    kind: ChangeKind,
    entry: KeyAdultEntry,
    others: list[OwnContact],
    now: datetime,
) -> ContactFault | None:
    if any(o.entry.email.casefold() == entry.email.casefold() for o in others):
        return ContactFault.ALREADY
    proposed = contact_change.propose_from_page(connection, ring, viewer, kind, entry, now)
    return None if proposed is not None else ContactFault.WAITS


def _waiting(viewer: KeyAdultViewer, change: Change, names: dict[str, str]) -> WaitingChange:
    details = NewContact(change.entry.full_name, change.entry.email, change.entry.phone or "")
    is_own = change.by == str(viewer.key_adult_id)
    return WaitingChange(
        change.change_id, change.kind.value, details, names.get(change.by, ""), change.at, is_own
    )
