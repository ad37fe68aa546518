"""A shadow run: a force's own roll and children matched on trial, as they would be live, and nobody told."""

from __future__ import annotations

import csv
import resource
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import chain, islice
from pathlib import Path
from typing import Final, TypeVar, assert_never
from uuid import UUID

from sqlalchemy import Engine

from encompass.domain.placement import Decision, Matched, NeedsReview, NotFound
from encompass.domain.school import RollEntry, School
from encompass.formats.match_files import (
    ListedChild,
    Malformed,
    read_children_file,
    read_roll_file,
)
from encompass.matching.parameters import Parameters
from encompass.matching.person import child_of
from encompass.pipeline.find_pupils import Sought, find_pupils
from encompass.store import force, roll, school
from encompass.store.candidate import Rolls
from encompass.store.data_key import new_data_key
from encompass.store.database import Role
from encompass.store.scratch import scratch_database
from encompass.store.sealed import KeyRing

T = TypeVar("T")
TRIAL: Final = "trial"
TOLD_EVERY: Final = 50_000
CHILDREN_TOGETHER: Final = 500
KIB_IN_MIB: Final = 1024
DECISION_COLUMNS: Final = ("child_ref", "outcome", "pupil_ref", "urn", "score", "reason", "candidates")
Progress = Callable[[str, int], None]


@dataclass(frozen=True)
class Trial:
    """What a shadow run came to. Times are seconds; the peak is this process's resident memory in MiB."""

    model: str
    roll_rows: int
    children: int
    outcomes: Mapping[str, int]
    reasons: Mapping[str, int]
    malformed: Sequence[tuple[str, Malformed]] = field(repr=False)
    load_s: float
    match_s: float
    peak_rss_mb: float


@dataclass(frozen=True)
class DecidedRow:
    """One line of the decisions."""

    outcome: str
    decision: Decision = field(repr=False)
    references: Mapping[UUID, str] = field(repr=False)


def match_files(
    roll_file: Path, children_file: Path, out: Path, day: date, parameters: Parameters, progress: Progress
) -> Trial:
    """Match the children to the roll as of a day and write a decision for each, in their order.

    Everything runs as it does live (sealing, hashed keys, SQL), in a database that is removed afterwards. Raises
    BrokenFile for a file that cannot be read or lacks a column, before anything is written.
    """
    malformed: list[tuple[str, Malformed]] = []
    listed = list(_well_formed(read_children_file(children_file), "children", malformed))
    rows = read_roll_file(roll_file)
    first = list(islice(rows, 1))
    with scratch_database(TRIAL) as (database, ring):
        engine = database.engine(Role.PIPELINE)
        started = time.monotonic()
        entries = _well_formed(chain(first, rows), "roll", malformed)
        taken = load_roll(engine, ring, counted(entries, "roll", progress)).opened
        loaded = time.monotonic()
        decided = match_listed(engine, ring, listed, day, parameters, progress)
        matched = time.monotonic()
    write_decisions(out, listed, decided)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB_IN_MIB
    return Trial(
        model=parameters.version,
        roll_rows=taken,
        children=len(listed),
        outcomes=Counter(row.outcome for row in decided.values()),
        reasons=Counter(reason for row in decided.values() if (reason := _reason(row.decision))),
        malformed=malformed,
        load_s=loaded - started,
        match_s=matched - loaded,
        peak_rss_mb=peak,
    )


def _well_formed(
    rows: Iterable[T | Malformed], name: str, malformed: list[tuple[str, Malformed]]
) -> Iterator[T]:
    for row in rows:
        if isinstance(row, Malformed):
            malformed.append((name, row))
        else:
            yield row


def counted(entries: Iterable[T], what: str, progress: Progress) -> Iterator[T]:
    """The same, told about now and then."""
    for number, entry in enumerate(entries, start=1):
        yield entry
        if number % TOLD_EVERY == 0:
            progress(what, number)


def load_roll(
    engine: Engine, ring: KeyRing, entries: Iterable[RollEntry], generation: int = 1
) -> roll.RollChange:
    """Take the roll as one source, each school made known when it first appears; what changed."""
    with engine.begin() as connection:
        force.upsert_force(connection, TRIAL, TRIAL, TRIAL, TRIAL)
        key = new_data_key(connection, ring, TRIAL, "register")
        known = set(school.names_by_urn(connection, TRIAL))

    def rows() -> Iterator[roll.RollRow]:
        for entry in entries:
            if entry.urn not in known:
                known.add(entry.urn)
                with engine.begin() as connection:
                    school.upsert_schools(connection, TRIAL, [_school(entry.urn)], 1)
            yield roll.RollRow(entry, entry.pupil_ref)

    with engine.begin() as connection:
        return roll.take_generation(connection, ring, TRIAL, TRIAL, rows(), generation, key)


def _school(urn: int) -> School:
    return School(
        urn=urn, name="", la_code="", la_name="", establishment_number=None, status_code=1, phase=None, low_age=None,
        high_age=None, opened_on=None, closed_on=None, trust_code=None, town=None, postcode=None, telephone=None,
    )  # fmt: skip


def match_listed(
    engine: Engine,
    ring: KeyRing,
    listed: Sequence[ListedChild],
    day: date,
    parameters: Parameters,
    progress: Progress,
) -> dict[str, DecidedRow]:
    """Decide on every child, whole incidents at a time."""
    decided: dict[str, DecidedRow] = {}
    for part in _whole_incidents(listed):
        sought = [Sought(c.child_ref, c.incident, child_of(c.child, (), c.upn), day) for c in part]
        with engine.begin() as connection:
            rolls = Rolls(connection, ring, TRIAL, None)
            found = find_pupils(rolls, sought, parameters)
            shown = {c.pupil_id for d in found.values() for c in d.evidence.candidates}
            references = {pupil_id: entry.pupil_ref for pupil_id, entry in rolls.entries(shown).items()}
        decided |= {ref: DecidedRow(_outcome(d), d, references) for ref, d in found.items()}
        progress("children", len(decided))
    return decided


def _whole_incidents(listed: Sequence[ListedChild]) -> Iterator[list[ListedChild]]:
    """Parts of about as many children, no incident in two of them."""
    incidents: dict[tuple[str, str], list[ListedChild]] = {}
    for child in listed:
        incidents.setdefault(child.incident, []).append(child)
    part: list[ListedChild] = []
    for children in incidents.values():
        part += children
        if len(part) >= CHILDREN_TOGETHER:
            yield part
            part = []
    if part:
        yield part


def _outcome(decision: Decision) -> str:
    match decision:
        case Matched():
            return "matched"
        case NeedsReview():
            return "needs_review"
        case NotFound():
            return "not_found"
        case _:
            assert_never(decision)


def _reason(decision: Decision) -> str:
    return decision.reason.value if isinstance(decision, NeedsReview) else ""


def write_decisions(out: Path, listed: Sequence[ListedChild], decided: Mapping[str, DecidedRow]) -> None:
    """All the decisions, or none: the file appears when it is whole, readable by its owner only."""
    partial = out.with_name(f"{out.name}.partial")
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)
    with partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(DECISION_COLUMNS)
        writer.writerows(_cells(child.child_ref, decided[child.child_ref]) for child in listed)
    partial.replace(out)


def _cells(child_ref: str, row: DecidedRow) -> tuple[str, ...]:
    decision, candidates = row.decision, row.decision.evidence.candidates
    matched = isinstance(decision, Matched)
    return (
        child_ref,
        row.outcome,
        row.references[decision.pupil_id] if matched else "",
        ";".join(map(str, decision.urns)) if matched else "",
        f"{candidates[0].score:.2f}" if candidates else "",
        _reason(decision),
        ";".join(row.references[c.pupil_id] for c in candidates),
    )
