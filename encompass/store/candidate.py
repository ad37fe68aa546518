"""The pupils who may be a child, fetched by keyed hashes and opened; and how common a name is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row

from encompass.domain.school import EnrolStatus, RollEntry
from encompass.matching.comparison import Frequencies
from encompass.matching.decision import Found
from encompass.matching.enrolment import Enrolment
from encompass.matching.person import Person, known_surnames, pupil_of
from encompass.store.data_key import open_keys
from encompass.store.queries import load
from encompass.store.roll import open_entry
from encompass.store.sealed import SHORT_HASH_BYTES, DataKey, KeyRing

Q: Final = load("candidate")
BIRTH_YEARS: Final = range(1900, 2100)
PAIRS_ASSUMED: Final = 1_000_000
SAME_BIRTH_DATE_ASSUMED: Final = 1 / 5_500


@dataclass(frozen=True)
class Rolls:
    """A force's rolls, to be searched within one transaction. Sources not confirmed since `fresh_after` are stale."""

    connection: Connection
    ring: KeyRing = field(repr=False)
    force_id: str
    fresh_after: datetime | None
    keys: dict[UUID, DataKey] = field(default_factory=dict[UUID, DataKey], repr=False)
    rows_of_pupil: dict[UUID, tuple[Enrolment, ...]] = field(
        default_factory=dict[UUID, tuple[Enrolment, ...]], repr=False
    )
    pupil_of_number: dict[int, UUID | None] = field(default_factory=dict[int, UUID | None], repr=False)

    def find(self, keys: Sequence[frozenset[str]], largest_block: int) -> list[Found]:
        """For each set of plain blocking keys, every open row of each pupil who has one of them.

        A block of more than `largest_block` rows is not opened; the finding then says that it was cut.
        """
        hashed = [[self._blocking(k) for k in one] for one in keys]
        blocks = self._blocks({h for one in hashed for h in one}, largest_block)
        self._fetch({n for block in blocks.values() if len(block) <= largest_block for n in block})
        return [self._found([blocks[h] for h in one if h in blocks], largest_block) for one in hashed]

    def _found(self, blocks: Sequence[Sequence[int]], largest_block: int) -> Found:
        opened = [block for block in blocks if len(block) <= largest_block]
        pupils = {
            pupil for block in opened for n in block if (pupil := self.pupil_of_number.get(n)) is not None
        }
        return Found(tuple(row for p in pupils for row in self.rows_of_pupil[p]), len(opened) < len(blocks))

    def pupils(self, pupil_ids: Iterable[UUID]) -> dict[UUID, tuple[Enrolment, ...]]:
        """Every open row of these pupils."""
        return self._opened(self._rows_of_pupils(pupil_ids))

    def entries(self, pupil_ids: Iterable[UUID]) -> dict[UUID, RollEntry]:
        """One roll entry of each pupil."""
        rows = self._rows_of_pupils(pupil_ids)
        self._open_keys(rows)
        return {row.pupil_id: open_entry(self.keys[row.key_id], row.enrolment_id, row.sealed) for row in rows}

    def frequencies(self, people: Iterable[Person]) -> Frequencies:
        """How common the names and birth dates of these people are on the force's rolls."""
        forenames, surnames, births = set[str](), set[str](), set[date]()
        for person in people:
            forenames.update(person.forenames, person.surnames)
            surnames.update(known_surnames(person), person.forenames)
            births.update([person.born] if person.born else [])
        whole = self._whole
        return Frequencies(
            pupils=whole.pupils,
            forenames=self._counts("forename", forenames),
            surnames=self._counts("surname", surnames),
            birth_dates=self._counts("born", births, date.isoformat),
            birth_years=self.birth_years,
            same_birth_date=(whole.same_birth_date + PAIRS_ASSUMED * SAME_BIRTH_DATE_ASSUMED)
            / (whole.dated * (whole.dated - 1) + PAIRS_ASSUMED),
        )

    @cached_property
    def birth_years(self) -> tuple[int, ...]:
        """The years in which pupils of the rolls were born."""
        return tuple(sorted(y for y, n in self._counts("year", BIRTH_YEARS, str).items() if n))

    @cached_property
    def _whole(self) -> Row[Any]:
        return self.connection.execute(Q["rolls_as_a_whole"], {"force_id": self.force_id}).one()

    @cached_property
    def _blocking(self) -> Callable[[str], bytes]:
        return self.ring.hasher(self.force_id, "blocking", SHORT_HASH_BYTES)

    @cached_property
    def _stale(self) -> frozenset[str]:
        if self.fresh_after is None:
            return frozenset()
        confirmed = self.connection.execute(Q["sources_confirmed"], {"force_id": self.force_id})
        return frozenset(row.source for row in confirmed if row.confirmed_at < self.fresh_after)

    def _blocks(self, hashes: Iterable[bytes], largest_block: int) -> dict[bytes, list[int]]:
        values = {"key_hashes": b"".join(hashes), "most": largest_block}
        rows = self.connection.execute(Q["blocks"], values)
        return {bytes(key_hash): numbers for key_hash, numbers in rows}

    def _fetch(self, numbers: set[int]) -> None:
        """Open every row of the pupils of these rows, those not looked at before."""
        unseen = numbers - self.pupil_of_number.keys()
        if not unseen:
            return
        values = {"force_id": self.force_id, "enrolment_nos": f"{{{','.join(map(str, unseen))}}}"}
        rows = self.connection.execute(Q["rows_of_pupils"], values).all()
        self.pupil_of_number.update(dict.fromkeys(unseen))
        self.pupil_of_number.update((row.enrolment_no, row.pupil_id) for row in rows)
        self.rows_of_pupil.update(self._opened(rows))

    def _opened(self, rows: Sequence[Row[Any]]) -> dict[UUID, tuple[Enrolment, ...]]:
        self._open_keys(rows)
        by_pupil: dict[UUID, list[Enrolment]] = {}
        for row in sorted(rows, key=lambda r: (r.urn, r.enrolment_no)):
            by_pupil.setdefault(row.pupil_id, []).append(self._enrolment(row))
        return {p: tuple(own) for p, own in by_pupil.items()}

    def _rows_of_pupils(self, pupil_ids: Iterable[UUID]) -> Sequence[Row[Any]]:
        values = {"force_id": self.force_id, "pupil_ids": list(pupil_ids)}
        return self.connection.execute(Q["rows_of_pupil"], values).all()

    def _open_keys(self, rows: Sequence[Row[Any]]) -> None:
        unknown = {row.key_id for row in rows} - set(self.keys)
        if unknown:
            self.keys.update(open_keys(self.connection, self.ring, unknown))

    def _enrolment(self, row: Row[Any]) -> Enrolment:
        entry = open_entry(self.keys[row.key_id], row.enrolment_id, row.sealed)
        return Enrolment(
            row.pupil_id,
            row.urn,
            pupil_of(entry),
            EnrolStatus(row.enrol_status),
            row.entry_date,
            row.leaving_date,
            row.source in self._stale,
        )

    def _counts(
        self, kind: str, values: Iterable[Any], written: Callable[[Any], str] = str
    ) -> Mapping[Any, int]:
        hashed = self.ring.hasher(self.force_id, kind, SHORT_HASH_BYTES)
        by_hash = {hashed(written(v)): v for v in values}
        asked = {"force_id": self.force_id, "kind": kind, "value_hashes": b"".join(by_hash)}
        rows = self.connection.execute(Q["frequencies"], asked)
        return {by_hash[bytes(value_hash)]: pupils for value_hash, pupils in rows}
