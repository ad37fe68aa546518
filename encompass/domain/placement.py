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


class Veto(StrEnum):
    """Why a candidate is never an automatic match, whatever the score."""

    FORENAME = "forename"
    BIRTH_DATE = "birth_date"
    SEX = "sex"
    TWIN = "twin"
    COUSIN = "cousin"
    NAMESAKE = "namesake"
    TWO_DOUBTS = "two_doubts"
    COMMON_FIRST_NAME = "common_first_name"
    UPN = "upn"
    RECORDS_DIFFER = "records_differ"


class ReviewReason(StrEnum):
    """Why a person has to decide, where it is not a veto."""

    SCORE = "score"
    MARGIN = "margin"
    LARGE_BLOCK = "large_block"
    GUEST = "guest"
    NO_CURRENT_ENROLMENT = "no_current_enrolment"
    ROLLS_CONFLICT = "rolls_conflict"
    STALE_ROLL = "stale_roll"
    CLAIMED_TWICE = "claimed_twice"
    NO_KEY_ADULT = "no_key_adult"
    CORRECTED = "corrected"
    SCHOOL_CLOSED = "school_closed"
    SCHOOL_SPLIT = "school_split"
    SUCCESSOR_UNCONFIRMED = "successor_unconfirmed"
    NOT_OUR_PUPIL = "not_our_pupil"
    RECALLED = "recalled"
    DISPUTED = "disputed"
    NO_LONGER_NAMED = "no_longer_named"
    EIGHTEEN = "eighteen"
    UNDER_RECEPTION = "under_reception"
    OUTSIDE_ENGLAND_AND_WALES = "outside_england_and_wales"


ONLY_A_PERSON: Final = frozenset(
    {ReviewReason.NOT_OUR_PUPIL.value, ReviewReason.RECALLED.value, ReviewReason.DISPUTED.value}
)
"""Reasons for which no later record places the child by itself: a school has said, or been told, that it was wrong."""


NO_ROLL_HELD: Final = "no_roll_held"
"""Why a child is placed without a pupil: two people say that he or she is at a school whose roll is not held."""


class ExclusionReason(StrEnum):
    """Why a child named by police is outside the duty. Each is counted."""

    RETRACTED = "retracted"
    NOT_DOMESTIC_ABUSE = "not_domestic_abuse"
    NOT_RELATED = "not_related"
    OUTSIDE_AREA = "outside_area"
    ADULT = "adult"
    UNDER_RECEPTION_AGE = "under_reception_age"
    NO_LONGER_NAMED = "no_longer_named"


BEYOND_SCOPE: Final = (
    ReviewReason.EIGHTEEN,
    ReviewReason.UNDER_RECEPTION,
    ReviewReason.OUTSIDE_ENGLAND_AND_WALES,
)
"""Whom the statutory duty does not reach and a person looks at all the same; counted apart."""


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


@dataclass(frozen=True, slots=True)
class FieldEvidence:
    """What one field says: how it agrees, and what that is worth in bits (log2 of the likelihood ratio)."""

    field: str
    level: str
    bits: float


@dataclass(frozen=True)
class Candidate:
    """A pupil who may be the child: the score in bits, each field's part in it, and what forbids a match."""

    pupil_id: UUID
    urns: tuple[int, ...]
    score: float
    fields: tuple[FieldEvidence, ...]
    lift: float
    vetoes: tuple[Veto, ...]


@dataclass(frozen=True)
class Evidence:
    """What a decision rested on, by pupil id only: enough to take it again and to explain it.

    `model` and `digest` name the parameters, `pupils` is the size of the rolls, `automatic` and `margin` the limits
    that applied, in bits. The candidates are the best, best first.
    """

    model: str
    digest: str
    pupils: int
    automatic: float
    margin: float
    candidates: tuple[Candidate, ...]


NO_EVIDENCE: Final = Evidence("", "", 0, 0.0, 0.0, ())


@dataclass(frozen=True)
class Matched:
    """One pupil, currently enrolled at these schools, each of which is to be told."""

    pupil_id: UUID
    urns: tuple[int, ...]
    evidence: Evidence


@dataclass(frozen=True)
class NeedsReview:
    """A person decides, with the candidates shown."""

    reason: ReviewReason | Veto
    evidence: Evidence


@dataclass(frozen=True)
class NotFound:
    """No pupil on any roll held shares enough with the child."""

    evidence: Evidence


Decision = Matched | NeedsReview | NotFound
