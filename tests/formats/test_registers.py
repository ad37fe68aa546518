"""GIAS, rolls, Key Adults, closed days: good rows go on, bad ones are named, a bad file is refused whole."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encompass.domain.upn import ALPHABET, valid_upn
from encompass.formats.calendar import read_closures
from encompass.formats.faults import BrokenFile
from encompass.formats.gias import read_schools
from encompass.formats.key_adults import read_key_adults
from encompass.formats.mis_csv import read_roll
from sandbox.world.pupils import gias_bytes

ROLL = "pupil_ref,urn,upn,legal_forename,legal_surname,date_of_birth,enrol_status,entry_date,leaving_date\r\n"
GOOD = "1,100000,,Anna,Example,2016-04-05,C,2020-09-01,\r\n"
ADULTS = "key_adult_ref,urn,role,full_name,email,phone,language,active_from,active_to\r\n"


def test_the_real_gias_sample() -> None:
    read = read_schools(gias_bytes())
    assert len(read.schools) == 319
    assert read.refused == ()
    names = {s.name for s in read.schools}
    assert "Beatrix Potter Primary School" in names
    assert all(s.urn >= 100000 and s.la_code for s in read.schools)
    assert {s.status_code for s in read.schools} <= {1, 3}


def test_gias_is_windows_1252_and_by_column_name() -> None:
    header, row = gias_bytes().decode("cp1252").splitlines()[:2]
    raw = f"{header}\r\n{row}\r\n".replace("Primary School", "Primary School – Café", 1).encode("cp1252")
    assert "é" in read_schools(raw).schools[0].name or read_schools(raw).schools
    columns = header.split(",")
    with pytest.raises(BrokenFile, match="missing_columns"):
        read_schools(",".join(columns[1:]).encode())


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2,100000,,Anna,Example,05/04/2016,C,2020-09-01,", "date_of_birth: not_a_date"),
        ("2,100000,,Anna,Example,,C,2020-09-01,", "date_of_birth: missing"),
        ("2,100000,,,Example,2016-04-05,C,2020-09-01,", "legal_forename: missing"),
        ("2,ABC,,Anna,Example,2016-04-05,C,2020-09-01,", "urn: not_a_number"),
        ("2,100000,,Anna,Example,2016-04-05,Z,2020-09-01,", "enrol_status: unknown_code"),
        ("1,100000,,Anna,Example,2016-04-05,C,2020-09-01,", "pupil_ref: repeated"),
        ("2,100000", "enrol_status: missing"),
    ],
)
def test_a_bad_row_is_refused_with_its_line_and_reason_while_the_good_go_on(row: str, reason: str) -> None:
    read = read_roll((ROLL + GOOD + row + "\r\n" + GOOD.replace("1,", "3,", 1)).encode())
    assert [e.pupil_ref for e in read.entries] == ["1", "3"]
    assert [(r.line, r.reason) for r in read.refused] == [(3, reason)]
    assert "Anna" not in repr(read.refused[0])


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "empty_file"),
        (b"pupil_ref,urn\r\n", "missing_columns: legal_forename"),
        (ROLL.encode() + b"1,1,,\xff\xfe,E,2016-04-05,C,2020-09-01,\r\n", "not_utf-8-sig"),
        (ROLL.encode("utf-16"), "not_utf-8-sig"),
    ],
)
def test_a_bad_file_is_refused_whole(raw: bytes, reason: str) -> None:
    with pytest.raises(BrokenFile, match=reason):
        read_roll(raw)


def test_a_byte_order_mark_and_quoted_line_breaks_are_read() -> None:
    raw = b"\xef\xbb\xbf" + (ROLL + '1,100000,,"An\nna",Example,2016-04-05,C,2020-09-01,\r\n').encode()
    assert read_roll(raw).entries[0].legal_forename == "An\nna"


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    for reader in (read_roll, read_schools, read_key_adults, read_closures):
        try:
            reader(raw)
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
        ("a@b.example\x00", False),
    ],
)
def test_a_key_adult_needs_a_work_mailbox_of_their_own(email: str, good: bool) -> None:
    read = read_key_adults((ADULTS + f"K1,100000,dsl,A Lead,{email},,en,2025-09-01,\r\n").encode())
    assert bool(read.entries) is good
    if not good:
        assert read.refused[0].reason.startswith("email: ")


def test_closed_days() -> None:
    raw = (
        b"scope,code,date,reason\ndefault,,2026-04-01,Easter\nla,212,2026-04-02,Snow\nschool,,2026-04-03,?\n"
    )
    read = read_closures(raw)
    assert [(d.scope, d.code, d.on) for d in read.days] == [
        ("default", None, date(2026, 4, 1)),
        ("la", "212", date(2026, 4, 2)),
    ]
    assert [r.reason for r in read.refused] == ["code: does_not_fit_scope"]


def test_the_published_example_of_a_upn() -> None:
    assert valid_upn("B801200005001")
    assert not valid_upn("A801200005001")
    assert not any(valid_upn(f"{letter}801200005001") for letter in ALPHABET if letter != "B")


@given(st.text(max_size=15))
def test_any_text_is_a_upn_or_not(text: str) -> None:
    assert valid_upn(text) in {True, False}
