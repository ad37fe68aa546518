"""The Key Adult register, sealed, and the one-time codes that bind a person to it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final
from uuid import UUID, uuid4

from pydantic import TypeAdapter
from sqlalchemy import Connection

from encompass.domain.key_adults import OwnContact
from encompass.domain.nudge import mobile_of
from encompass.domain.recipient import Recipient, kind_of
from encompass.domain.school import KeyAdultEntry
from encompass.store import recipient
from encompass.store.data_key import open_keys
from encompass.store.queries import load
from encompass.store.sealed import DataKey, KeyRing

Q: Final = load("key_adult")
ENTRY: Final = TypeAdapter(KeyAdultEntry)
CODE_LASTS: Final = "14 days"


@dataclass(frozen=True)
class Contact:
    """How to reach one Key Adult."""

    key_adult_id: UUID
    email: str = field(repr=False)
    mobile: str | None = field(repr=False)
    language: str


@dataclass(frozen=True)
class KnownAdult:
    """What the register has of one contact, unopened."""

    key_adult_id: UUID
    recipient_id: UUID
    person_hash: bytes = field(repr=False)
    content_hash: bytes = field(repr=False)
    is_active: bool


@dataclass(frozen=True)
class ToCompare:
    """A contact whose entry, as it is now, has not been compared with what the recipient was told."""

    key_adult_id: UUID
    content_hash: bytes = field(repr=False)
    entry: KeyAdultEntry = field(repr=False)


@dataclass(frozen=True)
class ListedAdult:
    """One contact on a day, opened, and when the recipient last said on its page that its contacts are right."""

    key_adult_id: UUID
    entry: KeyAdultEntry = field(repr=False)
    attested_on: date | None

    @property
    def as_attested(self) -> KeyAdultEntry:
        """The entry with the later of the register's word and the page's."""
        said = [day for day in (self.attested_on, self.entry.attested_on) if day is not None]
        return replace(self.entry, attested_on=max(said, default=None))


def known(connection: Connection, force_id: str, day: date) -> dict[bytes, KnownAdult]:
    """Every contact by the hash of its reference."""
    rows = connection.execute(Q["known_adults"], {"force_id": force_id, "day": day})
    return {
        bytes(r.reference_hash): KnownAdult(
            r.key_adult_id, r.recipient_id, bytes(r.person_hash), bytes(r.content_hash), r.is_active
        )
        for r in rows
    }


def listed(connection: Connection, ring: KeyRing, force_id: str, day: date) -> list[ListedAdult]:
    """Every contact who has not ended by that day, opened, by recipient."""
    rows = connection.execute(Q["listed_adults"], {"force_id": force_id, "day": day}).all()
    keys = open_keys(connection, ring, (row.key_id for row in rows))
    return [
        ListedAdult(
            row.key_adult_id, _entry_of(row.key_adult_id, row.sealed, keys[row.key_id]), row.attested_on
        )
        for row in rows
    ]


def put(
    connection: Connection,
    ring: KeyRing,
    force_id: str,
    entries: Iterable[KeyAdultEntry],
    generation: int,
    key: DataKey,
    *,
    by_hand: bool,
) -> None:
    """Insert or update each contact. One entered by hand is not ended by a register that does not list it.

    A reference whose work mailbox changed is another person: sign-ins, sessions and codes of before end.
    """
    ids = {
        bytes(r.reference_hash): r.key_adult_id
        for r in connection.execute(Q["key_adult_references"], {"force_id": force_id})
    }
    rows: list[dict[str, object]] = []
    recipients: dict[Recipient, UUID] = {}
    for entry in entries:
        reference = reference_hash_of(ring, force_id, entry.key_adult_ref)
        if entry.recipient not in recipients:
            recipients[entry.recipient] = recipient.ensure(connection, force_id, entry.recipient)
        of = {"recipient_id": recipients[entry.recipient], "recipient_kind": kind_of(entry.recipient).value}
        row = _row_of(ring, force_id, entry, ids.get(reference) or uuid4(), reference, generation, key)
        rows.append({**row, **of, "by_hand": by_hand})
    if rows:
        connection.execute(Q["upsert_key_adult"], rows)


def keep_listed(connection: Connection, key_adult_ids: Iterable[UUID], generation: int) -> None:
    """These contacts stay as they are, though the register now says otherwise of them."""
    values = {"key_adult_ids": list(key_adult_ids), "generation": generation}
    connection.execute(Q["keep_listed"], values)


def end_unlisted(connection: Connection, force_id: str, generation: int, day: date) -> None:
    """End on that day who is no longer listed, unless a new contact of the same recipient has still to be confirmed."""
    values = {"force_id": force_id, "generation": generation, "ended_on": day}
    connection.execute(Q["end_unlisted"], values)


def reference_hash_of(ring: KeyRing, force_id: str, reference: str) -> bytes:
    """The keyed hash of a register's reference."""
    return ring.keyed_hash(force_id, "key adult", reference)


def person_hash_of(ring: KeyRing, force_id: str, entry: KeyAdultEntry) -> bytes:
    """The keyed hash of a work mailbox: whoever has it is the person."""
    return ring.keyed_hash(force_id, "adult person", entry.email.lower())


def content_hash_of(ring: KeyRing, force_id: str, entry: KeyAdultEntry) -> bytes:
    """The keyed hash of all that the register says of a contact."""
    return ring.keyed_hash(force_id, "adult content", hashlib.blake2b(ENTRY.dump_json(entry)).digest())


def active_at(
    connection: Connection, ring: KeyRing, recipient_id: UUID, day: date
) -> list[tuple[UUID, KeyAdultEntry]]:
    """The recipient's contacts on that day, opened, the lead first."""
    rows = connection.execute(Q["active_at"], {"recipient_id": recipient_id, "day": day}).all()
    keys = open_keys(connection, ring, (row.key_id for row in rows))
    return [(row.key_adult_id, _entry_of(row.key_adult_id, row.sealed, keys[row.key_id])) for row in rows]


def recipients_to_compare(connection: Connection, force_id: str, day: date) -> list[UUID]:
    """Recipients of some message with a contact on that day whom nobody has compared with it."""
    rows = connection.execute(Q["recipients_to_compare"], {"force_id": force_id, "day": day})
    return list(rows.scalars())


def to_compare(connection: Connection, ring: KeyRing, recipient_id: UUID, day: date) -> list[ToCompare]:
    """The recipient's contacts on that day who open nothing until they have been compared, opened."""
    rows = connection.execute(Q["to_compare"], {"recipient_id": recipient_id, "day": day}).all()
    keys = open_keys(connection, ring, (row.key_id for row in rows))
    return [
        ToCompare(
            row.key_adult_id,
            bytes(row.content_hash),
            _entry_of(row.key_adult_id, row.sealed, keys[row.key_id]),
        )
        for row in rows
    ]


def set_compared(connection: Connection, compared: Iterable[ToCompare]) -> None:
    """These contacts have been compared as they were read; one changed meanwhile is still to be."""
    rows = [{"key_adult_id": c.key_adult_id, "content_hash": c.content_hash} for c in compared]
    if rows:
        connection.execute(Q["set_compared"], rows)


def own(connection: Connection, ring: KeyRing, day: date) -> list[OwnContact]:
    """The contacts of the session's school or office who have not ended by that day, opened, the lead first."""
    rows = connection.execute(Q["own_contacts"], {"day": day}).all()
    keys = open_keys(connection, ring, (row.key_id for row in rows))
    # The row's own last day: a register that no longer lists a contact ends him or her there.
    entries = [
        replace(_entry_of(row.key_adult_id, row.sealed, keys[row.key_id]), active_to=row.active_to)
        for row in rows
    ]
    return [
        OwnContact(row.key_adult_id, entry, row.is_ready) for row, entry in zip(rows, entries, strict=True)
    ]


def contact(connection: Connection, ring: KeyRing, key_adult_id: UUID, day: date) -> Contact | None:
    """How to reach the Key Adult, if still one on that day."""
    row = connection.execute(Q["contact"], {"key_adult_id": key_adult_id, "day": day}).first()
    if row is None:
        return None
    key = open_keys(connection, ring, [row.key_id])[row.key_id]
    entry = _entry_of(row.key_adult_id, row.sealed, key)
    return Contact(key_adult_id, entry.email, mobile_of(entry.phone), entry.language)


def of_reference(
    connection: Connection, ring: KeyRing, force_id: str, reference: str, recipient_id: UUID, day: date
) -> UUID | None:
    """The recipient's Key Adult on that day whom the register knows by this reference."""
    values = {
        "force_id": force_id,
        "reference_hash": ring.keyed_hash(force_id, "key adult", reference),
        "recipient_id": recipient_id,
        "day": day,
    }
    return connection.execute(Q["of_reference"], values).scalar()


def entry_of_reference(
    connection: Connection, ring: KeyRing, force_id: str, reference: str
) -> KeyAdultEntry | None:
    """What the register has under this reference, opened."""
    values = {"force_id": force_id, "reference_hash": reference_hash_of(ring, force_id, reference)}
    row = connection.execute(Q["entry_of_reference"], values).first()
    if row is None:
        return None
    return _entry_of(row.key_adult_id, row.sealed, open_keys(connection, ring, [row.key_id])[row.key_id])


def references(connection: Connection, ring: KeyRing, key_adult_ids: Iterable[UUID]) -> dict[UUID, str]:
    """The register's reference of each of these Key Adults, whether still one or not."""
    rows = connection.execute(Q["key_adults_by_id"], {"key_adult_ids": list(key_adult_ids)}).all()
    keys = open_keys(connection, ring, (row.key_id for row in rows))
    return {
        row.key_adult_id: _entry_of(row.key_adult_id, row.sealed, keys[row.key_id]).key_adult_ref
        for row in rows
    }


def unbound(connection: Connection, ring: KeyRing, force_id: str, day: date) -> dict[str, UUID]:
    """Register reference to id of every Key Adult whom no identity with a second factor is bound to yet."""
    rows = connection.execute(Q["unbound"], {"force_id": force_id, "day": day}).all()
    keys = open_keys(connection, ring, (row.key_id for row in rows))
    return {
        _entry_of(row.key_adult_id, row.sealed, keys[row.key_id]).key_adult_ref: row.key_adult_id
        for row in rows
    }


def replace_codes(connection: Connection, force_id: str, code_hashes: dict[UUID, bytes]) -> None:
    """A new one-time code for each Key Adult; an older unused code ends."""
    adults = list(code_hashes)
    connection.execute(Q["end_open_codes"], {"key_adult_ids": adults})
    connection.execute(
        Q["insert_codes"],
        {
            "force_id": force_id,
            "key_adult_ids": adults,
            "code_hashes": [code_hashes[a] for a in adults],
            "lasts": CODE_LASTS,
        },
    )


def _entry_of(key_adult_id: UUID, sealed: bytes, key: DataKey) -> KeyAdultEntry:
    return key.open_as(ENTRY, "key_adult", "sealed", key_adult_id, sealed)


def _row_of(
    ring: KeyRing,
    force_id: str,
    entry: KeyAdultEntry,
    key_adult_id: UUID,
    reference: bytes,
    generation: int,
    key: DataKey,
) -> dict[str, object]:
    content = ENTRY.dump_json(entry)
    return {
        "key_adult_id": key_adult_id,
        "force_id": force_id,
        "reference_hash": reference,
        "person_hash": person_hash_of(ring, force_id, entry),
        "urn": entry.urn,
        "role": entry.role.value,
        "language": entry.language,
        "active_from": entry.active_from,
        "active_to": entry.active_to,
        "content_hash": content_hash_of(ring, force_id, entry),
        "sealed": key.seal("key_adult", "sealed", key_adult_id, content),
        "key_id": key.key_id,
        "seen_in_generation": generation,
    }
