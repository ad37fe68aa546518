"""How right decisions are, on cases whose truth is known."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

from encompass.domain.placement import Matched, NeedsReview
from encompass.formats.faults import BrokenFile
from encompass.formats.match_files import Malformed, read_children_file, read_roll_file
from encompass.matching.parameters import Parameters
from encompass.pipeline.match_files import TRIAL, DecidedRow, load_roll, match_listed
from encompass.store.database import Role
from encompass.store.scratch import scratch_database

ROLLS: Final = ("roll.csv", "roll.csv.gz")
TRUTH_COLUMNS: Final = ("child_ref", "pupil_ref")


@dataclass(frozen=True)
class Told:
    """What became of one child, by the references of the files; no pupil unless matched."""

    is_matched: bool
    is_review: bool
    pupil_ref: str
    candidates: frozenset[str] = field(repr=False)


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
        return (self.matched - self.wrong) / max(self.on_roll, 1)

    @property
    def precision(self) -> float:
        """Right, of those matched."""
        return 1 - self.wrong / self.matched if self.matched else 1.0

    @property
    def covered(self) -> float:
        """Matched to the right pupil or with him or her among the candidates, of those on the roll."""
        return self.covered_children / max(self.on_roll, 1)

    @property
    def review(self) -> float:
        """For a person, of all."""
        return self.in_review / max(self.children, 1)


def accuracy(truth: Mapping[str, str], told: Mapping[str, Told]) -> Accuracy:
    """How right the decisions are. `truth` gives each child's pupil, empty where the child is on no roll."""
    on_roll = matched = wrong = covered = in_review = 0
    for child_ref, pupil in truth.items():
        row = told[child_ref]
        right = row.is_matched and row.pupil_ref == pupil
        on_roll += bool(pupil)
        matched += row.is_matched
        wrong += row.is_matched and not right
        covered += bool(pupil) and (right or (row.is_review and pupil in row.candidates))
        in_review += row.is_review
    return Accuracy(len(truth), on_roll, matched, wrong, covered, in_review)


def read_truth(file: Path) -> dict[str, str]:
    """Each child's pupil, empty where the child is on no roll. Raises BrokenFile."""
    try:
        rows = list(_rows(file))
    except FileNotFoundError:
        raise BrokenFile(f"{file.name}: no such file") from None
    if not rows or not set(TRUTH_COLUMNS) <= set(rows[0]):
        raise BrokenFile(f"{file.name}: needs the columns {', '.join(TRUTH_COLUMNS)} and a row")
    return {row["child_ref"]: row["pupil_ref"] for row in rows}


def judged(case: Path, versions: Sequence[Parameters], day: date) -> list[Accuracy]:
    """How right each version is on one case: a folder with a roll, children and truth. Raises BrokenFile.

    The roll is loaded once, in a database of its own that is removed afterwards.
    """
    truth = read_truth(case / "truth.csv")
    roll = next((case / name for name in ROLLS if (case / name).exists()), case / ROLLS[0])
    listed = [c for c in read_children_file(case / "children.csv") if not isinstance(c, Malformed)]
    entries = (row for row in read_roll_file(roll) if not isinstance(row, Malformed))
    with scratch_database(TRIAL) as (database, ring):
        engine = database.engine(Role.PIPELINE)
        load_roll(engine, ring, entries)
        decided = [match_listed(engine, ring, listed, day, version, _untold) for version in versions]
    return [accuracy(truth, {ref: _told(row) for ref, row in rows.items()}) for rows in decided]


def _told(row: DecidedRow) -> Told:
    decision, references = row.decision, row.references
    pupil_ref = references[decision.pupil_id] if isinstance(decision, Matched) else ""
    candidates = frozenset(references[c.pupil_id] for c in decision.evidence.candidates)
    return Told(bool(pupil_ref), isinstance(decision, NeedsReview), pupil_ref, candidates)


def _untold(_what: str, _count: int) -> None:
    """Nobody is told of the progress of a case: it takes seconds."""


def _rows(file: Path) -> Iterator[dict[str, str]]:
    with file.open(encoding="utf-8-sig") as text:
        yield from csv.DictReader(text)
