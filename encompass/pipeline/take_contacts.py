"""Take a whole Key Adult register: what is new at a recipient that has contacts waits for a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import Connection

from encompass.domain.run import LONDON, Run
from encompass.domain.school import KeyAdultEntry
from encompass.store import contact_change, key_adult, recipient
from encompass.store.contact_change import REGISTER, ChangeKind
from encompass.store.key_adult import KnownAdult
from encompass.store.sealed import DataKey, KeyRing


def take_contacts(
    connection: Connection,
    ring: KeyRing,
    run: Run,
    entries: Sequence[KeyAdultEntry],
    generation: int,
    key: DataKey,
) -> None:
    """Take the register, its first contacts of a recipient at once, later ones when a person has confirmed them.

    Until then the former contact stays in use. A new contact is another work mailbox or another recipient for a known
    reference, or a new reference. All else (a telephone, training, days away) is taken as it comes.
    """
    force_id, day = run.force_id, run.as_of.astimezone(LONDON).date()
    known = key_adult.known(connection, force_id, day)
    waiting: dict[KeyAdultEntry, KnownAdult | None] = {}
    peopled = {adult.recipient_id for adult in known.values() if adult.is_active}
    recipients = {e.recipient: recipient.ensure(connection, force_id, e.recipient) for e in entries}
    for entry in entries:
        before = known.get(key_adult.reference_hash_of(ring, force_id, entry.key_adult_ref))
        to = recipients[entry.recipient]
        if to in peopled and not _is_same(ring, force_id, entry, to, before):
            waiting[entry] = before
    key_adult.put(
        connection, ring, force_id, [e for e in entries if e not in waiting], generation, key, by_hand=False
    )
    still = [before.key_adult_id for before in waiting.values() if before is not None]
    key_adult.keep_listed(connection, still, generation)
    _propose(connection, ring, run, waiting, key)
    key_adult.end_unlisted(connection, force_id, generation, day)


def replace_contacts(
    connection: Connection,
    ring: KeyRing,
    run: Run,
    entries: Sequence[KeyAdultEntry],
    generation: int,
    key: DataKey,
) -> None:
    """Take the register as it comes, for a force whose own people have confirmed each change before."""
    day = run.as_of.astimezone(LONDON).date()
    contact_change.withdraw_stale(connection, ring, run.force_id, (), run.as_of)
    key_adult.put(connection, ring, run.force_id, entries, generation, key, by_hand=False)
    key_adult.end_unlisted(connection, run.force_id, generation, day)


def _is_same(ring: KeyRing, force_id: str, entry: KeyAdultEntry, to: UUID, before: KnownAdult | None) -> bool:
    """Whether the contact is known there already, and still is one."""
    if before is None or not before.is_active or before.recipient_id != to:
        return False
    return before.person_hash == key_adult.person_hash_of(ring, force_id, entry)


def _propose(
    connection: Connection,
    ring: KeyRing,
    run: Run,
    waiting: Mapping[KeyAdultEntry, KnownAdult | None],
    key: DataKey,
) -> None:
    contact_change.withdraw_stale(connection, ring, run.force_id, waiting, run.as_of)
    for entry, before in waiting.items():
        kind = ChangeKind.ADD if before is None else ChangeKind.CHANGE
        contact_change.propose(connection, ring, run.force_id, kind, entry, REGISTER, run.as_of, key)
