"""Which pupil each child of an incident is: matched with score, margin and no veto, else for a person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final, TypeVar
from uuid import UUID

from encompass.domain.placement import (
    Candidate,
    Decision,
    Evidence,
    Matched,
    NeedsReview,
    NotFound,
    ReviewReason,
    Veto,
)
from encompass.matching.comparison import (
    MISSING,
    Compared,
    Frequencies,
    born_level,
    compare,
    forename_likeness,
)
from encompass.matching.enrolment import Enrolment, schools_told
from encompass.matching.names import Likeness
from encompass.matching.parameters import Parameters
from encompass.matching.person import Person
from encompass.matching.vetoes import AT_HOME, Question, vetoes_of

K = TypeVar("K", bound=Hashable)
FAR_BELOW: Final = -1000.0
WEAK_BIRTH_DATES: Final = frozenset({"missing", "same_1_january", "year_of_1_january"})


@dataclass(frozen=True)
class Found:
    """The rows of the pupils who may be one child. `cut` says that a block was too large to open."""

    rows: tuple[Enrolment, ...]
    cut: bool


@dataclass(frozen=True, slots=True)
class Ranked:
    """One pupil who may be the child, compared on the best of the pupil's rows."""

    pupil_id: UUID
    compared: Compared
    rows: tuple[Enrolment, ...]
    lift: float = 0.0

    @property
    def score(self) -> float:
        """The score in bits, with what a sibling's match adds."""
        return self.compared.score + self.lift

    @property
    def households(self) -> frozenset[str]:
        """Where the pupil lives, as each roll has it."""
        return frozenset(h for row in self.rows if (h := row.person.place.household))


@dataclass(frozen=True)
class Case:
    """One child of an incident: on what day, with the pupils who may be the child, best first.

    `kin` are the rows of the best pupils' households, and of those who share surname and birth date with them.
    """

    child: Person = field(repr=False)
    day: date
    ranked: tuple[Ranked, ...]
    cut: bool
    kin: tuple[Enrolment, ...] = ()
    claims: UUID | None = None


def rank(
    child: Person, day: date, found: Found, known: Frequencies, parameters: Parameters
) -> tuple[Ranked, ...]:
    """Every pupil found, compared with the child, best first; of equals, those on a roll that day first."""
    rows: dict[UUID, list[Enrolment]] = defaultdict(list)
    for row in found.rows:
        rows[row.pupil_id].append(row)
    ranked = [
        Ranked(
            pupil_id,
            max((compare(child, r.person, known, parameters) for r in own), key=lambda c: c.score),
            tuple(own),
        )
        for pupil_id, own in rows.items()
    ]
    return _best_first(ranked, day)


def may_match(case: Case, parameters: Parameters) -> bool:
    """Whether the best pupil could be an automatic match, so that the pupil's kin must be looked at."""
    best = _lifted(case, parameters, frozenset(h for r in case.ranked[:5] for h in r.households))
    return bool(best) and best[0].score >= parameters.limits.automatic


def decide_incident(cases: Mapping[K, Case], pupils: int, parameters: Parameters) -> dict[K, Decision]:
    """What becomes of each child of one incident.

    A child matched by himself lifts those who may be pupils of the same household, and one pupil is claimed once:
    two records of one child may claim a pupil together, two children may not.
    """
    decided = {key: _decide(case, pupils, parameters, frozenset()) for key, case in cases.items()}
    homes = frozenset(h for key, d in decided.items() for h in _households(cases[key], d))
    if homes:
        for key, case in cases.items():
            if not isinstance(decided[key], Matched):
                lifted = _decide(case, pupils, parameters, homes)
                if isinstance(lifted, Matched):
                    decided[key] = lifted
    return _each_claimed_once(cases, decided, parameters)


def _households(case: Case, decision: Decision) -> Iterable[str]:
    pupil_id = decision.pupil_id if isinstance(decision, Matched) else None
    return (h for r in case.ranked if r.pupil_id == pupil_id for h in r.households)


def _lifted(case: Case, parameters: Parameters, homes: frozenset[str]) -> tuple[Ranked, ...]:
    if not homes:
        return case.ranked
    lift = parameters.limits.sibling_lift
    lifted = (r if homes.isdisjoint(r.households) else replace(r, lift=lift) for r in case.ranked)
    return _best_first(lifted, case.day)


def _decide(case: Case, pupils: int, parameters: Parameters, homes: frozenset[str]) -> Decision:
    limits = parameters.limits
    ranked = _lifted(case, parameters, homes)
    shown = [r for r in ranked if r.score >= limits.review][: limits.candidates]
    candidates = tuple(_candidate(case, r, ranked, parameters) for r in shown)
    best = shown[0] if shown else None
    least = _least(best, parameters) if best else limits.automatic
    evidence = Evidence(parameters.version, parameters.digest, pupils, least, limits.margin, candidates)
    if best is None:
        return NeedsReview(ReviewReason.LARGE_BLOCK, evidence) if case.cut else NotFound(evidence)
    told = schools_told(best.rows, case.day)
    doubt = _doubt(case, best, ranked, evidence, parameters)
    if doubt is not None:
        return NeedsReview(doubt, evidence)
    return (
        NeedsReview(told, evidence)
        if isinstance(told, ReviewReason)
        else Matched(best.pupil_id, told, evidence)
    )


def _doubt(
    case: Case, best: Ranked, ranked: Sequence[Ranked], evidence: Evidence, parameters: Parameters
) -> ReviewReason | Veto | None:
    """Why a person must decide: a veto, too low a score, another pupil too near, or a block not opened."""
    vetoes = evidence.candidates[0].vetoes
    if vetoes:
        return vetoes[0]
    if best.score < evidence.automatic:
        return ReviewReason.SCORE
    if best.score - _next_best(case, best, ranked, parameters) < evidence.margin:
        return ReviewReason.MARGIN
    return ReviewReason.LARGE_BLOCK if case.cut else None


def _least(best: Ranked, parameters: Parameters) -> float:
    """The least score of an automatic match: higher where a main field is missing, or the home does not bear it out."""
    limits, compared = parameters.limits, best.compared
    least = limits.automatic
    if compared.level("born") in WEAK_BIRTH_DATES or compared.level("forename") == MISSING:
        least = max(least, limits.automatic_in_doubt)
    if best.households and compared.level("place") not in (*AT_HOME, "postcode"):
        least = max(least, limits.automatic_elsewhere)
    return least


def _candidate(case: Case, of: Ranked, ranked: Sequence[Ranked], parameters: Parameters) -> Candidate:
    others = (*(row for r in ranked if r.pupil_id != of.pupil_id for row in r.rows),
              *(row for row in case.kin if row.pupil_id != of.pupil_id))  # fmt: skip
    question = Question(case.child, of.compared, of.rows, others, case.day, parameters)
    urns = tuple(sorted({row.urn for row in of.rows if row.is_current_on(case.day)}))
    return Candidate(of.pupil_id, urns, of.score, of.compared.fields, of.lift, vetoes_of(question))


def _next_best(case: Case, best: Ranked, ranked: Sequence[Ranked], parameters: Parameters) -> float:
    """The score of the next pupil. One who left, and who is plainly the same person, does not compete."""
    return max(
        (
            r.score
            for r in ranked
            if r.pupil_id != best.pupil_id and not _left_and_came_here(case, best, r, parameters)
        ),
        default=FAR_BELOW,
    )


def _left_and_came_here(case: Case, best: Ranked, other: Ranked, parameters: Parameters) -> bool:
    if other.score > best.score or any(row.is_current_on(case.day) for row in other.rows):
        return False
    return any(
        a.person.born is not None
        and a.person.born == b.person.born
        and forename_likeness(a.person, b.person, parameters) is Likeness.SAME
        and not set(a.person.barrels).isdisjoint(b.person.barrels)
        for a in best.rows
        for b in other.rows
    )


def _each_claimed_once(
    cases: Mapping[K, Case], decided: Mapping[K, Decision], parameters: Parameters
) -> dict[K, Decision]:
    claims: dict[UUID, list[K]] = defaultdict(list)
    for key, decision in decided.items():
        pupil_id = cases[key].claims or (decision.pupil_id if isinstance(decision, Matched) else None)
        if pupil_id is not None:
            claims[pupil_id].append(key)
    kept = dict(decided)
    for keys in claims.values():
        for key in keys:
            decision = decided[key]
            rivals = [cases[k] for k in keys if k != key]
            if isinstance(decision, Matched) and not _claims_alone(cases[key], decision, rivals, parameters):
                kept[key] = NeedsReview(ReviewReason.CLAIMED_TWICE, decision.evidence)
    return kept


def _claims_alone(case: Case, decision: Matched, rivals: Sequence[Case], parameters: Parameters) -> bool:
    """Whether every other claimant is another record of this child, or says too little to compete."""
    born = next((f.level for f in decision.evidence.candidates[0].fields if f.field == "born"), None)
    if born == "same" and all(r.child.born is None and r.claims is None for r in rivals):
        return True
    return all(_one_child(case.child, r.child, parameters) for r in rivals)


def _one_child(one: Person, other: Person, parameters: Parameters) -> bool:
    like = forename_likeness(one, other, parameters)
    return like <= Likeness.SLIP and born_level(one.born, other.born) not in (None, "differs")


def _best_first(ranked: Iterable[Ranked], day: date) -> tuple[Ranked, ...]:
    def order(r: Ranked) -> tuple[float, bool, int]:
        return (-r.score, not any(row.is_current_on(day) for row in r.rows), r.pupil_id.int)

    return tuple(sorted(ranked, key=order))
