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


Rank = tuple[bool, float]


def best_of_each(truth: Path, decisions: Path) -> list[tuple[Rank, bool]]:
    """The best pupil of each child who has one, matched before for a person, by score, and whether it is right."""
    known = {row["child_ref"]: row["pupil_ref"] for row in rows_of(truth)}
    found = (row for row in rows_of(decisions) if row["outcome"] != "not_found")
    return [
        (
            (row["outcome"] == "matched", float(row["score"])),
            known[row["child_ref"]] == (row["pupil_ref"] or row["candidates"].split(";")[0]),
        )
        for row in found
    ]


def recall_at(ranked: list[tuple[Rank, bool]], on_roll: int, precision: float) -> float:
    """The most recall of any threshold at which that share is right, the threshold chosen with hindsight."""
    right = most = 0
    for number, (_, is_right) in enumerate(sorted(ranked, key=lambda r: r[0], reverse=True), start=1):
        right += is_right
        if right / number >= precision:
            most = right
    return most / on_roll
