"""The school census return: one school's pupils on roll, and those who left, as XML."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final
from xml.etree.ElementTree import Element

from encompass.domain.incident import RefusedRecord
from encompass.domain.school import EnrolStatus, RollEntry
from encompass.formats.csv_rows import WrongField
from encompass.formats.ctf import SEXES, UrnOf, address_of, day_of_field, header_of, required_text, text_of
from encompass.formats.faults import BrokenFile, Remark
from encompass.formats.roll_rows import RollHeader, checked, remarks, status_of, unrepeated
from encompass.formats.xml_records import raw_of, read_elements

ON_ROLL: Final = "PupilOnRoll"
LEFT: Final = "PupilNoLongerOnRoll"


def read_school_census(
    stream: BinaryIO, urn_of: UrnOf
) -> Iterator[RollHeader | RollEntry | RefusedRecord | Remark]:
    """The school, then every pupil; one no longer on roll has a leaving date. Raises BrokenFile."""
    school: RollHeader | None = None
    urn = 0
    numbers = {ON_ROLL: 0, LEFT: 0}
    seen: set[int] = set()
    for path, element in read_elements(stream, "Message", {"Header", "School", ON_ROLL, LEFT}):
        if element.tag in {"Header", "School"}:
            if school is None and (element.tag == "School" or element.find(".//Estab") is not None):
                school, urn = _school(element, urn_of)
                yield school
            continue
        if school is None:
            raise BrokenFile("school_missing")
        numbers[element.tag] += 1
        place = f"{path.partition('/')[2]}[{numbers[element.tag]}]"
        try:
            entry = unrepeated(checked(_entry(element, urn)), seen)
        except WrongField as fault:
            yield RefusedRecord(str(fault), raw_of(element), path=place)
        else:
            yield entry
            yield from remarks(entry, place)
    if school is None:
        raise BrokenFile("school_missing")


def _school(element: Element, urn_of: UrnOf) -> tuple[RollHeader, int]:
    try:
        header = header_of(element, is_whole=True)
    except WrongField as fault:
        raise BrokenFile(str(fault)) from None
    urn = header.urn if header.urn is not None else urn_of(header)
    if urn is None:
        raise BrokenFile("school: not_in_school_register")
    return header, urn


def _entry(pupil: Element, urn: int) -> RollEntry:
    upn = text_of(pupil, "UPN")
    forename, surname = required_text(pupil, "Forename"), required_text(pupil, "Surname")
    born, left = day_of_field(pupil, "DOB"), day_of_field(pupil, "LeavingDate")
    if pupil.tag == LEFT and left is None:
        raise WrongField("LeavingDate: missing")
    address, postcode = address_of(pupil)
    return RollEntry(
        pupil_ref=upn or f"{surname}|{forename}|{born}",
        urn=urn,
        upn=upn.upper() if upn else None,
        legal_forename=forename,
        middle_names=text_of(pupil, "MiddleNames"),
        legal_surname=surname,
        preferred_forename=text_of(pupil, "PreferredForename"),
        preferred_surname=text_of(pupil, "PreferredSurname"),
        former_surname=text_of(pupil, "FormerSurname"),
        date_of_birth=born,
        sex=SEXES.get(text_of(pupil, "Sex", "Gender") or ""),
        postcode=postcode,
        address=address,
        enrol_status=EnrolStatus.PREVIOUS if left else status_of(text_of(pupil, "EnrolStatus")),
        nc_year=text_of(pupil, "NCyearActual", "NCYearActual"),
        entry_date=day_of_field(pupil, "EntryDate"),
        leaving_date=left,
    )
