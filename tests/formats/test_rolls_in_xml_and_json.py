"""Common transfer files, census returns and Wonde's pages: old and new names, whole and part, and hostile ones."""

from __future__ import annotations

import json
import tracemalloc
from datetime import date
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encompass.domain.school import EnrolStatus, RollEntry
from encompass.formats.ctf import read_ctf
from encompass.formats.faults import BrokenFile, contents
from encompass.formats.roll_rows import Leaver, RollHeader
from encompass.formats.school_census import read_school_census
from encompass.formats.wonde import collected, next_of, read_collected, read_students

HEAD = (
    "<CTfile><Header><DocumentQualifier>{whole}</DocumentQualifier><SourceSchool><{la}>820</{la}><Estab>1234</Estab>"
    "{urn}</SourceSchool></Header><CTFpupilData>"
)
PUPIL = (
    "<Pupil><UPN>B801200005001</UPN><Surname>Crumplewick</Surname><Forename>{forename}</Forename><DOB>2015-05-14</DOB>"
    "<{sex}>F</{sex}><BasicDetails><PreferredForename>Esha</PreferredForename><EnrolStatus>{status}</EnrolStatus>"
    "</BasicDetails><Address><BS7666Address><SAON>Flat 2</SAON><PAON>12</PAON><Street>Plum Street</Street><Town>Twickenham</Town>"
    "</BS7666Address><PostCode>TW1 1AA</PostCode></Address><SchoolHistory><School><{la}>820</{la}><Estab>1234</Estab>"
    "<EntryDate>2020-09-01</EntryDate>{left}</School><School><{la}>820</{la}><Estab>9999</Estab>"
    "<LeavingDate>2020-07-31</LeavingDate></School></SchoolHistory></Pupil>"
)
TAIL = "</CTFpupilData></CTfile>"


def ctf(*pupils: str, whole: str = "full", la: str = "LEA", urn: str = "<URN>100123</URN>") -> bytes:
    return (HEAD.format(whole=whole, la=la, urn=urn) + "".join(pupils) + TAIL).encode()


def pupil(
    forename: str = "Aisha", sex: str = "Sex", status: str = "C", la: str = "LEA", left: str = ""
) -> str:
    return PUPIL.format(forename=forename, sex=sex, status=status, la=la, left=left)


def entries(raw: bytes, reader: Any = read_ctf, urn: int | None = 100124) -> list[RollEntry]:
    return [e for e in contents(reader(BytesIO(raw), lambda _: urn)).taken if isinstance(e, RollEntry)]


@pytest.mark.parametrize(("sex", "la"), [("Sex", "LEA"), ("Gender", "LA")])
def test_a_pupil_of_a_transfer_file_in_old_and_new_names(sex: str, la: str) -> None:
    (entry,) = entries(ctf(pupil(sex=sex, la=la), la=la))
    assert (entry.urn, entry.upn, entry.legal_forename, entry.preferred_forename) == (
        100123,
        "B801200005001",
        "Aisha",
        "Esha",
    )
    assert (entry.sex, entry.date_of_birth, entry.enrol_status) == (
        "F",
        date(2015, 5, 14),
        EnrolStatus.SINGLE,
    )
    assert (entry.address, entry.postcode) == ("Flat 2 12 Plum Street", "TW1 1AA")
    assert (entry.entry_date, entry.leaving_date) == (date(2020, 9, 1), None)


def test_a_school_without_a_urn_is_found_by_its_numbers_or_the_file_is_refused() -> None:
    assert entries(ctf(pupil(), urn=""))[0].urn == 100124
    with pytest.raises(BrokenFile, match="not_in_school_register"):
        entries(ctf(pupil(), urn=""), urn=None)


def test_a_part_says_that_it_is_a_part_and_who_left_has_left() -> None:
    raw = ctf(pupil(left="<LeavingDate>2026-02-13</LeavingDate>"), whole="partial")
    header, entry = contents(read_ctf(BytesIO(raw), lambda _: None)).taken
    assert isinstance(header, RollHeader)
    assert header.is_whole is False
    assert (entry.leaving_date, entry.enrol_status) == (date(2026, 2, 13), EnrolStatus.PREVIOUS)


def test_one_bad_pupil_is_refused_with_its_path() -> None:
    bad = [
        pupil(status="Z"),
        pupil().replace("2015-05-14", "2015-13-14"),
        pupil(forename=""),
        pupil(forename="B" * 3000),
    ]
    good = pupil().replace("B801200005001", "")
    found = contents(read_ctf(BytesIO(ctf(good, *bad, good.replace("Aisha", "Bea"))), lambda _: None))
    assert [(r.path, r.reason) for r in found.refused] == [
        ("CTFpupilData/Pupil[2]", "enrol_status: unknown_code"),
        ("CTFpupilData/Pupil[3]", "DOB: not_a_date"),
        ("CTFpupilData/Pupil[4]", "Forename: missing"),
        ("CTFpupilData/Pupil[5]", "Forename: too_long"),
    ]
    assert len(found.taken) == 3
    assert b"Crumplewick" in found.refused[0].raw
    assert "Crumplewick" not in repr(found)


BOMB = '<!DOCTYPE CTfile [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><CTfile><Header>&b;</Header></CTfile>'
OUTSIDE = '<!DOCTYPE CTfile [<!ENTITY a SYSTEM "file:///etc/passwd">]><CTfile><Header>&a;</Header></CTfile>'


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "not_xml"),
        (b"<CTfile>", "not_xml"),
        (ctf(pupil())[:-40], "not_xml"),
        (BOMB.encode(), "forbidden_xml"),
        (OUTSIDE.encode(), "forbidden_xml"),
        (b"<html><body>Sign in</body></html>", "root_is_not_CTfile"),
        (b"<CTfile>" + b"<x>" * 100 + b"</x>" * 100 + b"</CTfile>", "too_deep"),
        (b"<CTfile></CTfile>", "header_missing"),
        (
            ctf(pupil()).replace(b"<Header>", b"<Heading>").replace(b"</Header>", b"</Heading>"),
            "header_missing",
        ),
        (ctf(pupil(), whole="some"), "DocumentQualifier: unknown_code"),
        (ctf("<Pupil><Surname>" + "x" * 2_000_000 + "</Surname></Pupil>"), "record_too_large"),
        (b'<?xml version="1.0" encoding="ebcdic-fictional"?>' + ctf(pupil()), "not_xml"),
    ],
)
def test_a_hostile_or_broken_xml_file_is_refused_whole(raw: bytes, reason: str) -> None:
    with pytest.raises(BrokenFile, match=reason):
        entries(raw)


def test_xml_in_another_encoding_is_read() -> None:
    assert entries(ctf(pupil()).decode().encode("utf-16"))[0].legal_forename == "Aisha"


def test_a_large_transfer_file_is_read_in_flat_memory() -> None:
    class Endless(BytesIO):
        """Twenty thousand pupils, made as they are read."""

        def __init__(self) -> None:
            super().__init__()
            self.parts = iter([HEAD.format(whole="full", la="LEA", urn="<URN>100123</URN>").encode()])
            self.left, self.held = 20_000, b""

        def read(self, size: int | None = -1) -> bytes:
            while len(self.held) < (size or 1) and self.left >= 0:
                self.left -= 1
                upn = f"<UPN>{self.left:013d}</UPN>"
                more = (
                    pupil().replace("<UPN>B801200005001</UPN>", upn).encode()
                    if self.left >= 0
                    else TAIL.encode()
                )
                self.held += next(self.parts, b"") + more
            given, self.held = self.held[:size], self.held[size:]
            return given

    tracemalloc.start()
    try:
        count = sum(isinstance(e, RollEntry) for e in read_ctf(Endless(), lambda _: None))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 20_000
    assert peak < 16 << 20


CENSUS = (
    "<Message><Header><Source><LEA>820</LEA><Estab>1234</Estab><URN>100123</URN></Source></Header><Pupils><PupilsOnRoll>"
    "<PupilOnRoll><PupilIdentifiers><UPN>B801200005001</UPN><Surname>Crumplewick</Surname><Forename>Aisha</Forename>"
    "<DOB>2015-05-14</DOB><Gender>F</Gender></PupilIdentifiers><PupilStatus><EnrolStatus>M</EnrolStatus>"
    "<EntryDate>2020-09-01</EntryDate><NCyearActual>5</NCyearActual></PupilStatus><HomeInformation><Address>"
    "<AddressLine1>Flat 2</AddressLine1><AddressLine2>12 Plum Street</AddressLine2><PostCode>TW1 1AA</PostCode></Address>"
    "</HomeInformation></PupilOnRoll></PupilsOnRoll><PupilsNoLongerOnRoll><PupilNoLongerOnRoll><PupilIdentifiers>"
    "<Surname>Plum</Surname><Forename>Bea</Forename><DOB>2014-01-02</DOB></PupilIdentifiers>{left}</PupilNoLongerOnRoll>"
    "</PupilsNoLongerOnRoll></Pupils></Message>"
)


def test_a_census_return_has_those_on_roll_and_those_who_left() -> None:
    raw = CENSUS.format(left="<LeavingDate>2025-12-19</LeavingDate>").encode()
    aisha, bea = entries(raw, read_school_census)
    assert (aisha.urn, aisha.enrol_status, aisha.nc_year) == (100123, EnrolStatus.MAIN_DUAL, "5")
    assert (aisha.address, aisha.sex) == ("Flat 2 12 Plum Street", "F")
    assert (bea.leaving_date, bea.enrol_status) == (date(2025, 12, 19), EnrolStatus.PREVIOUS)
    found = contents(read_school_census(BytesIO(CENSUS.format(left="").encode()), lambda _: None))
    assert [(r.path, r.reason) for r in found.refused] == [
        ("Pupils/PupilsNoLongerOnRoll/PupilNoLongerOnRoll[1]", "LeavingDate: missing")
    ]


STUDENT: dict[str, Any] = {
    "id": "B1", "surname": "Crumplewick", "forename": "Esha", "legal_forename": "Aisha", "gender": "FEMALE",
    "date_of_birth": {"date": "2015-05-14 00:00:00.000000"},
    "education_details": {"data": {"upn": "b801200005001", "enrolment_status": "Main - dual", "current_nc_year": 5}},
    "contact_details": {"data": {"addresses": {"home": {"house_number": "12", "street": "Plum Street", "postcode": "TW1 1AA"}}}},
}  # fmt: skip


def test_a_student_of_wonde() -> None:
    (entry,) = contents(read_students(json.dumps({"data": [STUDENT]}).encode(), 100123)).taken
    assert (entry.pupil_ref, entry.upn, entry.legal_forename, entry.preferred_forename) == (
        "B1",
        "B801200005001",
        "Aisha",
        "Esha",
    )
    assert (entry.enrol_status, entry.sex, entry.nc_year) == (EnrolStatus.MAIN_DUAL, "F", "5")
    assert (entry.address, entry.date_of_birth) == ("12 Plum Street", date(2015, 5, 14))


def test_students_who_changed_and_who_were_deleted_are_a_part() -> None:
    deleted = json.dumps(
        {"data": [{"id": "B9", "type": "student"}, {"id": "B8", "type": "employee"}]}
    ).encode()
    raw = collected([json.dumps({"data": [STUDENT]}).encode()], [deleted], is_whole=False)
    header, entry, leaver = contents(read_collected(raw, 100123)).taken
    assert header == RollHeader(100123, None, None, is_whole=False)
    assert entry.pupil_ref == "B1"
    assert leaver == Leaver("B9", 100123)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"date_of_birth": None}, "date_of_birth: missing"),
        ({"date_of_birth": {"date": "soon"}}, "date_of_birth: not_a_date"),
        ({"surname": None}, "legal_surname: missing"),
        ({"surname": ["x"]}, "surname: string_type"),
        ({"education_details": {"data": {"enrolment_status": "?"}}}, "enrolment_status: unknown_code"),
        ({"education_details": []}, "education_details: model_type"),
    ],
)
def test_a_wrong_student_is_refused_alone(change: dict[str, Any], reason: str) -> None:
    found = contents(read_students(json.dumps({"data": [{**STUDENT, **change}, STUDENT]}).encode(), 100123))
    assert [(r.path, r.reason) for r in found.refused] == [("data[1]", reason)]
    assert len(found.taken) == 1


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"[]", "page: not_an_object"),
        (b'{"data": {}}', "data: not_a_list"),
        (b'{"data": [], "data": []}', "repeated_name"),
        (b'{"data": [NaN]}', "not_a_number"),
        (b"[" * 100_000, "not_json"),
        (b'{"a":' * 70 + b"1" + b"}" * 70, "too_deep"),
        (b'{"data": "\xff"}', "not_utf-8"),
        (b"<html></html>", "not_json"),
    ],
)
def test_a_page_that_is_none_is_refused_whole(raw: bytes, reason: str) -> None:
    with pytest.raises(BrokenFile, match=reason):
        contents(read_students(raw, 1))


def test_a_page_that_says_more_and_not_where_is_refused() -> None:
    assert next_of(b'{"data": [], "meta": {"pagination": {"more": false, "next": null}}}') is None
    with pytest.raises(BrokenFile, match=r"pagination\.next: missing"):
        next_of(b'{"data": [], "meta": {"pagination": {"more": true}}}')


@given(st.binary(max_size=200), st.integers(0, 900), st.integers(0, 60))
def test_a_file_with_bytes_changed_is_read_or_refused(put: bytes, at: int, cut: int) -> None:
    for good, reader in (
        (ctf(pupil(), pupil(forename="Bea")), read_ctf),
        (CENSUS.format(left="").encode(), read_school_census),
    ):
        raw = good[:at] + put + good[at + cut :]
        try:
            found = contents(reader(BytesIO(raw), lambda _: 100123))
        except BrokenFile as fault:
            assert fault.reason
        else:
            assert all(r.reason for r in found.refused)
