"""GIAS, rolls, Key Adults, closed days: good rows go on, bad ones are named, a bad file is refused whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, time
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encompass.domain.incident import RefusedRecord
from encompass.domain.recipient import AtSchool, LaOfficer, Office, PartnerForce, Recipient
from encompass.domain.school import CalendarScope, DayKind, EnrolStatus
from encompass.domain.upn import ALPHABET, valid_upn
from encompass.formats.calendar import read_calendar_csv, read_calendar_ics
from encompass.formats.csv_rows import Dialect, read_cells
from encompass.formats.faults import BrokenFile, Contents, contents
from encompass.formats.gias import read_links, read_schools
from encompass.formats.key_adults import read_key_adults
from encompass.formats.mis_csv import OPTIONAL, REQUIRED, BadMapping, RollMapping, read_mapping, read_roll
from sandbox.world.pupils import gias_bytes

ROOT = Path(__file__).parents[2]


def read(reader: Callable[[BinaryIO], Iterable[object]], raw: bytes) -> Contents:
    return contents(reader(BytesIO(raw)))


ROLL = "pupil_ref,urn,upn,legal_forename,legal_surname,date_of_birth,enrol_status,entry_date,leaving_date\r\n"
GOOD = "1,100000,,Anna,Example,2016-04-05,C,2020-09-01,\r\n"
ADULTS = "key_adult_ref,urn,role,full_name,email,phone,language,active_from,active_to\r\n"


def test_the_real_gias_sample() -> None:
    found = read(read_schools, gias_bytes())
    assert len(found.taken) == 319
    assert found.refused == ()
    names = {s.name for s in found.taken}
    assert "Beatrix Potter Primary School" in names
    assert all(s.urn >= 100000 and s.la_code for s in found.taken)
    assert {s.status_code for s in found.taken} <= {1, 3}
    assert {r.reason for r in found.remarks} >= {"TelephoneNum: blank", "Town: blank"}


def test_gias_is_windows_1252_and_by_column_name() -> None:
    header, row = gias_bytes().decode("cp1252").splitlines()[:2]
    raw = f"{header}\r\n{row}\r\n".replace("Nursery School", "Nursery School – Café", 1).encode("cp1252")
    assert "– Café" in read(read_schools, raw).taken[0].name
    marked = b"\xef\xbb\xbf" + raw.decode("cp1252").encode("utf-8")  # a spreadsheet saved it
    assert read(read_schools, marked).taken == read(read_schools, raw).taken
    columns = header.split(",")
    with pytest.raises(BrokenFile, match="missing_columns"):
        read(read_schools, ",".join(columns[1:]).encode())


@pytest.mark.parametrize(
    ("text", "day"), [("01-09-2020", date(2020, 9, 1)), ("01/09/2020", date(2020, 9, 1))]
)
def test_gias_dates_come_in_two_shapes(text: str, day: date) -> None:
    raw = f"URN,LinkURN,LinkName,LinkType,LinkEstablishedDate\r\n1,2,B,Successor,{text}\r\n".encode()
    (link,) = read(read_links, raw).taken
    assert (link.link_urn, link.is_successor, link.established_on) == (2, True, day)


def test_a_school_listed_twice_or_linked_to_itself_is_refused() -> None:
    header, row = gias_bytes().decode("cp1252").splitlines()[:2]
    twice = read(read_schools, f"{header}\r\n{row}\r\n{row}\r\n".encode("cp1252"))
    assert [(r.line, r.reason) for r in twice.refused] == [(3, "URN: repeated")]
    links = read(read_links, b"URN,LinkURN,LinkType,LinkEstablishedDate\r\n1,1,Successor,\r\n")
    assert [r.reason for r in links.refused] == ["LinkURN: links_to_itself"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2,100000,,Anna,Example,05/04/2016,C,2020-09-01,", "date_of_birth: not_a_date"),
        ("2,100000,,Anna,Example,,C,2020-09-01,", "date_of_birth: missing"),
        ("2,100000,,,Example,2016-04-05,C,2020-09-01,", "legal_forename: missing"),
        ("2,ABC,,Anna,Example,2016-04-05,C,2020-09-01,", "urn: not_a_number"),
        ("2,100000,,Anna,Example,2016-04-05,Z,2020-09-01,", "enrol_status: unknown_code"),
        ("1,100000,,Anna,Example,2016-04-05,C,2020-09-01,", "pupil_ref: repeated"),
        ("2,100000", "row: too_few_cells"),
        ("2,100000,,Anna,Example,2016-04-05,C,2020-09-01,,extra", "row: too_many_cells"),
        ("2,100000,,Anna,Example,2016-04-05,,2020-09-01,", "enrol_status: missing"),
        ("2,100000,,Anna,Example,1816-04-05,C,2020-09-01,", "date_of_birth: absurd"),
        ("2,100000,,Anna,Example,2016-04-05,C,2020-09-01,2019-09-01", "leaving_date: before_entry_date"),
        ('2,100000,,"Anna,Example,2016-04-05,C,2020-09-01,', "row: unclosed_quote"),
        ('2,100000,,"An"na,Example,2016-04-05,C,2020-09-01,', "row: unclosed_quote"),
        ("2,100000,,An\x00na,Example,2016-04-05,C,2020-09-01,", "row: control_character"),
        ("2,100000,," + "A" * 2001 + ",Example,2016-04-05,C,2020-09-01,", "row: cell_too_long"),
    ],
)
def test_a_bad_row_is_refused_with_its_line_and_reason_while_the_good_go_on(row: str, reason: str) -> None:
    padding = "".join(GOOD.replace("1,", f"{n},", 1) for n in range(100, 400))  # a NUL is far from the start
    raw = ROLL + padding + GOOD + row + "\r\n" + GOOD.replace("1,", "3,", 1)
    found = read(read_roll, raw.encode())
    assert [e.pupil_ref for e in found.taken[-2:]] == ["1", "3"]
    assert len(found.taken) == 302
    assert [(r.line, r.reason) for r in found.refused] == [(303, reason)]
    assert "Anna" not in repr(found.refused[0])


def test_one_row_that_is_not_utf_8_is_refused_alone() -> None:
    bad = b"2,100000,,Ann\xe9,Example,2016-04-05,C,2020-09-01,\r\n"
    found = read(read_roll, (ROLL + GOOD).encode() + bad)
    assert [e.pupil_ref for e in found.taken] == ["1"]
    assert [(r.line, r.reason, r.raw) for r in found.refused] == [
        (3, "row: not_decodable", bad.replace(b"\r", b""))
    ]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "empty_file"),
        (b"pupil_ref,urn\r\n", "missing_columns: legal_forename"),
        (ROLL.replace("urn,", "urn,urn,").encode(), "repeated_columns: urn"),
        (ROLL.encode("utf-16"), "utf-16_or_binary"),
        (ROLL.encode("utf-16-le"), "utf-16_or_binary"),
        (ROLL.encode() + (GOOD.replace("Anna", "Anné") * 12).encode("cp1252"), "not_utf-8"),
        (b"x" * 200_000, "line_too_long"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "header_not_decodable"),
    ],
)
def test_a_bad_file_is_refused_whole(raw: bytes, reason: str) -> None:
    with pytest.raises(BrokenFile, match=reason):
        read(read_roll, raw)


def test_a_byte_order_mark_and_quoted_line_breaks_are_read() -> None:
    raw = b"\xef\xbb\xbf" + (ROLL + '1,100000,,"An\nna",Example,2016-04-05,C,2020-09-01,\r\n').encode()
    assert read(read_roll, raw).taken[0].legal_forename == "An\nna"


def test_a_suppliers_own_columns_dates_and_codes() -> None:
    mapping = read_mapping(ROOT / "config" / "rolls" / "larkfield.toml")
    columns = [mapping.columns[n] for n in (*REQUIRED, "upn", "sex")]
    others = [mapping.columns[n] for n in OPTIONAL if n not in {"upn", "sex"}]
    cells = ["7", "100000", "Anné", "Example", "05/04/2016", "Main - dual", "01/09/2020", "", "", "Female"]
    raw = f"{';'.join(columns + others)}\n{';'.join(cells)}{';' * len(others)}\n".encode("cp1252")
    mapping = mapping.model_copy(update={"encoding": "cp1252"})
    (entry,) = contents(read_roll(BytesIO(raw), mapping)).taken
    assert (entry.legal_forename, entry.enrol_status, entry.sex) == ("Anné", EnrolStatus.MAIN_DUAL, "F")
    assert (entry.date_of_birth, entry.entry_date) == (date(2016, 4, 5), date(2020, 9, 1))


def test_a_file_of_one_school_needs_no_urn() -> None:
    raw = (ROLL + GOOD).replace("urn,", "").replace("100000,", "").encode()
    (entry,) = contents(read_roll(BytesIO(raw), RollMapping(), 100123)).taken
    assert entry.urn == 100123


def test_a_mapping_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text('encoding = "ebcdic"\n[columns]\nshoe_size = "Shoe"\n')
    with pytest.raises(BadMapping, match=r"encoding.*columns.*shoe_size"):
        read_mapping(file)
    with pytest.raises(BadMapping, match="no such mapping"):
        read_mapping(tmp_path / "none.toml")


def test_a_wrong_check_letter_is_remarked_on_and_taken() -> None:
    found = read(read_roll, (ROLL + GOOD.replace(",,Anna", ",A801200005001,Anna")).encode())
    assert len(found.taken) == 1
    assert [(r.reason, r.place) for r in found.remarks] == [("upn: wrong_check_letter", "line 2")]


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    for reader in (read_roll, read_schools, read_links, read_key_adults, read_calendar_csv, ics):
        try:
            read(reader, raw)
        except BrokenFile as fault:
            assert fault.reason


@pytest.mark.parametrize(
    ("email", "good"),
    [
        ("a.lead@school.example", True),
        ("head@school.example", False),
        ("OFFICE@school.example", False),
        ("a.lead@gmail.com", False),
        ("a.lead", False),
        ("a lead@school.example", False),
        ("a@b.example\x01", False),
    ],
)
def test_a_key_adult_needs_a_work_mailbox_of_their_own(email: str, good: bool) -> None:
    found = read(read_key_adults, (ADULTS + f"K1,100000,dsl,A Lead,{email},,en,2025-09-01,\r\n").encode())
    assert bool(found.taken) is good
    if not good:
        assert found.refused[0].reason.startswith(("email: ", "row: control_character"))


OFFICERS = ADULTS.replace("\r\n", ",recipient_kind,la_code,office,partner_force\r\n")


@pytest.mark.parametrize(
    ("cells", "whose"),
    [
        ("100000,dsl,,,,", AtSchool(100000)),
        ("100000,deputy,school,,,", AtSchool(100000)),
        (",officer,la_officer,318,cme,", LaOfficer("318", Office.CME)),
        (",deputy,la_officer,318,virtual_school,", LaOfficer("318", Office.VIRTUAL_SCHOOL)),
        (",officer,partner_force,,,Fellgate Police", PartnerForce("Fellgate Police")),
        (",dsl,,,,", "urn: missing"),
        (",officer,la_officer,318,,", "office: missing"),
        (",officer,la_officer,318,attendance,", "office: unknown_code"),
        (",officer,governor,,,", "recipient_kind: unknown_code"),
        ("100000,officer,la_officer,318,cme,", "urn: does_not_fit_recipient_kind"),
        ("100000,dsl,school,318,,", "la_code: does_not_fit_recipient_kind"),
        (",dsl,la_officer,318,cme,", "role: does_not_fit_recipient"),
        ("100000,officer,,,,", "role: does_not_fit_recipient"),
    ],
)
def test_a_contact_is_of_a_school_an_office_or_a_partner_force(cells: str, whose: Recipient | str) -> None:
    urn, role, *of = cells.split(",")
    row = f"K1,{urn},{role},A Lead,a.lead@council.example,,en,2025-09-01,,{','.join(of)}\r\n"
    found = read(read_key_adults, (OFFICERS + row).encode())
    if isinstance(whose, str):
        assert [r.reason for r in found.refused] == [whose]
    else:
        assert [e.recipient for e in found.taken] == [whose]


def ics(stream: BinaryIO) -> Iterable[object]:
    return read_calendar_ics(stream, CalendarScope.SCHOOL, "100000")


def test_a_calendar_as_csv() -> None:
    raw = (
        b"scope,code,date,reason,until,kind,starts_at\ndefault,,2026-04-01,Easter,2026-04-03,,\nla,212,2026-04-02,Snow,,,\n"
        b"school,,2026-04-03,?,,,\ntrust,5001,2026-04-02,Open,,open,\nschool,100000,2026-09-01,Hours,,start,08:50\n"
        b"school,100000,2026-09-01,Hours,,start,\nla,212,2026-04-09,Easter,2026-04-01,,\nla,212,2026-04-09,Easter,2036-04-01,,\n"
    )
    found = read(read_calendar_csv, raw)
    assert [(d.scope.value, d.code, d.on.day, d.kind) for d in found.taken] == [
        ("default", None, 1, DayKind.CLOSED),
        ("default", None, 2, DayKind.CLOSED),
        ("default", None, 3, DayKind.CLOSED),
        ("la", "212", 2, DayKind.CLOSED),
        ("trust", "5001", 2, DayKind.OPEN),
        ("school", "100000", 1, DayKind.START),
    ]
    assert found.taken[-1].starts_at == time(8, 50)
    assert [r.reason for r in found.refused] == [
        "code: does_not_fit_scope", "starts_at: does_not_fit_kind", "until: before_date", "until: absurd",
    ]  # fmt: skip


def test_a_calendar_as_icalendar_ends_the_day_before_its_end() -> None:
    events = [
        "DTSTART;VALUE=DATE:20260216\r\nDTEND;VALUE=DATE:20260221\r\nSUMMARY:Half-term",
        "DTSTART;VALUE=DATE:20260601\r\nSUMMARY:Inset",
        "DTSTART:20260310T180000Z\r\nDTEND:20260310T190000Z\r\nSUMMARY:Governors",
        "DTSTART;VALUE=DATE:20260602\r\nRRULE:FREQ=DAILY\r\nSUMMARY:For ever",
        "DTSTART;VALUE=DATE:20260605\r\nDTEND;VALUE=DATE:20260601\r\nSUMMARY:Backwards",
        "SUMMARY:Never",
    ]
    body = "".join(f"BEGIN:VEVENT\r\nUID:{n}\r\n{e}\r\nEND:VEVENT\r\n" for n, e in enumerate(events))
    found = read(ics, f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{body}END:VCALENDAR\r\n".encode())
    assert [d.on.isoformat() for d in found.taken] == [
        "2026-02-16", "2026-02-17", "2026-02-18", "2026-02-19", "2026-02-20", "2026-06-01",
    ]  # fmt: skip
    assert [(r.reason, r.path) for r in found.refused] == [
        ("RRULE: not_supported", "VEVENT[4]"),
        ("DTEND: before_date", "VEVENT[5]"),
        ("DTSTART: missing", "VEVENT[6]"),
    ]
    assert [(r.reason, r.place) for r in found.remarks] == [("DTSTART: not_all_day", "VEVENT[3]")]


@pytest.mark.parametrize("raw", [b"", b"not a calendar", b"BEGIN:VCARD\r\nEND:VCARD\r\n", b"\xff\xfe"])
def test_what_is_no_calendar_is_refused_whole(raw: bytes) -> None:
    with pytest.raises(BrokenFile):
        read(ics, raw)


def test_the_published_example_of_a_upn() -> None:
    assert valid_upn("B801200005001")
    assert not valid_upn("A801200005001")
    assert not any(valid_upn(f"{letter}801200005001") for letter in ALPHABET if letter != "B")


@given(st.text(max_size=15))
def test_any_text_is_a_upn_or_not(text: str) -> None:
    assert valid_upn(text) in {True, False}


@pytest.mark.parametrize("last", [b"\xff", b"\x07"])
def test_the_last_byte_of_a_file_without_a_last_newline_is_looked_at(last: bytes) -> None:
    """It is no line's end, so nothing may take it for one."""
    raw = b"URN,LinkURN,LinkType,LinkEstablishedDate,Note\n100001,100002,Successor,,good\n100003,100004,Successor,,bad"
    found = list(read_cells(BytesIO(raw + last), Dialect(), ("URN", "LinkURN")))
    assert [isinstance(row, RefusedRecord) for row in found] == [False, True]
