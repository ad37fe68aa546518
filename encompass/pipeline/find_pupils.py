"""Which pupils the children of some incidents are: fetched in a few queries for all of them, decided one by one."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Generic, TypeVar
from uuid import UUID

from encompass import collector
from encompass.domain.placement import Decision
from encompass.matching.blocking import child_keys, household_keys
from encompass.matching.comparison import Frequencies
from encompass.matching.decision import Case, Found, decide_incident, may_match, rank
from encompass.matching.parameters import Parameters
from encompass.matching.person import Person
from encompass.store.candidate import Rolls

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True)
class Sought(Generic[K]):
    """A child to be found, in one incident, on one day. `claims` is the pupil whom a person already said it is."""

    key: K
    incident: Hashable
    child: Person = field(repr=False)
    day: date
    claims: UUID | None = None


def find_pupils(rolls: Rolls, sought: Sequence[Sought[K]], parameters: Parameters) -> dict[K, Decision]:
    """What becomes of each child. Give every child of an incident in one call: siblings lift each other."""
    with collector.at_rest():
        keys = [child_keys(s.child, parameters.spellings, rolls.birth_years) for s in sought]
        found = rolls.find(keys, parameters.limits.largest_block)
        known = _frequencies(rolls, sought, found)
        cases = [_case(s, f, known, parameters) for s, f in zip(sought, found, strict=True)]
        cases = _with_kin(rolls, cases, parameters)
        return _decided(sought, cases, rolls.frequencies(()).pupils, parameters)


def _frequencies(rolls: Rolls, sought: Iterable[Sought[K]], found: Iterable[Found]) -> Frequencies:
    return rolls.frequencies([*(s.child for s in sought), *(row.person for f in found for row in f.rows)])


def _case(sought: Sought[K], found: Found, known: Frequencies, parameters: Parameters) -> Case:
    ranked = rank(sought.child, sought.day, found, known, parameters)
    return Case(sought.child, sought.day, ranked, found.cut, claims=sought.claims)


def _with_kin(rolls: Rolls, cases: Sequence[Case], parameters: Parameters) -> list[Case]:
    """The cases that may match, with the households of their best pupils."""
    looked_at = [i for i, case in enumerate(cases) if may_match(case, parameters)]
    shown = parameters.limits.candidates
    keys = [
        frozenset(
            key for r in cases[i].ranked[:shown] for row in r.rows for key in household_keys(row.person)
        )
        for i in looked_at
    ]
    complete = list(cases)
    for i, kin in zip(looked_at, rolls.find(keys, parameters.limits.largest_block), strict=True):
        complete[i] = replace(cases[i], kin=kin.rows, cut=cases[i].cut or kin.cut)
    return complete


def _decided(
    sought: Sequence[Sought[K]], cases: Sequence[Case], pupils: int, parameters: Parameters
) -> dict[K, Decision]:
    incidents: dict[Hashable, dict[K, Case]] = {}
    for s, case in zip(sought, cases, strict=True):
        incidents.setdefault(s.incident, {})[s.key] = case
    decided: dict[K, Decision] = {}
    for together in incidents.values():
        decided |= decide_incident(together, pupils, parameters)
    return decided
