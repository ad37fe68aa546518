"""Thirty thousand fictional pupils in households, on the rolls of real schools."""

from __future__ import annotations

import csv
import io
import random
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from itertools import accumulate
from pathlib import Path

from sandbox.world import names

DATA = Path(__file__).parent.parent / "data"
PUPILS = 30_000
ALPHABET = "ABCDEFGHJKLMNPQRTUVWXYZ"  # pragma: allowlist secret
COLUMNS = [
    "pupil_ref",
    "urn",
    "upn",
    "legal_forename",
    "middle_names",
    "legal_surname",
    "preferred_forename",
    "preferred_surname",
    "former_surname",
    "date_of_birth",
    "sex",
    "postcode",
    "address",
    "enrol_status",
    "nc_year",
    "entry_date",
    "leaving_date",
]


@dataclass(frozen=True)
class RealSchool:
    """A school of the GIAS sample with the ages that it plausibly takes."""

    urn: int
    la_code: str
    low: int
    high: int
    weight: int


@dataclass(frozen=True)
class Pupil:
    """One row of a roll."""

    pupil_ref: str
    urn: int
    la_code: str
    upn: str
    forename: str
    surname: str
    born: date
    sex: str
    address: str
    town: str
    postcode: str
    household: int
    preferred_forename: str = ""
    preferred_surname: str = ""
    status: str = "C"
    entry: date = date(2025, 9, 1)
    left: date | None = None
    kind: str = "plain"


@dataclass
class Rolls:
    """Every roll row, with the pupils that special cases of a night are made from."""

    year: int
    schools: dict[int, RealSchool]
    rows: list[Pupil]
    by_kind: dict[str, list[Pupil]] = field(default_factory=dict)
    households: dict[int, list[Pupil]] = field(default_factory=dict)


@lru_cache(maxsize=1)
def gias_bytes() -> bytes:
    """The extract as GIAS would serve it."""
    return (DATA / "gias_sample.csv").read_bytes()


def school_year(night: date) -> int:
    """The calendar year in which the night's school year began."""
    return night.year if night.month >= 9 else night.year - 1


@lru_cache(maxsize=2)
def build_rolls(seed: str, year: int) -> Rolls:
    """The rolls of one school year: the same for every night of it."""
    rng = random.Random(f"{seed}|rolls|{year}")
    schools = _schools()
    rolls = Rolls(year, {s.urn: s for s in schools}, [])
    places = _Places(schools)
    household = 0
    while len(rolls.rows) < PUPILS - 310:
        household += 1
        rolls.rows += _household(rng, rolls, places, household)
    _special_rows(rng, rolls, schools)
    for row in rolls.rows:
        rolls.by_kind.setdefault(row.kind, []).append(row)
        rolls.households.setdefault(row.household, []).append(row)
    return rolls


@lru_cache(maxsize=2)
def rolls_of(seed: str, year: int, la_code: str) -> Rolls:
    """The rolls of one local authority alone, as a partnership that works with no other has them."""
    every = build_rolls(seed, year)
    own = Rolls(year, {u: s for u, s in every.schools.items() if s.la_code == la_code}, [])
    for row in every.rows:
        if row.la_code == la_code:
            own.rows.append(row)
            own.by_kind.setdefault(row.kind, []).append(row)
            own.households.setdefault(row.household, []).append(row)
    return own


def nc_year(rolls: Rolls, pupil: Pupil) -> str:
    """The national curriculum year."""
    return f"{max(0, rolls.year - _reception(pupil.born)) or 'R'}"


def _reception(born: date) -> int:
    return born.year + (4 if (born.month, born.day) < (9, 1) else 5)


def _schools() -> list[RealSchool]:
    rows = csv.DictReader(io.StringIO(gias_bytes().decode("cp1252"), newline=""))
    return [_school(row) for row in rows]


def _school(row: dict[str, str]) -> RealSchool:
    phase, name = row["PhaseOfEducation (name)"], row["EstablishmentName"]
    secondary = phase == "Secondary" or any(
        w in name for w in ("High School", "Academy", "College", "Secondary")
    )
    if phase == "Nursery":
        low, high, weight = 3, 4, 1
    elif secondary and phase != "Primary":
        low, high, weight = 11, 16, 5
    elif "Infant" in name:
        low, high, weight = 4, 6, 2
    elif "Junior" in name:
        low, high, weight = 7, 10, 2
    else:
        low, high, weight = 4, 10, 2
    low = int(row["StatutoryLowAge"] or low)
    high = min(int(row["StatutoryHighAge"] or high + 1) - 1, 17)
    return RealSchool(int(row["URN"]), row["LA (code)"], max(low, 4), max(high, 4), weight)


def _household(rng: random.Random, rolls: Rolls, places: _Places, household: int) -> list[Pupil]:
    surname, address = names.surname(rng), names.street(rng)
    if rng.random() < 0.04:
        surname = f"{surname}-{names.surname(rng)}"
    town, postcode = names.town(rng)
    la = rng.choice(places.schools).la_code
    ages = sorted(rng.sample(range(4, 17), rng.choice((1, 1, 2, 2, 3))))
    twins = rng.random() < 0.015
    if twins:
        ages = [ages[0], *ages]
    used: set[str] = set()
    made: list[Pupil] = []
    for n, age in enumerate(ages):
        forename = rng.choice([f for f in names.FORENAMES if f not in used] if used else names.FORENAMES)
        used.add(forename)
        born = made[0].born if twins and n == 1 else _born(rng, rolls.year, age)
        urn = _school_for(rng, places, la, age, made)
        serial = len(rolls.rows) + n
        preferred = rng.choice(names.FORENAMES) if rng.random() < 0.03 else ""
        made.append(
            Pupil(f"P{serial:06d}", urn.urn, urn.la_code, _upn(urn, rolls.year - age + 5, serial, rng), forename,
                  surname, born, rng.choice("FM"), address, town, postcode, household,
                  preferred_forename=preferred, kind="twin" if twins and n < 2 else "plain")
        )  # fmt: skip
    return made


class _Places:
    """The schools that take an age, those of a household's own authority where it has any; found once for each."""

    def __init__(self, schools: list[RealSchool]) -> None:
        self.schools = schools
        self._known: dict[tuple[str, int], tuple[list[RealSchool], list[int]]] = {}

    def of(self, la: str, age: int) -> tuple[list[RealSchool], list[int]]:
        """These schools, and their weights summed up one by one."""
        if (la, age) not in self._known:
            taking = [s for s in self.schools if s.low <= age <= s.high]
            fitting = [s for s in taking if s.la_code == la] or taking
            self._known[la, age] = (fitting, list(accumulate(s.weight for s in fitting)))
        return self._known[la, age]


def _school_for(rng: random.Random, places: _Places, la: str, age: int, siblings: list[Pupil]) -> RealSchool:
    fitting, weights = places.of(la, age)
    theirs = {p.urn for p in siblings}
    same = next((s for s in fitting if s.urn in theirs), None) if theirs else None
    if same and rng.random() < 0.85:
        return same
    return rng.choices(fitting, cum_weights=weights)[0]


def _born(rng: random.Random, year: int, age: int) -> date:
    """Of this age on 31 August before the school year."""
    month, day = rng.randint(1, 12), rng.randint(1, 28)
    return date(year - age - (1 if month >= 9 else 0), month, day)


def _upn(school: RealSchool, year: int, serial: int, rng: random.Random) -> str:
    if rng.random() < 0.01:
        return ""
    la = school.la_code.zfill(3)[-3:]
    digits = f"{la}{serial // 1000 + 2000:04d}{year % 100:02d}{serial % 1000:03d}"
    if rng.random() < 0.01:
        digits = digits[:-1] + "A"
    values = [int(c) if c.isdigit() else ALPHABET.index(c) for c in digits]
    return ALPHABET[sum(p * v for p, v in enumerate(values, start=2)) % 23] + digits


def _special_rows(rng: random.Random, rolls: Rolls, schools: list[RealSchool]) -> None:
    """Dual registrations, leavers, guests, and pairs who share a name and a birth date."""
    plain = [
        i for i, p in enumerate(rolls.rows) if p.kind == "plain" and len(p.upn) == 13 and p.upn[-1].isdigit()
    ]
    chosen = rng.sample(plain, 700)
    for i in chosen[:150]:
        main = replace(rolls.rows[i], status="M", kind="dual")
        other = rng.choice([s for s in schools if s.urn != main.urn])
        rolls.rows[i] = main
        rolls.rows.append(
            replace(
                main,
                pupil_ref=f"S{i:06d}",
                urn=other.urn,
                la_code=other.la_code,
                status="S",
                kind="dual_second",
            )
        )
    for i in chosen[150:450]:
        rolls.rows[i] = replace(rolls.rows[i], left=date(rolls.year, 12, 19), kind="leaver")
        if i % 2:
            other = rng.choice([s for s in schools if s.urn != rolls.rows[i].urn])
            rolls.rows[i] = replace(rolls.rows[i], kind="mover")
            rolls.rows.append(
                replace(rolls.rows[i], pupil_ref=f"N{i:06d}", urn=other.urn, la_code=other.la_code, left=None,
                        entry=date(rolls.year + 1, 1, 5), kind="mover_second")
            )  # fmt: skip
    for i in chosen[450:490]:
        rolls.rows[i] = replace(rolls.rows[i], status="G", kind="guest")
    for i in chosen[490:500]:
        p = replace(rolls.rows[i], kind="double")
        rolls.rows[i] = p
        other = rng.choice([s for s in schools if s.urn != p.urn])
        rolls.rows.append(
            replace(p, pupil_ref=f"D{i:06d}", urn=other.urn, la_code=other.la_code, upn="", kind="double_second",
                    address=names.street(rng), household=-i)
        )  # fmt: skip
