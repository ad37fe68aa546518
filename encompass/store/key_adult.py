"""The Key Adult register, sealed, and the one-time codes that bind a person to it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Final
from uuid import UUID, uuid4

from pydantic import TypeAdapter
from sqlalchemy import Connection

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


def take_register(
    connection: Connection,
    ring: KeyRing,
    force_id: str,
    entries: Iterable[KeyAdultEntry],
    generation: int,
    key: DataKey,
    day: date,
) -> None:
    """Insert or update each named adult; one no longer listed is ended on that day.

    A reference whose work mailbox changed is another person: sign-ins, sessions and codes of before end.
    """
    known = {
        bytes(r.reference_hash): r.key_adult_id
        for r in connection.execute(Q["key_adult_references"], {"force_id": force_id})
    }
    rows: list[dict[str, object]] = []
    recipients: dict[Recipient, UUID] = {}
    for entry in entries:
        reference = ring.keyed_hash(force_id, "key adult", entry.key_adult_ref)
        if entry.recipient not in recipients:
            recipients[entry.recipient] = recipient.ensure(connection, force_id, entry.recipient)
        of = {"recipient_id": recipients[entry.recipient], "recipient_kind": kind_of(entry.recipient).value}
        row = _row_of(ring, force_id, entry, known.get(reference) or uuid4(), reference, generation, key)
        rows.append({**row, **of})
    if rows:
        connection.execute(Q["upsert_key_adult"], rows)
    connection.execute(Q["end_unlisted"], {"force_id": force_id, "generation": generation, "ended_on": day})


def active_at(
    connection: Connection, ring: KeyRing, recipient_id: UUID, day: date
) -> list[tuple[UUID, KeyAdultEntry]]:
    """The recipient's contacts on that day, opened, the lead first."""
    rows = connection.execute(Q["active_at"], {"recipient_id": recipient_id, "day": day}).all()
    keys = open_keys(connection, ring, (row.key_id for row in rows))
    return [(row.key_adult_id, _entry_of(row.key_adult_id, row.sealed, keys[row.key_id])) for row in rows]


def contact(connection: Connection, ring: KeyRing, key_adult_id: UUID, day: date) -> Contact | None:
    """How to reach the Key Adult, if still one on that day."""
    row = connection.execute(Q["contact"], {"key_adult_id": key_adult_id, "day": day}).first()
    if row is None:
        return None
    key = open_keys(connection, ring, [row.key_id])[row.key_id]
    entry = _entry_of(row.key_adult_id, row.sealed, key)
    return Contact(key_adult_id, entry.email, mobile_of(entry.phone), entry.language)


def unbound(connection: Connection, ring: KeyRing, force_id: str, day: date) -> dict[str, UUID]:
    """Register reference to id of every Key Adult whom no identity is bound to yet."""
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
        "person_hash": ring.keyed_hash(force_id, "adult person", entry.email.lower()),
        "urn": entry.urn,
        "role": entry.role.value,
        "language": entry.language,
        "active_from": entry.active_from,
        "active_to": entry.active_to,
        "content_hash": ring.keyed_hash(force_id, "adult content", hashlib.blake2b(content).digest()),
        "sealed": key.seal("key_adult", "sealed", key_adult_id, content),
        "key_id": key.key_id,
        "seen_in_generation": generation,
    }
