"""The files of a shadow run: a roll and a list of children as CSV (or .csv.gz), row by row.

An empty cell is unknown, and a value that makes no sense (a thirteenth month, a status that is none) is taken as
unknown too. A row that is no row of the file's form is malformed: it is left out and told by its line.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from operator import itemgetter
from pathlib import Path
from typing import Final, TextIO

from encompass.domain.days import day_of
from encompass.domain.incident import Address, Relationship, ReportedChild, SchoolNamed
from encompass.domain.school import EnrolStatus, RollEntry
from encompass.formats.faults import BrokenFile

ROLL_COLUMNS: Final = (
    "pupil_ref", "urn", "upn", "legal_forename", "middle_names", "legal_surname", "preferred_forename",
    "preferred_surname", "former_surname", "date_of_birth", "sex", "postcode", "address", "enrol_status",
    "entry_date", "leaving_date",
)  # fmt: skip
CHILD_COLUMNS: Final = (
    "child_ref", "incident_ref", "forename", "middle_names", "surname", "other_names", "date_of_birth", "sex",
    "postcode", "address", "school_urn", "school_name",
)  # fmt: skip
LONGEST_URN: Final = 18
NO_SCHOOL: Final = 1  # no school has it: the numbers of Get Information About Schools have six digits
LARGEST_CELL: Final = 1_000_000
STATUSES: Final = {status.value: status for status in EnrolStatus}
UNDECODED: Final = ("\udc80", "\udcff")


@dataclass(frozen=True)
class Malformed:
    """A row left out: its line (of the last of its lines) and a reason code, never a value."""

    line: int
    reason: str


@dataclass(frozen=True)
class ListedChild:
    """A child of the list. `incident` groups the children of one incident; alone where the cell is empty."""

    child_ref: str
    incident: tuple[str, str]
    child: ReportedChild = field(repr=False)
    upn: str | None = field(repr=False)


def read_roll_file(file: Path) -> Iterator[RollEntry | Malformed]:
    """Every row of a roll, in order. Raises BrokenFile for a missing file or column, at the first row."""
    seen: set[tuple[str, int]] = set()
    for line, cells in _rows(file, ROLL_COLUMNS):
        entry = Malformed(line, cells) if isinstance(cells, str) else _entry(line, cells)
        if isinstance(entry, RollEntry):
            if (entry.pupil_ref, entry.urn) in seen:
                entry = Malformed(line, "pupil_ref: repeated at the same school")
            else:
                seen.add((entry.pupil_ref, entry.urn))
        yield entry


def read_children_file(file: Path) -> Iterator[ListedChild | Malformed]:
    """Every row of a list of children, in order. Raises BrokenFile for a missing file or column."""
    seen: set[str] = set()
    for line, cells in _rows(file, CHILD_COLUMNS, ("upn",)):
        if isinstance(cells, str):
            yield Malformed(line, cells)
        elif not cells[0]:
            yield Malformed(line, "child_ref: blank")
        elif cells[0] in seen:
            yield Malformed(line, "child_ref: repeated")
        else:
            seen.add(cells[0])
            yield _child(cells)


def _rows(
    file: Path, required: Sequence[str], optional: Sequence[str] = ()
) -> Iterator[tuple[int, Sequence[str] | str]]:
    """Each row's line, with its cells in the order of the columns asked for, or the reason why it is no row."""
    csv.field_size_limit(LARGEST_CELL)
    with _opened(file) as text:
        reader = csv.reader(text)
        try:
            header = [name.strip() for name in next(reader, list[str]())]
        except csv.Error:
            raise BrokenFile(f"{file.name}: not_csv") from None
        missing = [name for name in required if name not in header]
        if missing:
            raise BrokenFile(f"{file.name}: {_lacks(header, missing)}")
        absent = len(header)
        pick = itemgetter(*(header.index(n) if n in header else absent for n in (*required, *optional)))
        while True:
            try:
                values = next(reader)
            except StopIteration:
                return
            except csv.Error:
                yield reader.line_num, "not_csv"
                continue
            if len(values) == len(header):
                yield reader.line_num, _cells(values, pick)
            elif values:
                yield reader.line_num, f"{len(values)} cells for {len(header)} columns"


def _lacks(header: Sequence[str], missing: Sequence[str]) -> str:
    return f"missing columns: {', '.join(missing)}" if header else "empty"


def _cells(values: list[str], pick: Callable[[Sequence[str]], Sequence[str]]) -> Sequence[str] | str:
    whole = "".join(values)
    if not whole.isascii() and any(UNDECODED[0] <= letter <= UNDECODED[1] for letter in whole):
        return "not_utf-8"
    return [*map(str.strip, pick([*values, ""]))]


@contextmanager
def _opened(file: Path) -> Generator[TextIO]:
    try:
        with file.open("rb") as raw, ExitStack() as unpacked:
            plain = unpacked.enter_context(gzip.GzipFile(fileobj=raw)) if file.suffix == ".gz" else raw
            with io.TextIOWrapper(plain, "utf-8-sig", errors="surrogateescape", newline="") as text:
                yield text
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise BrokenFile(f"{file.name}: {error.strerror}") from None
    except (gzip.BadGzipFile, EOFError):
        raise BrokenFile(f"{file.name}: not_gzip") from None


def _entry(line: int, cells: Sequence[str]) -> RollEntry | Malformed:
    (pupil_ref, urn_cell, upn, forename, middle, surname, preferred_forename, preferred_surname, former, born, sex,
     postcode, address, status, entry, leaving) = cells  # fmt: skip
    if not pupil_ref:
        return Malformed(line, "pupil_ref: blank")
    urn = _urn(urn_cell)
    return RollEntry(
        pupil_ref,
        NO_SCHOOL if urn is None else urn,
        upn.upper() or None,
        forename,
        middle or None,
        surname,
        preferred_forename or None,
        preferred_surname or None,
        former or None,
        day_of(born),
        sex or None,
        postcode or None,
        address or None,
        STATUSES.get(status.upper(), EnrolStatus.SINGLE) if urn else EnrolStatus.PREVIOUS,
        None,
        day_of(entry),
        day_of(leaving),
    )


def _child(cells: Sequence[str]) -> ListedChild:
    (child_ref, incident_ref, forename, middle, surname, others, born, sex, postcode, address, urn_cell, named,
     upn) = cells  # fmt: skip
    urn = _urn(urn_cell)
    incident = ("incident", incident_ref) if incident_ref else ("child", child_ref)
    child = ReportedChild(
        person_id=child_ref,
        forename=forename,
        middle_names=middle or None,
        surname=surname,
        other_names=tuple(name for name in map(str.strip, others.split(";")) if name),
        date_of_birth=day_of(born),
        sex=sex or None,
        address=Address(address, None, postcode or None),
        resides_in_force_area=None,
        relationship=Relationship.NONE,
        present=None,
        present_where=None,
        seen=None,
        spoken_to=None,
        spoken_to_by=None,
        in_presence_of=None,
        voice=None,
        circumstances=None,
        school_named=SchoolNamed(named, urn) if named or urn is not None else None,
        hold=None,
    )
    return ListedChild(child_ref, incident, child, upn.upper() or None)


@lru_cache(maxsize=1 << 15)
def _urn(cell: str) -> int | None:
    return int(cell) or None if cell.isascii() and cell.isdigit() and len(cell) <= LONGEST_URN else None
