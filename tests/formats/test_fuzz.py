"""Files of every format, changed at random: each record is taken or refused with a code, and nothing else happens.

`FUZZ` is how many files are changed (`make prove` changes 100,000).
"""

from __future__ import annotations

import json
import os
import random
import resource
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any, BinaryIO

import pytest

from encompass.domain.incident import RefusedRecord
from encompass.domain.school import CalendarScope, RollEntry
from encompass.formats.archives import unpacked
from encompass.formats.calendar import read_calendar_csv, read_calendar_ics
from encompass.formats.ctf import read_ctf
from encompass.formats.faults import BrokenFile
from encompass.formats.gias import read_links, read_schools
from encompass.formats.key_adults import read_key_adults
from encompass.formats.mis_csv import read_roll
from encompass.formats.police_contract import read_records
from encompass.formats.police_mapping import read_rows_a_child
from encompass.formats.school_census import read_school_census
from encompass.formats.wonde import collected, read_collected, read_students
from sandbox.world import World, build_world, named_night
from sandbox.world.exports import CENSUS, CTF, WONDE
from tests.formats.test_police_mapping import FLAT, HEADER
from tests.formats.test_police_mapping import row as flat_row

FILES = int(os.environ.get("FUZZ", "3000"))
MOST_GROWN_MIB = 200
NASTY = [
    b"\x00", b"\xff", b"\xef\xbb\xbf", b'"', b"'", b",", b"\r\n", b"\r", b"<", b"&a;", b"]]>", b"\xed\xa0\x80", b"{", b"}",
    b"[", b"1e999", b"-0", b"null", b"\\u0000", b"\\ud800", b"9999-12-31", b"0000-00-00", b"=1+1", b"<script>", b"\x1a",
    b"A" * 3000, b"\xe2\x80\xae", b"NaN", b"99999999999999999999999999", b"\x1f\x8b", b"PK\x03\x04",
]  # fmt: skip
Reader = Callable[[BinaryIO], Iterable[object]]


def records(stream: BinaryIO) -> Iterable[object]:
    page = read_records(stream.read())
    return (*page.taken, *page.refused)


def samples(world: World) -> dict[str, tuple[bytes, Reader]]:
    """A good file of each format, a few records long, and its reader."""
    students = json.dumps({"data": world.wonde_students(next(iter(WONDE)))[:3]}).encode()
    page = json.dumps({"records": world.records[:3], "next": None}).encode()
    return {
        "gias": (first_lines(world.gias_csv(), 4), read_schools),
        "links": (b"URN,LinkURN,LinkName,LinkType,LinkEstablishedDate\r\n1,2,B,Successor,01-09-2020\r\n", read_links),
        "roll": (first_lines(world.pupils_csv("212"), 5), read_roll),
        "key adults": (first_lines(world.key_adults_csv(), 4), read_key_adults),
        "calendar": (world.school_days_csv(), read_calendar_csv),
        "icalendar": (world.calendar_ics(102884), lambda s: read_calendar_ics(s, CalendarScope.SCHOOL, "1")),
        "ctf": (first_pupils(world.roll_xml(next(iter(CTF))), "Pupil", "</CTFpupilData></CTfile>"), ctf),
        "census": (world.roll_xml(CENSUS[0]) or b"", lambda s: read_school_census(s, lambda _: 1)),
        "wonde": (students, lambda s: read_students(s.read(), 1)),
        "collected": (collected([students], [], is_whole=True), lambda s: read_collected(s.read(), 1)),
        "police json": (page, records),
        "police csv": ((HEADER + flat_row("R1", "C1") + flat_row("R2", "C2")).encode(), lambda s: read_rows_a_child(s, FLAT)),
    }  # fmt: skip


def ctf(stream: BinaryIO) -> Iterable[object]:
    return read_ctf(stream, lambda _: 1)


def first_lines(raw: bytes, count: int) -> bytes:
    return b"\r\n".join(raw.split(b"\r\n")[:count]) + b"\r\n"


def first_pupils(raw: bytes | None, name: str, tail: str) -> bytes:
    assert raw is not None
    end = f"</{name}>".encode()
    return end.join(raw.split(end)[:3]) + end + tail.encode()


def changed(drawn: random.Random, raw: bytes) -> bytes:
    """The file with a few things wrong: bytes put in, taken out, doubled, exchanged, cut off."""
    for _ in range(drawn.randrange(1, 5)):
        at, length = drawn.randrange(len(raw) + 1), drawn.choice((1, 2, 5, 40))
        match drawn.randrange(6):
            case 0:
                raw = raw[:at] + drawn.choice(NASTY) + raw[at:]
            case 1:
                raw = raw[:at] + raw[at + length :]
            case 2:
                raw = raw[: at + length] + raw[at:]
            case 3:
                raw = raw[:at] + drawn.randbytes(length) + raw[at + length :]
            case 4:
                lines = raw.split(b"\n")
                drawn.shuffle(lines)
                raw = b"\n".join(lines)
            case _:
                raw = (
                    raw[:at] if drawn.random() < 0.3 else raw[:at] + drawn.choice(NASTY) + raw[at + length :]
                )
    return raw


def outcome(raw: bytes, read: Reader) -> tuple[int, int] | str:
    """How many records were taken and refused, or why the file was refused whole. Anything else is a defect."""
    taken = refused = 0
    try:
        with unpacked(BytesIO(raw), len(raw)) as stream:
            for item in read(stream):
                if isinstance(item, RefusedRecord):
                    assert item.reason
                    refused += 1
                else:
                    taken += 1
    except BrokenFile as fault:
        assert fault.reason
        return fault.reason
    return taken, refused


def test_whatever_is_changed_every_record_is_taken_or_refused_with_a_code() -> None:
    world = build_world(*named_night("small"))
    good = samples(world)
    for name, (raw, read) in good.items():
        found = outcome(raw, read)
        assert isinstance(found, tuple), (name, found)
        assert found[0] > 0, name
        assert found[1] == 0 or name == "police json", (name, found)
    drawn = random.Random(20260310)
    seen: dict[str, int] = {"taken": 0, "refused": 0, "whole": 0}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    names = sorted(good)
    for number in range(FILES):
        name = names[number % len(names)]
        raw, read = good[name]
        found = outcome(changed(drawn, raw), read)
        if isinstance(found, str):
            seen["whole"] += 1
        else:
            seen["taken"] += found[0]
            seen["refused"] += found[1]
    assert all(seen.values()), seen
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < MOST_GROWN_MIB


@pytest.mark.parametrize("seed", range(5))
def test_a_row_changed_at_random_harms_no_neighbour(seed: int) -> None:
    """Of forty rows one is spoilt, quotes and all; the other thirty-nine are read as before, and none is lost."""
    world = build_world(*named_night("small"))
    lines = world.pupils_csv("212").split(b"\r\n")[:41]
    whole = {e.pupil_ref: e for e in read_roll(BytesIO(b"\r\n".join(lines))) if isinstance(e, RollEntry)}
    drawn = random.Random(seed)
    for _ in range(FILES // 50):
        at = drawn.randrange(1, 41)
        spoilt = changed(drawn, lines[at]).replace(b"\n", b" ").replace(b"\r", b" ")
        found = list(read_roll(BytesIO(b"\r\n".join([*lines[:at], spoilt, *lines[at + 1 :]]))))
        read: dict[str, Any] = {e.pupil_ref: e for e in found if isinstance(e, RollEntry)}
        own = lines[at].split(b",")[0].decode()
        for reference, entry in whole.items():
            assert reference == own or read.get(reference) == entry, (spoilt, reference)
