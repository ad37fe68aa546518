"""Rolls and children of any size with known truth, in the columns of `encompass match-files`; nobody is real.

Names are drawn as often as they stand in `bench/cases/uk_30k`, and forenames half the time beside a
common surname that they stand with there. Households of one to four children; one birth in seventy is of twins.
"""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from bench.cases import UK_30K, rows_of
from encompass.formats.match_files import CHILD_COLUMNS, ROLL_COLUMNS

FIRST_BIRTH = date(2007, 9, 1)
BIRTH_DAYS = 14 * 365
STREETS = [
    "Station Road",
    "Church Lane",
    "Mill Road",
    "The Green",
    "High Street",
    "Park Avenue",
    "Victoria Road",
    "Elm Grove",
    "Kings Close",
    "Queens Drive",
]
AREAS = [
    "AL",
    "BA",
    "BN",
    "CF",
    "CT",
    "DE",
    "EX",
    "GL",
    "HR",
    "LN",
    "ME",
    "NG",
    "OX",
    "PO",
    "RG",
    "SN",
    "TA",
    "WR",
    "YO",
]
INWARD = "ABDEFGHJLNPQRSTUWXYZ"
KEYS = {
    a: b for row in ("qwertyuiop", "asdfghjkl", "zxcvbnm") for a, b in zip(row, row[1:] + row[0], strict=True)
}
OFF_ROLL = 0.15
TWINS = 1 / 70
MANY = 20


@dataclass
class Pupil:
    """One pupil; `forenames_at_home` are the household's."""

    ref: str
    urn: int
    forename: str
    surname: str
    former: str
    born: date
    sex: str
    postcode: str
    address: str
    household: int


@dataclass
class Names:
    """Forenames by sex, those that stand with a surname, and surnames, each as often as in the cases."""

    forenames: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    beside: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    surnames: list[str] = field(default_factory=list)
    said: dict[str, list[str]] = field(default_factory=dict)

    def forename(self, rng: random.Random, sex: str, surname: str) -> str:
        """A forename, half the time one that goes with the surname."""
        beside = self.beside.get((sex, surname), ())
        return rng.choice(beside if len(beside) >= MANY and rng.random() < 0.5 else self.forenames[sex])

    def another(self, rng: random.Random, sex: str, surname: str, taken: set[str]) -> str:
        """A forename that nobody of these goes by."""
        while True:
            forename = self.forename(rng, sex, surname)
            if forename not in taken:
                return forename


def names() -> Names:
    """The names of the cases, and how the cases' children are called otherwise (nicknames, transliterations)."""
    found = Names()
    pupils = {}
    for row in rows_of(UK_30K / "roll.csv.gz"):
        pupils[row["pupil_ref"]] = row
        found.forenames[row["sex"]].append(row["legal_forename"])
        found.beside[row["sex"], row["legal_surname"]].append(row["legal_forename"])
        found.surnames.append(row["legal_surname"])
    children = {row["child_ref"]: row for row in rows_of(UK_30K / "children.csv")}
    for truth in rows_of(UK_30K / "truth.csv"):
        if truth["pupil_ref"] and {"nick", "translit"} & set(truth["noise"].split("+")):
            known = pupils[truth["pupil_ref"]]["legal_forename"]
            found.said.setdefault(known, []).append(children[truth["child_ref"]]["forename"])
    return found


def pupils(count: int, seed: int) -> Iterator[Pupil]:
    """That many pupils, household after household."""
    rng, drawn = random.Random(f"{seed}|pupils"), names()
    postcodes = [_postcode(rng) for _ in range(max(count // 33, 10))]
    schools = max(count // 400, 5)
    number = household = 0
    while number < count:
        household += 1
        surname, former = (
            rng.choice(drawn.surnames),
            rng.choice(drawn.surnames) if rng.random() < 0.04 else "",
        )
        postcode, address = rng.choice(postcodes), f"{rng.randint(1, 140)} {rng.choice(STREETS)}"
        near = rng.randrange(schools)
        born: list[date] = []
        for _ in range(rng.choice((1, 1, 1, 2, 2, 2, 3, 3, 4))):
            twin = born and rng.random() < TWINS * 2
            born.append(born[-1] if twin else FIRST_BIRTH + timedelta(days=rng.randrange(BIRTH_DAYS)))
        taken: set[str] = set()
        for day in born[: count - number]:
            sex = rng.choice("FM")
            forename = drawn.another(rng, sex, surname, taken)
            taken.add(forename)
            urn = 100000 + (near + rng.randrange(3)) % schools
            yield Pupil(f"P{number}", urn, forename, surname, former, day, sex, postcode, address, household)
            number += 1


def write(folder: Path, count: int, children: int, seed: int) -> None:
    """`roll.csv`, `children.csv` and `truth.csv` in a folder."""
    rng = random.Random(f"{seed}|children")
    chance = min(1.0, 2.0 * children / count)
    homes: list[list[Pupil]] = []
    with (folder / "roll.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(ROLL_COLUMNS)
        for home in _by_household(pupils(count, seed)):
            writer.writerows(_roll_row(p) for p in home)
            if rng.random() < chance:
                homes.append(home)
    rng.shuffle(homes)
    _write_children(folder, homes, children, rng)


def _write_children(
    folder: Path, homes: Sequence[Sequence[Pupil]], children: int, rng: random.Random
) -> None:
    drawn, number, incident = names(), 0, 0
    with (
        (folder / "children.csv").open("w", encoding="utf-8", newline="") as listed,
        (folder / "truth.csv").open("w", encoding="utf-8", newline="") as known,
    ):
        rows, truth = csv.writer(listed), csv.writer(known)
        rows.writerow(CHILD_COLUMNS)
        truth.writerow(("child_ref", "pupil_ref", "kind", "noise"))
        for home in homes:
            incident += 1
            for kind, pupil in _named(rng, home):
                if number < children:
                    called = pupil if kind == "on" else _absent(rng, drawn, kind, pupil, home)
                    cells, noise = _as_police_write(rng, drawn, called, on_roll=kind == "on")
                    rows.writerow((f"C{number}", f"I{incident}", *cells))
                    truth.writerow((f"C{number}", pupil.ref if kind == "on" else "", kind, "+".join(noise)))
                    number += 1


def _named(rng: random.Random, home: Sequence[Pupil]) -> Iterator[tuple[str, Pupil]]:
    for pupil in home if rng.random() < 0.4 else [rng.choice(home)]:
        off = rng.random() < OFF_ROLL
        yield (rng.choice(("off", "off", "off_sib", "off_twin")) if off else "on"), pupil


def _absent(rng: random.Random, drawn: Names, kind: str, beside: Pupil, home: Sequence[Pupil]) -> Pupil:
    """A child on no roll: a stranger, or a sibling or twin of a pupil, at the same address."""
    sex = rng.choice("FM")
    here = {p.forename for p in home}
    if kind == "off":
        surname = rng.choice(drawn.surnames)
        postcode, address = _postcode(rng), f"{rng.randint(1, 140)} {rng.choice(STREETS)}"
        born = FIRST_BIRTH + timedelta(days=rng.randrange(BIRTH_DAYS))
        return Pupil("", 0, drawn.forename(rng, sex, surname), surname, "", born, sex, postcode, address, 0)
    forename = drawn.another(rng, sex, beside.surname, here)
    born = (
        beside.born
        if kind == "off_twin"
        else beside.born + timedelta(days=rng.choice((-1, 1)) * rng.randint(300, 1500))
    )
    return Pupil("", 0, forename, beside.surname, "", born, sex, beside.postcode, beside.address, 0)


class _Noise:
    """What goes wrong in one record, and the names of what went wrong."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.happened: list[str] = []

    def happens(self, name: str, chance: float) -> bool:
        """Whether it goes wrong this time."""
        if self.rng.random() < chance:
            self.happened.append(name)
            return True
        return False


def _as_police_write(
    rng: random.Random, drawn: Names, p: Pupil, *, on_roll: bool
) -> tuple[tuple[str, ...], list[str]]:
    noise = _Noise(rng)
    forename, surname = _forename(noise, drawn, p.forename), _surname(noise, drawn, p)
    if noise.happens("swap", 0.006):
        forename, surname = surname, forename
    born, sex = _born(noise, p.born), p.sex
    if noise.happens("nosex", 0.02):
        sex = ""
    elif noise.happens("sex", 0.006):
        sex = "F" if sex == "M" else "M"
    postcode, address = _home(noise, p)
    school = str(p.urn) if on_roll and rng.random() < 0.2 else ""
    return (forename, "", surname, "", born, sex, postcode, address, school, ""), noise.happened


def _forename(noise: _Noise, drawn: Names, forename: str) -> str:
    if forename in drawn.said and noise.happens("nick", 0.3):
        forename = noise.rng.choice(drawn.said[forename])
    if noise.happens("ftypo", 0.08):
        return _slipped(noise.rng, forename)
    return forename[0] if noise.happens("finit", 0.01) else forename


def _surname(noise: _Noise, drawn: Names, p: Pupil) -> str:
    surname = p.surname
    if p.former and noise.happens("former", 0.4):
        surname = p.former
    elif noise.happens("otherparent", 0.045):
        surname = noise.rng.choice(drawn.surnames)
    elif noise.happens("dbl", 0.015):
        surname = f"{surname}-{noise.rng.choice(drawn.surnames)}"
    return _slipped(noise.rng, surname) if noise.happens("stypo", 0.045) else surname


def _home(noise: _Noise, p: Pupil) -> tuple[str, str]:
    rng = noise.rng
    if noise.happens("moved", 0.15):
        return _postcode(rng), f"{rng.randint(1, 140)} {rng.choice(STREETS)}"
    if noise.happens("nopc", 0.12):
        return "", ""
    return (p.postcode[:-1] + rng.choice(INWARD) if noise.happens("pctypo", 0.05) else p.postcode), p.address


def _born(noise: _Noise, born: date) -> str:
    rng = noise.rng
    if noise.happens("nodob", 0.1):
        return ""
    if noise.happens("jan1", 0.02):
        return f"{born.year}-01-01"
    if born.day <= 12 and noise.happens("ddmm", 0.03):
        return date(born.year, born.day, born.month).isoformat()
    if noise.happens("day", 0.03):
        return born.replace(day=rng.randint(1, 28)).isoformat()
    if noise.happens("year", 0.015):
        return born.replace(year=born.year + rng.choice((-1, 1)), day=min(born.day, 28)).isoformat()
    return born.isoformat()


def _slipped(rng: random.Random, name: str) -> str:
    at = rng.randrange(len(name))
    letter = KEYS.get(name[at].lower(), "e")
    return rng.choice(
        (
            name[:at] + name[at + 1 :],
            name[:at] + letter + name[at:],
            name[:at] + letter + name[at + 1 :],
            name[:at] + name[at + 1 : at + 2] + name[at] + name[at + 2 :],
        )
    )


def _by_household(everyone: Iterator[Pupil]) -> Iterator[list[Pupil]]:
    home: list[Pupil] = []
    for pupil in everyone:
        if home and home[0].household != pupil.household:
            yield home
            home = []
        home.append(pupil)
    if home:
        yield home


def _roll_row(p: Pupil) -> tuple[object, ...]:
    return (
        p.ref, p.urn, "", p.forename, "", p.surname, "", "", p.former, p.born, p.sex, p.postcode, p.address, "C",
        "2021-09-01", "",
    )  # fmt: skip


def _postcode(rng: random.Random) -> str:
    return (
        f"{rng.choice(AREAS)}{rng.randint(1, 40)} {rng.randint(0, 9)}{rng.choice(INWARD)}{rng.choice(INWARD)}"
    )
