"""Look through a file as intake would, storing nothing: what would be taken, what refused, and what is remarkable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from encompass.domain.incident import RefusedRecord
from encompass.domain.school import CalendarScope
from encompass.formats.archives import unpacked
from encompass.formats.calendar import read_calendar_csv, read_calendar_ics
from encompass.formats.ctf import read_ctf
from encompass.formats.faults import BrokenFile, Remark
from encompass.formats.gias import read_links, read_schools
from encompass.formats.json_text import LARGEST, read_json, records_of
from encompass.formats.key_adults import read_key_adults
from encompass.formats.mis_csv import PLAIN, RollMapping, read_roll
from encompass.formats.police_contract import NEUTRAL, sorted_out
from encompass.formats.police_mapping import PoliceMapping, read_rows_a_child, shape_of
from encompass.formats.roll_rows import RollHeader
from encompass.formats.school_census import read_school_census
from encompass.formats.wonde import read_students

PLACES_SHOWN: Final = 20
ANY_SCHOOL: Final = 1


@dataclass(frozen=True)
class How:
    """What a format needs besides the file: how a force or a supplier writes it."""

    police: PoliceMapping | None = None
    roll: RollMapping = PLAIN


@dataclass
class Seen:
    """How often one reason was given, and where, of which the first few are kept."""

    count: int = 0
    places: list[str] = field(default_factory=list[str])

    def add(self, place: str) -> None:
        """Count one more."""
        self.count += 1
        if place and len(self.places) < PLACES_SHOWN:
            self.places.append(place)


@dataclass
class Checked:
    """What is in a file: records that would be taken, and the faults and warnings by their reason."""

    format: str
    taken: int = 0
    refused: int = 0
    faults: dict[str, Seen] = field(default_factory=dict[str, Seen])
    warnings: dict[str, Seen] = field(default_factory=dict[str, Seen])


class NeedsMapping(Exception):
    """The format differs from force to force: name the force."""


Read = Callable[[BinaryIO, How], Iterable[object]]


def check_intake(file: Path, kind: str, how: How, progress: Callable[[int], None]) -> Checked:
    """Read the whole file as a format of `FORMATS`; a broken file is one fault of the whole.

    Raises OSError when it cannot be read, NeedsMapping, KeyError for an unknown format.
    """
    read = FORMATS[kind]
    found = Checked(kind)
    with file.open("rb") as stream:
        try:
            with unpacked(stream, file.stat().st_size) as plain:
                for number, item in enumerate(read(plain, how), start=1):
                    _count(found, item)
                    if number % 100_000 == 0:
                        progress(number)
        except BrokenFile as fault:
            found.taken = 0
            found.faults.setdefault(f"file refused whole: {fault.reason}", Seen()).add("")
    return found


def _count(found: Checked, item: object) -> None:
    match item:
        case RefusedRecord():
            found.refused += 1
            found.faults.setdefault(item.reason, Seen()).add(item.place)
        case Remark():
            found.warnings.setdefault(item.reason, Seen()).add(item.place)
        case RollHeader():
            if item.urn is None:
                found.warnings.setdefault("header: no URN", Seen()).add("")
        case _:
            found.taken += 1


def _some_urn(header: RollHeader) -> int:
    """Without a school register any school will do."""
    return header.urn or ANY_SCHOOL


def _whole(stream: BinaryIO) -> bytes:
    raw = stream.read(LARGEST + 1)
    if len(raw) > LARGEST:
        raise BrokenFile("too_large")
    return raw


def _police_json(stream: BinaryIO, how: How) -> Iterator[object]:
    shape = shape_of(how.police) if how.police else NEUTRAL
    taken, refused = sorted_out(records_of(read_json(_whole(stream)), shape.records), shape.mapped)
    yield from taken
    yield from refused


def _police_csv(stream: BinaryIO, how: How) -> Iterable[object]:
    if how.police is None or how.police.children is not None:
        raise NeedsMapping
    return read_rows_a_child(stream, how.police)


FORMATS: Final[Mapping[str, Read]] = {
    "gias": lambda stream, _: read_schools(stream),
    "gias-links": lambda stream, _: read_links(stream),
    "mis-csv": lambda stream, how: read_roll(stream, how.roll),
    "ctf": lambda stream, _: read_ctf(stream, _some_urn),
    "school-census": lambda stream, _: read_school_census(stream, _some_urn),
    "wonde-json": lambda stream, _: read_students(_whole(stream), ANY_SCHOOL),
    "police-json": _police_json,
    "police-csv": _police_csv,
    "key-adults": lambda stream, _: read_key_adults(stream),
    "calendar-ics": lambda stream, _: read_calendar_ics(stream, CalendarScope.SCHOOL, str(ANY_SCHOOL)),
    "calendar-csv": lambda stream, _: read_calendar_csv(stream),
}
