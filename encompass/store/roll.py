"""Rolls: pupils and their enrolments, versioned by generation, sealed, found by keyed hashes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import islice
from typing import Any, Final, TypeVar, cast
from uuid import UUID

import psycopg
from pydantic import TypeAdapter
from sqlalchemy import Connection

from encompass import collector
from encompass.domain.school import RollEntry
from encompass.matching.blocking import roll_keys
from encompass.matching.person import known_surnames, pupil_of
from encompass.store.data_key import open_keys
from encompass.store.queries import load
from encompass.store.sealed import HASH_BYTES, SHORT_HASH_BYTES, DataKey, KeyRing, RandomBytes

Q: Final = load("roll")
ENTRY: Final = TypeAdapter(RollEntry)
BATCH: Final = 10_000
SMALL_BATCH: Final = 2_500
STAGED_TYPES: Final = (
    "uuid", "bytea", "uuid", "int8", "bytea", "bytea", "text", "date", "date", "text", "bytea", "bytea", "bytea",
    "bytea", "bytea",
)  # fmt: skip
KEPT: Final = b""
COUNTED: Final = ("forename", "surname", "born", "year")
ROWS: Final = "row"
EVERY_ROW: Final = bytes(SHORT_HASH_BYTES)
T = TypeVar("T")


@dataclass(frozen=True)
class RollRow:
    """One row of a roll, with the identity of its pupil (a valid UPN, else the row's own reference)."""

    entry: RollEntry = field(repr=False)
    identity: str = field(repr=False)


def row_reference(urn: int, pupil_ref: str) -> str:
    """By what one source tells its rows apart."""
    return f"{urn}|{pupil_ref}"


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
    left: Callable[[], Sequence[str] | None] = lambda: None,
) -> RollChange:
    """Open a version of each new or changed row and close those changed or gone, all or nothing.

    `left` is asked once every row was read. Of a whole roll it answers None: gone are those that it does not name. Of a
    part it answers the `row_reference`s of those who left.

    Rows are prepared (hashed, keyed, sealed) while PostgreSQL stores those before them. Each row's names and birth
    date are counted in the force's frequencies, and those of a closed row taken back. Two at once count wrongly: the
    caller holds `school.lock_registers` where somebody else might take a roll of the force.
    """
    known = _known(connection, force_id, source)
    first_load = bool(connection.execute(Q["first_load_begins"]).scalar_one())
    connection.execute(Q["stage_rows"])
    connection.execute(Q["sort_in_memory"])
    taking = _Taking(connection, ring, force_id, source, generation, key, known)
    opened = closed = 0
    with collector.at_rest(), ThreadPoolExecutor(1) as store:
        stored: Future[int] | None = None
        for part in _in_batches(_changed(taking, rows), BATCH if first_load else SMALL_BATCH):
            staged = [taking.prepared(row) for row in part]
            closed += stored.result() if stored else 0
            stored = store.submit(taking.store, part, staged)
            opened += len(part)
        closed += stored.result() if stored else 0
    for gone in _in_batches(taking.gone(left())):
        closed += taking.close(gone)
    taking.count_values()
    connection.execute(Q["unstage_rows"])
    if first_load:
        connection.execute(Q["first_load_ends"])
    connection.execute(Q["analyse_if_many"], {"force_id": force_id, "changed": opened + closed})
    return RollChange(opened, closed)


def is_held(connection: Connection, force_id: str, urn: int) -> bool:
    """Whether any roll in use has pupils at this school."""
    return connection.execute(Q["is_held"], {"force_id": force_id, "urn": urn}).scalar_one()


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
class _Taking:
    """One source's roll being taken."""

    connection: Connection
    ring: KeyRing = field(repr=False)
    force_id: str
    source: str
    generation: int
    key: DataKey = field(repr=False)
    known: dict[bytes, bytes] = field(repr=False)
    counts: Mapping[str, Counter[bytes]] = field(
        default_factory=lambda: {kind: Counter[bytes]() for kind in (*COUNTED, ROWS)}, repr=False
    )

    def gone(self, leavers: Sequence[str] | None) -> list[bytes]:
        """The row hashes of those who are no longer on the roll."""
        if leavers is None:
            return [row_hash for row_hash, content in self.known.items() if content != KEPT]
        left = (self._hashers["roll row"](f"{self.source}|{reference}") for reference in leavers)
        return [row_hash for row_hash in left if row_hash in self.known]

    @cached_property
    def _hashers(self) -> dict[str, Callable[[str | bytes], bytes]]:
        """Those of values that many pupils have remember them."""
        hashers = {
            kind: self.ring.hasher(self.force_id, kind) for kind in ("pupil", "roll row", "roll content")
        }
        for kind in COUNTED:
            hashers[kind] = lru_cache(maxsize=1 << 17)(
                self.ring.hasher(self.force_id, kind, SHORT_HASH_BYTES)
            )
        return hashers | {"blocking": self.ring.hasher(self.force_id, "blocking", SHORT_HASH_BYTES)}

    @cached_property
    def _random(self) -> RandomBytes:
        return RandomBytes()

    def changed(self, row: RollRow) -> _Changed:
        """The row with the hashes that tell whether it changed."""
        json = ENTRY.serializer.to_json(row.entry)
        reference = f"{self.source}|{row_reference(row.entry.urn, row.entry.pupil_ref)}"
        return _Changed(
            row,
            json,
            self._hashers["roll row"](reference),
            self._hashers["roll content"](b"%b|%b" % (row.identity.encode(), json)),
        )

    def prepared(self, changed: _Changed) -> tuple[object, ...]:
        """The row as it is staged: sealed, with its keys and the values that are counted."""
        entry = changed.row.entry
        pupil = pupil_of(entry)
        enrolment_id = self._random.uuid7()
        born = pupil.born
        return (
            enrolment_id,
            self._hashers["pupil"](changed.row.identity),
            self._random.uuid7(),
            entry.urn,
            changed.row_hash,
            changed.content_hash,
            entry.enrol_status.value,
            entry.entry_date,
            entry.leaving_date,
            entry.nc_year,
            self.key.seal("enrolment", "sealed", enrolment_id, changed.json, self._random),
            b"".join(map(self._hashers["blocking"], roll_keys(pupil))),
            self._counted("forename", pupil.forenames),
            self._counted("surname", known_surnames(pupil)),
            self._counted("born", [born.isoformat()]) + self._counted("year", [str(born.year)])
            if born
            else b"",
        )

    def _counted(self, kind: str, values: Sequence[str]) -> bytes:
        """The hashes of these values, one after another; they are counted once all rows are stored."""
        counts, hashes = self.counts[kind], [*map(self._hashers[kind], values)]
        for value_hash in hashes:
            counts[value_hash] += 1
        return b"".join(hashes)

    def count_values(self) -> None:
        """Add what was counted to how common each value is."""
        for kind, counts in self.counts.items():
            for part in _in_batches(sorted(counts.items())):
                asked = {
                    "force_id": self.force_id,
                    "kind": kind,
                    "value_hashes": b"".join(value for value, _ in part),
                    "pupils": [pupils for _, pupils in part],
                }
                self.connection.execute(Q["count_values"], asked)

    def store(self, changed: Sequence[_Changed], staged: Sequence[tuple[object, ...]]) -> int:
        """Close the old versions of these rows and open the new; how many were closed."""
        row_hashes = [row.row_hash for row in changed]
        closed = self.close([row_hash for row_hash in row_hashes if row_hash in self.known])
        driver = cast(psycopg.Connection[Any], self.connection.connection.driver_connection)
        with driver.cursor() as cursor, cursor.copy(Q["copy_rows"].text.encode()) as copy:
            copy.set_types(STAGED_TYPES)
            for row in staged:
                copy.write_row(row)
        values = {
            "force_id": self.force_id,
            "source": self.source,
            "first_generation": self.generation,
            "key_id": self.key.key_id,
        }
        self.connection.execute(Q["insert_staged_pupils"], values)
        self.connection.execute(Q["insert_staged_enrolments"], values)
        self.connection.execute(Q["clear_staged"])
        self.counts[ROWS][EVERY_ROW] += len(changed)
        self.known.update(dict.fromkeys(row_hashes, KEPT))
        return closed

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


def _known(connection: Connection, force_id: str, source: str) -> dict[bytes, bytes]:
    """The content hash of each open row, by its row hash: fetched as one value, so that a million take a moment."""
    of_source = {"force_id": force_id, "source": source}
    hashes = bytes(connection.execute(Q["open_enrolments"], of_source).scalar_one())
    return {
        hashes[i : i + HASH_BYTES]: hashes[i + HASH_BYTES : i + 2 * HASH_BYTES]
        for i in range(0, len(hashes), 2 * HASH_BYTES)
    }


def _changed(taking: _Taking, rows: Iterable[RollRow]) -> Iterator[_Changed]:
    """The rows that are new or not as they were; the others are marked as kept."""
    known = taking.known
    for row in rows:
        changed = taking.changed(row)
        if known.get(changed.row_hash) == changed.content_hash:
            known[changed.row_hash] = KEPT
        else:
            yield changed


def _in_batches(items: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    iterator = iter(items)
    while part := list(islice(iterator, size)):
        yield part
