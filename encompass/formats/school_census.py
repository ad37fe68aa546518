"""The school census return: one school's pupils on roll, and those who left, as XML."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final
from xml.etree.ElementTree import Element

from encompass.domain.incident import RefusedRecord
from encompass.domain.school import RollEntry
from encompass.formats.csv_rows import WrongField
from encompass.formats.ctf import Fields, UrnOf, address_of, day_of_field, entry_of, header_of
from encompass.formats.faults import BrokenFile, Remark
from encompass.formats.roll_rows import RollHeader, checked, remarks, unrepeated
from encompass.formats.xml_records import fields_of, local_name, raw_of, read_elements

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
        name = local_name(element.tag)
        if name in {"Header", "School"}:
            fields = fields_of(element)
            if school is None and (name == "School" or "Estab" in fields):
                school, urn = _school(fields, urn_of)
                yield school
            continue
        if school is None:
            raise BrokenFile("school_missing")
        numbers[name] += 1
        place = f"{path.partition('/')[2]}[{numbers[name]}]"
        try:
            entry = unrepeated(checked(_entry(element, urn)), seen)
        except WrongField as fault:
            yield RefusedRecord(str(fault), raw_of(element), path=place)
        else:
            yield entry
            yield from remarks(entry, place)
    if school is None:
        raise BrokenFile("school_missing")


def _school(fields: Fields, urn_of: UrnOf) -> tuple[RollHeader, int]:
    try:
        header = header_of(fields, is_whole=True)
    except WrongField as fault:
        raise BrokenFile(str(fault)) from None
    urn = header.urn if header.urn is not None else urn_of(header)
    if urn is None:
        raise BrokenFile("school: not_in_school_register")
    return header, urn


def _entry(pupil: Element, urn: int) -> RollEntry:
    fields = fields_of(pupil, {"Address"})
    left = day_of_field(fields, "LeavingDate")
    if left is None and local_name(pupil.tag) == LEFT:
        raise WrongField("LeavingDate: missing")
    return entry_of(fields, address_of(pupil), urn, day_of_field(fields, "EntryDate"), left)
