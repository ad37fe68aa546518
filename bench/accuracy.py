"""Decisions of `encompass match-files` against the known truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.cases import rows_of


@dataclass(frozen=True)
class Accuracy:
    """Counts of children; shares are of those on the roll (recall, covered) or of all (review)."""

    children: int
    on_roll: int
    matched: int
    wrong: int
    covered_children: int
    in_review: int

    @property
    def recall(self) -> float:
        """Matched to the right pupil, of those on the roll."""
        return (self.matched - self.wrong) / self.on_roll

    @property
    def precision(self) -> float:
        """Right, of those matched."""
        return 1 - self.wrong / self.matched if self.matched else 1.0

    @property
    def covered(self) -> float:
        """Matched to the right pupil or with him or her among the candidates, of those on the roll."""
        return self.covered_children / self.on_roll

    @property
    def review(self) -> float:
        """For a person, of all."""
        return self.in_review / self.children


def accuracy(truth: Path, decisions: Path) -> Accuracy:
    """How right the decisions are."""
    decided = {row["child_ref"]: row for row in rows_of(decisions)}
    children = on_roll = matched = wrong = covered = in_review = 0
    for known in rows_of(truth):
        row, pupil = decided[known["child_ref"]], known["pupil_ref"]
        is_matched, is_review = row["outcome"] == "matched", row["outcome"] == "needs_review"
        right = is_matched and row["pupil_ref"] == pupil
        children += 1
        on_roll += bool(pupil)
        matched += is_matched
        wrong += is_matched and not right
        covered += bool(pupil) and (right or (is_review and pupil in row["candidates"].split(";")))
        in_review += is_review
    return Accuracy(children, on_roll, matched, wrong, covered, in_review)


def scores_of_matches(truth: Path, decisions: Path) -> list[tuple[float, bool]]:
    """Each automatic match's score and whether it is right."""
    known = {row["child_ref"]: row["pupil_ref"] for row in rows_of(truth)}
    matches = (row for row in rows_of(decisions) if row["outcome"] == "matched")
    return [(float(row["score"]), known[row["child_ref"]] == row["pupil_ref"]) for row in matches]


def recall_at(scores: list[tuple[float, bool]], on_roll: int, precision: float) -> float:
    """The most recall of any threshold at which that share is right, the threshold chosen with hindsight."""
    right = most = 0
    for number, (_, is_right) in enumerate(sorted(scores, reverse=True), start=1):
        right += is_right
        if right / number >= precision:
            most = right
    return most / on_roll
