"""Decisions of `encompass match-files` against the known truth."""

from __future__ import annotations

from pathlib import Path

from bench.cases import rows_of
from encompass.training.truth import Accuracy, Told, read_truth
from encompass.training.truth import accuracy as accuracy_of


def accuracy(truth: Path, decisions: Path) -> Accuracy:
    """How right the decisions are."""
    told = {
        row["child_ref"]: Told(
            row["outcome"] == "matched",
            row["outcome"] == "needs_review",
            row["pupil_ref"],
            frozenset(row["candidates"].split(";")),
        )
        for row in rows_of(decisions)
    }
    return accuracy_of(read_truth(truth), told)


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
