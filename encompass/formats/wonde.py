"""Students and deletions as the Wonde API gives them (docs.wonde.com): a page of JSON each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, ValidationError

from encompass.domain.incident import RefusedRecord
from encompass.domain.school import EnrolStatus, RollEntry
from encompass.formats.csv_rows import WrongField
from encompass.formats.faults import BrokenFile, Remark
from encompass.formats.json_text import list_of, object_of, read_json
from encompass.formats.roll_rows import STATUSES, Leaver, RollHeader, checked, iso_day, remarks

SEXES: Final = {"FEMALE": "F", "MALE": "M", "F": "F", "M": "M"}


def _blank_is_none(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return None if isinstance(value, str) and not value.strip() else value


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000)]
Maybe = Annotated[Text | None, BeforeValidator(_blank_is_none)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class _When(_Part):
    date: Maybe = None


class _Education(_Part):
    upn: Maybe = None
    admission_date: _When | None = None
    leaving_date: _When | None = None
    enrolment_status: Maybe = None
    current_nc_year: Maybe = None


class _Home(_Part):
    house_number: Maybe = None
    house_name: Maybe = None
    street: Maybe = None
    town: Maybe = None
    postcode: Maybe = None


class _Addresses(_Part):
    home: _Home | None = None


class _Contact(_Part):
    addresses: _Addresses | None = None


class _EducationData(_Part):
    data: _Education | None = None


class _ContactData(_Part):
    data: _Contact | None = None


class _Student(_Part):
    id: Text
    surname: Maybe = None
    forename: Maybe = None
    middle_names: Maybe = None
    legal_surname: Maybe = None
    legal_forename: Maybe = None
    gender: Maybe = None
    date_of_birth: _When | None = None
    education_details: _EducationData | None = None
    contact_details: _ContactData | None = None


def collected(students: Iterable[bytes], deletions: Iterable[bytes], *, is_whole: bool) -> bytes:
    """Pages as one file: every student of the school, or those changed and those deleted since some time."""
    return b'{"is_whole":%b,"students":[%b],"deletions":[%b]}' % (
        b"true" if is_whole else b"false",
        b",".join(students),
        b",".join(deletions),
    )


def read_collected(
    raw: bytes, urn: int
) -> Iterator[RollHeader | RollEntry | Leaver | RefusedRecord | Remark]:
    """The roll of pages that were collected. Raises BrokenFile."""
    body = object_of(read_json(raw), "collected")
    yield RollHeader(urn, None, None, body.get("is_whole") is True)
    students = (
        one for page in list_of(body.get("students"), "students") for one in _data(object_of(page, "page"))
    )
    for number, student in enumerate(students, start=1):
        yield from _items(student, urn, f"data[{number}]")
    for page in list_of(body.get("deletions"), "deletions"):
        yield from _leavers(object_of(page, "page"), urn)


def next_of(raw: bytes) -> str | None:
    """Where the page after this one is; None after the last. Raises BrokenFile."""
    return _next(object_of(read_json(raw), "page"))


def read_students(raw: bytes, urn: int) -> Iterator[RollEntry | RefusedRecord | Remark]:
    """A single page of a school's students. Raises BrokenFile."""
    for number, student in enumerate(_data(object_of(read_json(raw), "page")), start=1):
        yield from _items(student, urn, f"data[{number}]")


def _leavers(body: Mapping[str, Any], urn: int) -> Iterator[Leaver]:
    """The students of a page of deletions."""
    return (Leaver(_id(one), urn) for one in _data(body) if object_of(one, "data").get("type") == "student")


def _data(body: Mapping[str, Any]) -> list[Any]:
    return list_of(body.get("data"), "data")


def _next(body: Mapping[str, Any]) -> str | None:
    meta = object_of(body.get("meta") or {}, "meta")
    pagination = object_of(meta.get("pagination") or {}, "meta.pagination")
    following = pagination.get("next")
    if not pagination.get("more"):
        return None
    if not isinstance(following, str):
        raise BrokenFile("meta.pagination.next: missing")
    return following


def _id(one: Any) -> str:
    found = object_of(one, "data").get("id")
    if not isinstance(found, str) or not found:
        raise BrokenFile("data.id: missing")
    return found


def _items(student: Any, urn: int, place: str) -> Iterator[RollEntry | RefusedRecord | Remark]:
    try:
        entry = checked(_entry(_Student.model_validate(student), urn))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        yield _refused(f"{'.'.join(map(str, first['loc']))}: {first['type']}", student, place)
    except WrongField as fault:
        yield _refused(str(fault), student, place)
    else:
        yield entry
        yield from remarks(entry, place)


def _refused(reason: str, student: Any, place: str) -> RefusedRecord:
    return RefusedRecord(reason, json.dumps(student).encode(), path=place)


def _entry(student: _Student, urn: int) -> RollEntry:
    education = (student.education_details.data if student.education_details else None) or _Education()
    contact = (student.contact_details.data if student.contact_details else None) or _Contact()
    home = (contact.addresses.home if contact.addresses else None) or _Home()
    left = _day(education.leaving_date, "leaving_date")
    address = " ".join(filter(None, (home.house_name, home.house_number, home.street)))
    return RollEntry(
        pupil_ref=student.id,
        urn=urn,
        upn=education.upn.upper() if education.upn else None,
        legal_forename=_name(student.legal_forename or student.forename, "legal_forename"),
        middle_names=student.middle_names,
        legal_surname=_name(student.legal_surname or student.surname, "legal_surname"),
        preferred_forename=student.forename,
        preferred_surname=student.surname,
        former_surname=None,
        date_of_birth=_day(student.date_of_birth, "date_of_birth"),
        sex=SEXES.get((student.gender or "").upper()),
        postcode=home.postcode,
        address=address or None,
        enrol_status=EnrolStatus.PREVIOUS if left else _status(education.enrolment_status),
        nc_year=education.current_nc_year,
        entry_date=_day(education.admission_date, "admission_date"),
        leaving_date=left,
    )


def _name(value: str | None, field: str) -> str:
    if value is None:
        raise WrongField(f"{field}: missing")
    return value


def _status(code: str | None) -> EnrolStatus:
    """The API gives the census's letter or the words of the management information system."""
    if code is None:
        return EnrolStatus.SINGLE
    if code.upper() in STATUSES:
        return STATUSES[code.upper()]
    word = code.lower()
    known = (("single", "C"), ("main", "M"), ("subsid", "S"), ("guest", "G"))
    for part, status in known:
        if part in word:
            return STATUSES[status]
    raise WrongField("enrolment_status: unknown_code")


def _day(when: _When | None, field: str) -> Any:
    if when is None or when.date is None:
        return None
    day = iso_day(when.date)
    if day is None:
        raise WrongField(f"{field}: not_a_date")
    return day
