"""Small builders: pupils on rolls and children as police name them, and the engine over them in memory."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from uuid import UUID

from encompass.domain.placement import Decision
from encompass.domain.school import EnrolStatus
from encompass.matching.blocking import child_keys, household_keys, roll_keys
from encompass.matching.comparison import Frequencies
from encompass.matching.decision import Case, Found, decide_incident, rank
from encompass.matching.enrolment import Enrolment
from encompass.matching.normalise import name_words, normalise_name, place_of
from encompass.matching.parameters import Parameters, read_parameters
from encompass.matching.person import Person, known_surnames

ROOT = Path(__file__).parents[2]
PARAMETERS = read_parameters(ROOT / "config" / "matching" / "2026-11.toml")
DAY = date(2026, 3, 10)
HOME = ("TW1 1AA", "12 Plum Street")
PUPILS = 30_000


def person(
    forename: str = "Aisha",
    surname: str = "Crumplewick",
    born: date | None = date(2015, 5, 14),
    *,
    further: str = "",
    sex: str | None = None,
    home: tuple[str | None, str | None] = HOME,
    former: str = "",
    upn: str | None = None,
    schools: Iterable[int] = (),
) -> Person:
    """Somebody, whether police or a school wrote it."""
    words = name_words(surname) if surname else ()
    return Person(
        forenames=tuple(dict.fromkeys(n for n in (normalise_name(forename), *name_words(forename)[:1]) if n)),
        further=(*name_words(forename)[1:], *name_words(further)),
        surnames=tuple(dict.fromkeys(n for n in (normalise_name(surname), "".join(words)) if n)),
        former=(normalise_name(former),) if former else (),
        barrels=words,
        born=born,
        sex=sex,
        place=place_of(*home),
        upn=upn,
        schools=frozenset(schools),
    )


def on_roll(number: int, who: Person, urn: int = 100001, **changes: object) -> Enrolment:
    """A row of a roll."""
    row = Enrolment(UUID(int=number), urn, who, EnrolStatus.SINGLE, date(2020, 9, 1), None, stale=False)
    return replace(row, **changes)


def frequencies(rows: Sequence[Enrolment], pupils: int = PUPILS) -> Frequencies:
    """Those of these rows among thirty thousand: every name here is rare."""
    return Frequencies(
        pupils=pupils,
        forenames=Counter(f for row in rows for f in row.person.forenames),
        surnames=Counter(s for row in rows for s in known_surnames(row.person)),
        birth_dates={},
        birth_years=tuple(range(2005, 2023)),
        same_birth_date=1 / 5500,
    )


def case_of(
    child: Person, rows: Sequence[Enrolment], known: Frequencies, parameters: Parameters = PARAMETERS
) -> Case:
    """The child's case over these rows, found by the same keys as in the database."""
    blocks: Mapping[str, list[Enrolment]] = defaultdict(list)
    for row in rows:
        for key in roll_keys(row.person):
            blocks[key].append(row)

    def find(keys: Iterable[str]) -> Found:
        ids = {row.pupil_id for key in keys for row in blocks.get(key, ())}
        return Found(tuple(row for row in rows if row.pupil_id in ids), cut=False)

    found = find(child_keys(child, parameters.spellings, known.birth_years))
    ranked = rank(child, DAY, found, known, parameters)
    kin = find({key for r in ranked[:5] for row in r.rows for key in household_keys(row.person)})
    return Case(child, DAY, ranked, cut=False, kin=kin.rows)


def decide(
    child: Person,
    rows: Sequence[Enrolment],
    *,
    known: Frequencies | None = None,
    parameters: Parameters = PARAMETERS,
) -> Decision:
    """What becomes of a child named alone."""
    frozen = known or frequencies(rows)
    return decide_incident({"child": case_of(child, rows, frozen, parameters)}, frozen.pupils, parameters)[
        "child"
    ]


def decide_all(children: Mapping[str, Person], rows: Sequence[Enrolment]) -> dict[str, Decision]:
    """What becomes of the children of one incident."""
    known = frequencies(rows)
    cases = {name: case_of(child, rows, known) for name, child in children.items()}
    return decide_incident(cases, known.pupils, PARAMETERS)
