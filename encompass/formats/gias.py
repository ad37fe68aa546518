"""The GIAS establishments extract (edubasealldata): Windows-1252, columns by name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from encompass.domain.incident import RefusedRecord
from encompass.domain.school import School
from encompass.formats.csv_rows import Row, WrongField, read_rows

REQUIRED: Final = (
    "URN",
    "LA (code)",
    "LA (name)",
    "EstablishmentNumber",
    "EstablishmentName",
    "EstablishmentStatus (code)",
    "OpenDate",
    "CloseDate",
    "PhaseOfEducation (name)",
    "StatutoryLowAge",
    "StatutoryHighAge",
    "Town",
    "Postcode",
    "TelephoneNum",
)


@dataclass(frozen=True)
class SchoolsFile:
    """The schools of an extract, and the rows refused."""

    schools: tuple[School, ...]
    refused: tuple[RefusedRecord, ...]


def read_schools(raw: bytes) -> SchoolsFile:
    """The schools of an extract; status 3, open but proposed to close, is kept as it is. Raises BrokenFile."""
    return SchoolsFile(*read_rows(raw, "cp1252", REQUIRED, _school))


def _school(row: Row) -> School:
    return School(
        urn=row.number("URN"),
        name=row.required("EstablishmentName"),
        la_code=row.required("LA (code)"),
        la_name=row.required("LA (name)"),
        establishment_number=row.optional("EstablishmentNumber"),
        status_code=row.number("EstablishmentStatus (code)"),
        phase=row.optional("PhaseOfEducation (name)"),
        low_age=_optional_number(row, "StatutoryLowAge"),
        high_age=_optional_number(row, "StatutoryHighAge"),
        opened_on=_day(row, "OpenDate"),
        closed_on=_day(row, "CloseDate"),
        town=row.optional("Town"),
        postcode=row.optional("Postcode"),
        telephone=row.optional("TelephoneNum"),
    )


def _optional_number(row: Row, column: str) -> int | None:
    return row.number(column) if row.optional(column) else None


def _day(row: Row, column: str) -> date | None:
    """Both shapes occur: DD-MM-YYYY in the extract, DD/MM/YYYY after a spreadsheet has been at it."""
    text = row.optional(column)
    if text is None:
        return None
    try:
        return datetime.strptime(text.replace("/", "-"), "%d-%m-%Y").date()  # noqa: DTZ007 - a date has no zone
    except ValueError:
        raise WrongField(f"{column}: not_a_date") from None
