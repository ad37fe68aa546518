"""Registers in the database: short ones wait for a person, parts add and take away, others' files stay their own."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any, BinaryIO

import pytest
from sqlalchemy import text

from encompass.domain.school import CalendarScope
from encompass.formats.wonde import collected
from encompass.pipeline import registers
from encompass.pipeline.refresh_rolls import refresh_rolls
from encompass.pipeline.registers import Register, Store
from encompass.store import school
from encompass.store.database import Role
from encompass.wiring import Encompass
from tests.cluster import FORCE, Cluster

HEADER = (
    "pupil_ref,urn,upn,legal_forename,legal_surname,date_of_birth,enrol_status,entry_date,leaving_date\r\n"
)
URN = 101005


@pytest.fixture
def take(rolled: Encompass, cluster: Cluster) -> Callable[..., int]:
    """Refreshes one register from these bytes; how many could not be taken."""
    engine = rolled.database.engine(Role.PIPELINE)
    run = cluster.run(rolled)

    def taken(kind: str, source: str, raw: bytes, store: Store, percent: int = 0) -> int:
        return refresh_rolls(
            engine, rolled.ring, [Register(kind, source, lambda _: raw, store, percent)], run
        )

    return taken


def rows(encompass: Encompass, query: str, **values: object) -> list[Any]:
    with encompass.database.engine(Role.OWNER).begin() as connection:
        return list(connection.execute(text(query), values).all())


def pupils(encompass: Encompass, source: str) -> int:
    open_rows = "SELECT count(*) FROM encompass.enrolment WHERE source = :source AND last_generation IS NULL"
    return rows(encompass, open_rows, source=source)[0][0]


def roll(*numbers: int) -> bytes:
    row = "{n},101005,,Anna{n},Example{n},2016-04-05,C,2020-09-01,\r\n"
    return (HEADER + "".join(row.format(n=n) for n in numbers)).encode()


def mis_csv() -> Store:
    return registers.store_mis_csv(registers.RollMapping(), None)


def test_a_roll_far_shorter_than_its_last_is_kept_for_a_person_beside_it(
    rolled: Encompass, take: Callable[..., int]
) -> None:
    assert take("roll", "test", roll(*range(100)), mis_csv(), 60) == 0
    assert take("roll", "test", roll(*range(59)), mis_csv(), 60) == 1
    assert pupils(rolled, "test") == 100
    kept = rows(rolled, "SELECT source, reason, status FROM encompass.quarantine WHERE source = 'roll/test'")
    assert [tuple(k) for k in kept] == [("roll/test", "file: too_short", "held")]
    alarms = rows(
        rolled, "SELECT kind FROM encompass.alarm WHERE source = 'roll/test' AND cleared_at IS NULL"
    )
    assert [a.kind for a in alarms] == ["register_short"]
    assert take("roll", "test", roll(*range(60)), mis_csv(), 60) == 0
    assert pupils(rolled, "test") == 60
    assert (
        rows(rolled, "SELECT 1 FROM encompass.alarm WHERE source = 'roll/test' AND cleared_at IS NULL") == []
    )


def test_only_a_large_change_has_the_tables_analysed(rolled: Encompass, take: Callable[..., int]) -> None:
    count = (
        "SELECT analyze_count FROM pg_stat_all_tables WHERE relid = CAST('encompass.enrolment' AS regclass)"
    )
    before = rows(rolled, count)
    held = rows(rolled, "SELECT pupils FROM encompass.roll_frequency WHERE kind = 'row'")[0].pupils
    take("roll", "test", roll(1), mis_csv())
    assert rows(rolled, count) == before
    take("roll", "test", roll(*range(held // 10)), mis_csv())
    assert rows(rolled, count) == [(before[0].analyze_count + 1,)]


def test_a_truncated_school_register_is_refused(
    rolled: Encompass, cluster: Cluster, take: Callable[..., int]
) -> None:
    raw = cluster.world.gias_csv()
    half = b"\r\n".join(raw.split(b"\r\n")[:160])
    assert take("schools", registers.NATIONAL, half, registers.store_schools, 90) == 1
    assert rows(rolled, "SELECT entries FROM encompass.generation WHERE kind = 'schools'") == [(319,)]


def test_half_a_key_adult_register_ends_nobody(
    rolled: Encompass, cluster: Cluster, take: Callable[..., int]
) -> None:
    half = b"\r\n".join(cluster.world.key_adults_csv().split(b"\r\n")[:200])
    assert take("key_adults", registers.NATIONAL, half, registers.store_key_adults, 60) == 1
    assert rows(rolled, "SELECT count(*) FROM encompass.key_adult WHERE active_to IS NULL") == [(638,)]


def student(number: int, surname: str = "Crumplewick") -> dict[str, Any]:
    return {
        "id": f"B{number}", "legal_forename": "Aisha", "legal_surname": surname, "gender": "F",
        "date_of_birth": {"date": "2015-05-14"}, "education_details": {"data": {"upn": None}},
    }  # fmt: skip


def wonde(students: list[dict[str, Any]], deleted: list[str], *, is_whole: bool) -> bytes:
    gone = [{"id": one, "type": "student"} for one in deleted]
    pages = [json.dumps({"data": data}).encode() for data in (students, gone)]
    return collected(pages[:1], pages[1:], is_whole=is_whole)


def test_a_part_adds_changes_and_takes_away_and_leaves_the_others(
    rolled: Encompass, take: Callable[..., int]
) -> None:
    store = registers.store_wonde(URN)
    assert take("roll", "w", wonde([student(n) for n in range(10)], [], is_whole=True), store, 60) == 0
    changed = [student(3, "Plum"), student(77)]
    assert take("roll", "w", wonde(changed, ["B5", "B999"], is_whole=False), store, 60) == 0
    assert pupils(rolled, "w") == 10
    generations = rows(
        rolled, "SELECT number, entries FROM encompass.generation WHERE source = 'w' ORDER BY 1"
    )
    assert [tuple(g) for g in generations] == [(1, 10), (2, 10)]  # what a whole roll is measured against
    closed = "SELECT count(*) FROM encompass.enrolment WHERE source = 'w' AND last_generation = 1"
    assert rows(rolled, closed)[0][0] == 2
    assert take("roll", "w", wonde([student(n) for n in range(3)], [], is_whole=True), store, 60) == 1
    assert pupils(rolled, "w") == 10


def test_a_file_that_breaks_off_changes_nothing(
    rolled: Encompass, cluster: Cluster, take: Callable[..., int]
) -> None:
    before = pupils(rolled, "102884")
    raw = cluster.world.roll_xml(102884) or b""
    assert take("roll", "102884", raw[: len(raw) // 2], registers.store_ctf) == 1
    assert pupils(rolled, "102884") == before > 0
    assert rows(rolled, "SELECT 1 FROM encompass.generation WHERE source = '102884' AND number > 1") == []


def test_one_source_of_days_does_not_replace_anothers(rolled: Encompass, take: Callable[..., int]) -> None:
    def days() -> dict[str, int]:
        return dict(rows(rolled, "SELECT source, count(*) FROM encompass.calendar_day GROUP BY source"))  # type: ignore[arg-type]

    before = days()
    assert before == {"national": 12, "102884": 6}
    raw = b"scope,code,date,reason,kind\nla,212,2026-06-01,Open,open\n"
    assert take("calendar", "council", raw, registers.store_calendar_csv) == 0
    assert days() == {**before, "council": 1}
    assert (
        take(
            "calendar",
            "102884",
            b"not a calendar",
            registers.store_calendar_ics(CalendarScope.SCHOOL, "102884"),
        )
        == 1
    )
    assert days() == {**before, "council": 1}
    with rolled.database.engine(Role.PIPELINE).begin() as connection:
        known = school.calendar_days(connection, FORCE)
    assert date(2026, 6, 1) in {d.on for d in known if d.code == "212"}


def test_a_link_says_what_became_of_a_school(rolled: Encompass, take: Callable[..., int]) -> None:
    raw = b"URN,LinkURN,LinkName,LinkType,LinkEstablishedDate\r\n101005,150000,New,Successor,01-09-2025\r\n101005,x,,,\r\n"
    assert take("school_links", registers.NATIONAL, raw, registers.store_links) == 0
    found = rows(rolled, "SELECT urn, link_urn, link_type FROM encompass.school_link")
    assert [tuple(f) for f in found] == [(101005, 150000, "Successor")]
    kept = rows(
        rolled, "SELECT line, reason FROM encompass.quarantine WHERE source = 'school_links/national'"
    )
    assert [tuple(k) for k in kept] == [(3, "LinkURN: not_a_number")]


def test_the_same_bytes_again_are_only_confirmed(
    rolled: Encompass, cluster: Cluster, take: Callable[..., int]
) -> None:
    raw = roll(1, 2)
    assert take("roll", "again", raw, mis_csv()) == 0
    assert take("roll", "again", raw, mis_csv()) == 0
    found = rows(rolled, "SELECT number, sha256 FROM encompass.generation WHERE source = 'again'")
    assert [(f.number, bytes(f.sha256)) for f in found] == [(1, hashlib.sha256(raw).digest())]


def test_two_who_take_one_register_at_once_take_it_once(rolled: Encompass, cluster: Cluster) -> None:
    """Both have fetched it before either stores it; the second finds that it has come."""
    both, run, stored = threading.Barrier(2), cluster.run(rolled), threading.Semaphore(0)
    raw = roll(1, 2, 3)

    def fetch(_: object) -> bytes:
        both.wait(30)
        return raw

    def store(at: registers.At, stream: BinaryIO) -> registers.Taken:
        stored.release()
        time.sleep(0.5)  # long enough for the other to come in here too, were it let
        return mis_csv()(at, stream)

    def refresh() -> int:
        register = Register("roll", "test", fetch, store)
        return refresh_rolls(rolled.database.engine(Role.PIPELINE), rolled.ring, [register], run)

    with ThreadPoolExecutor(2) as pool:
        assert [f.result(30) for f in [pool.submit(refresh) for _ in range(2)]] == [0, 0]
    assert stored.acquire(blocking=False)
    assert not stored.acquire(blocking=False)
    assert pupils(rolled, "test") == 3
    assert len(rows(rolled, "SELECT 1 FROM encompass.generation WHERE source = 'test'")) == 1
