"""Cover: who stands in for a Key Adult for some days. Naming somebody opens nothing to him or her."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Final, Generic, TypeVar
from uuid import UUID

from encompass.domain.own_contact import NewContact
from encompass.domain.school import KeyAdultEntry, KeyAdultRole

K = TypeVar("K")
LONGEST: Final = timedelta(days=100)
FURTHEST: Final = timedelta(days=400)


class CoverRule(StrEnum):
    """Whether the nudges of those days go to the stand-in instead, or to both: forces differ."""

    INSTEAD = "instead"
    AS_WELL = "as_well"


class CoverState(StrEnum):
    """Why a cover does not hold yet, or that it does."""

    UNCONFIRMED = "unconfirmed"
    NOT_BOUND = "not_bound"
    READY = "ready"


class CoverFault(StrEnum):
    """Why a cover is not taken."""

    NO_FIRST_DAY = "no_first_day"
    NO_LAST_DAY = "no_last_day"
    IN_THE_PAST = "in_the_past"
    TOO_FAR = "too_far"
    ENDS_BEFORE_IT_BEGINS = "ends_before_it_begins"
    TOO_LONG = "too_long"
    OVERLAPS = "overlaps"
    NOBODY = "nobody"
    NOT_THERE = "not_there"
    ALREADY = "already"
    AWAY_TOO = "away_too"
    NAME = "name"
    EMAIL = "email"
    PHONE = "phone"


@dataclass(frozen=True)
class Cover(Generic[K]):
    """Who stands in for whom; first and last day included."""

    adult: K
    stand_in: K
    first: date
    last: date


@dataclass(frozen=True)
class NamedCover:
    """A cover as the school's page shows it, by names; `is_own` where the viewer may end it."""

    cover_id: UUID
    adult: UUID
    adult_name: str = field(repr=False)
    stand_in: UUID | None
    stand_in_name: str = field(repr=False)
    first: date
    last: date
    state: CoverState
    is_own: bool


@dataclass(frozen=True)
class WantedCover:
    """What a Key Adult asks for: by one of the register, or by somebody new."""

    first: date
    last: date
    stand_in: UUID | NewContact = field(repr=False)


@dataclass(frozen=True)
class CoverPage:
    """What a Key Adult sees of cover: who stands in for whom, and the others of the school who could."""

    covers: tuple[NamedCover, ...]
    others: tuple[tuple[UUID, str], ...] = field(repr=False)


def with_cover(
    adults: Sequence[tuple[K, KeyAdultEntry]], covers: Iterable[Cover[K]], day: date, rule: CoverRule
) -> list[tuple[K, KeyAdultEntry]]:
    """A recipient's contacts as they stand on that day.

    Whoever stands in for a lead leads. Where the force says instead, the one covered is away: told all the same when
    nobody else can be. A cover by somebody who is not a contact that day changes nothing.
    """
    standing = dict(adults)
    for cover in covers:
        covered, stand_in = standing.get(cover.adult), standing.get(cover.stand_in)
        if covered is None or stand_in is None or not cover.first <= day <= cover.last:
            continue
        if covered.role is not KeyAdultRole.DEPUTY:
            standing[cover.stand_in] = replace(stand_in, role=covered.role)
        if rule is CoverRule.INSTEAD:
            standing[cover.adult] = replace(covered, away_from=cover.first, away_to=cover.last)
    return list(standing.items())


def fault_of_cover(
    wanted: WantedCover, own: UUID, others: Iterable[NamedCover], today: date
) -> CoverFault | None:
    """Why these days may not be covered so, None when they may. `others` are the school's covers that stand."""
    if wanted.first < today:
        return CoverFault.IN_THE_PAST
    if wanted.last < wanted.first:
        return CoverFault.ENDS_BEFORE_IT_BEGINS
    if wanted.last - wanted.first > LONGEST:
        return CoverFault.TOO_LONG
    if wanted.last - today > FURTHEST:
        return CoverFault.TOO_FAR
    away = {c.adult for c in others if c.first <= wanted.last and wanted.first <= c.last}
    if own in away:
        return CoverFault.OVERLAPS
    return CoverFault.AWAY_TOO if wanted.stand_in in away else None
