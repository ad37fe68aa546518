"""The files of a shadow run: a roll and a list of children as CSV (or .csv.gz), row by row.

An empty cell is unknown, and a value that makes no sense (a thirteenth month, a status that is none) is taken as
unknown too. A row that is no row of the file's form is malformed: it is left out and told by its line.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TextIO

from encompass.domain.days import day_of
from encompass.domain.incident import Address, Relationship, ReportedChild, SchoolNamed
from encompass.domain.school import EnrolStatus, RollEntry
from encompass.formats.faults import BrokenFile
from encompass.formats.mis_csv import STATUSES

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
LARGEST_CELL: Final = 1_000_000
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
    for row in _rows(file, ROLL_COLUMNS):
        entry = row if isinstance(row, Malformed) else _entry(row)
        if isinstance(entry, RollEntry):
            if (entry.pupil_ref, entry.urn) in seen:
                entry = Malformed(_line(row), "pupil_ref: repeated at the same school")
            else:
                seen.add((entry.pupil_ref, entry.urn))
        yield entry


def read_children_file(file: Path) -> Iterator[ListedChild | Malformed]:
    """Every row of a list of children, in order. Raises BrokenFile for a missing file or column."""
    seen: set[str] = set()
    for row in _rows(file, CHILD_COLUMNS):
        if isinstance(row, Malformed):
            yield row
        elif not row.cells["child_ref"]:
            yield Malformed(row.line, "child_ref: blank")
        elif row.cells["child_ref"] in seen:
            yield Malformed(row.line, "child_ref: repeated")
        else:
            seen.add(row.cells["child_ref"])
            yield _child(row.cells)


@dataclass(frozen=True)
class _Row:
    line: int
    cells: Mapping[str, str] = field(repr=False)


def _line(row: _Row | Malformed) -> int:
    return row.line


def _rows(file: Path, required: Sequence[str]) -> Iterator[_Row | Malformed]:
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
        while True:
            try:
                values = next(reader)
            except StopIteration:
                return
            except csv.Error:
                yield Malformed(reader.line_num, "not_csv")
                continue
            if len(values) == len(header):
                yield _row(reader.line_num, header, values)
            elif values:
                yield Malformed(reader.line_num, f"{len(values)} cells for {len(header)} columns")


def _lacks(header: Sequence[str], missing: Sequence[str]) -> str:
    return f"missing columns: {', '.join(missing)}" if header else "empty"


def _row(line: int, header: Sequence[str], values: Sequence[str]) -> _Row | Malformed:
    if any(
        UNDECODED[0] <= letter <= UNDECODED[1] for value in values if not value.isascii() for letter in value
    ):
        return Malformed(line, "not_utf-8")
    return _Row(line, dict(zip(header, map(str.strip, values), strict=True)))


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


def _entry(row: _Row) -> RollEntry | Malformed:
    cells = row.cells
    if not cells["pupil_ref"]:
        return Malformed(row.line, "pupil_ref: blank")
    urn = _urn(cells["urn"])
    if urn is None:
        return Malformed(row.line, "urn: not a number")
    status = cells["enrol_status"].upper()
    return RollEntry(
        pupil_ref=cells["pupil_ref"],
        urn=urn,
        upn=cells["upn"].upper() or None,
        legal_forename=cells["legal_forename"],
        middle_names=cells["middle_names"] or None,
        legal_surname=cells["legal_surname"],
        preferred_forename=cells["preferred_forename"] or None,
        preferred_surname=cells["preferred_surname"] or None,
        former_surname=cells["former_surname"] or None,
        date_of_birth=day_of(cells["date_of_birth"]),
        sex=cells["sex"] or None,
        postcode=cells["postcode"] or None,
        address=cells["address"] or None,
        enrol_status=EnrolStatus(status if status in STATUSES else EnrolStatus.SINGLE),
        nc_year=None,
        entry_date=day_of(cells["entry_date"]),
        leaving_date=day_of(cells["leaving_date"]),
    )


def _child(cells: Mapping[str, str]) -> ListedChild:
    named, urn = cells["school_name"], _urn(cells["school_urn"])
    incident = ("incident", cells["incident_ref"]) if cells["incident_ref"] else ("child", cells["child_ref"])
    child = ReportedChild(
        person_id=cells["child_ref"],
        forename=cells["forename"],
        middle_names=cells["middle_names"] or None,
        surname=cells["surname"],
        other_names=tuple(name for name in map(str.strip, cells["other_names"].split(";")) if name),
        date_of_birth=day_of(cells["date_of_birth"]),
        sex=cells["sex"] or None,
        address=Address(cells["address"], None, cells["postcode"] or None),
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
    return ListedChild(cells["child_ref"], incident, child, cells.get("upn", "").upper() or None)


def _urn(cell: str) -> int | None:
    return int(cell) if cell.isascii() and cell.isdigit() and len(cell) <= LONGEST_URN else None
