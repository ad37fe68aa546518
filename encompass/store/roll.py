"""Rolls: pupils and their enrolments, versioned by generation, sealed, found by keyed hashes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any, Final, TypeVar, cast
from uuid import UUID

import psycopg
from pydantic import TypeAdapter
from sqlalchemy import Connection

from encompass.domain.school import RollEntry
from encompass.matching.blocking import roll_keys
from encompass.matching.person import known_surnames, pupil_of
from encompass.store.data_key import open_keys
from encompass.store.queries import load
from encompass.store.sealed import SHORT_HASH_BYTES, DataKey, KeyRing, RandomBytes

Q: Final = load("roll")
ENTRY: Final = TypeAdapter(RollEntry)
BATCH: Final = 10_000
STAGED_TYPES: Final = (
    "uuid", "bytea", "uuid", "int8", "bytea", "bytea", "text", "date", "date", "text", "bytea", "bytea", "bytea",
    "bytea", "bytea",
)  # fmt: skip
KEPT: Final = b""
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


def take_generation(
    connection: Connection,
    ring: KeyRing,
    force_id: str,
    source: str,
    rows: Iterable[RollRow],
    generation: int,
    key: DataKey,
) -> RollChange:
    """Open a version of each new or changed row and close those changed or gone, all or nothing.

    Rows are prepared (hashed, keyed, sealed) while PostgreSQL stores those before them. Each row's names and birth
    date are counted in the force's frequencies, and those of a closed row taken back.
    """
    connection.execute(Q["lock_roll_of_force"], {"force_id": force_id})
    known = {
        bytes(r.row_hash): bytes(r.content_hash)
        for r in connection.execute(Q["open_enrolments"], {"force_id": force_id, "source": source})
    }
    first_load = bool(connection.execute(Q["first_load_begins"]).scalar_one())
    connection.execute(Q["stage_rows"])
    taking = _Taking(connection, ring, force_id, source, generation, key)
    opened = closed = 0
    with ThreadPoolExecutor(1) as store:
        stored: Future[int] | None = None
        for part in _in_batches(_changed(taking, rows, known)):
            prepared = [taking.prepared(row) for row in part]
            closed += stored.result() if stored else 0
            stored = store.submit(taking.store, prepared, known)
            opened += len(part)
        closed += stored.result() if stored else 0
    for gone in _in_batches([row_hash for row_hash, content in known.items() if content != KEPT]):
        closed += taking.close(gone)
    connection.execute(Q["unstage_rows"])
    if first_load:
        connection.execute(Q["first_load_ends"])
    connection.execute(Q["analyse"])
    return RollChange(opened, closed)


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
    return open_entry(key, row.enrolment_id, row.sealed), row.nc_year


def open_entry(key: DataKey, enrolment_id: UUID, sealed: bytes) -> RollEntry:
    """The roll entry of a sealed enrolment."""
    return key.open_as(ENTRY, "enrolment", "sealed", enrolment_id, sealed)


@dataclass(frozen=True)
class _Changed:
    """A row that is new or not as it was."""

    row: RollRow
    json: bytes
    row_hash: bytes
    content_hash: bytes


@dataclass(frozen=True)
class _Prepared:
    """A row ready to be stored."""

    changed: _Changed
    enrolment_id: UUID
    new_pupil_id: UUID
    sealed: bytes
    key_hashes: bytes
    forename_hashes: bytes
    surname_hashes: bytes
    born_hashes: bytes


@dataclass(frozen=True)
class _Taking:
    """One source's roll being taken."""

    connection: Connection
    ring: KeyRing = field(repr=False)
    force_id: str
    source: str
    generation: int
    key: DataKey = field(repr=False)

    @cached_property
    def _hashers(self) -> dict[str, Callable[[str], bytes]]:
        short = ("blocking", "forename", "surname", "born", "year")
        return {
            **{kind: self.ring.hasher(self.force_id, kind, SHORT_HASH_BYTES) for kind in short},
            **{kind: self.ring.hasher(self.force_id, kind) for kind in ("pupil", "roll row", "roll content")},
        }

    @cached_property
    def _random(self) -> RandomBytes:
        return RandomBytes()

    def changed(self, row: RollRow) -> _Changed:
        """The row with the hashes that tell whether it changed."""
        json = ENTRY.dump_json(row.entry)
        reference = f"{self.source}|{row.entry.urn}|{row.entry.pupil_ref}"
        return _Changed(
            row,
            json,
            self._hashers["roll row"](reference),
            self._hashers["roll content"](f"{row.identity}|{json.decode()}"),
        )

    def prepared(self, changed: _Changed) -> _Prepared:
        """The row sealed, with its keys and the values that are counted."""
        pupil = pupil_of(changed.row.entry)
        enrolment_id = self._random.uuid4()
        hashers = self._hashers
        born = pupil.born
        return _Prepared(
            changed,
            enrolment_id,
            self._random.uuid4(),
            self.key.seal("enrolment", "sealed", enrolment_id, changed.json, self._random),
            b"".join(map(hashers["blocking"], roll_keys(pupil))),
            b"".join(map(hashers["forename"], pupil.forenames)),
            b"".join(map(hashers["surname"], known_surnames(pupil))),
            hashers["born"](born.isoformat()) + hashers["year"](str(born.year)) if born else b"",
        )

    def store(self, rows: Sequence[_Prepared], known: dict[bytes, bytes]) -> int:
        """Close the old versions of these rows and open the new; how many were closed."""
        closed = self.close([r.changed.row_hash for r in rows if r.changed.row_hash in known])
        driver = cast(psycopg.Connection[Any], self.connection.connection.driver_connection)
        with driver.cursor() as cursor, cursor.copy(Q["copy_rows"].text.encode()) as copy:
            copy.set_types(STAGED_TYPES)
            for row in rows:
                copy.write_row(self._staged(row))
        values = {
            "force_id": self.force_id,
            "source": self.source,
            "first_generation": self.generation,
            "key_id": self.key.key_id,
        }
        self.connection.execute(Q["insert_staged_pupils"], values)
        self.connection.execute(Q["insert_staged_enrolments"], values)
        self.connection.execute(Q["clear_staged"])
        for row in rows:
            known[row.changed.row_hash] = KEPT
        return closed

    def _staged(self, row: _Prepared) -> tuple[object, ...]:
        entry = row.changed.row.entry
        return (
            row.enrolment_id,
            self._hashers["pupil"](row.changed.row.identity),
            row.new_pupil_id,
            entry.urn,
            row.changed.row_hash,
            row.changed.content_hash,
            entry.enrol_status.value,
            entry.entry_date,
            entry.leaving_date,
            entry.nc_year,
            row.sealed,
            row.key_hashes,
            row.forename_hashes,
            row.surname_hashes,
            row.born_hashes,
        )

    def close(self, row_hashes: Sequence[bytes]) -> int:
        """Close the open versions of these rows, their keys and counts with them; how many."""
        if not row_hashes:
            return 0
        values = {
            "force_id": self.force_id,
            "source": self.source,
            "last_generation": self.generation - 1,
            "row_hashes": list(row_hashes),
        }
        return int(self.connection.execute(Q["close_enrolments"], values).scalar_one())


def _changed(taking: _Taking, rows: Iterable[RollRow], known: dict[bytes, bytes]) -> Iterator[_Changed]:
    """The rows that are new or not as they were; the others are marked as kept."""
    for row in rows:
        changed = taking.changed(row)
        if known.get(changed.row_hash) == changed.content_hash:
            known[changed.row_hash] = KEPT
        else:
            yield changed


def _in_batches(items: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(items)
    while part := list(islice(iterator, BATCH)):
        yield part
