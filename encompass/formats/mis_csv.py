"""A roll as a local authority's nightly MIS export: UTF-8 CSV, columns by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from encompass.domain.incident import RefusedRecord
from encompass.domain.school import EnrolStatus, RollEntry
from encompass.formats.csv_rows import Row, WrongField, read_rows

REQUIRED: Final = (
    "pupil_ref",
    "urn",
    "legal_forename",
    "legal_surname",
    "date_of_birth",
    "enrol_status",
    "entry_date",
    "leaving_date",
)
STATUSES: Final = frozenset(s.value for s in EnrolStatus)


@dataclass(frozen=True)
class RollFile:
    """The entries of a roll, and the rows refused."""

    entries: tuple[RollEntry, ...]
    refused: tuple[RefusedRecord, ...]


def read_roll(raw: bytes) -> RollFile:
    """The entries of a roll; a second row of the same pupil at the same school is refused. Raises BrokenFile."""
    seen: set[tuple[str, int]] = set()

    def entry(row: Row) -> RollEntry:
        read = _entry(row)
        if (read.pupil_ref, read.urn) in seen:
            raise WrongField("pupil_ref: repeated")
        seen.add((read.pupil_ref, read.urn))
        return read

    return RollFile(*read_rows(raw, "utf-8-sig", REQUIRED, entry))


def _entry(row: Row) -> RollEntry:
    status = row.required("enrol_status")
    if status not in STATUSES:
        raise WrongField("enrol_status: unknown_code")
    return RollEntry(
        pupil_ref=row.required("pupil_ref"),
        urn=row.number("urn"),
        upn=row.optional("upn"),
        legal_forename=row.required("legal_forename"),
        middle_names=row.optional("middle_names"),
        legal_surname=row.required("legal_surname"),
        preferred_forename=row.optional("preferred_forename"),
        preferred_surname=row.optional("preferred_surname"),
        former_surname=row.optional("former_surname"),
        date_of_birth=row.day("date_of_birth"),
        sex=row.optional("sex"),
        postcode=row.optional("postcode"),
        address=row.optional("address"),
        enrol_status=EnrolStatus(status),
        nc_year=row.optional("nc_year"),
        entry_date=row.day("entry_date"),
        leaving_date=row.optional_day("leaving_date"),
    )
