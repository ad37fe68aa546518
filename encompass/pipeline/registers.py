"""The registers of a force: each one's source, how its file is read, and how it is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import BinaryIO, Final

from sqlalchemy import Connection

from encompass.domain.incident import RefusedRecord
from encompass.domain.recipient import AtSchool, LaOfficer, PartnerForce
from encompass.domain.run import Run
from encompass.domain.school import CalendarScope, KeyAdultEntry, RollEntry
from encompass.domain.upn import valid_upn
from encompass.formats.archives import unpacked
from encompass.formats.calendar import read_calendar_csv, read_calendar_ics
from encompass.formats.ctf import read_ctf
from encompass.formats.faults import Remark, contents
from encompass.formats.gias import read_links, read_schools
from encompass.formats.key_adults import read_key_adults
from encompass.formats.mis_csv import RollMapping, read_roll
from encompass.formats.roll_rows import Leaver, RollHeader
from encompass.formats.school_census import read_school_census
from encompass.formats.wonde import read_collected
from encompass.pipeline.take_contacts import replace_contacts, take_contacts
from encompass.store import key_adult, roll, school
from encompass.store.data_key import new_data_key
from encompass.store.school import Generation
from encompass.store.sealed import DataKey, KeyRing

NATIONAL: Final = "national"
STRANGER: Final = "urn: not_in_school_register"
STRANGE_AUTHORITY: Final = "la_code: not_in_school_register"
RollItem = RollHeader | RollEntry | Leaver | RefusedRecord | Remark


@dataclass(frozen=True)
class Taken:
    """What one register's file came to: records in it, those refused, and whether it was all that there is."""

    entries: int
    refused: tuple[RefusedRecord, ...]
    is_whole: bool = True


@dataclass(frozen=True)
class At:
    """Where a register is stored: in one transaction, for one run, as one generation."""

    connection: Connection
    ring: KeyRing = field(repr=False)
    run: Run
    source: str
    number: int


Store = Callable[[At, BinaryIO], Taken]
TakeContacts = Callable[[Connection, KeyRing, Run, Sequence[KeyAdultEntry], int, DataKey], None]


@dataclass(frozen=True)
class Register:
    """One register from one source: how its file is fetched and stored, and the least that is believable.

    `fetch` is told of the last generation, if there is one. `fewest_percent` is of the entries that it had; below
    it, a person has to release the file.
    """

    kind: str
    source: str
    fetch: Callable[[Generation | None], bytes]
    store: Store
    fewest_percent: int = 0

    @property
    def name(self) -> str:
        """By what alarms and the quarantine know it."""
        return f"{self.kind}/{self.source}"


def store_schools(at: At, stream: BinaryIO) -> Taken:
    """The school register: GIAS establishments."""
    read = contents(read_schools(stream))
    school.upsert_schools(at.connection, at.run.force_id, read.taken, at.number)
    return Taken(len(read.taken), read.refused)


def store_links(at: At, stream: BinaryIO) -> Taken:
    """What became of which school: GIAS links."""
    read = contents(read_links(stream))
    return Taken(school.replace_links(at.connection, at.run.force_id, read.taken), read.refused)


def store_calendar_csv(at: At, stream: BinaryIO) -> Taken:
    """A calendar that names its scopes."""
    read = contents(read_calendar_csv(stream))
    return Taken(school.replace_calendar(at.connection, at.run.force_id, at.source, read.taken), read.refused)


def store_calendar_ics(scope: CalendarScope, code: str | None) -> Store:
    """The calendar of one school, trust or local authority."""

    def store(at: At, stream: BinaryIO) -> Taken:
        read = contents(read_calendar_ics(stream, scope, code))
        days = school.replace_calendar(at.connection, at.run.force_id, at.source, read.taken)
        return Taken(days, read.refused)

    return store


def store_key_adults(at: At, stream: BinaryIO) -> Taken:
    """The contacts of each recipient, later changes waiting for a person to confirm them."""
    return _key_adults(at, stream, take_contacts)


def store_key_adults_at_once(at: At, stream: BinaryIO) -> Taken:
    """The contacts of each recipient, as they come."""
    return _key_adults(at, stream, replace_contacts)


def _key_adults(at: At, stream: BinaryIO, take: TakeContacts) -> Taken:
    """The named adults of each recipient; one of a school or authority that the register does not have is refused."""
    read = contents(read_key_adults(stream))
    known = school.la_codes_by_urn(at.connection, at.run.force_id)
    strangers = [e for e in read.taken if _is_stranger(e, known)]
    entries = [e for e in read.taken if not _is_stranger(e, known)]
    key = new_data_key(at.connection, at.ring, at.run.force_id, "register")
    take(at.connection, at.ring, at.run, entries, at.number, key)
    return Taken(len(entries), (*read.refused, *map(_stranger_of, strangers)))


def store_mis_csv(mapping: RollMapping, urn: int | None) -> Store:
    """A roll as a supplier writes it."""
    return lambda at, stream: take_roll(at, read_roll(stream, mapping, urn))


def store_ctf(at: At, stream: BinaryIO) -> Taken:
    """A roll as a common transfer file, of all pupils or of some."""
    return take_roll(at, read_ctf(stream, _urn_of(at)))


def store_school_census(at: At, stream: BinaryIO) -> Taken:
    """A roll as a school census return."""
    return take_roll(at, read_school_census(stream, _urn_of(at)))


def store_wonde(urn: int) -> Store:
    """A school's students and deletions as Wonde gave them."""
    return lambda at, stream: take_roll(at, read_collected(stream.read(), urn))


def take_roll(at: At, items: Iterable[RollItem]) -> Taken:
    """Store a roll as it is read. It is whole unless its header says otherwise or it names who left."""
    known = school.la_codes_by_urn(at.connection, at.run.force_id)
    taking = _Taking(at.source, known)
    key = new_data_key(at.connection, at.ring, at.run.force_id, "register")
    roll.take_generation(
        at.connection,
        at.ring,
        at.run.force_id,
        at.source,
        taking.rows(items),
        at.number,
        key,
        taking.left,
    )
    return Taken(taking.count, tuple(taking.refused), taking.is_whole)


def opened(raw: bytes, register: Register, at: At) -> Taken:
    """The register's file read and stored. Raises BrokenFile."""
    with unpacked(BytesIO(raw), len(raw)) as stream:
        return register.store(at, stream)


@dataclass
class _Taking:
    """A roll as it is being read."""

    source: str
    known: dict[int, str] = field(repr=False)
    is_whole: bool = True
    count: int = 0
    leavers: list[str] = field(default_factory=list[str], repr=False)
    refused: list[RefusedRecord] = field(default_factory=list[RefusedRecord], repr=False)

    def left(self) -> list[str] | None:
        """Those whom a part of a roll says have left; None of a whole roll, which leaves them out."""
        return None if self.is_whole else self.leavers

    def rows(self, items: Iterable[RollItem]) -> Iterator[roll.RollRow]:
        for item in items:
            match item:
                case RollEntry():
                    if item.urn in self.known:
                        self.count += 1
                        yield roll.RollRow(item, _identity(self.source, item))
                    else:
                        self.refused.append(_stranger_of(item))
                case RefusedRecord():
                    self.refused.append(item)
                case RollHeader():
                    self.is_whole = item.is_whole
                case Leaver():
                    self.is_whole = False
                    self.leavers.append(roll.row_reference(item.urn, item.pupil_ref))
                case Remark():
                    pass


def _urn_of(at: At) -> Callable[[RollHeader], int | None]:
    numbers = school.urns_by_number(at.connection, at.run.force_id)
    return lambda header: numbers.get((header.la_code or "", header.establishment or ""))


def _identity(source: str, entry: RollEntry) -> str:
    """A pupil is one person across schools and authorities where a valid UPN says so."""
    if entry.upn is not None and valid_upn(entry.upn):
        return f"upn|{entry.upn}"
    return f"row|{source}|{entry.urn}|{entry.pupil_ref}"


def _is_stranger(entry: KeyAdultEntry, known: Mapping[int, str]) -> bool:
    match entry.recipient:
        case AtSchool(urn):
            return urn not in known
        case LaOfficer(la_code):
            return la_code not in known.values()
        case PartnerForce():
            return False


def _stranger_of(entry: RollEntry | KeyAdultEntry) -> RefusedRecord:
    adapter = roll.ENTRY if isinstance(entry, RollEntry) else key_adult.ENTRY
    reason = STRANGER if entry.urn is not None else STRANGE_AUTHORITY
    return RefusedRecord(reason, adapter.dump_json(entry))  # pyright: ignore[reportArgumentType]
