"""Large files read by us, checked and typed, beside the plain parser; each in a process of its own."""

from __future__ import annotations

import csv
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from xml.etree.ElementTree import iterparse

from encompass.domain.incident import RefusedRecord
from encompass.formats.ctf import read_ctf
from encompass.formats.faults import Remark
from encompass.formats.gias import read_schools
from encompass.formats.mis_csv import read_roll
from sandbox.world import build_world, named_night
from sandbox.world.exports import CTF
from sandbox.world.pupils import gias_bytes

PUPILS = 1_000_000
SCHOOLS = 50_000


@dataclass(frozen=True)
class Reading:
    """One file read two ways. Times in seconds, the peak in MiB of our reading's process."""

    what: str
    records: int
    ours: float
    plain: float
    peak: float


def readings(pupils: int = PUPILS) -> list[Reading]:
    """A roll of so many pupils as CSV and as a common transfer file, and a school register of 50,000 rows."""
    with tempfile.TemporaryDirectory(prefix="encompass-bench-") as name:
        folder = Path(name)
        files = {
            "csv": (f"{pupils:,} pupils, CSV", _csv(folder / "roll.csv", pupils)),
            "ctf": (f"{pupils:,} pupils, CTF XML", _ctf(folder / "roll.xml", pupils)),
            "gias": (f"{SCHOOLS:,} schools, GIAS", _gias(folder / "gias.csv", SCHOOLS)),
        }
        return [_reading(kind, what, file) for kind, (what, file) in files.items()]


def _reading(kind: str, what: str, file: Path) -> Reading:
    seconds, peak, records = _in_a_process(kind, file)
    plain, _, _ = _in_a_process(f"plain {'ctf' if kind == 'ctf' else 'csv'}", file)
    return Reading(what, records, seconds, plain, peak)


def _in_a_process(how: str, file: Path) -> tuple[float, float, int]:
    command = [sys.executable, "-W", "ignore", "-m", "bench.intake", how, str(file)]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return told["seconds"], told["peak"], told["records"]


def _csv(file: Path, pupils: int) -> Path:
    header = "pupil_ref,urn,upn,legal_forename,middle_names,legal_surname,date_of_birth,sex,postcode,address,enrol_status,nc_year,entry_date,leaving_date\r\n"  # noqa: E501
    with file.open("w", encoding="utf-8", newline="") as out:
        out.write(header)
        for n in range(pupils):
            out.write(
                f"P{n},{100000 + n % 400},,Aisha{n % 97},Bea,Crumplewick{n % 997},"
                f"{2008 + n % 10}-{1 + n % 12:02d}-{1 + n % 28:02d},F,"
                f'TW1 {n % 9}AA,"{n % 120} Plum Street, Upper",C,{n % 11},2020-09-01,\r\n'
            )
    return file


def _ctf(file: Path, pupils: int) -> Path:
    whole = build_world(*named_night("small")).roll_xml(next(iter(CTF))) or b""
    head, _, rest = whole.partition(b"<Pupil>")
    own = [b"<Pupil>" + p for p in rest.partition(b"</CTFpupilData>")[0].split(b"<Pupil>")]
    with file.open("wb") as out:
        out.write(head)
        for n in range(pupils):
            pupil = own[n % len(own)]
            start = pupil.find(b"<Surname>")
            out.write(b"<Pupil><UPN>%013d</UPN>" % n + pupil[start:])
        out.write(b"</CTFpupilData></CTfile>")
    return file


def _gias(file: Path, schools: int) -> Path:
    header, *rows = gias_bytes().splitlines(keepends=True)
    with file.open("wb") as out:
        out.write(header)
        for n in range(schools):
            out.write(b"%d," % (200000 + n) + rows[n % len(rows)].split(b",", 1)[1])
    return file


def _main(how: str, file: Path) -> None:
    read: dict[str, Callable[[BinaryIO], Iterable[object]]] = {
        "csv": read_roll,
        "ctf": lambda s: read_ctf(s, lambda _: None),
        "gias": read_schools,
        "plain csv": lambda s: csv.reader(line.decode("cp1252", "replace") for line in s),
        "plain ctf": _plain,
    }
    with file.open("rb") as stream:
        started = time.perf_counter()
        records = sum(not isinstance(item, RefusedRecord | Remark) for item in read[how](stream))
        seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak": peak, "records": records}))


def _plain(stream: BinaryIO) -> Iterable[object]:
    """Every pupil by plain iterparse, its text looked at, and forgotten."""
    for _, element in iterparse(stream):
        if element.tag == "Pupil":
            yield {e.tag: e.text for e in element.iter()}
            element.clear()


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]))
