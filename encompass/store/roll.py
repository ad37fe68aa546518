"""Rolls: pupils and their enrolments, versioned by generation, sealed, found by keyed hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from uuid import UUID, uuid4

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row

from encompass.domain.school import EnrolStatus, RollEntry
from encompass.matching.blocking import Identity, blocking_keys, identity_of
from encompass.matching.comparison import CandidateEnrolment
from encompass.store.data_key import open_keys
from encompass.store.queries import load
from encompass.store.sealed import DataKey, KeyRing

Q: Final = load("roll")
ENTRY: Final = TypeAdapter(RollEntry)
BATCH: Final = 2000
MOST_CANDIDATE_PUPILS: Final = 200
T = TypeVar("T")


@dataclass(frozen=True)
class RollRow:
    """One row of a roll, with the identity of its pupil (a valid UPN, else the row's own reference)."""

    entry: RollEntry = field(repr=False)
    identity: str = field(repr=False)


@dataclass(frozen=True)
class RollChange:
    """What a new generation changed."""

    opened: int
    closed: int


def identity_of_entry(entry: RollEntry) -> Identity:
    """The identity that a roll row is matched by."""
    return identity_of(
        (entry.legal_forename, entry.preferred_forename),
        (entry.legal_surname, entry.preferred_surname),
        entry.date_of_birth,
    )


def take_generation(
    connection: Connection,
    ring: KeyRing,
    force_id: str,
    source: str,
    rows: Sequence[RollRow],
    generation: int,
    key: DataKey,
) -> RollChange:
    """Open a version of each new or changed row and close those changed or gone, all or nothing."""
    known = {
        bytes(r.row_hash): bytes(r.content_hash)
        for r in connection.execute(Q["open_enrolments"], {"force_id": force_id, "source": source})
    }
    hashed = [
        (_row_hash(ring, force_id, source, row), _content_hash(ring, force_id, row), row) for row in rows
    ]
    fresh = [(rh, ch, row) for rh, ch, row in hashed if known.get(rh) != ch]
    kept = {rh for rh, ch, _ in hashed if known.get(rh) == ch}
    closed = _close(connection, force_id, source, generation, [rh for rh in known if rh not in kept])
    pupils = _ensure_pupils(connection, ring, force_id, [row for _, _, row in fresh])
    for part in _in_batches(fresh):
        _open(connection, ring, force_id, source, generation, key, pupils, part)
    connection.execute(Q["analyse"])
    return RollChange(len(fresh), closed)


def candidates(
    connection: Connection, ring: KeyRing, force_id: str, child: Identity
) -> list[CandidateEnrolment]:
    """Every open row of each pupil who shares a blocking key with the child, opened."""
    hashes = [ring.keyed_hash(force_id, "blocking", k) for k in blocking_keys(child)]
    values = {"force_id": force_id, "key_hashes": hashes, "most": MOST_CANDIDATE_PUPILS + 1}
    found = connection.execute(Q["candidates"], values).all()
    keys = open_keys(connection, ring, (row.key_id for row in found))
    return [_candidate_of(row, keys[row.key_id]) for row in found]


def entry_at_school(
    connection: Connection, ring: KeyRing, force_id: str, pupil_id: UUID, urn: int
) -> tuple[RollEntry, str | None] | None:
    """The pupil as this school's roll has him or her, with the national curriculum year."""
    row = connection.execute(
        Q["enrolment_at_school"], {"force_id": force_id, "pupil_id": pupil_id, "urn": urn}
    ).first()
    if row is None:
        return None
    key = open_keys(connection, ring, [row.key_id])[row.key_id]
    return _entry_of(row, key), row.nc_year


def _candidate_of(row: Row[Any], key: DataKey) -> CandidateEnrolment:
    entry = _entry_of(row, key)
    return CandidateEnrolment(
        row.pupil_id,
        row.urn,
        identity_of_entry(entry),
        EnrolStatus(row.enrol_status),
        row.entry_date,
        row.leaving_date,
    )


def _entry_of(row: Row[Any], key: DataKey) -> RollEntry:
    return key.open_as(ENTRY, "enrolment", "sealed", row.enrolment_id, row.sealed)


def _row_hash(ring: KeyRing, force_id: str, source: str, row: RollRow) -> bytes:
    return ring.keyed_hash(force_id, "roll row", f"{source}|{row.entry.urn}|{row.entry.pupil_ref}")


def _content_hash(ring: KeyRing, force_id: str, row: RollRow) -> bytes:
    content = row.identity.encode() + b"|" + ENTRY.dump_json(row.entry)
    return ring.keyed_hash(force_id, "roll content", hashlib.blake2b(content, digest_size=32).digest())


def _close(
    connection: Connection, force_id: str, source: str, generation: int, row_hashes: list[bytes]
) -> int:
    closed = list(
        connection.execute(
            Q["close_enrolments"],
            {
                "force_id": force_id,
                "source": source,
                "last_generation": generation - 1,
                "row_hashes": row_hashes,
            },
        ).scalars()
    )
    if closed:
        connection.execute(Q["delete_keys_of_closed"], {"enrolment_ids": closed})
    return len(closed)


def _ensure_pupils(
    connection: Connection, ring: KeyRing, force_id: str, rows: Sequence[RollRow]
) -> dict[str, UUID]:
    hashes = {row.identity: ring.keyed_hash(force_id, "pupil", row.identity) for row in rows}
    found: dict[bytes, UUID] = {}
    for part in _in_batches(sorted(set(hashes.values()))):
        values = {
            "force_id": force_id,
            "identity_hashes": list(part),
            "pupil_ids": [uuid4() for _ in part],
        }
        connection.execute(Q["insert_pupils"], values)
        for row in connection.execute(
            Q["pupils_by_identity"], {"force_id": force_id, "identity_hashes": list(part)}
        ):
            found[bytes(row.identity_hash)] = row.pupil_id
    return {identity: found[h] for identity, h in hashes.items()}


def _open(
    connection: Connection,
    ring: KeyRing,
    force_id: str,
    source: str,
    generation: int,
    key: DataKey,
    pupils: dict[str, UUID],
    rows: Sequence[tuple[bytes, bytes, RollRow]],
) -> None:
    ids = [uuid4() for _ in rows]
    entries = [row.entry for _, _, row in rows]
    sealed = [
        key.seal("enrolment", "sealed", i, ENTRY.dump_json(e)) for i, e in zip(ids, entries, strict=True)
    ]
    connection.execute(
        Q["insert_enrolments"],
        {
            "force_id": force_id,
            "source": source,
            "first_generation": generation,
            "key_id": key.key_id,
            "enrolment_ids": ids,
            "pupil_ids": [pupils[row.identity] for _, _, row in rows],
            "urns": [e.urn for e in entries],
            "row_hashes": [rh for rh, _, _ in rows],
            "content_hashes": [ch for _, ch, _ in rows],
            "enrol_statuses": [e.enrol_status.value for e in entries],
            "entry_dates": [e.entry_date for e in entries],
            "leaving_dates": [e.leaving_date for e in entries],
            "nc_years": [e.nc_year for e in entries],
            "sealed": sealed,
        },
    )
    keys = list(_hashed_keys(ring, force_id, ids, entries))
    connection.execute(
        Q["insert_enrolment_keys"],
        {"force_id": force_id, "key_hashes": [k for k, _ in keys], "enrolment_ids": [i for _, i in keys]},
    )


def _hashed_keys(
    ring: KeyRing, force_id: str, ids: Iterable[UUID], entries: Iterable[RollEntry]
) -> Iterator[tuple[bytes, UUID]]:
    for enrolment_id, entry in zip(ids, entries, strict=True):
        for key in blocking_keys(identity_of_entry(entry)):
            yield ring.keyed_hash(force_id, "blocking", key), enrolment_id


def _in_batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]
