"""Where a child named in an incident was placed: with a school, with a person, or out of scope."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from encompass.domain.transitions import check_move


class PlacementStatus(StrEnum):
    """The state of one involvement's placement."""

    UNPLACED = "unplaced"
    PLACED = "placed"
    IN_REVIEW = "in_review"
    NOT_FOUND = "not_found"
    REFERRED = "referred"
    EXCLUDED = "excluded"


class ReviewReason(StrEnum):
    """Why a person has to decide."""

    AMBIGUOUS = "ambiguous"
    PARTIAL = "partial"
    GUEST = "guest"
    NO_CURRENT_ENROLMENT = "no_current_enrolment"
    MANY_FIT = "many_fit"
    NO_KEY_ADULT = "no_key_adult"
    CORRECTED = "corrected"


class ExclusionReason(StrEnum):
    """Why a child named by police is outside the duty. Each is counted."""

    RETRACTED = "retracted"
    NOT_DOMESTIC_ABUSE = "not_domestic_abuse"
    NOT_RELATED = "not_related"
    OUTSIDE_AREA = "outside_area"
    ADULT = "adult"
    UNDER_RECEPTION_AGE = "under_reception_age"


PLACEMENT_MOVES: Final[Mapping[PlacementStatus, frozenset[PlacementStatus]]] = {
    PlacementStatus.UNPLACED: frozenset(
        {
            PlacementStatus.PLACED,
            PlacementStatus.IN_REVIEW,
            PlacementStatus.NOT_FOUND,
            PlacementStatus.EXCLUDED,
        }
    ),
    PlacementStatus.IN_REVIEW: frozenset(
        {
            PlacementStatus.NOT_FOUND,
            PlacementStatus.PLACED,
            PlacementStatus.REFERRED,
            PlacementStatus.EXCLUDED,
        }
    ),
    PlacementStatus.NOT_FOUND: frozenset(
        {
            PlacementStatus.IN_REVIEW,
            PlacementStatus.PLACED,
            PlacementStatus.REFERRED,
            PlacementStatus.EXCLUDED,
        }
    ),
    PlacementStatus.PLACED: frozenset({PlacementStatus.IN_REVIEW, PlacementStatus.EXCLUDED}),
    PlacementStatus.REFERRED: frozenset({PlacementStatus.IN_REVIEW, PlacementStatus.EXCLUDED}),
    PlacementStatus.EXCLUDED: frozenset({PlacementStatus.IN_REVIEW}),
}


def move_placement(current: PlacementStatus, wanted: PlacementStatus) -> PlacementStatus:
    """The wanted status, or IllegalMove."""
    return check_move("placement", PLACEMENT_MOVES, current, wanted)


@dataclass(frozen=True)
class Agreement:
    """Which fields of one candidate agree with the child after normalisation."""

    pupil_id: UUID
    forename: bool
    surname: bool
    date_of_birth: bool

    @property
    def agreeing(self) -> int:
        """How many of the three fields agree."""
        return self.forename + self.surname + self.date_of_birth


@dataclass(frozen=True)
class Evidence:
    """What a decision rested on, by pupil id only: enough to reproduce it from the same roll generations."""

    rule: str
    candidates: tuple[Agreement, ...]


@dataclass(frozen=True)
class Matched:
    """One pupil, currently enrolled at these schools, each of which is to be told."""

    pupil_id: UUID
    urns: tuple[int, ...]
    evidence: Evidence


@dataclass(frozen=True)
class NeedsReview:
    """A person decides, with the candidates shown."""

    reason: ReviewReason
    evidence: Evidence


@dataclass(frozen=True)
class NotFound:
    """No pupil on any roll held shares enough with the child."""

    evidence: Evidence


Decision = Matched | NeedsReview | NotFound
