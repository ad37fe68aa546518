"""How often each level of agreement was seen, and what that makes of a version's m and u."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from encompass.domain.placement import FieldEvidence
from encompass.matching.parameters import LEVELS

LevelOf = tuple[str, str]
LEAST: Final = 1e-6
MOST: Final = 0.9999
OF_SOME_CHILDREN: Final = frozenset({("surname", "barrel"), ("born", "year_of_1_january")})
KEPT_U: Final = frozenset(("place", level) for level in LEVELS["place"])


@dataclass(frozen=True)
class Shares:
    """The share of one child's records (m), or of two children's (u), that show each level; and of how many.

    A field that nobody fills in has no level here. Of what a version says the counts are 0.
    """

    m: Mapping[LevelOf, float]
    u: Mapping[LevelOf, float]
    records: float = 0
    pairs: float = 0


def blended(current: Shares, seen: Shares, worth: float) -> Shares:
    """The current shares moved by what was seen, as though they rested on `worth` records (and pairs) themselves.

    That is the mean of a Dirichlet distribution with the current shares for its prior (Gelman et al., Bayesian Data
    Analysis, 3.4): a few records move little, many move all. Some stay as they are: those of `OF_SOME_CHILDREN`,
    which are of those with two surnames, or a 1 January, where an estimate is of all; a level that no pair of
    different children showed; and the u of a home (`KEPT_U`), since two random pupils share none, but the two
    who are mistaken for each other are siblings, who do, as they share the surname.
    """
    unseen = frozenset(current.u.keys() - seen.u.keys() if seen.pairs else ())
    kept = OF_SOME_CHILDREN | unseen
    return Shares(
        {key: _mean(share, seen.m, key, seen.records, worth, kept) for key, share in current.m.items()},
        {
            key: _mean(share, seen.u, key, seen.pairs, worth, kept | KEPT_U)
            for key, share in current.u.items()
        },
    )


def _mean(
    share: float,
    seen: Mapping[LevelOf, float],
    key: LevelOf,
    count: float,
    worth: float,
    kept: frozenset[LevelOf],
) -> float:
    if key in kept or not any(table == key[0] for table, _ in seen):
        return share
    return min(MOST, max(LEAST, (worth * share + count * seen.get(key, 0.0)) / (worth + count)))


def counted(matches: Iterable[Iterable[FieldEvidence]]) -> Shares:
    """The m of matches that are taken to be right, each told by the fields of its evidence."""
    at: Counter[LevelOf] = Counter()
    filled: Counter[str] = Counter()
    records = 0
    for fields in matches:
        records += 1
        for field in fields:
            if field.level in LEVELS.get(field.field, ()):
                at[field.field, field.level] += 1
                filled[field.field] += 1
    return Shares({key: number / filled[key[0]] for key, number in at.items()}, {}, records)
