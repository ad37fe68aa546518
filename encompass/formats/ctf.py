"""Common transfer files: one school's pupils as XML, all of them or some, in the old and the new field names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import BinaryIO, Final
from xml.etree.ElementTree import Element

from encompass.domain.incident import RefusedRecord
from encompass.domain.school import EnrolStatus, RollEntry
from encompass.formats.csv_rows import LONGEST_CELL, LONGEST_NUMBER, WrongField
from encompass.formats.faults import BrokenFile, Remark
from encompass.formats.roll_rows import RollHeader, checked, iso_day, remarks, status_of, unrepeated
from encompass.formats.xml_records import fields_of, local_name, parts_of, raw_of, read_elements

PARTS: Final = ("SAON", "PAON", "Street")
PART_OF_A_HOUSE: Final = ("flat", "apartment", "apt", "unit", "room")
SEXES: Final = {"F": "F", "M": "M"}
APART: Final = frozenset({"SchoolHistory", "Address"})
Fields = Mapping[str, str]
UrnOf = Callable[[RollHeader], int | None]


def read_ctf(stream: BinaryIO, urn_of: UrnOf) -> Iterator[RollHeader | RollEntry | RefusedRecord | Remark]:
    """The file's header, then the pupils at its source school.

    `urn_of` gives the URN of a school that the header names by its numbers only. A pupil whom the source school
    has let go carries the leaving date. Raises BrokenFile, also for a school without a URN.
    """
    header: RollHeader | None = None
    urn, number = 0, 0
    seen: set[int] = set()
    for _, element in read_elements(stream, "CTfile", {"Header", "Pupil"}):
        if local_name(element.tag) == "Header":
            header = _header(element)
            urn = _urn(header, urn_of)
            yield header
            continue
        if header is None:
            raise BrokenFile("header_missing")
        number += 1
        place = f"CTFpupilData/Pupil[{number}]"
        try:
            entry = unrepeated(checked(_entry(element, header, urn)), seen)
        except WrongField as fault:
            yield RefusedRecord(str(fault), raw_of(element), path=place)
        else:
            yield entry
            yield from remarks(entry, place)
    if header is None:
        raise BrokenFile("header_missing")


def text_of(fields: Fields, *names: str) -> str | None:
    """The first of these fields that the record has. Raises WrongField when it is too long."""
    for name in names:
        if (text := fields.get(name)) is not None:
            if len(text) > LONGEST_CELL:
                raise WrongField(f"{name}: too_long")
            return text
    return None


def required_text(fields: Fields, *names: str) -> str:
    """The same. Raises WrongField when there is none."""
    text = text_of(fields, *names)
    if text is None:
        raise WrongField(f"{names[0]}: missing")
    return text


def day_of_field(fields: Fields, *names: str) -> date | None:
    """The ISO date of the first of these fields, or None. Raises WrongField."""
    text = text_of(fields, *names)
    if text is None:
        return None
    day = iso_day(text)
    if day is None:
        raise WrongField(f"{names[0]}: not_a_date")
    return day


def address_of(record: Element) -> tuple[str | None, str | None]:
    """The home's house and street, of an address in parts (BS 7666) or in lines, and its postcode."""
    home = next(parts_of(record, "Address"), None)
    if home is None:
        return None, None
    fields = fields_of(home)
    parts = [text for name in PARTS if (text := text_of(fields, name))]
    first = text_of(fields, "AddressLine1")
    if not parts and first:
        parts = [first]
        if first.lower().startswith(PART_OF_A_HOUSE) and (second := text_of(fields, "AddressLine2")):
            parts.append(second)
    return " ".join(parts) or None, text_of(fields, "PostCode", "Postcode")


def header_of(fields: Fields, *, is_whole: bool) -> RollHeader:
    """The school that a header names by URN, or by its local authority's and its own number."""
    urn = text_of(fields, "URN")
    if urn is not None and not (urn.isascii() and urn.isdigit() and len(urn) <= LONGEST_NUMBER):
        raise BrokenFile("URN: not_a_number")
    return RollHeader(
        int(urn) if urn else None, text_of(fields, "LEA", "LA"), text_of(fields, "Estab"), is_whole
    )


def _header(element: Element) -> RollHeader:
    source = next(parts_of(element, "SourceSchool"), None)
    if source is None:
        raise BrokenFile("SourceSchool: missing")
    qualifier = fields_of(element, {"SourceSchool", "DestSchool"}).get("DocumentQualifier", "").lower()
    if qualifier not in {"full", "partial"}:
        raise BrokenFile("DocumentQualifier: unknown_code")
    try:
        return header_of(fields_of(source), is_whole=qualifier == "full")
    except WrongField as fault:
        raise BrokenFile(str(fault)) from None


def _urn(header: RollHeader, urn_of: UrnOf) -> int:
    urn = header.urn if header.urn is not None else urn_of(header)
    if urn is None:
        raise BrokenFile("SourceSchool: not_in_school_register")
    return urn


def _entry(pupil: Element, header: RollHeader, urn: int) -> RollEntry:
    fields = fields_of(pupil, APART)
    entered, left = _dates_at(pupil, fields, header)
    return entry_of(fields, address_of(pupil), urn, entered, left)


def entry_of(
    fields: Fields, home: tuple[str | None, str | None], urn: int, entered: date | None, left: date | None
) -> RollEntry:
    """The pupil of a record's fields. Raises WrongField."""
    upn = text_of(fields, "UPN")
    forename, surname = required_text(fields, "Forename"), required_text(fields, "Surname")
    born = day_of_field(fields, "DOB")
    address, postcode = home
    return RollEntry(
        pupil_ref=upn or f"{surname}|{forename}|{born}",
        urn=urn,
        upn=upn.upper() if upn else None,
        legal_forename=forename,
        middle_names=text_of(fields, "MiddleNames"),
        legal_surname=surname,
        preferred_forename=text_of(fields, "PreferredForename"),
        preferred_surname=text_of(fields, "PreferredSurname"),
        former_surname=text_of(fields, "FormerSurname"),
        date_of_birth=born,
        sex=SEXES.get(text_of(fields, "Sex", "Gender") or ""),
        postcode=postcode,
        address=address,
        enrol_status=EnrolStatus.PREVIOUS if left else status_of(text_of(fields, "EnrolStatus")),
        nc_year=text_of(fields, "NCyearActual", "NCYearActual"),
        entry_date=entered,
        leaving_date=left,
    )


def _dates_at(pupil: Element, fields: Fields, header: RollHeader) -> tuple[date | None, date | None]:
    """When the pupil came to the source school and left it, by the school history."""
    entered, left = day_of_field(fields, "EntryDate"), None
    for history in parts_of(pupil, "SchoolHistory"):
        for school in parts_of(history, "School"):
            at = fields_of(school)
            if (text_of(at, "LEA", "LA"), text_of(at, "Estab")) == (header.la_code, header.establishment):
                entered = day_of_field(at, "EntryDate") or entered
                left = day_of_field(at, "LeavingDate")
    return entered, left
