"""Get Information About Schools: the establishments extract (edubasealldata) and its links, columns by name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from functools import lru_cache
from typing import BinaryIO, Final

from encompass.domain.incident import RefusedRecord
from encompass.domain.school import School, SchoolLink
from encompass.formats.csv_rows import Dialect, Row, WrongField, read_rows
from encompass.formats.faults import Remark

WINDOWS: Final = Dialect("cp1252")
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
OPTIONAL: Final = ("Trusts (code)",)
WARNED: Final = (
    "EstablishmentNumber",
    "PhaseOfEducation (name)",
    "StatutoryLowAge",
    "StatutoryHighAge",
    "Town",
    "Postcode",
    "TelephoneNum",
)
LINK_COLUMNS: Final = ("URN", "LinkURN", "LinkType", "LinkEstablishedDate")
STATUSES: Final = {"1": 1, "2": 2, "3": 3, "4": 4}


def read_schools(stream: BinaryIO) -> Iterator[School | RefusedRecord | Remark]:
    """The schools of an extract; status 3, open but proposed to close, is kept as it is. Raises BrokenFile."""
    seen: set[int] = set()

    def school(row: Row) -> School:
        read = _school(row)
        if read.urn in seen:
            raise WrongField("URN: repeated")
        seen.add(read.urn)
        return read

    return read_rows(stream, WINDOWS, REQUIRED, school, OPTIONAL, WARNED)


def read_links(stream: BinaryIO) -> Iterator[SchoolLink | RefusedRecord | Remark]:
    """Which school became which (links_edubasealldata). Raises BrokenFile."""
    return read_rows(stream, WINDOWS, LINK_COLUMNS, _link)


def _school(row: Row) -> School:
    return School(
        urn=row.number("URN"),
        name=row.required("EstablishmentName"),
        la_code=row.required("LA (code)"),
        la_name=row.required("LA (name)"),
        establishment_number=row.optional("EstablishmentNumber"),
        status_code=row.code("EstablishmentStatus (code)", STATUSES),
        phase=row.optional("PhaseOfEducation (name)"),
        low_age=row.optional_number("StatutoryLowAge"),
        high_age=row.optional_number("StatutoryHighAge"),
        opened_on=_day(row, "OpenDate"),
        closed_on=_day(row, "CloseDate"),
        trust_code=row.optional("Trusts (code)"),
        town=row.optional("Town"),
        postcode=row.optional("Postcode"),
        telephone=row.optional("TelephoneNum"),
    )


def _link(row: Row) -> SchoolLink:
    urn, other = row.number("URN"), row.number("LinkURN")
    if urn == other:
        raise WrongField("LinkURN: links_to_itself")
    return SchoolLink(urn, other, row.required("LinkType"), _day(row, "LinkEstablishedDate"))


def _day(row: Row, column: str) -> date | None:
    text = row.optional(column)
    if text is None:
        return None
    day = _day_of(text)
    if day is None:
        raise WrongField(f"{column}: not_a_date")
    return day


@lru_cache(maxsize=1 << 14)
def _day_of(text: str) -> date | None:
    """Both shapes occur: DD-MM-YYYY in the extract, DD/MM/YYYY after a spreadsheet has been at it."""
    try:
        return datetime.strptime(text.replace("/", "-"), "%d-%m-%Y").date()  # noqa: DTZ007 - a date has no zone
    except ValueError:
        return None
