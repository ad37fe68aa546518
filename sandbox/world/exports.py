"""The rolls as different systems would export them: MIS CSV, common transfer files, school census, Wonde's API."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date
from typing import Any
from xml.sax.saxutils import escape

from sandbox.world.pupils import COLUMNS, Pupil, Rolls, nc_year

CTF = {102884: ("318", None), 102885: ("318", None)}
"""Schools whose roll comes as a common transfer file: whole for one, in the old field names for the other."""
CENSUS = (102632, 102969)
WONDE = {"A1000000001": 101005, "A1000000002": 101006}
"""Wonde's ids of the schools that come through it."""
LARKFIELD = "315"
"""The local authority whose supplier has columns of its own."""
APART = frozenset({*CTF, *CENSUS, *WONDE.values()})
COLUMNS_OF_LARKFIELD = {
    "pupil_ref": "Adno", "urn": "School URN", "upn": "UPN", "legal_forename": "Legal First Name",
    "middle_names": "Middle Name(s)", "legal_surname": "Legal Surname", "preferred_forename": "Known As",
    "preferred_surname": "Preferred Surname", "former_surname": "Former Surname", "date_of_birth": "Date of Birth",
    "sex": "Sex", "postcode": "Home Postcode", "address": "Home Address", "enrol_status": "Enrolment",
    "nc_year": "Year Group", "entry_date": "Date of Admission", "leaving_date": "Date of Leaving",
}  # fmt: skip
WORDS = {
    "C": "Single registration",
    "M": "Main - dual",
    "S": "Subsidiary - dual",
    "G": "Guest",
    "P": "Former",
}
SEXES = {"F": "Female", "M": "Male"}


def pupils_csv(rolls: Rolls, la_code: str) -> bytes:
    """One local authority's nightly MIS export, without the schools that come by other ways."""
    if la_code == LARKFIELD:
        return _larkfield(rolls)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(_cells(rolls, p) for p in rolls.rows if p.la_code == la_code and p.urn not in APART)
    return out.getvalue().encode("utf-8")


def ctf_xml(rolls: Rolls, urn: int) -> bytes:
    """One school's pupils as a full common transfer file, as its management information system writes it."""
    old = urn == 102885
    la, sex = ("LEA", "Gender") if old else ("LEA", "Sex")
    head = (
        '<?xml version="1.0" encoding="utf-8"?>\r\n<CTfile><Header><DocumentName>Common Transfer File</DocumentName>'
        f"<CTFversion>{'16.0' if old else '25.0'}</CTFversion><DateTime>2026-03-09T18:00:00</DateTime>"
        "<DocumentQualifier>full</DocumentQualifier><SupplierID>Fictional MIS</SupplierID><SourceSchool>"
        f"<{la}>{CTF[urn][0]}</{la}><Estab>{urn % 10000:04d}</Estab><URN>{urn}</URN></SourceSchool></Header>"
        "<CTFpupilData>"
    )
    pupils = "".join(_ctf_pupil(rolls, p, CTF[urn][0], sex) for p in _at(rolls, urn))
    return f"{head}{pupils}</CTFpupilData></CTfile>".encode()


def census_xml(rolls: Rolls, urn: int) -> bytes:
    """One school's census return: its pupils on roll, and those who have left."""
    on_roll = [p for p in _at(rolls, urn) if p.left is None]
    left = [p for p in _at(rolls, urn) if p.left is not None]
    la = rolls.schools[urn].la_code
    return (
        '<?xml version="1.0" encoding="utf-8"?>\r\n<Message><Header><CollectionDetails><Collection>School Census'
        "</Collection></CollectionDetails><Source><SourceLevel>L</SourceLevel>"
        f"<LEA>{la}</LEA><Estab>{urn % 10000:04d}</Estab><URN>{urn}</URN></Source></Header><Pupils>"
        f"<PupilsOnRoll>{''.join(_census_pupil(rolls, p, 'PupilOnRoll') for p in on_roll)}</PupilsOnRoll>"
        "<PupilsNoLongerOnRoll>"
        f"{''.join(_census_pupil(rolls, p, 'PupilNoLongerOnRoll') for p in left)}</PupilsNoLongerOnRoll>"
        "</Pupils></Message>"
    ).encode()


def wonde_students(rolls: Rolls, school_id: str) -> list[dict[str, Any]]:
    """One school's students as Wonde gives them."""
    return [_student(rolls, p) for p in _at(rolls, WONDE[school_id])]


def _at(rolls: Rolls, urn: int) -> Iterator[Pupil]:
    return (p for p in rolls.rows if p.urn == urn)


def _cells(rolls: Rolls, p: Pupil) -> list[object]:
    return [
        p.pupil_ref, p.urn, p.upn, p.forename, "", p.surname, p.preferred_forename, p.preferred_surname, "", p.born,
        p.sex, p.postcode, p.address, p.status, nc_year(rolls, p), p.entry, p.left or "",
    ]  # fmt: skip


def _larkfield(rolls: Rolls) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow([COLUMNS_OF_LARKFIELD[name] for name in COLUMNS])
    for p in rolls.rows:
        if p.la_code == LARKFIELD and p.urn not in APART:
            row = dict(zip(COLUMNS, _cells(rolls, p), strict=True))
            row["enrol_status"], row["sex"] = WORDS[p.status], SEXES[p.sex]
            writer.writerow([f"{v:%d/%m/%Y}" if isinstance(v, date) else v for v in row.values()])
    return out.getvalue().encode("utf-8-sig")


def _element(name: str, value: object) -> str:
    return f"<{name}>{escape(str(value))}</{name}>" if value not in {"", None} else ""


def _ctf_pupil(rolls: Rolls, p: Pupil, la: str, sex: str) -> str:
    house, _, street = p.address.partition(" ")
    history = "".join(
        (_element("LEA", la), _element("Estab", f"{p.urn % 10000:04d}"), _element("EntryDate", p.entry),
         _element("LeavingDate", p.left))
    )  # fmt: skip
    return (
        f"<Pupil>{_element('UPN', p.upn)}{_element('Surname', p.surname)}{_element('Forename', p.forename)}"
        f"{_element('DOB', p.born)}{_element(sex, p.sex)}<BasicDetails>"
        f"{_element('PreferredSurname', p.preferred_surname)}{_element('PreferredForename', p.preferred_forename)}"
        f"{_element('EnrolStatus', p.status)}{_element('NCyearActual', nc_year(rolls, p))}</BasicDetails>"
        f"<Address><BS7666Address>{_element('PAON', house)}{_element('Street', street)}{_element('Town', p.town)}"
        f"</BS7666Address>{_element('PostCode', p.postcode)}</Address>"
        f"<SchoolHistory><School>{history}</School></SchoolHistory></Pupil>"
    )


def _census_pupil(rolls: Rolls, p: Pupil, name: str) -> str:
    status = "" if p.left else _element("EnrolStatus", p.status)
    return (
        f"<{name}><PupilIdentifiers>{_element('UPN', p.upn)}{_element('Surname', p.surname)}"
        f"{_element('Forename', p.forename)}{_element('PreferredSurname', p.preferred_surname)}"
        f"{_element('DOB', p.born)}{_element('Sex', p.sex)}</PupilIdentifiers>"
        f"<PupilCharacteristics>{_element('PreferredForename', p.preferred_forename)}</PupilCharacteristics>"
        f"<PupilStatus>{status}{_element('EntryDate', p.entry)}{_element('LeavingDate', p.left)}"
        f"{_element('NCyearActual', nc_year(rolls, p))}</PupilStatus>"
        f"<HomeInformation><Address><AddressLine1>{escape(p.address)}</AddressLine1>"
        f"{_element('AddressLine2', p.town)}{_element('PostCode', p.postcode)}</Address></HomeInformation></{name}>"
    )


def _student(rolls: Rolls, p: Pupil) -> dict[str, Any]:
    house, _, street = p.address.partition(" ")
    home = {
        "house_number": house,
        "house_name": None,
        "street": street,
        "town": p.town,
        "postcode": p.postcode,
    }
    return {
        "id": f"B{p.pupil_ref}",
        "upi": f"upi-{p.pupil_ref}",
        "mis_id": p.pupil_ref,
        "surname": p.preferred_surname or p.surname,
        "forename": p.preferred_forename or p.forename,
        "middle_names": None,
        "legal_surname": p.surname,
        "legal_forename": p.forename,
        "gender": SEXES[p.sex].upper(),
        "date_of_birth": {
            "date": f"{p.born} 00:00:00.000000",
            "timezone_type": 3,
            "timezone": "Europe/London",
        },
        "education_details": {
            "data": {
                "upn": p.upn or None,
                "admission_date": {"date": f"{p.entry} 00:00:00.000000"},
                "leaving_date": {"date": f"{p.left} 00:00:00.000000"} if p.left else None,
                "enrolment_status": WORDS[p.status],
                "current_nc_year": nc_year(rolls, p),
            }
        },
        "contact_details": {"data": {"addresses": {"home": home}}},
    }
